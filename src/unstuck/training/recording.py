"""The flight recorder: what happens inside the steps of a training, measured now and then, so that it can be told afterwards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unstuck.autodiff import Graph
from unstuck.engines.reference import Program
from unstuck.nn.network import Network
from unstuck.training.history import History

Array = np.ndarray[Any, Any]

# The share of a training's time that its recording may take.
MOST_SHARE = 0.02
# Beyond these a sigmoid or tanh counts as saturated: its derivative is a tenth of the largest one, or less.
SATURATED = {"Sigmoid": (0.025, 0.975), "Tanh": (-0.95, 0.95)}


class Recorder:
    """Measures one step at the end of an epoch: as often as a fiftieth of the time allows, and at the last epoch if never before.

    The step is one more on the epoch's last batch, with the parameters that the epoch has left; its results are thrown away.
    Each row of the recording has the columns epoch and step, and for each parameter the Euclidean norms "value NAME", "gradient
    NAME" and "update NAME"; for each ReLU "dead NAME", the share of its units that are zero in all rows of the batch; for each
    sigmoid and tanh "saturated NAME", the share of its values near an end.
    """

    def __init__(self, network: Network, graph: Callable[[int], Graph], recording: History) -> None:
        self.network, self.recording = network, recording
        self._graph = graph  # for a number of rows: the step graph whose last outputs are the gradients
        self._programs: dict[int, Program] = {}
        self._spent = self._longest = 0.0

    def epoch(self, number: int, step: int, passed: float, given: Callable[[], Sequence[Any]], *, last: bool) -> None:
        """Maybe record epoch ``number`` (from 1), ``passed`` seconds after the beginning; ``given()`` are the graph's inputs."""
        affordable = self._spent + self._longest <= MOST_SHARE * passed
        if affordable or (last and not len(self.recording)):
            self.now(number, step, given())

    def now(self, number: int, step: int, arguments: Sequence[Any]) -> dict[str, Any]:
        """Record in any case, and give what was measured; ``arguments`` are the graph's inputs."""
        begun = time.perf_counter()
        self.recording.append({"epoch": number, "step": step, **self._figures(arguments)})
        seconds = time.perf_counter() - begun
        self._spent, self._longest = self._spent + seconds, max(seconds, self._longest)
        return self.recording.row(-1)

    def _figures(self, arguments: Sequence[Any]) -> dict[str, float]:
        rows = len(arguments[0])
        if rows not in self._programs:
            self._programs[rows] = Program(self._graph(rows))
        program, parameters = self._programs[rows], self.network.parameters
        values, graph = program.values(*arguments), program.graph
        outputs = [values[node.index] for node in graph.outputs]
        count = len(parameters)
        olds = {node.name: value for node, value in zip(graph.inputs, arguments, strict=True)}
        slots = len(graph.inputs) - [node.name for node in graph.inputs].index(next(iter(parameters))) - count
        updated = outputs[len(outputs) - 2 * count - slots : len(outputs) - count - slots]
        figures: dict[str, float] = {}
        for name, new, gradient in zip(parameters, updated, outputs[-count:], strict=True):
            figures[f"value {name}"] = _norm(olds[name])
            figures[f"gradient {name}"] = _norm(gradient)
            figures[f"update {name}"] = _norm(new - olds[name])
        last_of = {node.scope: node.index for node in graph.nodes if node.ndim > 1}
        for name, layer in zip(self.network.names, self.network.layers, strict=True):
            y = values[last_of[name]] if name in last_of else None
            if y is None:
                continue
            if layer.kind == "ReLU":
                figures[f"dead {name}"] = float(np.mean(~(y > 0).any(axis=0)))
            elif layer.kind in SATURATED:
                low, high = SATURATED[layer.kind]
                figures[f"saturated {name}"] = float(np.mean((y < low) | (y > high)))
        return figures


def _norm(values: Array) -> float:
    with np.errstate(over="ignore"):  # an infinite norm says what there is to say
        return math.sqrt(float(np.sum(np.square(values, dtype=np.float64))))
