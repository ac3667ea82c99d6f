"""Candidate edits of a hand-written program: the vocabulary of repair (`base.candidates`) and of experiments (`experiments`)."""
