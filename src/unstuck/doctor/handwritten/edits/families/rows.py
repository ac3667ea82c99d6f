"""Rows and layers that a loop leaves out: batch bounds, ranges one too short, an early return, one fixed row."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from ..making import change, is_number, number
from ..model import Change
from ..reading import Function, Reading, called, canonical, names_in
from ..text import ATOM, PRODUCT, Piece, bracketed, walk

SEEN = ("samples-never-seen", "samples-dropped", "partial-batch-wrong")


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        if isinstance(statement, ast.For):
            yield from _batches(reading, statement, statement.target, statement.iter, statement.body)
            yield from _zipped_slices(reading, statement)
        for value in reading.expressions(statement):
            yield from _cut_alike(reading, value)
            for node in walk(value):
                yield from _ranges(reading, statement, node)
                yield from _fixed_row(reading, node)
                yield from _comparisons(reading, node)
                if isinstance(node, ast.ListComp | ast.GeneratorExp):
                    for part in node.generators:
                        yield from _ranges(reading, statement, part.iter)
                        yield from _batches(reading, node, part.target, part.iter, [node.elt])
        yield from _left_early(reading, statement)
        yield from _partly(reading, statement)


def _causes(reading: Reading, statement: ast.stmt) -> tuple[str, ...]:
    """A loop over layers trains layers, a loop over rows sees rows, a loop over pixels is a convolution."""
    counters = {c for loop in [statement] if isinstance(loop, ast.For) for c in names_in(loop.target)}
    weights = any(
        reading.is_parameter(n) and counters & names_in(n.slice)
        for n in walk(statement)
        if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name | ast.Attribute)
    )
    images = any(
        isinstance(n, ast.Tuple) and len(n.elts) > 2 and counters & names_in(n)
        for n in walk(statement)
        if isinstance(n, ast.Tuple)
    )
    if weights and reading.role(statement) != "forward":
        return "layer-not-trained", "bias-gradient-wrong", "samples-dropped", "bptt-broken", "conv-index-wrong"
    if images:
        return "conv-index-wrong", "samples-dropped", "layer-not-trained"
    if reading.role(statement) != "forward" and any(reading.is_time(statement, c) for c in counters):
        return "bptt-broken", "time-index-wrong", "layer-not-trained", "samples-dropped"
    return (
        "samples-dropped",
        "samples-never-seen",
        "layer-not-trained",
        "bptt-broken",
        "time-index-wrong",
        "conv-index-wrong",
    )


# ------------------------------------------------------------------------------------------------ batch loops


def _batches(
    reading: Reading, loop: ast.stmt | ast.expr, target: ast.expr, iterable: ast.expr, body: Sequence[ast.AST]
) -> Iterator[Change]:
    """``data[k:k + size]`` with k counting batches, or ``data[k * size:]`` with k counting rows, in a loop or a list."""
    if not isinstance(target, ast.Name):
        return
    text, k = reading.text, target.id
    call = called(iterable)
    if not call or call[0] not in ("range", "trange", "arange") or not isinstance(iterable, ast.Call):
        return
    slices = [
        n
        for s in body
        for n in walk(s)
        if isinstance(n, ast.Slice) and n.lower is not None and n.upper is not None and k in names_in(n)
    ]
    if not slices:
        return
    arguments = iterable.args
    head = text.of(iterable.func)
    for piece in slices[:1]:
        assert piece.lower is not None and piece.upper is not None
        size = _width(reading, piece.lower, piece.upper, k)
        if size is None:
            continue
        plain = canonical(piece.lower) == k
        lengths = _lengths(reading, body, arguments)
        marks = ((piece.lower.lineno, "where the rows are cut"),)
        if plain and len(arguments) < 3:
            for i, length in enumerate(lengths):
                written = f"{head}(0, {length}, {size})"
                yield change(reading, loop, text.swap(iterable, written), SEEN, f"step by {size}", 0.7 + 0.2 * i, marks)
            tight = bracketed(size, PRODUCT + 1)
            cuts = [p for s in slices for p in _recut(reading, s, f"{k} * {tight}", f"({k} + 1) * {tight}")]
            yield change(reading, loop, cuts, SEEN, f"cut rows {k} * {size} to ({k} + 1) * {size}", 0.9, marks)
        if not plain and len(arguments) == 3:
            cuts = [p for s in slices for p in _recut(reading, s, k, f"{k} + {size}")]
            yield change(reading, loop, cuts, SEEN, f"cut rows {k} to {k} + {size}", 0.8, marks)
            for length in lengths[:2]:
                written = f"{head}({length} // {bracketed(size, ATOM)})"
                yield change(reading, loop, text.swap(iterable, written), SEEN, "count the batches", 1.0, marks)
        if len(arguments) == 3 and text.of(arguments[2]) != size:
            yield change(reading, loop, text.swap(arguments[2], size), SEEN, f"step by {size}", 0.8, marks)
            step = text.of(arguments[2])
            cuts = [p for s in slices for p in _recut(reading, s, k, f"{k} + {step}")]
            yield change(reading, loop, cuts, SEEN, f"cut {step} rows", 0.9, marks)
        if len(arguments) == 3:
            for i, length in enumerate(lengths):
                if length != text.of(arguments[1]):
                    piece_end = text.swap(arguments[1], length)
                    yield change(reading, loop, piece_end, SEEN, f"go on to {length}", 1.1 + 0.1 * i, marks)


def _recut(reading: Reading, piece: ast.Slice, lower: str, upper: str) -> list[Piece]:
    assert piece.lower is not None and piece.upper is not None
    return [reading.text.swap(piece.lower, lower), reading.text.swap(piece.upper, upper)]


def _width(reading: Reading, lower: ast.expr, upper: ast.expr, counter: str) -> str | None:
    """size of ``k:k + size``, ``k * size:(k + 1) * size`` or ``k * size:k * size + size``."""
    match upper:
        case ast.BinOp(left=left, op=ast.Add(), right=right) if canonical(left) == canonical(lower):
            return reading.text.of(right)
        case ast.BinOp(left=left, op=ast.Add(), right=right) if canonical(right) == canonical(lower):
            return reading.text.of(left)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            for one, two in ((left, right), (right, left)):
                if counter in names_in(one) and counter not in names_in(two):
                    return reading.text.of(two)
    return None


def _lengths(reading: Reading, body: Sequence[ast.AST], arguments: list[ast.expr]) -> list[str]:
    """What may be the number of rows: taken from ``n // size``, the end of the range, or the length of what is cut."""
    found = []
    for argument in arguments[:2]:
        for node in walk(argument):
            if isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv | ast.Div | ast.Sub):
                found.append(reading.text.of(node.left))
    if arguments:
        stop = arguments[1] if len(arguments) > 1 else arguments[0]
        if not isinstance(stop, ast.BinOp):
            found.append(reading.text.of(stop))
    for statement in body:
        for node in walk(statement):
            if (
                isinstance(node, ast.Subscript)
                and isinstance(node.slice, ast.Slice)
                and isinstance(node.value, ast.Name | ast.Attribute)
            ):
                found.append(f"len({reading.text.of(node.value)})")
    return list(dict.fromkeys(found))[:3]


# ----------------------------------------------------------------------------------------------------- ranges


def _ranges(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    """Bounds one more or one less, from the beginning, down to the first."""
    call = called(node)
    if not (call and call[0] == "range" and isinstance(node, ast.Call) and node.args and not node.keywords):
        return
    text = reading.text
    causes = _causes(reading, statement)
    arguments = node.args
    if any(isinstance(a, ast.Starred) for a in arguments):
        return
    bounds = {0: "stop"} if len(arguments) == 1 else {0: "start", 1: "stop"}
    down = len(arguments) == 3 and (number(arguments[2]) or 1) < 0
    for place, name in bounds.items():
        for new, cost in _nudged(reading, arguments[place]):
            if name == "start" and new.startswith("-") and not down:
                continue
            yield change(reading, node, text.swap(arguments[place], new), causes, f"{name} at {new}", cost)
    if (
        len(arguments) >= 2
        and is_number(arguments[0]) is not False
        and number(arguments[0]) not in (0, None)
        and len(arguments) == 2
    ):
        yield change(
            reading, node, text.swap(node, f"range({text.of(arguments[1])})"), causes, "begin with the first", 0.9
        )
    if down and number(arguments[1]) not in (-1, 0):
        yield change(reading, node, text.swap(arguments[1], "-1"), causes, "go on to the first", 0.5)
    if len(arguments) == 2 and number(arguments[0]) is None:
        written = f"range({text.of(arguments[1])})"
        yield change(reading, node, text.swap(node, written), causes, "begin with the first", 1.0)
    if len(arguments) == 1:
        yield change(
            reading, node, text.swap(node, f"range(1, {text.of(arguments[0])})"), causes, "begin with the second", 1.6
        )
        parent = text.parent(node)
        outer = called(parent) if parent is not None else None
        if not (outer and outer[0] == "reversed") and isinstance(parent, ast.For):
            yield change(
                reading, node, text.swap(node, f"reversed({text.of(node)})"), causes, "go through it backwards", 1.7
            )


def _nudged(reading: Reading, node: ast.expr) -> list[tuple[str, float]]:
    text = reading.text.of(node)
    value = number(node)
    if value is not None and value == int(value):
        return [(str(int(value) + s), 1.0) for s in (-1, 1)]
    match node:
        case ast.BinOp(left=left, op=ast.Sub(), right=right) if number(right) is not None:
            step = number(right) or 0
            head = reading.text.of(left)
            return [(head if step == 1 else f"{head} - {step - 1:g}", 0.9), (f"{head} - {step + 1:g}", 1.2)]
        case ast.BinOp(left=left, op=ast.Add(), right=right) if number(right) is not None:
            step = number(right) or 0
            head = reading.text.of(left)
            return [(head if step == 1 else f"{head} + {step - 1:g}", 0.9), (f"{head} + {step + 1:g}", 1.2)]
    return [(f"{text} - 1", 1.3), (f"{text} + 1", 1.3)]


def _zipped_slices(reading: Reading, loop: ast.For) -> Iterator[Change]:
    """``zip(w[1:], g[1:])`` leaves a layer out: without the slices, all at once and each alone."""
    parts = [n for n in walk(loop.iter) if isinstance(n, ast.Subscript) and isinstance(n.slice, ast.Slice)]
    text = reading.text
    causes = ("layer-not-trained", "samples-dropped", "bias-gradient-wrong")
    parts = [
        p for p in parts if isinstance(p.slice, ast.Slice) and (p.slice.lower is not None or p.slice.upper is not None)
    ]
    pieces = [text.swap(p, text.of(p.value) + _every(p.slice)) for p in parts]
    if len(parts) > 1:
        yield change(reading, loop, pieces, causes, "go through all of them", 0.6)
    for part, piece in zip(parts, pieces, strict=True):
        yield change(reading, loop, piece, causes, f"go through all of `{text.of(part.value)}`", 0.7)


def _every(index: ast.expr) -> str:
    """The slice without its bounds, in its direction."""
    back = isinstance(index, ast.Slice) and index.step is not None and (number(index.step) or 0.0) < 0
    return "[::-1]" if back else ""


def _comparisons(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``>`` against ``>=``, and a limit one higher or lower."""
    if not (
        isinstance(node, ast.Compare) and len(node.ops) == 1 and not isinstance(reading.text.parent(node), ast.BinOp)
    ):
        return
    text = reading.text
    start, end = text.outer(node.left)[1], text.outer(node.comparators[0])[0]
    sign = text.source[start:end].strip()
    near = {"<": ("<=",), "<=": ("<",), ">": (">=",), ">=": (">",), "==": ("!=",), "!=": ("==",)}.get(sign, ())
    causes = ("layer-not-trained", "samples-dropped", "activation-derivative-missing", "wrong-variable")
    for other in near:
        piece = Piece(start, end, text.source[start:end].replace(sign, other, 1))
        yield change(reading, node, piece, causes, f"`{other}` instead of `{sign}`", 1.5)
    limit = number(node.comparators[0])
    if limit is not None and limit == int(limit) and names_in(node.left) & reading.all_counters:
        for step in (-1, 1):
            piece = text.swap(node.comparators[0], str(int(limit) + step))
            yield change(reading, node, piece, causes, f"compare with {int(limit) + step}", 1.5)


# ------------------------------------------------------------------------------------------------- single rows


def _fixed_row(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``x[0]`` or ``x[:32]`` inside a loop that counts: use the counter."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
        return
    counters = reading.counters(node)
    text = reading.text
    if (number(node.slice) in (0, 1, -1) and not isinstance(node.value, ast.Attribute | ast.Call)) or (
        isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, int)
    ):
        if isinstance(node.value, ast.Attribute) and node.value.attr in ("shape", "args"):
            return
        causes: tuple[str, ...] = SEEN
        cost = 1.3
        if reading.role(text.statement(node)) in ("backward", "update"):
            causes, cost = ("gradient-operand-wrong", "samples-dropped", *SEEN), 1.0
        for counter in counters[:2]:
            piece = text.swap(node.slice, counter)
            yield change(reading, node, piece, causes, f"place {counter}, not always the same", cost)
    if (
        isinstance(node.slice, ast.Slice)
        and node.slice.upper is not None
        and (node.slice.lower is None or number(node.slice.lower) == 0)
    ):
        size = text.of(node.slice.upper)
        for counter in counters[:1]:
            tight = bracketed(size, PRODUCT)
            written = f"{counter} * {tight}:({counter} + 1) * {tight}"
            start, end = text.span(node.slice)
            yield change(reading, node, Piece(start, end, written), SEEN, "cut the batch that the loop counts", 1.4)
            yield change(
                reading,
                node,
                Piece(start, end, f"{counter}:{counter} + {size}"),
                SEEN,
                "cut the batch that begins here",
                1.3,
            )
    if isinstance(node.slice, ast.Slice) and not counters and isinstance(node.value, ast.Name | ast.Attribute):
        bounds = (node.slice.lower, node.slice.upper)
        if any(number(b) is not None and abs(number(b) or 0) == 1 for b in bounds if b is not None):
            causes = ("samples-dropped", "layer-not-trained", "time-index-wrong")
            yield change(
                reading, node, text.swap(node, text.of(node.value)), causes, f"all of `{text.of(node.value)}`", 1.2
            )


def _cut_alike(reading: Reading, value: ast.expr) -> Iterator[Change]:
    """``a[1:].T @ d[1:]``: both factors without the cut, and a factor of a product without it."""
    text = reading.text
    groups: dict[str, list[ast.Subscript]] = {}
    for node in walk(value):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _cuts_one(node.slice):
            groups.setdefault(canonical(node.slice), []).append(node)
    causes = ("samples-dropped", "conv-index-wrong", "time-index-wrong", "gradient-operand-wrong")
    every = [node for group in groups.values() for node in group]
    for group in [g for g in groups.values() if len(g) > 1] or ([every] if len(every) > 1 else []):
        pieces = [text.swap(node, text.of(node.value)) for node in group]
        names = " and ".join(f"`{text.of(node.value)}`" for node in group)
        if not any(a is not b and a in walk(b) for a in group for b in group):
            yield change(reading, value, pieces, causes, f"all of {names}", 0.6)


def _cuts_one(index: ast.expr) -> bool:
    """``1:``, ``:-1`` on one of the axes, all of the others."""
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    slices = [p for p in parts if isinstance(p, ast.Slice)]
    cut = [p for p in slices if p.lower is not None or p.upper is not None]
    if len(slices) != len(parts) or len(cut) != 1 or cut[0].step is not None:
        return False
    lower, upper = cut[0].lower, cut[0].upper
    if upper is None:
        return lower is not None and number(lower) == 1
    return lower is None and number(upper) == -1


def _left_early(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """A `return` or the step stands one level too deep, or not deep enough; a `break` ends the loop at once."""
    text = reading.text
    parent = text.parent(statement)
    if not text.solo(statement):
        return
    if isinstance(statement, ast.Return | ast.Assign | ast.AugAssign | ast.Expr) and isinstance(
        parent, ast.For | ast.While | ast.If
    ):
        block, at = text.block(statement)
        last = at == len(block) - 1
        if last and len(block) > 1 and text.solo(parent) and block is parent.body and not parent.orelse:
            moved = text.after(parent, text.dedented(statement))
            causes = (
                "samples-dropped",
                "samples-never-seen",
                "bptt-broken",
                "update-not-applied",
                "gradient-scale-wrong",
            )
            cost = 0.8 if isinstance(statement, ast.Return) else 1.9
            yield change(
                reading, statement, [*text.cut(statement), moved], causes, "after the loop, not inside it", cost
            )
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr) and not isinstance(parent, ast.ClassDef | Function):
        block, at = text.block(statement)
        before = block[at - 1] if at else None
        if (
            isinstance(before, ast.For | ast.While)
            and text.solo(before)
            and not before.orelse
            and text.solo(before.body[-1])
        ):
            inner = before.body[-1]
            moved = text.after(inner, text.dedented(statement), indent=text.indent(before.body[0]))
            later = ("samples-dropped", "samples-never-seen", "update-not-applied", "gradient-not-reset")
            yield change(reading, statement, [*text.cut(statement), moved], later, "inside the loop, not after it", 1.5)


def _partly(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """A `break` or `continue` that ends the loop too soon."""
    if isinstance(statement, ast.Break | ast.Continue) and reading.text.solo(statement):
        causes: tuple[str, ...] = ("samples-never-seen", "samples-dropped", "stopping-rule-wrong")
        if any(reading.is_time(statement, c) for c in reading.counters(statement)):
            causes = ("bptt-broken", "samples-dropped")
        yield change(reading, statement, reading.text.cut(statement), causes, "do not leave the loop here", 0.7)
    if not isinstance(statement, ast.If) or statement.orelse or len(statement.body) != 1:
        return
    if isinstance(statement.body[0], ast.Break | ast.Continue) and reading.text.solo(statement):
        pieces = reading.text.cut(statement)
        causes = ("samples-dropped", "samples-never-seen", "stopping-rule-wrong")
        yield change(reading, statement, pieces, causes, "do not leave the loop here", 1.6)
