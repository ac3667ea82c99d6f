"""The first product of a step split by the columns of the batch, so that each thread meets its own part of the data alone.

Split by rows, a thread converts half of the rows and later needs half of the columns for the gradient of the weights: half of
what it reads then lies in another core's cache, and so do the weights. Split by columns, it converts, multiplies and updates what
is its own, and only the sums of the product go from core to core.
"""

from __future__ import annotations

from dataclasses import dataclass

from unstuck.autodiff import Graph, Node
from unstuck.engines.cpu.host import Host
from unstuck.engines.cpu.kernel import Domain
from unstuck.engines.cpu.memory import LINE, View, placed

FEWEST = 128  # columns: fewer are not worth the sums
LARGEST = 2**18  # bytes of sums
MOST = 8  # parts


@dataclass(frozen=True)
class Columns:
    """``product`` = ``x`` · weights is the sum of ``parts`` (part, row, column), one for each unit of ``domain``: columns of x.

    x itself lies in ``place`` part by part, too: what the processor fetches ahead of a reader is then the reader's own.
    """

    x: Node
    product: Node
    domain: Domain
    place: View  # (part, row, column within the part)
    parts: View


def split_by_columns(graph: Graph, gathered: list[Node], compiled: set[int], host: Host) -> Columns | None:
    """The split of a step that begins with the product of a gathered batch; None where that does not pay.

    ``compiled`` holds the indices of the nodes that are groups of their own. The number of parts follows the
    processors, not the threads: the sums are the same however many threads there are.
    """
    for x in gathered:
        line = LINE // x.dtype.itemsize
        if (
            x.ndim != 2
            or x.dtype.kind != "f"
            or x.shape[1] < FEWEST
            or x.shape[1] % line
            or x.shape[0] in (1, x.shape[1])
        ):
            continue
        users = [n for n in graph.nodes if any(p is x for p in n.inputs)]
        products = [n for n in users if n.operation == "matmul" and n.inputs[0] is x and n.index in compiled]
        turned = [n for n in users if n.operation == "transpose"]
        read = [n for n in graph.nodes for t in turned if any(p is t for p in n.inputs)]
        plain = all(n.operation == "matmul" and n.inputs[0] in turned and n.index in compiled for n in read)
        if len(products) != 1 or len(products) + len(turned) != len(users) or not plain:
            continue
        units = min(host.processors, MOST, x.shape[1] // line)
        if units < 2 or products[0].shape[1] == 1:
            continue
        parts = placed((units, *products[0].shape), x.dtype, dense=False)
        if parts.storage.size <= LARGEST:
            domain = Domain(x.shape[1], units, line)
            widest = -(-x.shape[1] // line // units) * line
            place = placed((units, x.shape[0], widest), x.dtype, dense=False)
            return Columns(x, products[0], domain, place, parts)
    return None
