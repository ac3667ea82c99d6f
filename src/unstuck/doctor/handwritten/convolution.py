"""Convolutional layers and pooling by their values: which recorded value is another one convolved with a trained kernel."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .layers import EXACT, activation_of
from .records import Array
from .understand import Parameter, Understanding
from .windows import series_before

STRIDES = (1, 2, 3)
POOLS = (2, 3, 4)
LARGEST = 15  # side of a kernel
MOST_NUMBERS = 400_000  # of one value
MOST_SECONDS = 1.0  # of this thread
MOST_VALUES = 4  # occurrences of one place that are looked at


@dataclass(frozen=True)
class Convolution:
    """``kernel`` sides, ``filters``, stride, activation ("" for none that is known) and pooling ("" or "max pooling 2×2").

    ``size``: numbers of one sample behind it; ``order``: moment of its output; ``parameters``: paths of kernel and bias.
    """

    kernel: tuple[int, ...]
    filters: int
    stride: int
    activation: str
    pooling: str
    size: int
    order: float
    parameters: frozenset[str]

    @property
    def words(self) -> str:
        sides = self.kernel if len(self.kernel) > 1 else (*self.kernel, 1)
        form = "×".join(str(n) for n in sides) + " convolution"
        many = f", {self.filters} filter{'s' if self.filters > 1 else ''}"
        stride = f", stride {self.stride}" if self.stride > 1 else ""
        return form + many + stride + (f", {self.activation}" if self.activation else "") + (
            f" → {self.pooling}" if self.pooling else ""
        )  # fmt: skip


@dataclass(frozen=True)
class _Value:
    array: Array
    order: float


def find_convolutions(known: Understanding) -> list[Convolution]:
    """The convolutional layers in forward order; kernels that no recorded value is made with are left out."""
    forward = series_before(known.window, known.update_moment)
    made: list[_Value] = []
    given: list[_Value] = []
    end = time.thread_time() + MOST_SECONDS
    for key, series in forward.items():
        if series.flat.size > MOST_NUMBERS * MOST_VALUES or not series.is_float:
            continue
        values = [
            _Value(v, float(series.order[i])) for i in range(min(series.count, MOST_VALUES))
            if 1 < (v := series.occurrence(i)).size <= MOST_NUMBERS
        ]  # fmt: skip
        (made if key in known.influenced else given).extend(values)
    own = {p.path for p in known.parameters} | set(known.states)
    given += [
        _Value(v, -1.0) for path, v in known.leaves.items() if path not in own and v.ndim and 1 < v.size <= MOST_NUMBERS
    ]
    kernels = [(p, k) for p in known.parameters for k in _kernels(p)]
    found: dict[str, Convolution] = {}
    for parameter, kernel in kernels:
        if parameter.path not in found and time.thread_time() < end:
            one = _use(known, parameter, kernel, given + made, made, end)
            if one is not None:
                found[parameter.path] = one
    return sorted(found.values(), key=lambda c: c.order)


def _kernels(p: Parameter) -> Iterator[Array]:
    """(filters, channels, height, width) of a parameter that may be a kernel; a kernel over one axis has height 1."""
    w = p.before
    if w.ndim == 4:
        yield from (w, w.transpose(3, 2, 0, 1))
    elif w.ndim == 3:
        yield from (w[:, None], w.transpose(2, 0, 1)[:, None], w[:, :, None, :])
    elif w.ndim == 2:
        yield from (w[None, None], w[:, None, None, :])
    elif w.ndim == 1:
        yield w[None, None, None, :]


def _images(value: Array, channels: int, flat: bool) -> Iterator[Array]:
    """(rows, channels, height, width) of a value that may hold pictures, or sequences where the kernel has one axis."""
    if flat:
        if channels == 1 and value.ndim in (1, 2):
            yield value.reshape(-1, 1, 1, value.shape[-1])
        if value.ndim == 3:
            yield from (t[:, :, None, :] for t in (value, value.transpose(0, 2, 1)) if t.shape[1] == channels)
        return
    if channels == 1 and value.ndim in (2, 3):
        yield value.reshape(-1, 1, *value.shape[-2:])
    if value.ndim == 3 and channels > 1:
        yield from (t[None] for t in (value, value.transpose(2, 0, 1)) if t.shape[0] == channels)
    if value.ndim == 4:
        yield from (t for t in (value, value.transpose(0, 3, 1, 2)) if t.shape[1] == channels)


def _use(
    known: Understanding, p: Parameter, kernel: Array, values: list[_Value], made: list[_Value], end: float
) -> Convolution | None:
    filters, channels, high, wide = kernel.shape
    if max(high, wide) > LARGEST or wide < 2:
        return None
    biases = [(None, np.zeros(filters)), *((q, q.before.ravel()) for q in known.parameters
              if q is not p and q.before.size in (1, filters))]  # fmt: skip
    seen: set[bytes] = set()
    for value in values:
        for images in _images(value.array, channels, high == 1):
            if time.thread_time() > end:
                return None
            fits = images.shape[2] >= high and images.shape[3] >= wide
            if not fits or images.shape[2:] == (high, wide) or images.tobytes() in seen or not np.any(images):
                continue  # (a kernel as large as the picture is a matrix)
            seen.add(images.tobytes())
            windows = np.lib.stride_tricks.sliding_window_view(images, (high, wide), axis=(2, 3))
            for turned in (kernel, kernel[:, :, ::-1, ::-1]):
                full = np.einsum("ncijab,fcab->nfij", windows, turned, optimize=True)
                for stride, (bias, numbers) in itertools.product(STRIDES, biases):
                    z = full[:, :, ::stride, ::stride] + numbers.reshape(1, -1, 1, 1)
                    later = [v for v in made if v.order >= value.order and v.array.size == z.size]
                    found = _result(z, later)
                    if found is not None and (bias is not None or not _with_bias(z, biases[1:], later)):
                        activation, out, order = found
                        pooling, size, order = _pooled(out, made, order)
                        used = frozenset({p.path} | ({bias.path} if bias is not None else set()))
                        sides = (high, wide) if high > 1 else (wide,)
                        return Convolution(sides, filters, stride, activation, pooling, size, order, used)
    return None


def _with_bias(z: Array, biases: list[tuple[Parameter | None, Array]], later: list[_Value]) -> bool:
    """With one of the biases a recorded value is made, too: then that is the layer's output."""
    return any(np.any(b) and _result(z + b.reshape(1, -1, 1, 1), later) is not None for _, b in biases)


def _result(z: Array, later: list[_Value]) -> tuple[str, Array, float] | None:
    """The activation of ``z`` that is recorded, that value in the axes of ``z``, and its moment; ``z`` itself otherwise."""
    plain = None
    for value in later:
        for turned in _in_axes(value.array, z.shape):
            name = activation_of(z, turned)
            if name:
                return name, turned, value.order
            if name == "" and plain is None:
                plain = "", turned, value.order
    return plain


def _in_axes(array: Array, shape: tuple[int, ...]) -> Iterator[Array]:
    """The array with the axes of ``shape`` (rows, filters, height, width), filters first or last."""
    rows, filters, high, wide = shape
    kept = tuple(n for n in array.shape if n != 1)
    if kept == tuple(n for n in shape if n != 1):
        yield array.reshape(shape)
    if filters > 1 and kept == tuple(n for n in (rows, high, wide, filters) if n != 1):
        yield array.reshape(rows, high, wide, filters).transpose(0, 3, 1, 2)


def _pooled(out: Array, made: list[_Value], order: float) -> tuple[str, int, float]:
    """The pooling behind a layer's output, how many numbers a sample has behind it, and the moment."""
    rows, filters, high, wide = out.shape
    for name, whole in (("max", out.max(axis=(2, 3))), ("mean", out.mean(axis=(2, 3)))):
        for value in (v for v in made if v.order > order and v.array.size == whole.size):
            if high * wide > 1 and np.any(whole) and _close(whole.ravel(), value.array.ravel()):
                return f"global {name} pooling", filters, value.order
    for side in POOLS:
        tall = side if high > 1 else 1
        if high < tall or wide < side:
            continue
        blocks = out[:, :, : high // tall * tall, : wide // side * side]
        blocks = blocks.reshape(rows, filters, high // tall, tall, wide // side, side)
        for name, pooled in (("max", blocks.max(axis=(3, 5))), ("mean", blocks.mean(axis=(3, 5)))):
            later = [v for v in made if v.order > order and v.array.size == pooled.size]
            for value in later:
                if np.any(pooled) and any(_close(pooled, t) for t in _in_axes(value.array, pooled.shape)):
                    sides = f"{side}×{side}" if high > 1 else str(side)
                    return f"{name} pooling {sides}", pooled[0].size, value.order
    return "", out[0].size, order


def _close(a: Array, b: Array) -> bool:
    return bool(np.max(np.abs(a - b)) <= EXACT * max(float(np.max(np.abs(b))), 1e-300))


__all__ = ["Convolution", "find_convolutions"]
