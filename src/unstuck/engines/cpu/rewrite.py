"""What is done to a graph before it is planned: the same values, computed from nodes that cost less here."""

from __future__ import annotations

from unstuck.autodiff import Graph
from unstuck.engines.cpu.batch_last import with_batch_last
from unstuck.engines.cpu.joined import with_joined_parts
from unstuck.engines.cpu.masks import with_masks_of_results
from unstuck.engines.cpu.taps import with_taps


def rewritten(graph: Graph) -> Graph:
    """The graph as this engine runs it. Inputs and outputs keep their order, shapes and dtypes."""
    return with_masks_of_results(with_taps(with_batch_last(with_joined_parts(graph))))
