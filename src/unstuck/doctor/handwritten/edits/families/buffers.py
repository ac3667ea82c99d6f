"""Shared memory: one array under two names, a list of the same object n times, an array overwritten while it is needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..making import change, is_number
from ..model import Change
from ..reading import Reading, called, canonical, root_name
from ..text import ATOM, PRODUCT, SUM, Piece, bracketed, walk

CAUSES = ("buffer-overwritten", "weights-aliased", "gradient-operand-wrong")
ALIASED = ("weights-aliased", "buffer-overwritten")
VIEWS = {"reshape", "ravel", "view", "transpose", "asarray", "squeeze", "T"}


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        yield from _aliases(reading, statement)
        yield from _in_place(reading, statement)
        yield from _chained(reading, statement)
        yield from _kept_before_filled(reading, statement)
        yield from _altered(reading, statement)
        for value in reading.values(statement):
            for node in walk(value):
                yield from _repeated(reading, node)
                yield from _pool(reading, node)
                yield from _out(reading, node)
                yield from _fromkeys(reading, node)


def _copies(reading: Reading, node: ast.expr) -> list[str]:
    """How a copy of the value is written."""
    text = bracketed(reading.text.of(node), ATOM)
    shape = reading.shape(node)
    if "numpy" in reading.modules and shape != ():
        listed = shape is None and canonical(node) in reading.subscripted
        return [f"{text}.copy()", f"[part.copy() for part in {text}]"] if listed else [f"{text}.copy()"]
    if shape is None and "numpy" not in reading.modules:
        return [f"{text}[:]", f"[row[:] for row in {text}]"] if reading.is_nested(node) else [f"{text}[:]"]
    return []


def _aliases(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``a = b`` -> ``a = b.copy()``; the same for what is appended, returned or put into a list."""
    sources: list[ast.expr] = []
    for value in reading.values(statement):
        if isinstance(statement, ast.Assign | ast.Return):
            sources += value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
            if isinstance(value, ast.ListComp):
                sources.append(value.elt)
            if isinstance(value, ast.Dict):
                sources += value.values
        for node in walk(value):
            call = called(node)
            if call and call[0] in ("append", "insert") and isinstance(node, ast.Call) and node.args:
                sources.append(node.args[-1])
            if call and reading.functions_named(call[0]) and isinstance(node, ast.Call):
                sources += [a for a in node.args if isinstance(a, ast.Name | ast.Attribute) and reading.is_parameter(a)]
    for source in sources:
        if not _may_alias(reading, source):
            continue
        for i, copy in enumerate(_copies(reading, source)):
            piece = reading.text.swap(source, copy)
            causes = ALIASED if reading.is_parameter(source) else CAUSES
            plain = isinstance(statement, ast.Assign)
            yield change(
                reading,
                statement,
                piece,
                causes,
                f"take a copy of `{reading.text.of(source)}`",
                (1.3 if plain else 1.6) + 0.2 * i,
            )


def _may_alias(reading: Reading, node: ast.expr) -> bool:
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
        return reading.text.of(node) not in reading.scalars and any(True for _ in reading.references(node))
    call = called(node)
    return call is not None and call[0] in VIEWS and "numpy" in reading.modules


def _in_place(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``x -= y`` on something that others still read -> ``x = x - y``."""
    if not isinstance(statement, ast.AugAssign) or (
        is_number(statement.value) and reading.shape(statement.target) == ()
    ):
        return
    if isinstance(statement.target, ast.Name) and statement.target.id in reading.scalars:
        return
    text = reading.text
    target, value = text.of(statement.target), text.of(statement.value)
    start, end = text.span(statement.target)[1], text.outer(statement.value)[0]
    sign = text.source[start:end].strip().removesuffix("=")
    if not sign or "\\" in sign or "\n" in value:
        return
    needed = PRODUCT + 1 if sign in ("*", "/", "@") else SUM + 1
    written = f"{target} = {target} {sign} {bracketed(value, needed)}"
    yield change(
        reading,
        statement,
        Piece(*text.span(statement), written),
        CAUSES,
        "make a new array instead of changing the old one",
        1.7,
    )


def _kept_before_filled(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``kept.append(b)`` and then ``b[...] = value`` -> ``kept.append(value)``; the same for ``kept[t] = b``."""
    text = reading.text
    if not text.solo(statement):
        return
    block, at = text.block(statement)
    after = block[at + 1] if at + 1 < len(block) else None
    if not (isinstance(after, ast.Assign) and len(after.targets) == 1 and text.solo(after)):
        return
    target = after.targets[0]
    if not (isinstance(target, ast.Subscript) and canonical(target.slice) in ("...", ":")):
        return
    held: ast.expr | None = None
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="append"), args=[only])):
            held = only
        case ast.Assign(targets=[ast.Subscript()], value=only):
            held = only
    if held is not None and canonical(held) == canonical(target.value):
        pieces = [text.swap(held, text.of(after.value)), *text.cut(after)]
        yield change(reading, statement, pieces, CAUSES, "keep a new array each time", 0.8)


def _altered(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``a *= 0.5`` behind the computation of a, while the gradient still needs a as it was -> without it."""
    if not isinstance(statement, ast.AugAssign) or not reading.text.solo(statement):
        return
    block, at = reading.text.block(statement)
    own = canonical(statement.target)
    home = reading.own_class(statement) if root_name(statement.target) == "self" else None
    earlier = block[:at] if home is None else list(walk(home))
    before = [s for s in earlier if isinstance(s, ast.Assign) and own in {canonical(t) for t in s.targets}]
    if (
        before
        and not reading.is_parameter(statement.target)
        and isinstance(statement.op, ast.Mult | ast.Div | ast.Add | ast.Sub)
    ):
        cost = 0.9 if isinstance(statement.op, ast.Mult | ast.Div) else 1.8
        yield change(reading, statement, reading.text.cut(statement), CAUSES, f"leave `{own}` as it was", cost)


def _chained(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``a = b = zeros(..)`` -> two arrays."""
    if (
        isinstance(statement, ast.Assign)
        and len(statement.targets) > 1
        and reading.text.solo(statement)
        and not is_number(statement.value)
    ):
        text = reading.text
        value = text.of(statement.value)
        first = Piece(*text.span(statement), f"{text.of(statement.targets[0])} = {value}")
        rest = "\n".join(f"{text.of(t)} = {value}" for t in statement.targets[1:])
        yield change(reading, statement, [first, text.after(statement, rest)], ALIASED, "one array for each name", 0.9)


def _repeated(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``[zeros(n)] * k`` and ``[[0.0] * n] * k`` hold the same object k times."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
        return
    text = reading.text
    for items, count in ((node.left, node.right), (node.right, node.left)):
        if isinstance(items, ast.List) and len(items.elts) == 1 and not isinstance(items.elts[0], ast.Constant):
            inside = items.elts[0]
            if isinstance(inside, ast.UnaryOp):
                continue
            copy = "" if isinstance(inside, ast.Call | ast.List | ast.BinOp | ast.ListComp) else ".copy()"
            written = f"[{text.of(inside)}{copy} for _ in range({text.of(count)})]"
            yield change(reading, node, text.swap(node, written), ALIASED, "make a new one for each place", 0.8)


def _pool(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """Arrays looked up by their size are shared by layers of the same size: make one for each."""
    if not (isinstance(node, ast.ListComp) and isinstance(node.elt, ast.Subscript)):
        return
    text = reading.text
    for statement in reading.statements:
        if not (isinstance(statement, ast.Assign) and isinstance(statement.value, ast.DictComp)):
            continue
        store = statement.value
        if not any(canonical(t) == canonical(node.elt.value) for t in statement.targets):
            continue
        key, index = text.of(store.key), text.of(node.elt.slice)
        made = (
            re.sub(rf"\b{re.escape(key)}\b", index, text.of(store.value))
            if isinstance(store.key, ast.Name)
            else text.of(store.value)
        )
        pieces = [text.swap(node.elt, made)]
        others = [
            n
            for n in text.nodes
            if isinstance(n, ast.Name | ast.Attribute)
            and isinstance(n.ctx, ast.Load)
            and canonical(n) == canonical(node.elt.value)
        ]
        block, _ = text.block(statement)
        if len(others) == 1 and text.solo(statement) and len(block) > 1:
            pieces += text.cut(statement)
        marks = ((statement.lineno, "one array for each size"),)
        yield change(reading, node, pieces, CAUSES, "make an array for each layer", 0.8, marks)


def _out(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``f(a, out=b)`` writes over b."""
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            start, end = reading.text.span(keyword)
            comma = reading.text.source.rfind(",", 0, start)
            statement = reading.text.statement(node)
            if keyword.arg == "out" and comma >= 0 and isinstance(statement, ast.Expr | ast.Assign):
                pieces = [Piece(comma, end, "")]
                if isinstance(statement, ast.Expr) and isinstance(keyword.value, ast.Name):
                    place = reading.text.span(statement)[0]
                    pieces.append(Piece(place, place, f"{keyword.value.id} = "))
                yield change(reading, node, pieces, CAUSES, "make a new array for the result", 1.2)


def _fromkeys(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``dict.fromkeys(keys, zeros(n))`` gives every key the same array."""
    call = called(node)
    if call and call[0] == "fromkeys" and isinstance(node, ast.Call) and len(node.args) == 2:
        keys, value = (reading.text.of(a) for a in node.args)
        piece = reading.text.swap(node, f"{{key: {value} for key in {keys}}}")
        yield change(reading, node, piece, ALIASED, "make a new one for each key", 0.8)
