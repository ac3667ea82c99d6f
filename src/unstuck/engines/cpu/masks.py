"""Where ReLU let its input through, read from its result: then the input need not be kept for the way back.

``y = z where z > 0, else 0`` is greater than 0 in the same places as z. The result is in memory anyway, as an operand of the
next product.
"""

from __future__ import annotations

from collections import defaultdict

from unstuck.autodiff import Graph, Node
from unstuck.autodiff.primitives import TABLE
from unstuck.engines.cpu.copying import alive, copied

NOT_KEPT = ("sum", "max", "min", "slice")  # what reads an operand without asking for it in memory


def with_masks_of_results(graph: Graph) -> Graph:
    """The same graph; the mask of a ReLU whose result is kept is computed from the result."""
    users: dict[int, list[Node]] = defaultdict(list)
    for node in graph.nodes:
        for parent in node.inputs:
            users[parent.index].append(node)
    results = {y.inputs[0].index: y for y in graph.nodes if _is_relu(y) and _pays(y, users, graph)}
    if not results:
        return graph
    new, twins = Graph(), dict[int, Node]()
    for node in graph.nodes:
        new.scope = node.scope
        mine = dict(twins)
        for mask in node.inputs:
            y = results.get(mask.index)
            if y is not None and y is not node:
                mine[mask.index] = new.add("less_equal", (twins[y.index], twins[mask.inputs[1].index]), {})
        twins[node.index] = copied(new, node, mine)
    new.outputs = [twins[node.index] for node in graph.outputs]
    new.scope = ""
    return alive(new)


def _is_relu(node: Node) -> bool:
    """select(z <= 0, 0, z)"""
    if node.operation != "select" or node.inputs[0].operation != "less_equal":
        return False
    mask, zero, z = node.inputs
    return mask.inputs[0] is z and z.shape == node.shape and _is_zero(mask.inputs[1]) and _is_zero(zero)


def _is_zero(node: Node) -> bool:
    return node.operation == "constant" and node.size == 1 and node.value is not None and not node.value.any()


def _pays(y: Node, users: dict[int, list[Node]], graph: Graph) -> bool:
    """Whether the result is kept, its mask is asked for after it, and nobody else needs what it was made of."""
    mask, _, z = y.inputs
    others = [user for user in users[mask.index] if user is not y]
    kept = any(not _is_elementwise(user) and user.operation not in NOT_KEPT for user in users[y.index])
    alone = all(user is mask or user is y for user in users[z.index]) and not any(
        output is z or output is mask for output in graph.outputs
    )
    return bool(others) and kept and alone and all(user.index > y.index for user in others)


def _is_elementwise(node: Node) -> bool:
    return node.operation in TABLE and (
        TABLE[node.operation].elementwise or node.operation in ("astype", "broadcast_to")
    )
