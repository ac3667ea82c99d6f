"""lenet: two convolutions, two poolings and three dense layers."""

from __future__ import annotations

from unstuck import nn
from unstuck.presets.base import Preset


def layers(outputs: int) -> list[nn.Layer]:
    """LeNet-5 (LeCun, Bottou, Bengio and Haffner, 1998) with ReLUs and maxima, as it is built today."""
    return [
        nn.Conv2D(6, 5, padding="same"), nn.ReLU(), nn.MaxPool2D(2),
        nn.Conv2D(16, 5), nn.ReLU(), nn.MaxPool2D(2),
        nn.Flatten(), nn.Dense(120), nn.ReLU(), nn.Dense(84), nn.ReLU(), nn.Dense(outputs),
    ]  # fmt: skip


LENET = Preset(
    "lenet",
    "two convolutions of 5 × 5, three dense layers (LeCun and others, 1998)",
    "pictures",
    layers,
    {"optimizer": "adam", "learning_rate": 0.002, "schedule": "cosine", "batch_size": 128, "epochs": 10},
    smallest=12,  # what is left for the second convolution must not be smaller than its kernel
)
