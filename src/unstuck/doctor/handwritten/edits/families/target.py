"""The target is never taken off the outputs: the error that is sent back is the output itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..reading import Reading, called, names_in
from ..text import SUM, bracketed

CAUSES = ("output-delta-wrong", "softmax-jacobian-wrong", "wrong-variable")
MOST = 6  # targets that are tried for one output


def propose(reading: Reading) -> Iterator[Change]:
    """``d = p`` -> ``d = p - t``; with labels, ``d[rows, labels] -= 1`` behind it, indexed as the loss indexes the outputs."""
    picked = _picked(reading)
    for statement in reading.sites():
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            continue
        target = statement.targets[0]
        output = _alone(statement.value)
        if output is None or not isinstance(target, ast.Name | ast.Attribute) or reading.role(statement) == "forward":
            continue
        shape = reading.shape(output)
        if not shape:
            continue
        written = reading.text.of(target)
        for index in picked.get(reading.text.of(output), [])[:MOST]:
            line = f"{written}[{index}] -= 1"
            piece = reading.text.after(statement, line)
            yield change(reading, statement, piece, CAUSES, f"take one off at the right class, `{line}`", 0.2)
        for other in [r for r in reading.nearby(reading.holder(statement)) if _fits(reading, r.node, shape)][:MOST]:
            if other.text in (reading.text.of(output), written):
                continue
            piece = reading.text.swap(
                statement.value, f"{bracketed(reading.text.of(statement.value), SUM)} - {other.text}"
            )
            yield change(reading, statement, piece, CAUSES, f"take the target off, `- {other.text}`", 0.7)


def _picked(reading: Reading) -> dict[str, list[str]]:
    """Text of an array -> the pairs of indices by which elements of it are picked, one a row (``rows, labels``)."""
    found: dict[str, list[str]] = {}
    for node in reading.text.nodes:
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
            rows, labels = node.slice.elts
            counted = called(rows) is not None or isinstance(rows, ast.Name)
            if counted and not isinstance(labels, ast.Slice | ast.Constant) and names_in(labels):
                texts = found.setdefault(reading.text.of(node.value), [])
                index = f"{reading.text.of(rows)}, {reading.text.of(labels)}"
                if index not in texts:
                    texts.append(index)
    return found


def _alone(value: ast.expr) -> ast.expr | None:
    """The output that is handed on as it is: ``p``, ``p.copy()``, ``np.copy(p)``, ``p / n``."""
    match value:
        case ast.Name() | ast.Attribute() | ast.Subscript():
            return value
        case ast.Call(func=ast.Attribute(value=owner, attr="copy"), args=[]):
            return _alone(owner)
        case ast.Call(func=ast.Attribute(attr="copy" | "array"), args=[inner]):
            return _alone(inner)
        case ast.BinOp(left=left, op=ast.Div() | ast.Mult()):
            return _alone(left)
    return None


def _fits(reading: Reading, node: ast.expr, shape: tuple[int, ...]) -> bool:
    return isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and reading.shape(node) == shape
