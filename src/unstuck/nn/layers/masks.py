"""Masks through windows over sequences: what masked steps count, and which places behind are real."""

from __future__ import annotations

from typing import Any

import numpy as np

from unstuck.autodiff import apply
from unstuck.errors import InputError
from unstuck.nn.layers.base import Context, Layer


def mask_of(x: Any, context: Context) -> Any:
    """The mask (N, steps) of a batch of sequences (N, steps, features); None where there is none, or x is no such batch."""
    known = context.mask is not None and len(x.shape) == 3 and tuple(x.shape[:2]) == tuple(context.mask.shape)
    return context.mask if known else None


def refuse(layer: Layer, context: Context, instead: str) -> None:
    """InputError where a mask comes to a layer that cannot leave steps out."""
    if context.mask is not None:
        raise InputError(
            f"{layer} cannot leave out the steps that Masking or Embedding(padding=…) before it calls padding; use {instead} "
            "before it, or take the mask away."
        )


def filled(x: Any, mask: Any, value: float = 0.0) -> Any:
    """The batch with ``value`` in the steps that are left out."""
    return np.where(mask[..., None], x, value)


def behind_convolution(mask: Any, size: int, stride: int, pads: tuple[int, int], places: int, *, same: bool) -> Any:
    """Which places (N, places) a shorter sequence, alone, would have given too; ``size`` is how far the window reaches.

    "same": those whose ``stride`` steps hold a real one. Otherwise those whose window lacks no more real steps at either end
    than there is padding there.
    """
    if same:
        return _own_steps(mask, stride, places)
    before, after = pads
    core = size - before - after
    if core > 0:
        return _windows(mask, core, stride, (0, 0), every=True)
    return _windows(mask, 2 - core, stride, (1 - core, 1 - core), every=False)


def behind_pooling(mask: Any, size: int, stride: int, pads: tuple[int, int], places: int, *, same: bool) -> Any:
    """Which places (N, places) hold something: "same": of their own ``stride`` steps, otherwise of their window."""
    return _own_steps(mask, stride, places) if same else _windows(mask, size, stride, pads, every=False)


def count(mask: Any, size: int, stride: int, pads: tuple[int, int], dtype: Any) -> Any:
    """How many real steps each window holds, at least 1: (N, places, 1)."""
    return np.maximum(np.sum(_cut(mask.astype(dtype), size, stride, pads), axis=2), 1.0)


def _own_steps(mask: Any, stride: int, places: int) -> Any:
    """Whether there is a real step among the ``stride`` steps that belong to each place."""
    return mask if stride == 1 else _windows(mask, stride, stride, (0, places * stride - mask.shape[1]), every=False)


def _windows(mask: Any, size: int, stride: int, pads: tuple[int, int], *, every: bool) -> Any:
    """Whether all steps of each window are real, or any: (N, places)."""
    if size == stride == 1 and pads == (0, 0):
        return mask
    windows = _cut(mask.astype(np.float32), size, stride, pads)
    return (np.min(windows, axis=2) if every else np.max(windows, axis=2))[:, :, 0] > 0


def _cut(values: Any, size: int, stride: int, pads: tuple[int, int]) -> Any:
    """The windows (N, places, size, 1) of numbers (N, steps)."""
    values = values[:, :, None]
    if any(pads):
        values = np.pad(values, ((0, 0), pads, (0, 0)))
    return apply("windows", values, size=(size,), stride=(stride,), dilation=(1,))
