"""The doctor for networks written by hand: watch the program, nudge it, compare, repair, prove."""
