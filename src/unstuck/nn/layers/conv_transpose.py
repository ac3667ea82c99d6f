"""ConvTranspose1D and ConvTranspose2D: the convolution turned round, from few places to many."""

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
class _ConvTranspose(Layer):
    filters: int
    size: Any
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    bias: bool = True
    weight_init: Any = None
    bias_init: Any = 0.0
    dims: ClassVar[int] = 0
    feeds_activation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        geometry.settle(self, self.dims, ("filters",))

    def output_shape(self, input_shape: Shape) -> Shape:
        spatial, _ = geometry.spatial_of(self, input_shape, self.dims)
        return *self._spatial(spatial), self.filters

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        _, channels = geometry.spatial_of(self, input_shape, self.dims)
        places = math.prod(self.size)
        weight = initializer(self.weight_init if self.weight_init is not None else "glorot_normal")
        fan_in, fan_out = places * channels, places * self.filters
        found = {"weight": Parameter((*self.size, self.filters, channels), weight, fan_in, fan_out)}
        if self.bias:
            found["bias"] = Parameter((self.filters,), self.bias_init, fan_in, fan_out, kind="bias")
        return found

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        masks.refuse(self, context, "a layer that ends the sequence, such as nn.LSTM(8) or nn.GlobalAveragePool(),")
        if len(x.shape) == self.dims + 1:
            x = np.reshape(x, (*x.shape, 1))
        spatial = self._spatial(x.shape[1:-1])
        setting = {"stride": self.stride, "padding": self._pads(spatial), "dilation": self.dilation, "groups": 1}
        y = apply("conv_transpose", x, parameters["weight"], spatial=spatial, **setting)  # (N, *spatial, filters)
        return y + parameters["bias"] if self.bias else y

    def _pads(self, spatial: Shape) -> geometry.Pads:
        return geometry.pairs_for(self.padding, spatial, geometry.reach(self.size, self.dilation), self.stride)

    def _spatial(self, places: Shape) -> Shape:
        """The sizes of an output from which a convolution would come back to these places."""
        if self.padding == "same":
            return tuple(n * s for n, s in zip(places, self.stride, strict=True))
        reached, pads = geometry.reach(self.size, self.dilation), self._pads(places)
        found = tuple(
            (n - 1) * s + r - a - b for n, s, r, (a, b) in zip(places, self.stride, reached, pads, strict=True)
        )
        if min(found) < 1:
            raise InputError(f"{self}: the padding leaves nothing of an output of {places} places; take less padding.")
        return found

    def __str__(self) -> str:
        return f"{self.kind}({self.filters}, {'×'.join(map(str, self.size))}, stride={self.stride})"


@dataclass(frozen=True)
class ConvTranspose1D(_ConvTranspose):
    """Sequences (N, steps, channels) become longer ones; as :class:`ConvTranspose2D`, along one axis."""

    dims: ClassVar[int] = 1


@dataclass(frozen=True)
class ConvTranspose2D(_ConvTranspose):
    """Images (N, H, W, channels) become (N, H', W', filters): each value is spread over a window, and windows are added up.

    It does what the derivative of :class:`Conv2D` by its input does. weight (height, width, filters, channels); sizes are
    H' = (H - 1) · stride + dilation · (size - 1) + 1 - padding on both sides, or H · stride with padding "same".
    Source: Zeiler et al. (2010).
    """

    dims: ClassVar[int] = 2
