"""Texts: what is read, how it becomes windows, and what is no text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import unstuck as us
from unstuck.data import text


def written(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "book.txt"
    path.write_bytes(content)
    return str(path)


def test_each_window_goes_on_where_the_one_before_ended_and_its_targets_are_one_character_ahead(tmp_path: Path) -> None:
    content = "".join(chr(97 + (i * i) % 26) for i in range(1000))
    splits = text.load(written(tmp_path, content.encode()), steps=10, test_fraction=0.1)
    train = splits.train
    assert train.inputs.shape == train.targets.shape == (89, 10)
    letters = np.array(train.class_names)
    assert "".join(letters[train.inputs].ravel()) == content[:890]
    assert "".join(letters[train.targets].ravel()) == content[1:891]
    assert splits.test is not None
    assert "".join(letters[splits.test.inputs].ravel()) == content[900:990]
    assert splits.notes == ("1,000 characters, 14 different ones; the last 100 are kept for the test.",)


def test_a_byte_order_mark_and_line_ends_of_other_systems_are_no_characters(tmp_path: Path) -> None:
    assert text.read(written(tmp_path, b"\xef\xbb\xbfone\r\ntwo\rthree\n")) == ("book", "one\ntwo\nthree\n")


def test_the_help_pages_of_python_are_a_text() -> None:
    name, content = text.read("python_help")
    assert name == "python_help" and len(content) > 100_000 and "assert" in content


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty; expected a text to learn from."),
        (b"abc\xff\xfe" * 50, "no text in UTF-8 (byte 0xff at place 3)"),
        (b"abc\0def" * 50, "no text (it holds the character NUL at place 3)"),
        (b"too short", "9 characters, 2 of them for the test; each part needs 65 at least."),
        (b"a" * 1000, "holds nothing but the character 'a'"),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(us.InputError) as error:
        text.load(written(tmp_path, content))
    assert sentence in str(error.value)


def test_a_missing_file_an_unknown_name_and_a_folder_are_said(tmp_path: Path) -> None:
    written(tmp_path, b"x")
    for path, sentence in (
        (str(tmp_path / "bok.txt"), "did you mean"),
        ("python_hlep", "unknown text 'python_hlep'; did you mean 'python_help'?"),
        (str(tmp_path), "is a folder; expected a text file"),
        (str(tmp_path / "no" / "book.txt"), "Give the path of a text file"),
    ):
        with pytest.raises(us.InputError) as error:
            text.load(path)
        assert sentence in str(error.value)


def test_an_unknown_character_is_said_with_its_line() -> None:
    with pytest.raises(us.InputError, match=r"prompt: the character 'é' in line 2 is unknown to the model"):
        text.encode("ab\ncafé", "\nabcdef", "prompt")
