"""One file per way of writing a network; each offers `write(spec) -> Program` and what it can express (`OPTIONS`)."""
