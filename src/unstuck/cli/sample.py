"""`unstuck sample`: text from a model that was trained on a text."""

from __future__ import annotations

from pathlib import Path

from unstuck.cli.console import results


def sample(model: Path, /, *, prompt: str = "", length: int = 500, temperature: float = 1.0, seed: int = 0) -> int:
    """Let a model that was trained on a text go on writing.

    Parameters
    ----------
    model
        A file written by `unstuck train FILE --network char-lstm`.
    prompt
        What the text begins with.
    length
        How many characters to write.
    temperature
        Below 1 the likely characters become likelier, above 1 the rare ones; 0 takes the likeliest each time.
    seed
        Of the random draws.
    """
    from unstuck.training import load
    from unstuck.training.sampling import sample as drawn

    written = drawn(load(model), prompt, length=length, temperature=temperature, seed=seed)
    stream = results().file
    stream.write(prompt)
    for character in written:
        stream.write(character)
        if stream.isatty():
            stream.flush()  # to be read as it comes
    stream.write("\n")
    return 0
