"""cnn: two convolutions of 3 × 3, one pooling, and dropout against overfitting."""

from __future__ import annotations

from unstuck import nn
from unstuck.presets.base import Preset


def layers(outputs: int) -> list[nn.Layer]:
    """32 and 64 filters, a pooling, 128 units; a quarter and a half of them silenced in training."""
    return [
        nn.Conv2D(32, 3), nn.ReLU(), nn.Conv2D(64, 3), nn.ReLU(), nn.MaxPool2D(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Dense(128), nn.ReLU(), nn.Dropout(0.5), nn.Dense(outputs),
    ]  # fmt: skip


CNN = Preset(
    "cnn",
    "two convolutions of 3 × 3 with 32 and 64 filters, a dense layer, dropout",
    "pictures",
    layers,
    {"optimizer": "adam", "learning_rate": 0.001, "schedule": "cosine", "batch_size": 128, "epochs": 12},
    smallest=6,
)
