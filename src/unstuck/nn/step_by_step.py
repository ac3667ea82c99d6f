"""A recurrent network run one step at a time, its states kept between the calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from unstuck.autodiff import Graph, Node
from unstuck.errors import InputError
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.layers.base import Context, Layer
from unstuck.nn.layers.conv import Conv1D
from unstuck.nn.layers.recurrent import Recurrent
from unstuck.nn.network import Network

Array = np.ndarray[Any, Any]

# Layers that look at one step at a time anyway.
_STEPWISE = {"Embedding", "Dropout", "LayerNorm", *(kind.__name__ for kind in ACTIVATIONS.values())}


class StepByStep:
    """Gives the outputs of a network for one more step of a sequence: ``(features,)`` or a token in, ``(outputs,)`` out.

    Step after step they are what the network gives for the whole sequence, however long: the states of its recurrent layers go
    on. For networks that tell something after each step (``sequences=True``); InputError for layers that need to see other
    steps.
    """

    def __init__(self, network: Network) -> None:
        from unstuck.engines import engine

        for name, layer in zip(network.names, network.layers, strict=True):
            if not _goes(layer):
                raise InputError(
                    f"layer {name} ({layer}) cannot be run step by step; expected forward recurrent layers with sequences=True, "
                    "and layers that look at one step alone."
                )
        self.network = network
        graph = self._recorded()
        self._program = engine("reference").compile(graph)
        self._states = [np.zeros(node.shape, node.dtype) for node in graph.inputs[1 : 1 + self._count]]

    def __call__(self, step: Any) -> Array:
        """The outputs after one more step."""
        x = np.asarray(step, self.network.dtype)[None, None]  # (1, 1, …)
        outputs, *self._states = self._program(x, *self._states, *self.network.parameters.values())
        return np.asarray(outputs[0, 0])

    def _recorded(self) -> Graph:
        """One step as a graph: the step, the states, the parameters; the outputs, the new states."""
        network, graph = self.network, Graph()
        x: Any = graph.input("x", (1, 1, *(network.input_shape or ())[1:]), network.dtype)
        before: list[list[Node]] = []
        for name, layer in zip(network.names, network.layers, strict=True):
            if isinstance(layer, Recurrent):
                shape = (1, layer.units)
                before.append([graph.input(f"{name} {i}", shape, network.dtype) for i in range(layer.states)])
        nodes = {name: graph.input(name, p.shape, p.dtype) for name, p in network.parameters.items()}
        self._count = sum(map(len, before))
        after: list[Node] = []
        states = iter(before)
        for name, layer in zip(network.names, network.layers, strict=True):
            mine = {key[len(name) + 1 :]: node for key, node in nodes.items() if key.startswith(name + ".")}
            if isinstance(layer, Recurrent):
                z = x[:, 0] @ mine["weight"] + mine["bias"]
                now = layer.step(z, tuple(next(states)), mine)
                after += now
                x = now[0][:, None]
            else:
                x = layer.forward(x, mine, Context())
        graph.outputs = [x, *after]
        return graph


def _goes(layer: Layer) -> bool:
    if isinstance(layer, Recurrent):
        return layer.sequences and not layer.reverse
    return layer.kind in _STEPWISE or (isinstance(layer, Conv1D) and layer.size == (1,) and layer.stride == (1,))
