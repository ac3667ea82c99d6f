"""Initial weights for layers that leave their scheme open: He's before a ReLU, which halves a signal, and Glorot's elsewhere."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from unstuck.nn.layers.base import Layer
from unstuck.nn.layers.branches import Branches

# Activations whose positive half is the identity: He's initial weights keep their signals at one size.
_RELU_LIKE = ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Softplus")
# What may stand between a layer and its activation without changing what initial weights are good for it.
_BETWEEN = (
    "Dropout",
    "SpatialDropout",
    "BatchNorm",
    "LayerNorm",
    *(f"{k}Pool{d}D" for k in ("Max", "Average") for d in (1, 2)),
)


def suited(layers: Sequence[Layer], behind: str = "") -> list[Layer]:
    """The layers, also those in branches, with a scheme where it was left open; ``behind`` is the kind of what follows them."""
    found = []
    for i, layer in enumerate(layers):
        following = next((other.kind for other in layers[i + 1 :] if other.kind not in _BETWEEN), behind)
        if isinstance(layer, Branches):
            layer = layer.with_branches([suited(branch, following) for branch in layer.branches])
        elif layer.feeds_activation and getattr(layer, "weight_init", "") is None and following in _RELU_LIKE:
            layer = dataclasses.replace(layer, weight_init="he_normal")  # type: ignore[call-arg]
        found.append(layer)
    return found
