"""Axes: sums, means and maxima over the wrong axis, lost columns, and residuals that spread into a table."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, is_number, number
from ..model import Change
from ..reading import Reading, called
from ..text import ATOM, Piece, bracketed, walk

REDUCTIONS = {
    "sum": "mean",
    "mean": "sum",
    "max": None,
    "min": None,
    "std": None,
    "var": None,
    "argmax": None,
    "amax": None,
    "nansum": "nanmean",
}
FLATTENERS = {"ravel", "flatten", "squeeze"}


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        for value in reading.expressions(statement):
            for node in walk(value):
                if isinstance(node, ast.Call):
                    yield from _reductions(reading, node)
                    yield from _flatteners(reading, node)
                yield from _residuals(reading, node)
        if isinstance(statement, ast.Assign):
            yield from _column(reading, statement)
        yield from _softmax(reading, statement)


# ------------------------------------------------------------------------------------------------ reductions


def _axis(node: ast.Call, reduced: int) -> tuple[ast.expr | None, ast.keyword | None]:
    """The axis argument: where its value stands, and its keyword if it has one."""
    for keyword in node.keywords:
        if keyword.arg == "axis":
            return keyword.value, keyword
    return (node.args[reduced], None) if len(node.args) > reduced else (None, None)


def _causes(reading: Reading, node: ast.expr) -> tuple[str, ...]:
    statement = reading.text.statement(node)
    holder = reading.holder(statement)
    exponential = any((c := called(n)) and c[0] == "exp" for n in reading.body_nodes(holder))
    divides = any(isinstance(n, ast.Div) for n in walk(statement)) or _beside_exp(reading, node)
    if reading.role(statement) != "backward" and exponential and divides:
        return "softmax-axis-wrong", "product-or-axis-wrong", "broadcast-residual"
    if reading.role(statement) == "forward":
        return "product-or-axis-wrong", "broadcast-residual"
    nested = [a for a in reading.text.ancestors(node) if isinstance(a, ast.BinOp)]
    if any(isinstance(a.op, ast.Sub) for a in nested):
        return "softmax-jacobian-wrong", "norm-backward-wrong", "product-or-axis-wrong"
    return "bias-gradient-wrong", "product-or-axis-wrong", "gradient-scale-wrong", "softmax-jacobian-wrong"


def _beside_exp(reading: Reading, node: ast.expr) -> bool:
    return any((c := called(a)) and c[0] in ("exp", "log") for a in reading.text.ancestors(node))


def _reductions(reading: Reading, node: ast.Call) -> Iterator[Change]:
    call = called(node)
    if call is None or call[0] not in REDUCTIONS or call[1] is None:
        return
    name, receiver = call[0], call[1]
    text = reading.text
    module = isinstance(receiver, ast.Name) and receiver.id in reading.fixed
    if module and not node.args:
        return
    value, keyword = _axis(node, 1 if module else 0)
    causes = _causes(reading, node)
    keeps = next((k for k in node.keywords if k.arg == "keepdims"), None)
    measured = reading.shape(node.args[0] if module else receiver)
    axes = range(len(measured)) if measured is not None else range(2)
    if value is not None:
        current = text.of(value)
        same = (
            {number(value), (number(value) or 0) + len(measured)}
            if measured and number(value) is not None
            else {number(value)}
        )
        options = [str(a) for a in axes if a not in same]
        if measured is None and current != "-1":
            options.append("-1")
        for option in options if is_number(value) or isinstance(value, ast.Tuple) else ["0", "1"]:
            if option != current:
                yield change(
                    reading, node, text.swap(value, option), causes, f"`{name}` over axis {option}, not {current}", 0.8
                )
        if keeps is None:
            span = text.span(keyword.value) if keyword else text.span(value)
            piece = Piece(span[1], span[1], ", keepdims=True")
            order = (
                "product-or-axis-wrong",
                *(c for c in causes if c != "product-or-axis-wrong"),
                "broadcast-residual",
            )
            yield change(
                reading, node, piece, dict.fromkeys(order), "keep the summed axis, so that it divides row by row", 0.8
            )
            if "np" in reading.fixed:
                for tail in ("[:, None]", "[None, :]"):
                    piece = text.swap(node, text.of(node) + tail)
                    yield change(reading, node, piece, dict.fromkeys(order), f"shape the result with `{tail}`", 1.7)
        whole = keyword or value
        first, last = text.span(whole)
        comma = text.source.rfind(",", text.span(node)[0], first)
        before = text.source[comma + 1 : first].strip() if comma >= 0 else "x"
        if not before and keeps is None:
            yield change(reading, node, Piece(comma, last, ""), causes, f"`{name}` over everything", 1.6)
        elif not module and len(node.args) + len(node.keywords) == 1:
            yield change(reading, node, Piece(first, last, ""), causes, f"`{name}` over everything", 1.6)
    else:
        inside = text.span(node)[1] - 1
        lead = ", " if node.args or node.keywords else ""
        if text.source[text.span(node)[0] : inside].rstrip().endswith(","):
            lead = ""
        for axis in [str(a) for a in axes]:
            kept = ", keepdims=True" if keeps is None else ""
            for more in ("", kept) if kept else ("",):
                piece = Piece(inside, inside, f"{lead}axis={axis}{more}")
                yield change(
                    reading,
                    node,
                    piece,
                    causes,
                    f"`{name}` over axis {axis}{' (kept)' if more else ''}",
                    1.2 + 0.1 * bool(more),
                )
    if keeps is not None:
        comma = text.source.rfind(",", text.span(node)[0], text.span(keeps)[0])
        if comma >= 0 and not text.source[comma + 1 : text.span(keeps)[0]].strip():
            yield change(
                reading, node, Piece(comma, text.span(keeps)[1], ""), causes, "do not keep the summed axis", 1.4
            )
    other = REDUCTIONS[name]
    if other:
        start = text.span(node.func)[1] - len(name)
        scale = (
            ("bias-gradient-wrong", "gradient-scale-wrong")
            if reading.role(text.statement(node)) != "forward"
            else ("gradient-scale-wrong",)
        )
        yield change(
            reading, node, Piece(start, start + len(name), other), scale, f"take the {other}, not the {name}", 1.0
        )


# ------------------------------------------------------------------------------------------------ residuals


def _softmax(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``e = exp(z - z.max(axis=0)); p = e / e.sum(axis=0)``: the other axis in both places."""
    block, at = reading.text.block(statement)
    for last in (at + 1, at):
        nodes = [n for s in block[at : last + 1] for value in reading.expressions(s) for n in walk(value)]
        axes = [
            axis
            for n in nodes
            if isinstance(n, ast.Call) and (c := called(n)) and c[0] in ("sum", "max", "amax") and c[1] is not None
            and (axis := _axis(n, int(isinstance(c[1], ast.Name) and c[1].id in reading.fixed))[0]) is not None
        ]  # fmt: skip
        values = {number(axis) for axis in axes}
        if len(axes) < 2 or len(values) != 1 or not values <= {0.0, 1.0, -1.0}:
            continue
        divides = any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Div) for n in nodes)
        if divides and any((c := called(n)) and c[0] == "exp" for n in nodes):
            other = "1" if values == {0.0} else "0"
            pieces = [reading.text.swap(axis, other) for axis in axes]
            causes = ("softmax-axis-wrong", "product-or-axis-wrong")
            yield change(reading, statement, pieces, causes, f"normalise over axis {other}", 0.7)
            return


def _flatteners(reading: Reading, node: ast.Call) -> Iterator[Change]:
    """Take `.ravel()`, `.flatten()`, `.squeeze()` or a reshape to one axis away."""
    call = called(node)
    if call is None or call[1] is None:
        return
    name, receiver = call[0], call[1]
    module = isinstance(receiver, ast.Name) and receiver.id in reading.fixed
    source = node.args[0] if module and node.args else receiver
    plain = name in FLATTENERS or (name == "reshape" and len(node.args) == 1 + module and number(node.args[-1]) == -1)
    if plain and not (module and not node.args):
        causes = ("broadcast-residual", "product-or-axis-wrong")
        text = reading.text.of(source)
        yield change(reading, node, reading.text.swap(node, text), causes, f"keep the columns: no `{name}`", 1.0)
        column = f"{bracketed(text, ATOM)}.reshape(-1, 1)"
        yield change(reading, node, reading.text.swap(node, column), causes, "make it one column", 1.2)


def _residuals(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """In `a - b` one side gets a column axis, or loses it."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub | ast.Mult | ast.Div)):
        return
    if "numpy" not in reading.modules or is_number(node.left) or is_number(node.right):
        return
    left, right = reading.shape(node.left), reading.shape(node.right)
    if left is not None and right is not None and (len(left) == len(right) or () in (left, right)):
        return
    known = left is not None and right is not None
    simple = all(isinstance(o, ast.Name | ast.Attribute | ast.Subscript | ast.Call) for o in (node.left, node.right))
    if not known and (reading.facts.shapes or not simple or not isinstance(node.op, ast.Sub)):
        return
    causes = ("broadcast-residual", "product-or-axis-wrong")
    for side, shape, other in ((node.left, left, right), (node.right, right, left)):
        text = reading.text.fitted(side, ATOM)
        flat = known and shape is not None and other is not None and len(shape) < len(other)
        cost = 1.0 if known else 2.2
        if not known or flat:
            for tail in (".reshape(-1, 1)", "[:, None]"):
                summary = f"give `{text}` one column"
                yield change(
                    reading, node, reading.text.swap(side, text + tail), causes, summary, cost + 0.1 * (tail[0] == "[")
                )
        if not known or (shape is not None and other is not None and len(shape) > len(other)):
            yield change(
                reading, node, reading.text.swap(side, f"{text}.ravel()"), causes, f"flatten `{text}`", cost + 0.3
            )


def _column(reading: Reading, statement: ast.Assign) -> Iterator[Change]:
    """Give the assigned array one column, or one axis, where it is made."""
    if "numpy" not in reading.modules or reading.role(statement) in ("backward", "update"):
        return
    target = statement.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
        yield from _columns(reading, statement, target, statement.value)
    if not isinstance(target, ast.Name | ast.Attribute) or is_number(statement.value):
        return
    shape = reading.shape(target)
    if shape is not None and len(shape) not in (1, 2):
        return
    if shape is None and (canonical_literal(statement.value) or reading.text.of(target) in reading.scalars):
        return
    causes = ("broadcast-residual", "product-or-axis-wrong")
    text = bracketed(reading.text.of(statement.value), ATOM)
    cost = 1.1 if shape is not None else 2.3
    if shape is None or len(shape) == 1:
        piece = reading.text.swap(statement.value, f"{text}.reshape(-1, 1)")
        yield change(reading, statement, piece, causes, f"make `{reading.text.of(target)}` one column", cost)
    if shape is not None and len(shape) == 2 and 1 in shape:
        piece = reading.text.swap(statement.value, f"{text}.ravel()")
        yield change(reading, statement, piece, causes, f"make `{reading.text.of(target)}` flat", cost + 0.4)


def _columns(reading: Reading, statement: ast.Assign, target: ast.Tuple, value: ast.Tuple) -> Iterator[Change]:
    """``t, t_test = t[:n], t[n:]`` -> the same flat, where all of them are columns."""
    shapes = [reading.shape(part) for part in target.elts]
    if len(target.elts) == len(value.elts) and all(s is not None and len(s) == 2 and s[1] == 1 for s in shapes):
        pieces = [reading.text.swap(v, f"{reading.text.fitted(v, ATOM)}.ravel()") for v in value.elts]
        names = " and ".join(f"`{reading.text.of(part)}`" for part in target.elts)
        causes = ("broadcast-residual", "product-or-axis-wrong")
        yield change(reading, statement, pieces, causes, f"make {names} flat", 1.4)


def canonical_literal(node: ast.expr) -> bool:
    """Values that are no arrays: texts, lists, dicts, functions, comparisons of names."""
    return isinstance(
        node, ast.Constant | ast.List | ast.Dict | ast.Set | ast.Lambda | ast.ListComp | ast.DictComp | ast.Tuple
    )
