"""Conv1D and Conv2D: every output is a weighted sum over a window, with the same weights at every place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.initializers import initializer
from unstuck.nn.layers import geometry, masks
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape


@dataclass(frozen=True)
class _Convolution(Layer):
    """What convolutions over one and two axes share."""

    filters: int
    size: Any
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    groups: int = 1
    bias: bool = True
    weight_init: Any = None
    bias_init: Any = 0.0
    dims: ClassVar[int] = 0
    feeds_activation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        geometry.settle(self, self.dims, ("filters", "groups"))
        if self.filters % self.groups:
            raise InputError(f"{self.kind}: {self.filters} filters do not fall into {self.groups} equal groups.")

    def output_shape(self, input_shape: Shape) -> Shape:
        spatial, channels = geometry.spatial_of(self, input_shape, self.dims)
        if channels % self.groups:
            raise InputError(f"{self}: {channels} channels do not fall into {self.groups} equal groups.")
        reached = geometry.reach(self.size, self.dilation)
        return *geometry.counts(self, spatial, reached, self.stride, self._pads(spatial)), self.filters

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        _, channels = geometry.spatial_of(self, input_shape, self.dims)
        places, share = math.prod(self.size), channels // self.groups
        fan_in, fan_out = places * share, places * self.filters // self.groups
        weight = initializer(self.weight_init if self.weight_init is not None else "glorot_normal")
        found = {"weight": Parameter((*self.size, share, self.filters), weight, fan_in, fan_out)}
        if self.bias:
            found["bias"] = Parameter((self.filters,), self.bias_init, fan_in, fan_out, kind="bias")
        return found

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        if len(x.shape) == self.dims + 1:
            x = np.reshape(x, (*x.shape, 1))  # (N, *spatial, 1)
        pads, mask = self._pads(x.shape[1:-1]), None
        if self.dims == 2:
            masks.refuse(self, context, "nn.Conv1D")
        elif (mask := masks.mask_of(x, context)) is not None:
            x = masks.filled(x, mask)
        setting = {"stride": self.stride, "padding": pads, "dilation": self.dilation, "groups": self.groups}
        y = apply("conv", x, parameters["weight"], **setting)  # (N, *places, filters)
        if mask is not None:
            reached, same = geometry.reach(self.size, self.dilation)[0], self.padding == "same"
            context.mask = masks.behind_convolution(mask, reached, self.stride[0], pads[0], y.shape[1], same=same)
        return y + parameters["bias"] if self.bias else y

    def _pads(self, spatial: Shape) -> geometry.Pads:
        return geometry.pairs_for(self.padding, spatial, geometry.reach(self.size, self.dilation), self.stride)

    def __str__(self) -> str:
        size = "×".join(map(str, self.size))
        further = [
            f"{name}={getattr(self, name)!r}"
            for name, plain in (("stride", (1,) * self.dims), ("dilation", (1,) * self.dims), ("padding", "valid"), ("groups", 1))
            if getattr(self, name) != plain
        ]  # fmt: skip
        return f"{self.kind}({', '.join([str(self.filters), size, *further, *([] if self.bias else ['no bias'])])})"


@dataclass(frozen=True)
class Conv1D(_Convolution):
    """Sequences (N, steps, channels) become (N, places, filters): a weighted sum over each window of ``size`` steps.

    As :class:`Conv2D`, along one axis; weight (size, channels / groups, filters). A sequence of plain numbers (N, steps) has
    one channel. Steps that a mask leaves out count as zeros. A place behind is masked unless a sequence that ends where the
    padding begins would have it too: with padding "same", unless one of the ``stride`` steps from place · stride on is real;
    otherwise, unless its window is real but for as many steps as there is padding.
    """

    dims: ClassVar[int] = 1


@dataclass(frozen=True)
class Conv2D(_Convolution):
    """Images (N, H, W, channels) become (N, H', W', filters): a weighted sum over each window of ``size``.

    weight (height, width, channels / groups, filters), bias (filters,). ``size``, ``stride`` and ``dilation`` are whole
    numbers or pairs (rows, columns). ``padding``: "valid" (none), "same" (H' = ceil(H / stride), zeros around), a number, or
    pairs (before, after). ``groups`` splits channels and filters into parts that do not see each other. Images (N, H, W)
    have one channel. ``weight_init=None`` takes He's normal scheme before ReLU-like activations and Glorot's normal scheme
    otherwise. Raises InputError where no window fits. Source: LeCun et al. (1989).
    """

    dims: ClassVar[int] = 2
