"""A plan to be read: one line for each kernel, in the order in which they run."""

from __future__ import annotations

from unstuck.engines.cpu.kernel import Kernel, operations
from unstuck.engines.cpu.memory import ARENA
from unstuck.engines.cpu.plan import Plan


def listing(plan: Plan) -> str:
    """What each kernel computes and stores, its bytes in and out, its operations, and how threads share it, for one step.

    ``|`` before a name: all threads wait for each other here.
    """
    rows = [("", "kernel", "computes", "bytes", "operations", "shared by")]
    for kernel in plan.kernels:
        size = sum(storage.size for storage, _ in kernel.reads) + sum(storage.size for storage in kernel.writes)
        by = "rows" if kernel.domain.rows > 0 else "parts"
        shared = f"{by}, {kernel.domain.units} units" if kernel.domain.units > 1 else "one thread"
        mark = "|" if kernel.barrier else ""
        rows.append((mark, kernel.name, _text(plan, kernel), f"{size:,}", f"{operations(kernel):,.0f}", shared))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.rjust(width) if i in (3, 4) else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    total = sum(map(operations, plan.kernels))
    host = plan.host
    head = (
        f"{len(plan.kernels)} kernels for {len(plan.graph.nodes)} nodes, {total:,.0f} operations a step, arena of "
        f"{plan.arena_bytes:,} bytes; {host.name}, vectors of {host.vector_bytes * 8} bits"
    )
    return "\n".join([head, *lines])


def _text(plan: Plan, kernel: Kernel) -> str:
    """The operations of a kernel in short, and the shape over which it runs."""
    group = kernel.group
    if group is None:
        assert kernel.node is not None
        name = kernel.node.name or f"%{kernel.node.index}"
        words = {"gather": "the batch of", "pack": "the transpose of", "copy": "a copy of"}
        return f"{words[kernel.kind]} {name} {list(kernel.node.shape)}"
    if kernel.kind == "partial":
        assert group.anchor is not None
        return f"matmul {list(group.space)} · {group.anchor.inputs[0].shape[-1]} in {kernel.domain.units} parts"
    nodes = [plan.graph.nodes[i] for i in group.members]
    names = [node.operation for node in nodes]
    shown = names if len(names) <= 6 else [*names[:4], f"… {len(names) - 5} more", names[-1]]
    inner = f" · {group.anchor.inputs[0].shape[-1]}" if group.kind == "matmul" and group.anchor is not None else ""
    kept = sum(plan.view(node).storage.slot == ARENA for node in group.stores)
    stores = (
        f"; {len(group.stores)} stored"
        if kept == len(group.stores)
        else f"; {len(group.stores)} stored, {kept} in the arena"
    )
    return f"{', '.join(shown)} {list(group.space)}{inner}{stores}"
