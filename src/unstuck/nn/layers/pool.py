"""Pooling: the largest value or the mean of each window, channel by channel; over one axis, two axes or everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.layers import geometry
from unstuck.nn.layers.base import Context, Layer, Shape


@dataclass(frozen=True)
class _Pool(Layer):
    size: Any = 2
    stride: Any = None
    padding: Any = "valid"
    dims: ClassVar[int] = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", geometry.sizes(f"{self.kind}: size", self.size, self.dims))
        stride = self.size if self.stride is None else self.stride
        object.__setattr__(self, "stride", geometry.sizes(f"{self.kind}: stride", stride, self.dims))
        object.__setattr__(self, "padding", geometry.padding(f"{self.kind}: padding", self.padding, self.dims))

    def output_shape(self, input_shape: Shape) -> Shape:
        spatial, channels = geometry.spatial_of(self, input_shape, self.dims)
        pads = geometry.pairs_for(self.padding, spatial, self.size, self.stride)
        if any(max(pair) >= size for pair, size in zip(pads, self.size, strict=True)):
            raise InputError(
                f"{self}: some windows hold nothing but padding; expected padding smaller than the window."
            )
        return *geometry.counts(self, spatial, self.size, self.stride, pads), channels

    def windows(self, x: Any, around: float) -> tuple[Any, Any]:
        """All windows, (N, *places, *size, C), of the batch with ``around`` beside it; and how many values of each are real."""
        if len(x.shape) == self.dims + 1:
            x = np.reshape(x, (*x.shape, 1))
        spatial = x.shape[1:-1]
        pads = geometry.pairs_for(self.padding, spatial, self.size, self.stride)
        real = np.pad(np.ones(spatial), pads)[None, ..., None]  # (1, *padded, 1)
        if any(map(any, pads)):
            x = np.pad(x, ((0, 0), *pads, (0, 0)))
            if around:
                x = np.where(real > 0, x, around)
        setting = {"size": self.size, "stride": self.stride, "dilation": (1,) * self.dims}
        inside = range(1, 1 + self.dims)
        count = real
        for axis, size, stride in zip(inside, self.size, self.stride, strict=True):
            count = np.lib.stride_tricks.sliding_window_view(count, size, axis).sum(-1)
            count = count[(slice(None),) * axis + (slice(None, None, stride),)]
        return apply("windows", x, **setting), count

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes inside a window."""
        return tuple(range(1 + self.dims, 1 + 2 * self.dims))

    def __str__(self) -> str:
        further = [f"stride={self.stride}"] if self.stride != self.size else []
        further += [f"padding={self.padding!r}"] if self.padding != "valid" else []
        return f"{self.kind}({', '.join(['×'.join(map(str, self.size)), *further])})"


@dataclass(frozen=True)
class _MaxPool(_Pool):
    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        windows, _ = self.windows(x, -np.inf)
        return np.max(windows, axis=self.axes)  # (N, *places, C)


@dataclass(frozen=True)
class _AveragePool(_Pool):
    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        windows, count = self.windows(x, 0.0)
        return np.sum(windows, axis=self.axes) * (1.0 / count).astype(x.dtype)  # (N, *places, C)


@dataclass(frozen=True)
class MaxPool1D(_MaxPool):
    """The largest value of each window of a sequence (N, steps, C); as :class:`MaxPool2D`, along one axis."""

    dims: ClassVar[int] = 1


@dataclass(frozen=True)
class MaxPool2D(_MaxPool):
    """The largest value of each window of an image (N, H, W, C), for each channel: (N, H', W', C).

    ``size`` and ``stride`` are numbers or pairs; without a stride the windows lie side by side, with a smaller one they
    overlap. ``padding`` as in Conv2D; what is padded never wins. Values that are equally large share the gradient equally.
    """

    dims: ClassVar[int] = 2


@dataclass(frozen=True)
class AveragePool1D(_AveragePool):
    """The mean of each window of a sequence (N, steps, C); as :class:`AveragePool2D`, along one axis."""

    dims: ClassVar[int] = 1


@dataclass(frozen=True)
class AveragePool2D(_AveragePool):
    """The mean of each window of an image (N, H, W, C), for each channel; what is padded is not counted.

    ``size``, ``stride`` and ``padding`` as in :class:`MaxPool2D`.
    """

    dims: ClassVar[int] = 2


@dataclass(frozen=True)
class _GlobalPool(Layer):
    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) < 2:
            raise InputError(
                f"{self} got rows of shape {input_shape}; expected (steps, channels) or (height, width, channels)."
            )
        return input_shape[-1:]


@dataclass(frozen=True)
class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel: (N, steps, C) or (N, H, W, C) become (N, C)."""

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return np.max(x, axis=tuple(range(1, len(x.shape) - 1)))


@dataclass(frozen=True)
class GlobalAveragePool(_GlobalPool):
    """The mean of each channel: (N, steps, C) or (N, H, W, C) become (N, C)."""

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return np.mean(x, axis=tuple(range(1, len(x.shape) - 1)))
