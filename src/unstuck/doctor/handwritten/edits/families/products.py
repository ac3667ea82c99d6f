"""Transposes and products: a matrix sent through the wrong way round, or multiplied where it should be summed."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..making import Product, change, is_number, product, products, transposed
from ..model import Change, Shape
from ..reading import Reading, called
from ..text import ATOM, PRODUCT, Piece, bracketed, walk


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        if isinstance(statement, ast.Assign) and reading.role(statement) != "forward" and reading.loops(statement):
            yield from _never_multiplied(reading, statement)
        for value in reading.expressions(statement):
            for found in products(reading, value):
                yield from _orders(reading, found)
                yield from _other_kinds(reading, found)
            for node in walk(value):
                yield from _lone_transposes(reading, node)
                yield from _elementwise(reading, node)
                yield from _index_orders(reading, node)
                yield from _einsum(reading, node)
                yield from _rows_or_columns(reading, node)
                yield from _own_transpose(reading, node)


def _never_multiplied(reading: Reading, statement: ast.Assign) -> Iterator[Change]:
    """``back = delta`` -> ``back = delta @ w.T``: what is handed to the step before goes through the weights, the other way."""
    value = statement.value
    if not isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
        return
    own, text = reading.shape(value), reading.text.of(value)
    for weights in sorted(reading.facts.parameters):
        shape = reading.shape_of(weights, statement.lineno, reading.scope(statement))
        if own is None or shape is None or len(own) != 2 or len(shape) != 2:
            continue
        causes = ("bptt-broken", "backprop-weights-wrong", "product-or-axis-wrong")
        if shape[1] == own[1]:
            piece = reading.text.swap(value, f"{text} @ {weights}.T")
            yield change(reading, statement, piece, causes, f"send `{text}` back through `{weights}`", 0.8)
        if shape[0] == own[0]:
            piece = reading.text.swap(value, f"{weights}.T @ {text}")
            yield change(reading, statement, piece, causes, f"send `{text}` back through `{weights}`", 0.9)


def _causes(reading: Reading, *operands: ast.expr) -> tuple[str, ...]:
    role = reading.role(reading.text.statement(operands[0]))
    if role != "forward" and any(reading.is_parameter(o) for o in operands):
        return "backprop-weights-wrong", "product-or-axis-wrong"
    if role == "forward":
        return ("product-or-axis-wrong",)
    return "product-or-axis-wrong", "gradient-operand-wrong"


def _orders(reading: Reading, found: Product) -> Iterator[Change]:
    """All orders and transpositions of the two operands, nearest to the text first."""
    if found.kind == "times":
        return
    as_is = {False: (found.left, found.right), True: (found.right, found.left)}
    for swapped, left_t, right_t in itertools.product((False, True), repeat=3):
        if not (swapped or left_t or right_t):
            continue
        left, right = as_is[swapped]
        if found.kind == "outer" and (left_t or right_t):
            continue
        if not _fits(_shape(reading, left, left_t), _shape(reading, right, right_t), found.kind):
            continue
        moved = [o for o, t in ((left, left_t), (right, right_t)) if t] or [left, right]
        steps = swapped + left_t + right_t
        cost = 0.9 + 0.3 * (steps - 1)
        if steps == 1 and not swapped:
            cost = 0.7 if reading.is_parameter(moved[0]) else 1.0
        if not swapped and left_t != right_t:
            piece = reading.text.swap(moved[0], transposed(reading, moved[0]))
        else:
            texts = [transposed(reading, o) if t else reading.text.of(o) for o, t in ((left, left_t), (right, right_t))]
            piece = reading.text.swap(found.node, _spelt(found.style, *texts))
        what = " and ".join(dict.fromkeys(f"`{reading.text.of(o)}`" for o in moved))
        summary = f"exchange the operands {what}" if swapped else f"transpose {what}"
        yield change(reading, found.node, piece, _causes(reading, *moved), summary, cost)


def _shape(reading: Reading, node: ast.expr, turned: bool) -> Shape | None:
    shape = reading.shape(node)
    if shape is None and isinstance(node, ast.Attribute) and node.attr == "T":
        inner = reading.shape(node.value)
        shape = inner[::-1] if inner else None
    return shape[::-1] if shape and turned else shape


def _fits(left: Shape | None, right: Shape | None, kind: str) -> bool:
    """Whether the product can be formed; unknown shapes always can."""
    if left is None or right is None or kind != "dot" or not left or not right:
        return True
    return left[-1] == (right[-2] if len(right) > 1 else right[0])


def _spelt(style: str, left: str, right: str) -> str:
    if style == "@":
        return f"{bracketed(left, PRODUCT)} @ {bracketed(right, PRODUCT + 1)}"
    if style == "method":
        return f"{bracketed(left, ATOM)}.dot({right})"
    return f"{style}({left}, {right})"


def _other_kinds(reading: Reading, found: Product) -> Iterator[Change]:
    left, right = reading.text.of(found.left), reading.text.of(found.right)
    shapes = reading.shape(found.left), reading.shape(found.right)
    causes = ("product-or-axis-wrong", *_causes(reading, found.left, found.right))
    causes = tuple(dict.fromkeys(causes))
    if found.kind == "dot" and _broadcast(*shapes):
        text = f"{bracketed(left, PRODUCT)} * {bracketed(right, PRODUCT + 1)}"
        yield change(reading, found.node, reading.text.swap(found.node, text), causes, "multiply elementwise", 1.6)
    if found.kind == "times":
        text = f"{bracketed(left, PRODUCT)} @ {bracketed(right, PRODUCT + 1)}"
        yield change(reading, found.node, reading.text.swap(found.node, text), causes, "take the matrix product", 1.5)
    flat = all(s is None or len(s) <= 1 for s in shapes)
    if found.style != "@" and found.style != "method" and found.kind in ("dot", "outer") and flat:
        head, _, tail = found.style.rpartition(".")
        other = {"dot": "outer", "matmul": "outer", "inner": "outer", "outer": "dot"}[tail]
        style = f"{head}.{other}" if head else other
        if head:
            text = _spelt(style, left, right)
            yield change(reading, found.node, reading.text.swap(found.node, text), causes, f"use `{style}`", 1.3)
    elif found.style == "@" and flat and any(shapes) and "np" in reading.fixed:
        text = f"np.outer({left}, {right})"
        yield change(reading, found.node, reading.text.swap(found.node, text), causes, "take the outer product", 1.6)


def _broadcast(left: Shape | None, right: Shape | None) -> bool:
    if left is None or right is None:
        return True
    return all(a == b or 1 in (a, b) for a, b in zip(left[::-1], right[::-1], strict=False))


def _lone_transposes(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """A `.T` outside of products is taken away."""
    if isinstance(node, ast.Attribute) and node.attr == "T":
        parent = reading.text.parent(node)
        if parent is None or product(reading, parent) is None:
            piece = reading.text.swap(node, reading.text.of(node.value))
            yield change(
                reading,
                node,
                piece,
                _causes(reading, node.value),
                f"do not transpose `{reading.text.of(node.value)}`",
                1.2,
            )


def _elementwise(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """`a * b` of two arrays becomes a matrix product."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
        return
    if is_number(node.left) or is_number(node.right) or "numpy" not in reading.modules:
        return
    left, right = reading.shape(node.left), reading.shape(node.right)
    if () in (left, right):
        return
    known = left is not None and right is not None
    if not known and (
        reading.facts.shapes or isinstance(node.left, ast.BinOp) or isinstance(node.right, ast.BinOp | ast.Compare)
    ):
        return
    sides = [reading.text.fitted(node.left, PRODUCT), reading.text.fitted(node.right, PRODUCT + 1)]
    texts = [(sides[0], sides[1], left, right)]
    texts.append((bracketed(transposed(reading, node.left), PRODUCT), sides[1], left[::-1] if left else None, right))
    texts.append(
        (sides[0], bracketed(transposed(reading, node.right), PRODUCT + 1), left, right[::-1] if right else None)
    )
    for i, (a, b, shape_a, shape_b) in enumerate(texts):
        if _fits(shape_a, shape_b, "dot"):
            piece = reading.text.swap(node, f"{a} @ {b}")
            causes = tuple(dict.fromkeys(("product-or-axis-wrong", *_causes(reading, node.left, node.right))))
            yield change(reading, node, piece, causes, "take the matrix product", 1.5 + 0.2 * i)


def _index_orders(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """`w[i][j]` and `w[j][i]`, `x[:, a:b, c:d]` and `x[:, c:d, a:b]`."""
    if not isinstance(node, ast.Subscript):
        return
    text = reading.text
    if isinstance(node.slice, ast.Tuple):
        parts = node.slice.elts
        for i, j in itertools.combinations(range(len(parts)), 2):
            if not _exchangeable(text.of(parts[i]), text.of(parts[j]), parts[i], parts[j]):
                continue
            pieces = [text.swap(parts[i], text.of(parts[j])), text.swap(parts[j], text.of(parts[i]))]
            if any(isinstance(p, ast.Slice) for p in (parts[i], parts[j])):
                pieces = [_plain(reading, parts[i], parts[j]), _plain(reading, parts[j], parts[i])]
            images = len(parts) > 2 or any(isinstance(p, ast.Slice) for p in (parts[i], parts[j]))
            causes = ("conv-index-wrong", "product-or-axis-wrong") if images else _causes(reading, node.value)
            yield change(reading, node, pieces, causes, "exchange the two indices", 0.9 + 0.1 * (j - i - 1))
    elif isinstance(node.value, ast.Subscript) and not isinstance(node.value.slice, ast.Tuple):
        first, second = node.value.slice, node.slice
        if _exchangeable(text.of(first), text.of(second), first, second):
            pieces = [_plain(reading, first, second), _plain(reading, second, first)]
            causes = _causes(reading, node.value.value)
            deeper = isinstance(node.value.value, ast.Subscript) or isinstance(text.parent(node), ast.Subscript)
            if deeper:
                causes = ("conv-index-wrong", *causes)
            yield change(reading, node, pieces, causes, "exchange the two indices", 0.9)


def _plain(reading: Reading, node: ast.expr, other: ast.expr) -> Piece:
    return Piece(*reading.text.span(node), reading.text.of(other))


def _exchangeable(first: str, second: str, a: ast.expr, b: ast.expr) -> bool:
    if first == second or is_number(a) or is_number(b):
        return False
    if isinstance(a, ast.Constant) or isinstance(b, ast.Constant):
        return False
    trivial = [isinstance(p, ast.Slice) and p.lower is None and p.upper is None for p in (a, b)]
    return not all(trivial)


def _einsum(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """Exchange two letters of one operand, or of the result."""
    call = called(node)
    if not (call and call[0] == "einsum" and isinstance(node, ast.Call) and node.args):
        return
    spec = node.args[0]
    if not (isinstance(spec, ast.Constant) and isinstance(spec.value, str) and "." not in spec.value):
        return
    quote = reading.text.of(spec)[0]
    if quote not in "'\"":
        return
    terms = [t.strip() for t in spec.value.replace("->", ",").split(",")]
    arrow = "->" in spec.value
    for place, term in enumerate(terms):
        for i, j in itertools.combinations(range(len(term)), 2):
            letters = list(term)
            letters[i], letters[j] = letters[j], letters[i]
            new = [*terms[:place], "".join(letters), *terms[place + 1 :]]
            written = ",".join(new[:-1]) + "->" + new[-1] if arrow else ",".join(new)
            causes = (
                ("conv-index-wrong", "product-or-axis-wrong") if len(set(spec.value)) > 6 else _causes(reading, node)
            )
            summary = f"exchange {term[i]} and {term[j]} in the sum over indices"
            piece = reading.text.swap(spec, quote + written + quote)
            yield change(reading, node, piece, causes, summary, 1.1 + 0.1 * (j - i))


def _rows_or_columns(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """Iterating over a nested list: its rows, or its columns through `zip(*rows)`."""
    if not isinstance(node, ast.ListComp | ast.GeneratorExp | ast.comprehension):
        return
    for part in node.generators if not isinstance(node, ast.comprehension) else []:
        sources = [part.iter]
        call = called(part.iter)
        if call and call[0] in ("zip", "enumerate") and isinstance(part.iter, ast.Call):
            sources = list(part.iter.args)
            starred = [a for a in sources if isinstance(a, ast.Starred)]
            if call[0] == "zip" and len(sources) == 1 and starred:
                inner = starred[0].value
                piece = reading.text.swap(part.iter, reading.text.of(inner))
                yield change(
                    reading, part.iter, piece, _causes(reading, inner), "go through the rows, not the columns", 1.0
                )
                continue
        for source in sources:
            if isinstance(source, ast.Name | ast.Attribute | ast.Subscript) and reading.is_nested(source):
                piece = reading.text.swap(source, f"zip(*{reading.text.of(source)})")
                yield change(
                    reading, source, piece, _causes(reading, source), "go through the columns, not the rows", 1.1
                )


def _own_transpose(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """Programs of plain lists: wrap an argument in the program's own transposition, or take it out."""
    if not isinstance(node, ast.Call) or "numpy" in reading.modules:
        return
    own = [n.rsplit(".", 1)[-1] for n, f in reading.functions.items() if _transposes(f)]
    call = called(node)
    if call and call[0] in own and len(node.args) == 1:
        inner = node.args[0]
        piece = reading.text.swap(node, reading.text.of(inner))
        yield change(reading, node, piece, _causes(reading, inner), f"do not transpose `{reading.text.of(inner)}`", 0.9)
        return
    if call is None or not reading.functions_named(call[0]):
        return
    for argument in node.args:
        if isinstance(argument, ast.Name | ast.Attribute | ast.Subscript) and reading.is_nested(argument):
            text = reading.text.of(argument)
            written = f"{own[0]}({text})" if own else f"[list(column) for column in zip(*{text})]"
            piece = reading.text.swap(argument, written)
            yield change(reading, node, piece, _causes(reading, argument), f"transpose `{text}`", 0.9)
    if len(node.args) == 2 and not node.keywords:
        one, two = node.args
        pieces = [reading.text.swap(one, reading.text.of(two)), reading.text.swap(two, reading.text.of(one))]
        yield change(reading, node, pieces, _causes(reading, one, two), "exchange the two arguments", 1.3)


def _transposes(function: ast.AST) -> bool:
    """Whether a function of one argument returns the columns of it."""
    if not isinstance(function, ast.FunctionDef) or len(function.args.args) != 1:
        return False
    name = function.args.args[0].arg
    for node in walk(function):
        call = called(node)
        if (
            call
            and call[0] == "zip"
            and isinstance(node, ast.Call)
            and any(isinstance(a, ast.Starred) for a in node.args)
        ):
            return any(
                isinstance(a, ast.Starred) and name in {n.id for n in walk(a) if isinstance(n, ast.Name)}
                for a in node.args
            )
    return False
