"""Whatever a file holds, it is loaded or refused in one sentence; no other error, no warning, nothing run."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from unstuck.data import Dataset, Preprocessing, Splits, load, load_inputs
from unstuck.errors import InputError


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez(stream, x=np.zeros((12, 3), np.float32), y=np.arange(12) % 2)
    return stream.getvalue()


def npy() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(24.0).reshape(8, 3))
    return stream.getvalue()


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("L", (3, 1)).save(stream, "png")
    return stream.getvalue()


CSV = b'a,b,"c d"\n1,2.5,x\n3,4,"y z"\n5,6e1,x\n7,8,y\n' * 2
IDX = b"\0\0\x08\x02\0\0\0\x04\0\0\0\x03" + bytes(range(12))
SEEDS = (CSV, CSV.replace(b",", b";").replace(b".", b","), IDX, gzip.compress(CSV, mtime=0), npz(), npy(), png())
LIKE = Preprocessing.fit(Dataset.from_arrays(np.arange(12.0).reshape(4, 3), [0, 1, 0, 1]), "standardise")


def attempt(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "images")
        path.write_bytes(content)
        try:
            splits = load(path)
            assert isinstance(splits, Splits) and np.isfinite(splits.train.inputs).all()
        except InputError as error:
            check_sentence(str(error))
        try:
            rows = load_inputs(path, LIKE).inputs
            assert rows.shape[1:] == (3,) and np.isfinite(rows).all()
        except InputError as error:
            check_sentence(str(error))


def check_sentence(message: str) -> None:
    assert message.rstrip()[-1] in ".)" or "Known: " in message, message
    assert len(message) < 1000, message


@given(content=st.binary(max_size=200))
@example(b"\0")
@example(b"\xff\xfe")
@example(b"a\n")
@example(b'"\n')
@example(b"1,2\n,\n")
@example(b"#\n#\n")
@example(b"PK\x03\x04")
@example(b"P5\n1 1\n255\n\0")
def test_any_bytes(content: bytes) -> None:
    attempt(content)


@given(content=st.text(st.sampled_from("0123456789.,;\t |\"'#-+eEnaN\n\r_x"), max_size=120))
@example("a,b\n1,2\n1,2\n1,2")
@example("nan,1\n2,3\n")
@example("1,1\n1,1\n")
@example("1e999,1\n2,3\n")
def test_any_text_that_looks_like_a_table(content: str) -> None:
    attempt(content.encode())


@settings(max_examples=300)
@given(
    seed=st.sampled_from(SEEDS),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 10_000),
)
def test_any_damage_to_a_good_file(seed: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(seed)
    for place, value in changes:
        content[place % len(content)] = value
    attempt(bytes(content[: cut if cut < len(content) else None]))
