"""Small pictures of images in characters: two pixels a character, or ASCII shades where there are no blocks."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
_SHADES = " .:-=+*#%@"
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def ink(images: Array) -> Array:
    """Images (N, H, W) or (N, H, W, C) of any range as (N, H, W) between 0, the paper, and 1, the darkest ink."""
    grey = np.asarray(images, dtype=np.float64)
    grey = grey.mean(axis=3) if grey.ndim == 4 else grey
    low, high = float(grey.min()), float(grey.max())
    grey = (grey - low) / (high - low) if high > low else np.zeros_like(grey)
    border = np.concatenate([grey[:, 0].ravel(), grey[:, -1].ravel(), grey[:, :, 0].ravel(), grey[:, :, -1].ravel()])
    return 1 - grey if np.median(border) > 0.5 else grey


def picture(grey: Array, *, blocks: bool = True, most: int = 28) -> list[str]:
    """Ink (H, W) between 0 and 1 as lines of text, H/2 lines of W characters, at most ``most`` wide."""
    stride = -(-max(grey.shape) // most)
    if stride > 1:
        h, w = (n - n % stride for n in grey.shape)
        grey = grey[:h, :w].reshape(h // stride, stride, w // stride, stride).mean(axis=(1, 3))
    if len(grey) % 2:
        grey = np.concatenate([grey, np.zeros((1, grey.shape[1]))])
    top, bottom = grey[0::2], grey[1::2]
    if blocks:
        return [
            "".join(_BLOCKS[bool(a > 0.4), bool(b > 0.4)] for a, b in zip(x, y, strict=True))
            for x, y in zip(top, bottom, strict=True)
        ]
    shade = ((top + bottom) / 2 * (len(_SHADES) - 1)).round().astype(int)
    return ["".join(_SHADES[i] for i in row) for row in shade]


def cropped(images: Array) -> Array:
    """Ink (N, H, W) without the border rows and columns that are empty in all images."""
    used = images.max(axis=0)
    rows, columns = np.flatnonzero(used.max(axis=1)), np.flatnonzero(used.max(axis=0))
    if not len(rows):
        return images
    return images[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def side_by_side(images: Array, captions: list[str], width: int, *, blocks: bool = True) -> list[str]:
    """Pictures of images (N, H, W[, C]) with captions beside each other, as many as fit into ``width`` characters."""
    pictures = [picture(image, blocks=blocks) for image in cropped(ink(images))]
    cells = [max(len(p[0]), len(c)) for p, c in zip(pictures, captions, strict=True)]
    fitting = 0
    while fitting < len(cells) and sum(cells[: fitting + 1]) + 3 * fitting <= width:
        fitting += 1
    rows = []
    for line in range(max((len(p) for p in pictures[:fitting]), default=0)):
        row = (p[line] if line < len(p) else "" for p in pictures[:fitting])
        rows.append("   ".join(text.ljust(cell) for text, cell in zip(row, cells, strict=False)).rstrip())
    rows.append("   ".join(text.ljust(cell) for text, cell in zip(captions[:fitting], cells, strict=False)).rstrip())
    return rows
