"""Moving averages of an optimiser: one that forgets nothing, one that grows, one of the wrong power; alone or all alike.

A program that writes its update out for every parameter repeats the fault on every line, so each proposal comes for one
statement and, where there are several alike, for all of them together.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, factors, number
from ..model import Change
from ..reading import Reading, base_of, called, canonical
from ..text import PRODUCT, Piece, bracketed, walk

CAUSES = ("optimizer-formula-wrong",)
DECAY = "0.9"  # the usual share of the old value that a momentum keeps

Proposal = tuple[ast.stmt, Piece]


def propose(reading: Reading) -> Iterator[Change]:
    for summary, cost, found in (
        (f"keep {DECAY} of the old value", 0.5, list(_forgetful(reading, steps=True))),
        (f"keep {DECAY} of the old value", 2.4, list(_forgetful(reading, steps=False))),
        (f"keep {DECAY} of the old value", 0.6, list(_growing(reading))),
        ("average the square", 1.3, list(_absolute(reading))),
    ):
        for statement, piece in found:
            yield change(reading, statement, piece, CAUSES, summary, cost)
        if len(found) > 1:
            first = found[0][0]
            marks = tuple((statement.lineno, "and here") for statement, _ in found[1:6])
            pieces = [piece for _, piece in found]
            yield change(reading, first, pieces, CAUSES, f"{summary}, on each of these lines", cost + 0.1, marks)


def _forgetful(reading: Reading, steps: bool) -> Iterator[Proposal]:
    """``v = v + g``, ``v -= rate * g``: nothing of the old value is ever lost.

    Without ``steps`` only ``v += g``, which rather is a gradient that piles up than a step that should be kept in part.
    """
    text = reading.text
    for statement in _averages(reading):
        value = statement.value
        target = statement.target if isinstance(statement, ast.AugAssign) else statement.targets[0]
        if not _steps_something(reading, target):
            continue
        if isinstance(statement, ast.AugAssign):
            if not isinstance(statement.op, ast.Add | ast.Sub) or number(value) is not None:
                continue
            if steps == (isinstance(statement.op, ast.Sub) or len(factors(value)) > 1):
                state, added = text.of(statement.target), bracketed(text.of(value), PRODUCT)
                sign = "+" if isinstance(statement.op, ast.Add) else "-"
                yield statement, Piece(*text.span(statement), f"{state} = {DECAY} * {state} {sign} {added}")
        elif steps and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
            sides = (value.left, value.right) if isinstance(value.op, ast.Add) else (value.left,)
            for side in sides:
                if _is_state(side, statement.targets[0]):
                    yield statement, text.swap(side, f"{DECAY} * {text.of(side)}")
                    break


def _steps_something(reading: Reading, state: ast.expr) -> bool:
    """Whether another value is moved by this one: ``w += v``."""
    own = canonical(base_of(state))
    moves = [s for s in reading.statements if isinstance(s, ast.AugAssign) and isinstance(s.op, ast.Add | ast.Sub)]
    pairs = [(move.target, move.value) for move in moves] + [(u.target, u.moved_by) for u in reading.updates]
    return any(
        canonical(base_of(target)) != own and any(canonical(base_of(r.node)) == own for r in reading.references(value))
        for target, value in pairs
    )


def _growing(reading: Reading) -> Iterator[Proposal]:
    """``v = 1.1 * v + g``, ``v *= 1.1``, or a name with such a value: the old value grows at every step."""
    text = reading.text
    for statement in _averages(reading):
        if isinstance(statement, ast.AugAssign):
            if isinstance(statement.op, ast.Mult) and _above_one(statement.value):
                yield statement, text.swap(statement.value, DECAY)
            continue
        for node in walk(statement.value):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
                parts = [part for part, times in factors(node) if times]
                states = [p for p in parts if _is_state(p, statement.targets[0])]
                for part in parts:
                    if states and _above_one(part):
                        yield statement, text.swap(part, DECAY)
    for other in reading.statements:  # the name of such a share: its only use that matters is where the program says so
        if isinstance(other, ast.Assign) and isinstance(other.targets[0], ast.Name) and _above_one(other.value):
            yield other, text.swap(other.value, DECAY)


def _absolute(reading: Reading) -> Iterator[Proposal]:
    """``m = 0.9 * m + 0.1 * abs(g)`` where the square belongs."""
    for statement in _averages(reading):
        for node in walk(statement.value):
            call = called(node)
            if call and call[0] in ("abs", "absolute", "fabs") and isinstance(node, ast.Call) and len(node.args) == 1:
                squared = f"{bracketed(reading.text.of(node.args[0]), 15)} ** 2"
                inside = isinstance(reading.text.parent(node), ast.BinOp)
                yield statement, reading.text.swap(node, f"({squared})" if not inside else squared)


def _averages(reading: Reading) -> Iterator[ast.Assign | ast.AugAssign]:
    """Statements behind the forward pass that make a value from its own old value."""
    for statement in reading.statements:
        if reading.only_talks(statement) or reading.role(statement) == "forward":
            continue
        if isinstance(statement, ast.AugAssign):
            yield statement
        elif isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
            if any(isinstance(n, ast.expr) and _is_state(n, target) for n in walk(statement.value)):
                yield statement


def _is_state(node: ast.expr, target: ast.expr) -> bool:
    """The old value of what is assigned; ``u[...] = u + g`` assigns ``u``, and ``state.get(key, 0)`` reads ``state[key]``."""
    whole = target.value if isinstance(target, ast.Subscript) and _everything(target.slice) else target
    call = called(node)
    if call and call[0] == "get" and call[1] is not None and isinstance(node, ast.Call) and node.args:
        member = isinstance(target, ast.Subscript) and canonical(target.slice) == canonical(node.args[0])
        return member and isinstance(target, ast.Subscript) and canonical(target.value) == canonical(call[1])
    return canonical(node) in (canonical(target), canonical(whole))


def _everything(index: ast.expr) -> bool:
    empty = isinstance(index, ast.Slice) and index.lower is None and index.upper is None
    return empty or (isinstance(index, ast.Constant) and index.value is ...)


def _above_one(node: ast.expr) -> bool:
    return 1.0 < (number(node) or 0.0) <= 2.0
