"""What surrounds a graph that is run many times in a row: where its inputs come from and its outputs go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Source:
    """An input whose rows are gathered from stored data: row ``index[step · rows + i]`` becomes row i.

    ``dtype`` is the stored one. ``scaled`` values are (stored - shift) · factor, with one of each for every column. With
    ``in_order`` there is no index: the rows lie as they are needed.
    """

    dtype: np.dtype[Any]
    scaled: bool = False
    shifted: bool = True
    in_order: bool = False


@dataclass(frozen=True)
class Binding:
    """What surrounds a graph that is run many times in a row; without it a graph is run once on given arrays.

    Numbers are those of the graph's inputs and outputs. ``gathered`` inputs come from stored data; ``per_step`` inputs and
    outputs have one value for each step; ``state`` says which output takes the place of which input. Inputs with ``strides``
    (in values, that from step to step in front where there is one for each) lie as these say. ``exact``: as a graph that is
    run once. ``backwards``: the number of steps, where step 0 is the last of what lies step by step.
    """

    gathered: Mapping[int, Source] = field(default_factory=dict)
    inputs_per_step: tuple[int, ...] = ()
    outputs_per_step: tuple[int, ...] = ()
    state: Mapping[int, int] = field(default_factory=dict)
    resident: tuple[int, ...] = ()
    strides: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    exact: bool = False
    backwards: int = 0
