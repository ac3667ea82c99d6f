"""How windows lie on an image or a sequence: sizes, strides, padding and dilation as users give them, checked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unstuck.errors import InputError
from unstuck.nn.checks import whole_number
from unstuck.nn.initializers import initializer
from unstuck.nn.layers.base import Shape

Pads = tuple[tuple[int, int], ...]


def sizes(what: str, value: Any, dims: int) -> tuple[int, ...]:
    """A whole number, or one for each spatial axis, as a tuple of ``dims`` numbers."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) != dims:
            raise InputError(f"{what} is {value!r}; expected a whole number, or {dims} of them.")
        return tuple(whole_number(what, n) for n in value)
    return (whole_number(what, value),) * dims


def padding(what: str, value: Any, dims: int) -> str | Pads:
    """ "valid", "same", or pairs (before, after) for each spatial axis; one number means so many on all sides."""
    if value in ("valid", "same"):
        return str(value)
    if isinstance(value, Sequence) and not isinstance(value, str) and len(value) == dims:
        pairs = [n if isinstance(n, Sequence) and not isinstance(n, str) else (n, n) for n in value]
        if all(len(pair) == 2 for pair in pairs):
            return tuple((whole_number(what, a, 0), whole_number(what, b, 0)) for a, b in pairs)
    elif hasattr(value, "__index__") and not isinstance(value, bool):
        return ((whole_number(what, value, 0),) * 2,) * dims
    raise InputError(
        f"{what} is {value!r}; expected 'valid', 'same', a whole number, or {dims} of them or of pairs (before, after)."
    )


def settle(layer: Any, dims: int, counts: Sequence[str]) -> None:
    """Check what all convolutions let a user set, and put it into its full form in the (frozen) layer.

    ``counts`` names the settings that are plain whole numbers of at least 1.
    """
    kind = layer.kind
    found: dict[str, Any] = {name: whole_number(f"{kind}: {name}", getattr(layer, name)) for name in counts}
    found |= {name: sizes(f"{kind}: {name}", getattr(layer, name), dims) for name in ("size", "stride", "dilation")}
    found["padding"] = padding(f"{kind}: padding", layer.padding, dims)
    if not isinstance(layer.bias, bool):
        hint = " An activation is a layer of its own, such as nn.ReLU()." if isinstance(layer.bias, str) else ""
        raise InputError(f"{kind}: bias is {layer.bias!r}; expected True or False.{hint}")
    if layer.weight_init is not None:
        found["weight_init"] = initializer(layer.weight_init)
    found["bias_init"] = initializer(layer.bias_init)
    for name, value in found.items():
        object.__setattr__(layer, name, value)


def reach(size: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How far a window with gaps extends along each axis."""
    return tuple(d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True))


def pairs_for(padding: str | Pads, spatial: Shape, reached: Shape, stride: Shape) -> Pads:
    """The padding in numbers. "same" gives ceil(size / stride) places; where it is odd, the end gets one more."""
    if padding == "valid":
        return ((0, 0),) * len(spatial)
    if isinstance(padding, tuple):
        return padding
    total = [max((-(-n // s) - 1) * s + r - n, 0) for n, r, s in zip(spatial, reached, stride, strict=True)]
    return tuple((t // 2, t - t // 2) for t in total)


def spatial_of(layer: Any, input_shape: Shape, dims: int) -> tuple[Shape, int]:
    """(spatial sizes, channels) of rows of this shape; a missing channel axis counts as one channel."""
    if len(input_shape) == dims:
        return input_shape, 1
    if len(input_shape) != dims + 1:
        expected = "(height, width, channels) or (height, width)" if dims == 2 else "(steps, channels)"
        raise InputError(f"{layer} got rows of shape {input_shape}; expected {expected}.")
    return input_shape[:-1], input_shape[-1]


def counts(layer: Any, spatial: Shape, reached: Shape, stride: Shape, pads: Pads) -> Shape:
    """How many windows fit along each axis, or a sentence where none does."""
    found = tuple((n + a + b - r) // s + 1 for n, r, s, (a, b) in zip(spatial, reached, stride, pads, strict=True))
    if min(found) < 1:
        what = "image" if len(spatial) == 2 else "sequence"
        raise InputError(
            f"{layer}: a window of {_text(reached)} does not fit into {'an' if what == 'image' else 'a'} {what} of "
            f"{_text(spatial)}; take a smaller window, or padding='same'."
        )
    return found


def _text(spatial: Sequence[int]) -> str:
    return " × ".join(map(str, spatial)) if len(spatial) > 1 else f"{spatial[0]} steps"
