"""Correct hand-written networks in many styles, and one known fault put into each, to measure `unstuck diagnose`."""
