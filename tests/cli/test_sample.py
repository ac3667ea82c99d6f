"""`unstuck train TEXT --network char-lstm`, and `unstuck sample`."""

from pathlib import Path

import pytest

from unstuck.cli.app import run

BOOK = "Round and round the garden like a teddy bear; one step, two steps, tickle under there.\n" * 30


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def answer(capsys, *arguments):
    code = run([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_text_is_learnt_and_written_on(capsys):
    Path("book.txt").write_text(BOOK)
    code, out, err = answer(capsys, "train", "book.txt", "--network", "char-lstm", "--epochs", 2)
    assert code == 0
    assert "2,610 characters, 25 different ones" in err
    assert "what it writes" in out and "LSTM(units=256" in out
    assert "next: unstuck sample book.safetensors" in err
    arguments = ("sample", "book.safetensors", "--prompt", "Round", "--length", 50, "--temperature", 0.5, "--seed", 3)
    code, out, err = answer(capsys, *arguments)
    assert (code, err) == (0, "")
    assert out.startswith("Round") and len(out) == 5 + 50 + 1
    assert answer(capsys, *arguments)[1] == out
    code, out, err = answer(capsys, "evaluate", "book.safetensors", "book.txt", "--json")
    assert code == 0 and '"accuracy"' in out
    code, out, err = answer(capsys, "predict", "book.safetensors", "book.txt")
    assert code == 2 and "unstuck sample" in err
    code, out, err = answer(capsys, "sample", "book.safetensors", "--prompt", "Zoë")
    assert (code, out) == (2, "")
    assert err.startswith("error: prompt: the character 'Z' in line 1 is unknown to the model")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("train", "empty.txt", "--network", "char-lstm"),
            "empty.txt: the file is empty; expected a text to learn from.",
        ),
        (("train", "binary.txt", "--network", "char-lstm"), "no text in UTF-8 (byte 0xff at place 0)"),
        (("train", "mnist", "--network", "char-lstm"), "unknown text 'mnist'"),
        (
            ("train", "book.txt", "--network", "char-lstm", "--target", "x"),
            "--target x was given, but book.txt is to be read",
        ),
        (("train", "book.txt", "--network", "char-lstm", "--test-fraction", 2), "--test-fraction is 2"),
        (("train", "book.txt", "--network", "char-lstm", "--preprocessing", "pixels"), "is a text; leave it out."),
        (("sample", "none.safetensors"), "none.safetensors: there is no such file"),
    ],
)
def test_what_is_no_text_gets_one_sentence_and_nothing_is_written(capsys, tmp_path, arguments, sentence):
    Path("book.txt").write_text(BOOK)
    Path("empty.txt").write_bytes(b"")
    Path("binary.txt").write_bytes(b"\xff\xd8\xff" * 100)
    before = sorted(tmp_path.iterdir())
    code, out, err = answer(capsys, *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.split())
    assert sorted(tmp_path.iterdir()) == before
