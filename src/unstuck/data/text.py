"""Texts as data: characters become numbers, and a text becomes windows whose every character is to be told from those before."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unstuck.data.dataset import Dataset, Splits
from unstuck.errors import InputError, nearest, unknown_name

# Characters of a window: how far back the gradient of a recurrent network reaches.
STEPS = 64
# More different characters than this, and next to no character is seen often enough to be learnt.
MOST_CHARACTERS = 5_000


def read(name_or_path: str | os.PathLike[str]) -> tuple[str, str]:
    """What the text is called, and its characters; line ends become newlines.

    Takes a name of :data:`TEXTS` or a file in UTF-8. InputError where there is no such file, and for files that are no text.
    """
    called = os.fspath(name_or_path)
    if called in TEXTS:
        return called, TEXTS[called]()
    path = Path(called)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if path.name == called and not path.suffix:
            raise InputError(f"{unknown_name('text', called, TEXTS)}; or give the path of a text file.") from None
        beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        close = nearest(path.name, beside)
        hint = f"; did you mean {str(path.with_name(close))!r}?" if close else ". Give the path of a text file."
        raise InputError(f"no file {called!r}{hint}") from None
    except IsADirectoryError:
        raise InputError(f"{called} is a folder; expected a text file in UTF-8.") from None
    except OSError as error:
        raise InputError(f"{called}: cannot be read ({error.strerror}); expected a text file in UTF-8.") from None
    if not data:
        raise InputError(f"{called}: the file is empty; expected a text to learn from.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{called}: no text in UTF-8 (byte {data[error.start]:#04x} at place {error.start:,}); expected a plain text file. "
            "Save it as UTF-8 if it is one."
        ) from None
    if "\0" in text:
        raise InputError(
            f"{called}: no text (it holds the character NUL at place {text.index(chr(0)):,}); expected plain text."
        )
    return path.stem, text.replace("\r\n", "\n").replace("\r", "\n")


def load(name_or_path: str | os.PathLike[str], *, steps: int = STEPS, test_fraction: float = 0.2) -> Splits:
    """A text in windows of ``steps`` characters, its last part for the test; the classes are its characters.

    Inputs (N, steps) are numbers of characters, targets (N, steps) those of the characters that follow. InputError for texts
    that are too short, or of one character only.
    """
    name, text = read(name_or_path)
    characters = tuple(sorted(set(text)))
    if len(characters) > MOST_CHARACTERS:
        raise InputError(
            f"{name}: {len(characters):,} different characters; at most {MOST_CHARACTERS:,} can be learnt."
        )
    if len(characters) < 2:
        raise InputError(
            f"{name}: holds nothing but the character {text[0]!r}; expected a text with something to tell."
        )
    tested = round(len(text) * test_fraction)
    enough = steps + 1
    if len(text) - tested < enough or 0 < tested < enough:
        raise InputError(
            f"{name}: {len(text):,} characters, {tested:,} of them for the test; each part needs {enough} at least. Give a "
            "longer text, or change --test-fraction."
        )
    split = len(text) - tested
    test = windows(text[split:], characters, steps, name) if tested else None
    notes = (f"{len(text):,} characters, {len(characters)} different ones; the last {tested:,} are kept for the test.",)
    return Splits(windows(text[:split], characters, steps, name), None, test, name, notes)


def windows(text: str, characters: Sequence[str], steps: int, name: str) -> Dataset:
    """The windows of a text, one after the other; what fills no window at its end is left out."""
    numbers = encode(text, characters, name)
    count = (len(numbers) - 1) // steps
    if not count:
        raise InputError(f"{name}: {len(text):,} characters; expected {steps + 1} at least.")
    inputs = numbers[: count * steps].reshape(count, steps)
    targets = numbers[1 : count * steps + 1].reshape(count, steps)
    return Dataset(
        inputs.astype(np.int32), targets, name, "classification", tuple(characters), scaling_hint="characters"
    )


def encode(text: str, characters: Sequence[str], what: str = "the text") -> NDArray[np.int64]:
    """The number of each character; InputError for the first that is not among ``characters``."""
    number = {character: k for k, character in enumerate(characters)}
    unknown = next((i for i, character in enumerate(text) if character not in number), None)
    if unknown is not None:
        line = text.count("\n", 0, unknown) + 1
        raise InputError(
            f"{what}: the character {text[unknown]!r} in line {line} is unknown to the model, whose text did not have it; leave "
            "it out, or train on a text that has it."
        )
    return np.array([number[character] for character in text], np.int64)


def _python_help() -> str:
    """The pages that Python's own help() shows, in the order of their names."""
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise InputError(
            "python_help: this Python came without its help pages (pydoc_data); give the path of a text file instead."
        ) from None
    return "\n\n".join(topics[name].strip() for name in sorted(topics)) + "\n"


# Texts that are known by name; nothing is downloaded for them.
TEXTS: dict[str, Callable[[], str]] = {"python_help": _python_help}
