"""Where examples come from: known data sets, files of many kinds, and what is done to them before a network sees them."""

from unstuck.data.catalogue import Facts, describe, names
from unstuck.data.dataset import Dataset, Splits
from unstuck.data.layout import Column, TableLayout
from unstuck.data.loading import Unlabelled, load, load_inputs, load_labelled
from unstuck.data.preprocessing import Preprocessing
from unstuck.data.split import shuffle, split
from unstuck.data.streams import streams

__all__ = [
    "Column",
    "Dataset",
    "Facts",
    "Preprocessing",
    "Splits",
    "TableLayout",
    "Unlabelled",
    "describe",
    "load",
    "load_inputs",
    "load_labelled",
    "names",
    "shuffle",
    "split",
    "streams",
]
