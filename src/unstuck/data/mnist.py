"""MNIST inside the package: reads the embedded file of all 70,000 handwritten digits (LeCun, Cortes and Burges, 1998).

The file ``embedded/mnist.bin`` holds, one after the other:

======================  ==================================================================================
16 bytes                the mark ``UNSTUCK-MNIST-1`` and a line feed
29 × uint32, little     the compressed length of every stream that follows
1 stream                the 70,000 labels, one byte each: first the 60,000 of the training part
14 pairs of streams     5,000 pictures each: which pixels are not zero (one bit a pixel, row by row, first pixel
                        in the highest bit), then the values of those pixels (one byte each, same order)
======================  ==================================================================================

Every stream is a zlib stream. Four pixels in five are zero; keeping the pattern apart from the values makes the file 9 %
smaller than compressing the bytes as they are, and quicker to read, because less has to pass through zlib.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from unstuck.errors import InputError

MAGIC = b"UNSTUCK-MNIST-1\n"
ROWS, TRAIN_ROWS, SIDE = 70_000, 60_000, 28
BLOCK_ROWS = 5_000
N_BLOCKS = ROWS // BLOCK_ROWS
N_STREAMS = 1 + 2 * N_BLOCKS
HEADER_BYTES = len(MAGIC) + 4 * N_STREAMS

FILE_SHA256 = "da8b52f697c252888735644abce6e3c4a78ef6b5ce8dd66562f15ad497fda2d7"
"""SHA-256 of the embedded file: whatever byte of it is changed, loading says so."""

IDX_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""SHA-256 of the four original files, uncompressed: what the decoded arrays reproduce, byte for byte."""


def read_embedded() -> bytes:
    """The bytes of the embedded file, as stored."""
    return resources.files(__package__).joinpath("embedded", "mnist.bin").read_bytes()


def decode(stored: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """All pictures and labels from the stored bytes, after their digest was checked.

    Returns pictures of shape (70000, 28, 28), 0 (paper) to 255 (ink), and labels of shape (70000,), 0 to 9; the first 60,000
    rows are the training part. Raises InputError when a byte of ``stored`` is not as it was packed.
    """
    if hashlib.sha256(stored).hexdigest() != FILE_SHA256:
        raise InputError(
            f"the MNIST file inside the package is damaged: its {len(stored):,} bytes do not have the SHA-256 digest "
            f"{FILE_SHA256[:12]}…; install unstuck again."
        )
    return unpack(stored)


def unpack(stored: bytes) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures (70000, 28, 28) and labels (70000,) from bytes that are known to be intact."""
    lengths = np.frombuffer(stored, dtype="<u4", count=N_STREAMS, offset=len(MAGIC))
    ends = HEADER_BYTES + np.cumsum(lengths, dtype=np.int64)
    view = memoryview(stored)
    streams = [view[end - length : end] for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)]
    labels = np.frombuffer(zlib.decompress(streams[0]), np.uint8).copy()  # a copy, because a view of bytes is read-only
    pictures = np.zeros((ROWS, SIDE, SIDE), np.uint8)

    def unpack_block(block: int) -> None:
        pattern, values = streams[1 + 2 * block : 3 + 2 * block]
        not_zero = np.unpackbits(np.frombuffer(zlib.decompress(pattern), np.uint8)).view(np.bool_)
        pixels = pictures[block * BLOCK_ROWS : (block + 1) * BLOCK_ROWS].reshape(-1)  # a view: the rows are contiguous
        pixels[not_zero] = np.frombuffer(zlib.decompress(values), np.uint8)

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:  # zlib works without Python's lock
        list(threads.map(unpack_block, range(N_BLOCKS)))
    return pictures, labels
