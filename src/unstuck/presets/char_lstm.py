"""char-lstm: a text read character by character, the next one to be told after each."""

from __future__ import annotations

from unstuck import nn
from unstuck.presets.base import Preset


def layers(outputs: int) -> list[nn.Layer]:
    """Each character becomes 32 numbers; 256 units remember; a weighted sum at each step gives the logits of the next."""
    return [nn.Embedding(outputs, 32), nn.LSTM(256, sequences=True), nn.Conv1D(outputs, 1)]


CHAR_LSTM = Preset(
    "char-lstm",
    "an LSTM of 256 units that tells the next character of a text",
    "text",
    layers,
    {
        "optimizer": "adam", "learning_rate": 0.004, "schedule": "cosine", "clip_norm": 1.0, "batch_size": 32,
        "epochs": 10,
    },
)  # fmt: skip
