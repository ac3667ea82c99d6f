"""How many threads NumPy's matrix products get: as many as the work is worth."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from unstuck.autodiff import Graph

# Below this many operations in its largest product a graph runs on one thread: waking a second one costs more than it
# saves (and on a busy machine the wait for it can cost a hundred times the product).
WORTH_A_THREAD = 2e7


def largest_product(graph: Graph) -> float:
    """The number of arithmetic operations in the graph's largest matrix product."""
    return max(
        (2.0 * node.size * node.inputs[0].shape[-1] for node in graph.nodes if node.operation == "matmul"), default=0.0
    )


@contextlib.contextmanager
def suited_to(graph: Graph, *, compiled: bool = False) -> Iterator[None]:
    """Within, NumPy's products use one thread if the graph's products are small; more threads are never asked for.

    ``compiled``: the graph runs in threads of our own. A product in NumPy now and then (a recording, an evaluation) has one, too,
    as those of OpenBLAS go on looking for work for a tenth of a second and would take a processor from ours.
    """
    if largest_product(graph) >= WORTH_A_THREAD and not compiled:
        yield
        return
    with _controller().limit(limits=1, user_api="blas"):
        yield


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
