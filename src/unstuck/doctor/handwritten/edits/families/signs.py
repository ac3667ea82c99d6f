"""Signs: a difference taken the wrong way round, a step in the wrong direction, a minus too many or too few."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from ..making import change, is_number
from ..model import Change
from ..reading import Reading, called, canonical
from ..text import ATOM, PRODUCT, SIGN, SUM, Piece, bracketed, walk


def propose(reading: Reading) -> Iterator[Change]:
    yield from _all_steps(reading)
    for statement in reading.sites():
        yield from _assignments(reading, statement)
        for value in reading.values(statement):
            for node in walk(value):
                yield from _differences(reading, node)
                yield from _minus(reading, node)
                if reading.role(statement) != "forward":
                    yield from _absolute(reading, node)
            if isinstance(statement, ast.Assign | ast.AugAssign | ast.Return) and not is_number(value):
                yield from _negated(reading, statement, value)


def _all_steps(reading: Reading) -> Iterator[Change]:
    """Every step of one block turned round: ``ws = [w + r * g for …]`` and ``bs = [b + r * g for …]``."""
    blocks: dict[int, dict[ast.stmt, Piece]] = {}
    for update in reading.updates:
        piece = None if update.subtracts else _turned(reading, update.statement)
        if piece is not None:
            block, _ = reading.text.block(update.statement)
            blocks.setdefault(id(block), {})[update.statement] = piece
    for pieces in blocks.values():
        if len(pieces) > 1:
            first, last = next(iter(pieces)), list(pieces)[-1]
            causes = ("update-ascends", "optimizer-formula-wrong", "output-delta-wrong")
            one = change(reading, first, pieces.values(), causes, "subtract these steps", 0.6)
            yield replace(one, end_line=reading.header_span(last)[1])


def _turned(reading: Reading, statement: ast.Assign | ast.AugAssign) -> Piece | None:
    """``+`` made ``-`` where the statement adds the step."""
    text = reading.text
    if isinstance(statement, ast.AugAssign):
        start, end = text.span(statement.target)[1], text.outer(statement.value)[0]
        return Piece(start, end, text.source[start:end].replace("+=", "-=", 1))
    value = statement.value.elt if isinstance(statement.value, ast.ListComp) else statement.value
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
        return None
    start, end = text.outer(value.left)[1], text.outer(value.right)[0]
    between = text.source[start:end]
    return Piece(start, end, between.replace("+", "-", 1)) if between.count("+") == 1 and "#" not in between else None


def _causes(reading: Reading, node: ast.AST) -> tuple[str, ...]:
    statement = reading.text.statement(node)
    role = reading.role(statement)
    own = {canonical(t) for t in reading.targets(statement)}
    if isinstance(statement, ast.Assign) and role != "forward" and own & {canonical(n) for n in walk(statement.value)}:
        return "optimizer-formula-wrong", "update-ascends", "output-delta-wrong", "penalty-gradient-wrong"
    if role == "update":
        if len(_state_updates(reading, statement)) > 1:
            return "optimizer-formula-wrong", "update-ascends", "penalty-gradient-wrong"
        return "update-ascends", "optimizer-formula-wrong", "penalty-gradient-wrong"
    if role == "forward":
        return "wrong-variable", "output-delta-wrong"
    return (
        "output-delta-wrong",
        "gradient-operand-wrong",
        "activation-derivative-wrong",
        "penalty-gradient-wrong",
        "update-ascends",
    )


def _state_updates(reading: Reading, statement: ast.stmt) -> list[ast.stmt]:
    """The recurrences beside this one in its block: the state of an optimiser and the step itself."""
    block, _ = reading.text.block(statement)
    return [s for s in block if any(u.statement is s for u in reading.updates)]


def _assignments(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``w -= step`` and ``w += step``."""
    if not (isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub)):
        return
    text = reading.text
    start, end = text.span(statement.target)[1], text.outer(statement.value)[0]
    sign = "+=" if isinstance(statement.op, ast.Sub) else "-="
    written = text.source[start:end].replace("-=" if sign == "+=" else "+=", sign, 1)
    causes = _causes(reading, statement)
    if reading.role(statement) == "update":
        causes = ("update-ascends", "optimizer-formula-wrong")
    if reading.role(statement) != "forward":
        causes = (*causes, "bias-gradient-wrong")
    counts = is_number(statement.value)
    what = "subtract" if sign == "-=" else "add"
    summary = f"{what} `{text.of(statement.value)}`"
    yield change(reading, statement, Piece(start, end, written), causes, summary, 2.5 if counts else 0.8)


def _differences(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``a - b`` and ``b - a``; ``a - b`` and ``a + b``."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
        return
    text = reading.text
    causes = _causes(reading, node)
    left, right = text.of(node.left), text.of(node.right)
    start, end = text.outer(node.left)[1], text.outer(node.right)[0]
    counted = is_number(node.right) or _inside_index(reading, node)
    old, new = ("-", "+") if isinstance(node.op, ast.Sub) else ("+", "-")
    between = text.source[start:end]
    if between.count(old) == 1 and "#" not in between:
        cost = 2.4 if counted else 1.1 if reading.role(text.statement(node)) == "update" else 1.4
        summary = f"{'add' if new == '+' else 'subtract'} `{right}`"
        yield change(reading, node, Piece(start, end, between.replace(old, new)), causes, summary, cost)
    if isinstance(node.op, ast.Sub):
        turned = f"{bracketed(right, SUM)} - {bracketed(left, PRODUCT)}"
        cost = 2.4 if counted or is_number(node.left) else 0.9
        yield change(reading, node, text.swap(node, turned), causes, f"take `{turned}`", cost)


def _inside_index(reading: Reading, node: ast.AST) -> bool:
    for above in reading.text.ancestors(node):
        if isinstance(above, ast.stmt):
            return False
        if isinstance(above, ast.Subscript | ast.Slice):
            return True
        call = called(above)
        if call and call[0] == "range":
            return True
    return False


def _absolute(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``np.abs(x).T @ d`` -> ``x.T @ d``: a gradient has the signs of what it is made of."""
    call = called(node)
    if call and call[0] in ("abs", "absolute", "fabs", "sign") and isinstance(node, ast.Call) and len(node.args) == 1:
        piece = reading.text.swap(node, reading.text.fitted(node.args[0], ATOM))
        causes = ("gradient-operand-wrong", "product-or-axis-wrong")
        yield change(reading, node, piece, causes, f"with its signs, without `{call[0]}`", 0.8)


def _minus(reading: Reading, node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not is_number(node):
        piece = reading.text.swap(node, reading.text.of(node.operand))
        exponent = (c := called(reading.text.parent(node) or node)) is not None and c[0] == "exp"
        if _inside_index(reading, node):
            causes = ("gradient-operand-wrong", "wrong-variable", "backprop-weights-wrong")
            yield change(reading, node, piece, causes, "count from the front", 1.7)
        else:
            yield change(reading, node, piece, _causes(reading, node), "drop the minus", 2.0 if exponent else 1.0)


def _negated(reading: Reading, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    if isinstance(value, ast.Tuple | ast.List | ast.Dict | ast.UnaryOp | ast.Compare | ast.ListComp | ast.IfExp):
        return
    if not any(True for _ in reading.references(value)) or isinstance(value, ast.Constant):
        return
    piece = reading.text.swap(value, f"-{bracketed(reading.text.of(value), PRODUCT if _chain(value) else SIGN)}")
    yield change(reading, statement, piece, _causes(reading, statement), "negate it", 1.5)


def _chain(value: ast.expr) -> bool:
    """Whether a minus may stand before the chain without parentheses."""
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div | ast.MatMult):
        value = value.left
    return not isinstance(value, ast.BinOp)
