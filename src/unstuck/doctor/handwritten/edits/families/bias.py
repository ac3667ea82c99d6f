"""Bias gradients: one row for all, no sum over the rows, or no update of the bias at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, factors, is_number, number, products
from ..model import Change, Shape
from ..reading import Reading, Update, called, canonical, names_in
from ..text import ATOM, bracketed
from .updates import unmoved

CAUSES = ("bias-gradient-wrong", "samples-dropped", "product-or-axis-wrong")
NEAREST = 6  # deltas that are tried for a bias gradient that is always zero


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        if reading.role(statement) != "forward" and isinstance(statement, ast.Assign | ast.AugAssign | ast.Return):
            for value in reading.values(statement):
                parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
                for part in parts:
                    yield from _summed(reading, statement, part)
                    yield from _nothing(reading, statement, part)
    yield from _missing(reading)


def _sums(reading: Reading, text: str, shape: Shape | None) -> list[str]:
    """The value summed over its rows, in the program's own spelling where it has one."""
    array = reading.modules.get("numpy")
    if not array:
        return []
    tight = bracketed(text, ATOM)
    axes = [0, 1] if shape is None or len(shape) > 1 else [0]
    found = []
    for axis in axes:
        found += [f"{tight}.sum(axis={axis})", f"{tight}.sum(axis={axis}, keepdims=True)"]
    return found


def _summed(reading: Reading, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    """A delta, or one row of it, stands where its sum over the rows belongs."""
    text = reading.text
    for part, multiplies in factors(value):
        if not multiplies or is_number(part) or not isinstance(part, ast.Name | ast.Attribute | ast.Subscript):
            continue
        shape = reading.shape(part)
        if shape == () or text.of(part) in reading.scalars or reading.is_parameter(part):
            continue
        whole: ast.expr = part
        row = isinstance(part, ast.Subscript) and _one_row(part)
        if row and isinstance(part, ast.Subscript):
            whole, shape = part.value, None
        elif shape is not None and len(shape) < 2:
            continue
        for i, written in enumerate(_sums(reading, text.of(whole), shape)):
            cost = (0.9 if row else 1.4 if shape is not None else 1.9) + 0.1 * i
            yield change(reading, statement, text.swap(part, written), CAUSES, f"sum over the rows: {written}", cost)


def _nothing(reading: Reading, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    """``gb = np.zeros_like(b)`` where the sum of a delta belongs: the deltas that are read nearest to it."""
    call = called(value)
    if call is None or call[0] not in ("zeros", "zeros_like"):
        return
    shape = reading.shape(value)
    wanted = max(shape) if shape else None
    near = sorted(reading.nearby(reading.holder(statement)), key=lambda r: abs(r.node.lineno - statement.lineno))
    own = {canonical(target) for target in reading.targets(statement)}
    found = 0
    for reference in near:
        other = reading.shape(reference.node, statement.lineno)
        fits = other is not None and len(other) == 2 and wanted in other
        known = reading.is_parameter(reference.node) or reading.is_gradient(reference.node)
        if not fits or known or canonical(reference.node) in own or found >= NEAREST:
            continue
        found += 1
        for i, written in enumerate(_sums(reading, reference.text, other)):
            cost = 0.5 + 0.1 * found + 0.05 * i
            yield change(
                reading, statement, reading.text.swap(value, written), CAUSES, f"sum over the rows: {written}", cost
            )


def _one_row(node: ast.Subscript) -> bool:
    index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    plain = [i for i in index if not (isinstance(i, ast.Slice) and i.lower is None and i.upper is None)]
    if len(plain) != 1:
        return False
    only = plain[0]
    if isinstance(only, ast.Slice):
        first = only.upper is not None and number(only.upper) == 1
        return first or (only.lower is not None and number(only.lower) == -1)
    return number(only) in (0, -1)


def _missing(reading: Reading) -> Iterator[Change]:
    """Beside ``w -= rate * (a.T @ delta)`` a bias that nothing updates gets its own line."""
    text = reading.text
    wanted = unmoved(reading, {canonical(u.target) for u in reading.updates})
    for update in reading.updates:
        if not text.solo(update.statement) or "\n" in text.of(update.statement):
            continue
        for parameter in wanted:
            for i, line in enumerate(_lines(reading, update, parameter)):
                causes = ("bias-gradient-wrong", "layer-not-trained", "update-not-applied")
                piece = text.after(update.statement, line)
                yield change(reading, update.statement, piece, causes, f"also update `{parameter}`", 1.4 + 0.05 * i)


def _lines(reading: Reading, update: Update, parameter: str) -> Iterator[str]:
    text = reading.text
    sign = "-=" if update.subtracts else "+="
    start = text.span(update.moved_by)[0]
    moved = text.of(update.moved_by)
    for found in list(products(reading, update.moved_by))[:1]:
        a, b = (p - start for p in text.outer(found.node))
        for delta in (found.right, found.left):
            if reading.is_parameter(delta):
                continue
            plain = delta.value if isinstance(delta, ast.Attribute) and delta.attr == "T" else delta
            for written in _sums(reading, text.of(plain), reading.shape(plain)):
                yield f"{parameter} {sign} {moved[:a]}{written}{moved[b:]}"
    if "numpy" not in reading.modules:
        yield from _plain_lines(reading, update, parameter, sign)


def _plain_lines(reading: Reading, update: Update, parameter: str, sign: str) -> Iterator[str]:
    """``w[j][i] -= rate * d[j] * x[i]`` gives ``b[j] -= rate * d[j]`` (in the loop over j alone it would be added once)."""
    target = update.target
    if not (isinstance(target, ast.Subscript) and isinstance(target.value, ast.Subscript)):
        return
    inner = names_in(target.slice) if names_in(target.slice) else set()
    outer = reading.text.of(target.value.slice)
    kept = [reading.text.of(p) for p, times in factors(update.moved_by) if times and not (names_in(p) & inner)]
    loops = reading.loops(update.statement)
    if kept and len(loops) > 1 and names_in(loops[0].target) & inner:
        counter = reading.text.of(loops[0].target)
        yield f"if {counter} == 0:\n    {parameter}[{outer}] {sign} {' * '.join(kept)}"
