"""One file per family of edits; each offers ``propose(reading) -> Iterator[Change]`` and is found by being here."""
