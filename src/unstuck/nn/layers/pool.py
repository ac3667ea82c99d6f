"""Pooling: the largest value or the mean of each window, channel by channel; over one axis, two axes or everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.layers import geometry, masks
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

    def mask_of(self, x: Any, context: Context) -> Any:
        """The mask of the batch, if it has one; InputError for pictures that have."""
        if self.dims == 2:
            masks.refuse(self, context, f"nn.{self.kind.replace('2D', '1D')}")
        return masks.mask_of(x, context)

    def behind(self, mask: Any) -> Any:
        """The mask of the places."""
        size, stride, pads, places = self._along(mask.shape[1])
        return masks.behind_pooling(mask, size, stride, pads, places, same=self.padding == "same")

    def _along(self, steps: int) -> tuple[int, int, tuple[int, int], int]:
        """Size, stride, padding and number of the windows over a sequence."""
        pads = geometry.pairs_for(self.padding, (steps,), self.size, self.stride)
        return self.size[0], self.stride[0], pads[0], geometry.counts(self, (steps,), self.size, self.stride, pads)[0]

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
        mask = self.mask_of(x, context)
        if mask is None:
            windows, _ = self.windows(x, -np.inf)
            return np.max(windows, axis=self.axes)  # (N, *places, C)
        windows, _ = self.windows(masks.filled(x, mask, -np.inf), -np.inf)
        context.mask = self.behind(mask)
        return masks.filled(np.max(windows, axis=self.axes), context.mask)


@dataclass(frozen=True)
class _AveragePool(_Pool):
    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mask = self.mask_of(x, context)
        if mask is None:
            windows, count = self.windows(x, 0.0)
            return np.sum(windows, axis=self.axes) * (1.0 / count).astype(x.dtype)  # (N, *places, C)
        windows, _ = self.windows(masks.filled(x, mask), 0.0)
        size, stride, pads, _ = self._along(x.shape[1])
        context.mask = self.behind(mask)
        return masks.filled(
            np.sum(windows, axis=self.axes) / masks.count(mask, size, stride, pads, x.dtype), context.mask
        )


@dataclass(frozen=True)
class MaxPool1D(_MaxPool):
    """The largest value of each window of a sequence (N, steps, C); as :class:`MaxPool2D`, along one axis.

    Steps that a mask leaves out never win. A place behind is masked, and zero, where its window holds no real step; with padding
    "same", where none of the ``stride`` steps from place · stride on is real.
    """

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
    """The mean of each window of a sequence (N, steps, C); as :class:`AveragePool2D`, along one axis.

    Steps that a mask leaves out are not counted; which places are masked behind is as in :class:`MaxPool1D`.
    """

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

    def last_mask(self, x: Any, context: Context) -> Any:
        """The mask of the batch, if it has one; it ends here."""
        mask, context.mask = masks.mask_of(x, context), None
        return mask


@dataclass(frozen=True)
class GlobalMaxPool(_GlobalPool):
    """The largest value of each channel: (N, steps, C) or (N, H, W, C) become (N, C); of the steps that no mask leaves out."""

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mask = self.last_mask(x, context)
        if mask is not None:
            any_real = np.max(mask.astype(x.dtype), axis=1, keepdims=True) > 0  # (N, 1)
            return np.where(any_real, np.max(masks.filled(x, mask, -np.inf), axis=1), 0.0)
        return np.max(x, axis=tuple(range(1, len(x.shape) - 1)))


@dataclass(frozen=True)
class GlobalAveragePool(_GlobalPool):
    """The mean of each channel: (N, steps, C) or (N, H, W, C) become (N, C); over the steps that no mask leaves out."""

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        mask = self.last_mask(x, context)
        if mask is not None:
            real = np.sum(mask.astype(x.dtype), axis=1, keepdims=True)  # (N, 1)
            return np.sum(masks.filled(x, mask), axis=1) / np.maximum(real, 1.0)
        return np.mean(x, axis=tuple(range(1, len(x.shape) - 1)))
