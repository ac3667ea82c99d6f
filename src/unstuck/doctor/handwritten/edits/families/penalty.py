"""The gradient of a weight penalty: missing, half, doubled, of the wrong sign, or of the wrong matrix."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..making import change, factors, number
from ..model import Change
from ..reading import Reading, base_of, called, canonical, names_in
from ..text import PRODUCT, SUM, Piece, bracketed, expression, walk

CAUSES = ("penalty-gradient-wrong",)


@dataclass(frozen=True)
class Penalty:
    """``coefficient * sum(w ** 2)`` (or of absolute values) somewhere in the program."""

    coefficient: str
    weights: str
    absolute: bool
    line: int


def propose(reading: Reading) -> Iterator[Change]:
    found = list(penalties(reading))
    if not found:
        return
    for group in _by_gradient(reading, found):
        yield from group
    yield from _as_elsewhere(reading)
    terms: dict[str, list[Change]] = {}
    for statement in reading.sites():
        if reading.role(statement) != "forward":
            yield from _added(reading, statement, found)
            for value in reading.values(statement):
                for node in walk(value):
                    for kind, one in _other_terms(reading, node, found):
                        yield one
                        terms.setdefault(kind, []).append(one)
    for alike in terms.values():
        if len(alike) > 1:
            yield _at_once(alike)


def _at_once(alike: list[Change]) -> Change:
    """The same change of every term, wherever it stands: a mistake in one list of gradients is made for each of them."""
    first, pieces = alike[0], tuple(p for one in alike for p in one.pieces)
    summary = f"{first.summary}; the same for all weights"
    last = max(one.end_line for one in alike)
    return Change(first.cause, pieces, summary, first.cost - 0.05, min(one.line for one in alike), last)


def penalties(reading: Reading) -> Iterator[Penalty]:
    """Sums of squares or of absolute values of a single reference, with what they are multiplied by."""
    for node in reading.text.nodes:
        call = called(node)
        if not (call and call[0] in ("sum", "norm") and isinstance(node, ast.Call)):
            continue
        inner = node.args[0] if node.args else call[1]
        squared = _squared(inner) if inner is not None else None
        if squared is None:
            continue
        weights, absolute = squared
        parts: list[str] = []
        above: ast.AST | None = node
        while above is not None and not isinstance(above, ast.stmt):
            parent = reading.text.parent(above)
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult):
                other = parent.right if parent.left is above else parent.left
                parts += [reading.text.fitted(p, PRODUCT) for p, times in factors(other) if times]
                parts += [f"/ {reading.text.fitted(p, PRODUCT + 1)}" for p, times in factors(other) if not times]
            elif isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div) and parent.left is above:
                parts.append(f"/ {reading.text.fitted(parent.right, PRODUCT + 1)}")
            above = parent
        statement = reading.text.statement(node)
        if parts:
            coefficient = _joined(parts)
            if coefficient and "\n" not in coefficient:
                yield Penalty(coefficient, canonical(weights), absolute, statement.lineno)


def _squared(node: ast.expr) -> tuple[ast.expr, bool] | None:
    match node:
        case ast.BinOp(left=weights, op=ast.Pow(), right=two) if number(two) == 2:
            return (weights, False) if isinstance(weights, ast.Name | ast.Attribute | ast.Subscript) else None
        case ast.BinOp(left=a, op=ast.Mult(), right=b) if canonical(a) == canonical(b):
            return (a, False) if isinstance(a, ast.Name | ast.Attribute | ast.Subscript) else None
        case ast.GeneratorExp(elt=elt):
            found = _squared(elt)
            if found is None and (call := called(elt)) and call[0] == "sum" and isinstance(elt, ast.Call):
                inner = elt.args[0] if elt.args else call[1]
                found = _squared(inner) if inner is not None else None
            return found
    call = called(node)
    if call and isinstance(node, ast.Call) and len(node.args) == 1 and call[0] in ("square", "abs", "absolute"):
        return node.args[0], call[0] != "square"
    return None


def _joined(parts: list[str]) -> str:
    """Factors and divisors as one product, the factor two of a squared sum worked in by the caller."""
    times = [p for p in parts if not p.startswith("/ ")]
    text = " * ".join(times) or "1"
    return " ".join([text, *(p for p in parts if p.startswith("/ "))])


def _terms(penalty: Penalty, weights: str, array: str | None) -> list[str]:
    """What the penalty adds to the gradient of these weights."""
    if penalty.absolute:
        return [f"{penalty.coefficient} * {array}.sign({weights})"] if array else []
    coefficient = penalty.coefficient
    for half in ("0.5 * ", ".5 * "):
        if half in coefficient:
            return [f"{coefficient.replace(half, '', 1)} * {weights}"]
    if coefficient in ("0.5", ".5"):
        return [weights]
    if coefficient.endswith("/ 2"):
        return [f"{coefficient.removesuffix('/ 2').rstrip()} * {weights}"]
    if "(2 * " in coefficient:
        return [f"{coefficient.replace('(2 * ', '(', 1)} * {weights}"]
    return [f"2 * {coefficient} * {weights}", f"{coefficient} * {weights}"]


def _by_gradient(reading: Reading, found: list[Penalty]) -> Iterator[Iterator[Change]]:
    """Add the term to the gradient of each penalised matrix: to all of them at once, and to each alone."""
    text, array = reading.text, reading.modules.get("numpy")
    pairs: list[tuple[ast.stmt, ast.expr, str, Penalty]] = []
    for update in reading.updates:
        weights = canonical(update.target)
        penalty = next((p for p in found if _covers(p, update.target)), None)
        if penalty is None:
            continue
        for reference in reading.references(update.moved_by):
            if reference.index or reading.is_parameter(reference.node) or reference.text in reading.scalars:
                continue
            for statement in reading.statements:
                if (
                    isinstance(statement, ast.Assign | ast.AugAssign)
                    and weights not in canonical(statement.value)
                    and any(canonical(t) == canonical(reference.node) for t in reading.targets(statement))
                    and not isinstance(statement.value, ast.Constant | ast.Tuple | ast.Call | ast.List)
                ):
                    pairs.append((statement, statement.value, text.of(update.target), penalty))
        yield _in_update(reading, update.statement, update.moved_by, text.of(update.target), penalty)
    for i in range(2):
        pieces, lines = [], []
        for statement, value, weights, penalty in pairs:
            terms = _terms(penalty, weights, array)
            if i < len(terms) and not (names_in(value) & {"_"}):
                piece = text.swap(value, f"{bracketed(text.of(value), SUM)} + {terms[i]}")
                pieces.append(piece)
                lines.append(statement.lineno)
                yield iter(
                    [
                        change(
                            reading, statement, piece, CAUSES, f"add the penalty's gradient, {terms[i]}", 1.2 + 0.3 * i
                        )
                    ]
                )
        if len(pieces) > 1:
            yield iter(
                [Change(CAUSES[0], tuple(pieces), "add the penalty's gradient", 1.1 + 0.3 * i, min(lines), max(lines))]
            )


def canonical_text(text: str) -> str:
    """The spelling of an expression without differences of spaces."""
    tree = expression(text)
    return canonical(tree) if tree is not None else text


def _covers(penalty: Penalty, target: ast.expr) -> bool:
    """Whether the penalty names these weights, or a loop variable that may stand for them."""
    return penalty.weights in (canonical(target), canonical(base_of(target))) or (
        penalty.weights.isidentifier() and len(penalty.weights) <= 2
    )


def _in_update(
    reading: Reading, statement: ast.stmt, moved_by: ast.expr, weights: str, penalty: Penalty
) -> Iterator[Change]:
    """``w -= rate * g`` -> ``w -= rate * (g + penalty * w)``."""
    text = reading.text
    array = reading.modules.get("numpy")
    if canonical(ast.parse(weights, mode="eval").body) in canonical(moved_by):
        return
    for part, times in factors(moved_by):
        if (
            times
            and isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
            and text.of(part) not in reading.scalars
        ):
            if part is factors(moved_by)[0][0] and len(factors(moved_by)) > 1:
                continue
            for i, term in enumerate(_terms(penalty, weights, array)):
                piece = text.swap(part, f"{text.of(part)} + {term}")
                yield change(reading, statement, piece, CAUSES, f"add the penalty's gradient, {term}", 1.4 + 0.3 * i)


def _as_elsewhere(reading: Reading) -> Iterator[Change]:
    """``g2 += decay * w2`` stands there and nothing alike for another penalised matrix: ``g1 += decay * w1`` behind it."""
    text = reading.text
    weights = [canonical(expression(p) or ast.Constant(p)) for p in reading.parameter_names]
    for statement in reading.statements:
        if not isinstance(statement, ast.AugAssign) or reading.role(statement) == "forward" or not text.solo(statement):
            continue
        own = next((p for p, times in factors(statement.value) if times and canonical(p) in weights), None)
        if own is None or len(factors(statement.value)) < 2 or reading.is_parameter(statement.target):
            continue
        for other in weights:
            renamed = _renumbered(canonical(own), other)
            if other == canonical(own) or renamed is None:
                continue
            target, value = (_moved_over(canonical(e), renamed) for e in (statement.target, statement.value))
            if target == canonical(statement.target) or target not in reading.assigned_texts:
                continue
            line = f"{target} {'+=' if isinstance(statement.op, ast.Add) else '-='} {value}"
            if any(canonical(s) == canonical_statement(line) for s in reading.statements):
                continue
            for piece in (text.after(statement, line),):
                yield change(reading, statement, piece, CAUSES, f"add the penalty's gradient, `{line}`", 0.4)


def _added(reading: Reading, statement: ast.stmt, found: list[Penalty]) -> Iterator[Change]:
    """``g -= decay * w`` -> ``g += decay * w``; another factor of the weights -> that of the loss."""
    if not isinstance(statement, ast.AugAssign) or reading.is_parameter(statement.target):
        return
    text = reading.text
    parts = factors(statement.value)
    weights = [p for p, times in parts if times and reading.is_parameter(p)]
    if len(weights) != 1 or len(parts) < 2:
        return
    start, end = text.span(statement.target)[1], text.outer(statement.value)[0]
    if isinstance(statement.op, ast.Sub):
        piece = Piece(start, end, text.source[start:end].replace("-=", "+=", 1))
        yield change(reading, statement, piece, CAUSES, "add the penalty's gradient", 0.4)
    for penalty in found:
        for i, term in enumerate(_terms(penalty, text.of(weights[0]), reading.modules.get("numpy"))):
            piece = text.swap(statement.value, term)
            yield change(reading, statement, piece, CAUSES, f"the penalty's gradient is {term}", 0.5 + 0.1 * i)


def canonical_statement(line: str) -> str:
    """The spelling of a statement without differences of spaces."""
    return ast.unparse(ast.parse(line))


def _renumbered(own: str, other: str) -> tuple[str, str] | None:
    """The number by which two names differ: ("2", "1") for ``w2`` and ``w1``."""
    one, two = re.findall(r"\d+", own), re.findall(r"\d+", other)
    same = re.sub(r"\d+", "#", own) == re.sub(r"\d+", "#", other)
    different = {(a, b) for a, b in zip(one, two, strict=False) if a != b}
    return different.pop() if same and len(different) == 1 else None


def _moved_over(written: str, numbers: tuple[str, str]) -> str:
    return re.sub(rf"(?<=[A-Za-z_\[]){numbers[0]}(?!\d)", numbers[1], written)


def _other_terms(reading: Reading, node: ast.AST, found: list[Penalty]) -> Iterator[tuple[str, Change]]:
    """An existing ``+ coefficient * w``: the right factor, the right matrix. Each with the kind of change that it is."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub)):
        return
    text, array = reading.text, reading.modules.get("numpy")
    for side in (node.right, node.left):
        parts = factors(side)
        weights = [p for p, times in parts if times and reading.is_parameter(p)]
        bare = canonical_text(text.of(side))
        if not weights and any(canonical_text(p.coefficient) in (bare, f"0.5 * {bare}") for p in found):
            for penalty in found:
                for i, term in enumerate(_terms(penalty, penalty.weights, array)):
                    piece = text.swap(side, term)
                    yield f"bare {i}", change(reading, node, piece, CAUSES, f"the penalty's gradient is {term}", 1.0)
        if len(weights) != 1 or len(parts) < 2:
            continue
        for penalty in found:
            for i, term in enumerate(_terms(penalty, text.of(weights[0]), array)):
                piece = text.swap(side, term)
                kind = f"{penalty.coefficient} {i}"
                yield kind, change(reading, node, piece, CAUSES, f"the penalty's gradient is {term}", 1.0)
        if isinstance(node.op, ast.Sub) and side is node.right:
            a, b = text.outer(node.left)[1], text.outer(node.right)[0]
            piece = Piece(a, b, text.source[a:b].replace("-", "+", 1))
            yield "sign", change(reading, node, piece, CAUSES, "add the penalty's gradient", 0.9)
