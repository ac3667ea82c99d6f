"""Small tools that the families share: a change at a place, causes by role, matrix products, chains of factors."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .model import Change
from .reading import Reading, called
from .text import PRODUCT, Piece, bracketed, walk


def change(
    reading: Reading,
    where: ast.expr | ast.stmt,
    pieces: Piece | Iterable[Piece],
    causes: str | Iterable[str],
    summary: str,
    cost: float,
    marks: tuple[tuple[int, str], ...] = (),
) -> Change:
    """A change whose fault lies in the statement of ``where``; the first cause is the likeliest."""
    statement = reading.text.statement(where)
    first, last = reading.header_span(statement)
    slugs = (causes,) if isinstance(causes, str) else tuple(causes)
    edits = (pieces,) if isinstance(pieces, Piece) else tuple(pieces)
    return Change(slugs[0], edits, summary, cost, first, last, marks, slugs[1:])


@dataclass(frozen=True)
class Product:
    """A product of two operands, however it is spelt; ``kind`` is dot, outer or times."""

    node: ast.expr
    left: ast.expr
    right: ast.expr
    kind: str
    style: str  # "@", "method", or the text of the called function


def product(reading: Reading, node: ast.AST) -> Product | None:
    """``a @ b``, ``a.dot(b)``, ``np.dot(a, b)``, ``np.outer(a, b)``, ``np.multiply(a, b)``, or a helper ``dot(a, b)``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return Product(node, node.left, node.right, "dot", "@")
    call = called(node)
    if (
        call is None
        or not isinstance(node, ast.Call)
        or node.keywords
        or any(isinstance(a, ast.Starred) for a in node.args)
    ):
        return None
    name, receiver = call
    if name == "dot" and len(node.args) == 1 and receiver is not None:
        return Product(node, receiver, node.args[0], "dot", "method")
    kinds = {"dot": "dot", "matmul": "dot", "inner": "dot", "outer": "outer", "multiply": "times"}
    if name in kinds and len(node.args) == 2:
        return Product(node, node.args[0], node.args[1], kinds[name], reading.text.of(node.func))
    return None


def fresh(reading: Reading, *wanted: str) -> str:
    """The first of these names that the program does not use; with a number where it uses all of them."""
    numbered = (f"{wanted[0]}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain(wanted, numbered) if name not in reading.text.names)


def products(reading: Reading, node: ast.AST) -> Iterator[Product]:
    for inner in walk(node):
        found = product(reading, inner)
        if found:
            yield found


def transposed(reading: Reading, node: ast.expr) -> str:
    """The node's text with one transposition more or less."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        return reading.text.of(node.value)
    call = called(node)
    if call and call[0] == "transpose" and isinstance(node, ast.Call) and not node.keywords:
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Tuple):
            return reading.text.of(node.args[0])
        if not node.args and call[1] is not None:
            return reading.text.of(call[1])
    return bracketed(reading.text.of(node), 15) + ".T"


def factors(node: ast.expr) -> list[tuple[ast.expr, bool]]:
    """The chain ``a * b / c`` as [(a, True), (b, True), (c, False)]; False means divided by."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        return [*factors(node.left), (node.right, isinstance(node.op, ast.Mult))]
    return [(node, True)]


def chains(reading: Reading, node: ast.AST) -> Iterator[ast.BinOp]:
    """The outermost ``*`` and ``/`` chains inside an expression."""
    for inner in walk(node):
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult | ast.Div):
            parent = reading.text.parent(inner)
            inside = (
                isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div) and parent.left is inner
            )
            if not inside:
                yield inner


def without(reading: Reading, chain: ast.BinOp, gone: set[int]) -> str | None:
    """The chain's text without the factors at these places; None when nothing would be left to multiply."""
    parts = factors(chain)
    kept = [p for i, p in enumerate(parts) if i not in gone]
    if not kept or not any(times for _, times in kept):
        return None
    if not kept[0][1]:
        return None
    text = ""
    for node, times in kept:
        written = reading.text.fitted(node, PRODUCT if not text else PRODUCT + 1)
        text = f"{text} {'*' if times else '/'} {written}" if text else written
    return text


def times(reading: Reading, node: ast.expr, factor: str, operator: str = "*") -> Piece:
    """``node * factor``, written behind the node."""
    body = reading.text.fitted(node, PRODUCT)
    return reading.text.swap(node, f"{body} {operator} {_as_factor(factor, operator)}")


def _as_factor(text: str, operator: str) -> str:
    """A chain of products needs no parentheses behind ``*``; anything looser does."""
    return bracketed(text, PRODUCT if operator == "*" and "@" not in text and "/" not in text else PRODUCT + 1)


def is_number(node: ast.AST | None) -> bool:
    """A literal number, perhaps with a sign."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool)


def number(node: ast.AST) -> float | None:
    """The value of a literal number."""
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1.0
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
        return sign * float(node.value)
    return None


def chain_causes(reading: Reading, node: ast.AST, usual: str, *others: str) -> tuple[str, ...]:
    """Causes of a change at ``node``: in the forward pass another meaning than behind it."""
    role = reading.role(reading.text.statement(node))
    if role == "forward":
        return tuple(dict.fromkeys(("product-or-axis-wrong", "wrong-variable", usual, *others)))
    return (usual, *others)
