"""DepthwiseConv2D: a convolution of each channel by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from unstuck.nn.layers import geometry
from unstuck.nn.layers.base import Context, Layer, Parameter, Shape
from unstuck.nn.layers.conv import Conv2D


@dataclass(frozen=True)
class DepthwiseConv2D(Layer):
    """Images (N, H, W, C) become (N, H', W', C · multiplier): ``multiplier`` filters for each channel, which see only it.

    It is ``Conv2D`` with as many groups as channels; weight (height, width, 1, C · multiplier). Follow it by a
    ``Conv2D(filters, 1)`` for a separable convolution (Chollet, 2017). Settings as in :class:`Conv2D`.
    """

    size: Any
    multiplier: int = 1
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    bias: bool = True
    weight_init: Any = None
    bias_init: Any = 0.0
    feeds_activation: ClassVar[bool] = True

    def __post_init__(self) -> None:
        geometry.settle(self, 2, ("multiplier",))

    def _for_channels(self, channels: int) -> Conv2D:
        return Conv2D(
            channels * self.multiplier, self.size, self.stride, self.padding, self.dilation, channels, self.bias,
            self.weight_init, self.bias_init,
        )  # fmt: skip

    def _convolution(self, input_shape: Shape) -> Conv2D:
        return self._for_channels(geometry.spatial_of(self, input_shape, 2)[1])

    def output_shape(self, input_shape: Shape) -> Shape:
        return self._convolution(input_shape).output_shape(input_shape)

    def parameters(self, input_shape: Shape) -> dict[str, Parameter]:
        return self._convolution(input_shape).parameters(input_shape)

    def forward(self, x: Any, parameters: Mapping[str, Any], context: Context) -> Any:
        return self._convolution(x.shape[1:]).forward(x, parameters, context)

    def __str__(self) -> str:
        further = "" if self.multiplier == 1 else f", multiplier={self.multiplier}"
        return f"DepthwiseConv2D({'×'.join(map(str, self.size))}{further})"
