"""Networks that are known by name, one file each, with a training that suits them: ``unstuck train mnist --network lenet``."""

from __future__ import annotations

from unstuck.errors import unknown_name
from unstuck.presets.base import Preset
from unstuck.presets.char_lstm import CHAR_LSTM
from unstuck.presets.cnn import CNN
from unstuck.presets.gru import GRU
from unstuck.presets.lenet import LENET
from unstuck.presets.lstm import LSTM
from unstuck.presets.rnn import RNN

PRESETS = {preset.name: preset for preset in (LENET, CNN, RNN, LSTM, GRU, CHAR_LSTM)}


def preset(name: str) -> Preset:
    """The preset of this name; InputError for an unknown one."""
    if name not in PRESETS:
        raise unknown_name("network", name, PRESETS)
    return PRESETS[name]


__all__ = ["PRESETS", "Preset", "preset"]
