"""Packs the four original MNIST files into the one that the package carries: python tests/data/encode_mnist.py FOLDER OUT

The format is described in ``unstuck/data/mnist.py``. After packing, put the printed digest into ``FILE_SHA256`` there.
"""

from __future__ import annotations

import gzip
import hashlib
import sys
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unstuck.data import mnist


def encode(pictures: NDArray[np.uint8], labels: NDArray[np.uint8], level: int = 9) -> bytes:
    """The bytes to store for pictures (70000, 28, 28) and labels (70000,); ``level`` is zlib's, 1 (quick) to 9 (small)."""
    assert pictures.shape == (mnist.ROWS, mnist.SIDE, mnist.SIDE) and pictures.dtype == np.uint8
    assert labels.shape == (mnist.ROWS,) and labels.dtype == np.uint8
    streams = [zlib.compress(labels.tobytes(), level)]
    for start in range(0, mnist.ROWS, mnist.BLOCK_ROWS):
        pixels = pictures[start : start + mnist.BLOCK_ROWS].reshape(-1)
        not_zero = pixels != 0
        parts = np.packbits(not_zero), pixels[not_zero]
        streams += [zlib.compress(part.tobytes(), level) for part in parts]
    lengths = np.array([len(stream) for stream in streams], "<u4")
    return b"".join([mnist.MAGIC, lengths.tobytes(), *streams])


def read_original(folder: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures and labels of the four files ``*-ubyte.gz`` in ``folder``, each checked against its known digest."""
    contents = {}
    for name, digest in mnist.IDX_SHA256.items():
        contents[name] = gzip.decompress((folder / f"{name}.gz").read_bytes())
        assert hashlib.sha256(contents[name]).hexdigest() == digest, name
    pictures = b"".join(contents[f"{part}-images-idx3-ubyte"][16:] for part in ("train", "t10k"))
    labels = b"".join(contents[f"{part}-labels-idx1-ubyte"][8:] for part in ("train", "t10k"))
    return np.frombuffer(pictures, np.uint8).reshape(-1, 28, 28), np.frombuffer(labels, np.uint8)


if __name__ == "__main__":
    folder, out = map(Path, sys.argv[1:])
    packed = encode(*read_original(folder))
    out.write_bytes(packed)
    print(f"{len(packed):,} bytes, SHA-256 {hashlib.sha256(packed).hexdigest()}")
