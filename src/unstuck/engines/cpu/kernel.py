"""Kernel: one function of a program, what it reads and writes, and how threads share its work."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from unstuck.autodiff import Node
from unstuck.engines.cpu.fuse import Group
from unstuck.engines.cpu.memory import Storage


@dataclass(frozen=True)
class Domain:
    """How a kernel's work is split among threads: ``units`` equal parts of ``rows`` rows.

    Two kernels with the same domain give each thread the same rows. ``rows`` 0: one thread does it all. Units begin at multiples
    of ``line`` rows.
    """

    rows: int
    units: int
    line: int = 1

    def bounds(self) -> tuple[int, int]:
        """(lines of a small unit, number of units that have one line more; these come first)."""
        lines = self.rows // self.line
        return lines // self.units, lines % self.units


ALONE = Domain(0, 1)


@dataclass(eq=False)
class Kernel:
    """One function of the program."""

    name: str
    kind: str  # the group's, or "gather", "partial", "deep", "pack", "copy"
    domain: Domain
    group: Group | None = None
    node: Node | None = None  # of a gather, pack or copy: what is moved
    source: int = -1  # of a gather: the slot of the stored data (its shift and factor behind it)
    index: int = -1  # and the slot of the row numbers
    reads: list[tuple[Storage, bool]] = field(
        default_factory=list
    )  # (what, whether each thread only reads its own rows)
    writes: list[Storage] = field(default_factory=list)
    in_parts: bool = False  # of a product: the sums come from a "partial" kernel before it
    barrier: bool = False  # all threads must have come here before it begins


def operations(kernel: Kernel) -> float:
    """Arithmetic operations of a kernel in one step."""
    group = kernel.group
    if group is None:
        return float(kernel.node.size if kernel.node is not None else 0)
    if group.anchor is not None and group.anchor.operation == "scan":
        return float(group.anchor.params["length"] * sum(map(_of_a_body, group.anchor.params["body"].nodes)))
    count = 0.0 if kernel.kind == "partial" else float(len(group.members)) * math.prod(group.space)
    if group.kind == "conv" and group.anchor is not None:
        weight = group.anchor.inputs[1]
        count += 2.0 * group.anchor.size * weight.size / group.anchor.shape[-2]
    elif group.kind == "conv_weight" and group.anchor is not None:
        g = group.anchor.inputs[1]
        count += 2.0 * group.anchor.size * g.size / g.shape[-2]
    elif group.kind == "matmul" and group.anchor is not None:
        count += 0.0 if kernel.in_parts else 2.0 * math.prod(group.space) * group.anchor.inputs[0].shape[-1]
    elif group.anchor is not None:
        count += group.anchor.inputs[0].size
    return count


def _of_a_body(node: Node) -> int:
    """Arithmetic operations of a node of a scan's body."""
    if not node.inputs:
        return 0
    return node.size * (2 * node.inputs[0].shape[-1] if node.operation == "matmul" else 1)
