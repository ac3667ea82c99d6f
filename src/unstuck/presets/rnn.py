"""rnn: a sequence read step by step by one SimpleRNN layer; what is left at the end decides."""

from __future__ import annotations

from unstuck import nn
from unstuck.presets.base import Preset


def layers(outputs: int) -> list[nn.Layer]:
    """128 units; the state after the last step goes to the outputs."""
    return [nn.SimpleRNN(128), nn.Dense(outputs)]


RNN = Preset(
    "rnn",
    "one SimpleRNN layer of 128 units over the steps of a sequence",
    "sequences",
    layers,
    {
        "optimizer": "adam", "learning_rate": 0.002, "schedule": "cosine", "clip_norm": 1.0, "batch_size": 128,
        "epochs": 10,
    },
)  # fmt: skip
