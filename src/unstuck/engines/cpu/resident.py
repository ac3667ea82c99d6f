"""Inputs that stay the same over many steps, laid out once as the products of these steps read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from unstuck.autodiff import Node

if TYPE_CHECKING:
    from unstuck.engines.cpu.engine import Compiled

Array = np.ndarray[Any, Any]


class Resident:
    """The place of an input that its binding calls resident; a second factor lies in panels, see :meth:`Plan._in_panels`."""

    def __init__(self, compiled: Compiled, node: Node) -> None:
        panels = compiled.plan.panels.get(node.index)
        self.in_panels = panels is not None
        self.room = compiled.room(panels or compiled.plan.view(node))

    def fill(self, array: Array) -> None:
        """Put the values of the next steps there."""
        if not self.in_panels:
            self.room[...] = array
            return
        for panel, start in zip(self.room, range(0, array.shape[1], self.room.shape[2]), strict=True):
            part = array[:, start : start + self.room.shape[2]]
            panel[:, : part.shape[1]] = part
