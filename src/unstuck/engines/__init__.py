"""How a graph runs. Every engine keeps one contract: same graph, same inputs, same result within a stated tolerance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from unstuck.autodiff import Graph
from unstuck.engines.steps import Steps, Training
from unstuck.errors import unknown_name

ENGINES = ("cpu", "reference")


class Engine(Protocol):
    """Turns a graph into a program: arrays in the order of the graph's inputs to arrays in the order of its outputs."""

    name: str

    def compile(self, graph: Graph) -> Callable[..., list[Any]]: ...

    def steps(self, training: Training) -> Steps:
        """What takes many steps of a training in a row."""


def engine(name: str) -> Engine:
    """The engine of a name; "auto" is the fastest one that this machine has."""
    if name in ("auto", "cpu"):
        from unstuck.engines.cpu import CpuEngine

        return CpuEngine()
    if name == "reference":
        from unstuck.engines.reference import ReferenceEngine

        return ReferenceEngine()
    raise unknown_name("engine", name, [*ENGINES, "auto"])
