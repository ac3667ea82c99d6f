"""Optimiser formulas: moving averages, bias correction, the root and its epsilon, momentum, Nesterov."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, factors, is_number, number
from ..model import Change
from ..reading import Reading, base_of, called, canonical
from ..text import ATOM, PRODUCT, SUM, Piece, bracketed, walk

CAUSES = ("optimizer-formula-wrong", "update-ascends")


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        if reading.role(statement) == "forward":
            continue
        yield from _average(reading, statement)
        for value in reading.values(statement):
            for node in walk(value):
                yield from _root(reading, node)
                yield from _correction(reading, node)
                yield from _other_scalar(reading, statement, node)
        yield from _lookahead(reading, statement)
        yield from _plain_step(reading, statement)


def _average(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``m = b * m + g`` -> ``b * m + (1 - b) * g``; the square in the second moment; the sum of both weights."""
    if (
        not isinstance(statement, ast.Assign)
        or not isinstance(statement.value, ast.BinOp)
        or not isinstance(statement.value.op, ast.Add | ast.Sub)
    ):
        return
    text, value = reading.text, statement.value
    target = canonical(statement.targets[0])
    bases = {target, canonical(base_of(statement.targets[0]))}
    for old, new in ((value.left, value.right), (value.right, value.left)):
        state = [p for p, _ in factors(old) if canonical(p) in bases or _same_member(p, statement.targets[0])]
        rates = [p for p, times in factors(old) if times and p not in state]
        if not state or not rates or len(factors(old)) != 2:
            continue
        rate = text.of(rates[0])
        weight = f"{1 - (number(rates[0]) or 0):.6g}" if is_number(rates[0]) else f"(1 - {rate})"
        firsts = factors(new)
        weighted = any(_complement(p) is not None or is_number(p) for p, _ in firsts[:1])
        if canonical(firsts[0][0]) == canonical(rates[0]) and len(firsts) > 1:
            piece = text.swap(firsts[0][0], weight)
            yield change(reading, statement, piece, CAUSES, f"weigh the new value with {weight}", 0.9)
        if not weighted:
            piece = text.swap(new, f"{weight} * {bracketed(text.of(new), PRODUCT)}")
            yield change(reading, statement, piece, CAUSES, f"weigh the new value with {weight}", 1.2)
        elif text.of(firsts[0][0]) != weight.strip("()"):
            yield change(
                reading, statement, text.swap(firsts[0][0], weight), CAUSES, f"weigh the new value with {weight}", 0.9
            )
        for part, times in firsts[1:] if weighted else firsts:
            if times and isinstance(part, ast.Name | ast.Attribute | ast.Subscript):
                squares = sum(canonical(p) == canonical(part) for p, _ in firsts)
                if squares == 1:
                    piece = text.swap(part, f"{text.of(part)} ** 2")
                    yield change(reading, statement, piece, CAUSES, f"average the square of `{text.of(part)}`", 1.1)
        if not is_number(rates[0]):
            piece = text.swap(rates[0], f"(1 - {rate})")
            yield change(reading, statement, piece, CAUSES, f"keep 1 - {rate} of the state", 1.5)


def _same_member(part: ast.expr, target: ast.expr) -> bool:
    """``m_old[k]`` and ``m[k]`` under one index are the same state when the target is subscripted alike."""
    return (
        isinstance(part, ast.Subscript) and isinstance(target, ast.Subscript) and canonical(part) == canonical(target)
    )


def _complement(node: ast.expr) -> ast.expr | None:
    """b of ``1 - b``."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and number(node.left) == 1:
        return node.right
    return None


def _root(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``g / (sqrt(v) + eps)`` in its spellings: root missing, epsilon inside or outside, root too many."""
    text = reading.text
    array = reading.modules.get("numpy")
    root = f"{array}.sqrt" if array else "math.sqrt"
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not is_number(node.right):
        below = node.right
        if isinstance(below, ast.BinOp) and isinstance(below.op, ast.Add):
            one, two = text.of(below.left), text.of(below.right)
            if not _has_root(below):
                for written in (f"{root}({one}) + {two}", f"{root}({one} + {two})"):
                    yield change(reading, node, text.swap(below, written), CAUSES, "divide by the root", 1.1)
            elif isinstance(below.left, ast.Call) and below.left.args:
                written = f"{text.of(below.left.func)}({text.of(below.left.args[0])} + {two})"
                yield change(reading, node, text.swap(below, written), CAUSES, "put epsilon inside the root", 1.5)
        elif (
            isinstance(below, ast.Name | ast.Attribute | ast.Subscript)
            and reading.role(text.statement(node)) != "backward"
        ) and text.of(below) not in reading.scalars:
            yield change(
                reading,
                node,
                text.swap(below, f"({root}({text.of(below)}) + 1e-8)"),
                CAUSES,
                "divide by the root",
                1.9,
            )
    call = called(node)
    if call and call[0] == "sqrt" and isinstance(node, ast.Call) and len(node.args) == 1:
        inner = node.args[0]
        parent = text.parent(node)
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add):
            written = f"{text.of(node.func)}({text.of(inner.left)}) + {text.of(inner.right)}"
            yield change(reading, node, text.swap(node, written), CAUSES, "add epsilon outside the root", 1.4)
        if isinstance(parent, ast.BinOp):
            yield change(reading, node, text.swap(node, text.of(inner)), CAUSES, "without the root", 1.4)


def _has_root(node: ast.AST) -> bool:
    return any(
        ((c := called(n)) and c[0] == "sqrt") or (isinstance(n, ast.BinOp) and isinstance(n.op, ast.Pow))
        for n in walk(node)
    )


def _correction(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``1 - b ** t``: the step count off by one, a product in the place of the power, the correction left out."""
    text = reading.text
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and number(node.left) == 1:
        inner = node.right
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
            written = f"{text.of(inner.left)} ** {bracketed(text.of(inner.right), ATOM)}"
            yield change(reading, node, text.swap(inner, written), CAUSES, "to the power of the step", 1.1)
        elif isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow) and not is_number(inner.right):
            step = text.of(inner.right)
            for shifted in (f"({step} + 1)", f"({step} - 1)"):
                yield change(
                    reading, node, text.swap(inner.right, shifted), CAUSES, f"correct with step {shifted}", 1.2
                )
        elif isinstance(inner, ast.Name | ast.Attribute | ast.Constant) and isinstance(text.parent(node), ast.BinOp):
            parent = text.parent(node)
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div) and parent.right is node:
                for step in _step_counts(reading, node):
                    piece = text.swap(inner, f"{text.of(inner)} ** {step}")
                    yield change(reading, node, piece, CAUSES, "to the power of the step", 1.1)
    if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load):
        parent = text.parent(node)
        rate = _rate_of(reading, node)
        in_step = isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Mult | ast.Div)
        in_step = in_step or isinstance(parent, ast.Call | ast.Assign)
        own = any(canonical(node) == canonical(t) for t in reading.targets(text.statement(node)))
        if rate is None or not in_step or own:
            return
        for step in _step_counts(reading, node):
            written = f"({text.of(node)} / (1 - {rate} ** {step}))"
            yield change(
                reading, node, text.swap(node, written), CAUSES, f"correct the start of `{text.of(node)}`", 1.5
            )


def _rate_of(reading: Reading, node: ast.expr) -> str | None:
    """b when the program holds ``node = b * node + …``."""
    for statement in reading.body_statements(reading.holder(node)):
        if isinstance(statement, ast.Assign) and any(canonical(t) == canonical(node) for t in statement.targets):
            value = statement.value
            if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub):
                parts = factors(value.left)
                if len(parts) == 2 and any(canonical(p) == canonical(node) for p, _ in parts):
                    return next((reading.text.of(p) for p, _ in parts if canonical(p) != canonical(node)), None)
    return None


def _step_counts(reading: Reading, node: ast.AST) -> list[str]:
    """Names that count steps: increased by one somewhere, or the loop's own counter plus one."""
    found = []
    for statement in reading.statements:
        if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add) and number(statement.value) == 1:
            target = reading.text.of(statement.target)
            if isinstance(statement.target, ast.Attribute) or reading.holder(statement) is reading.holder(node):
                found.append(target)
    found += [f"({c} + 1)" for c in reading.counters(node)[-1:]]
    return found[:2]


def _other_scalar(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    """Another rate in its place: ``b2`` for ``b1``, among the numbers that the same block uses."""
    if not isinstance(node, ast.Name | ast.Attribute) or not isinstance(node.ctx, ast.Load):
        return
    text = reading.text
    own = text.of(node)
    if reading.role(statement) == "backward" or own in reading.arrays:
        return
    rates = _rates(reading, statement)
    if own in rates:
        for other in rates:
            if other != own:
                yield change(reading, node, text.swap(node, other), CAUSES, f"use `{other}` instead of `{own}`", 1.5)


def _rates(reading: Reading, statement: ast.stmt) -> list[str]:
    """References b that appear as ``1 - b`` in the function around."""
    found = []
    for node in reading.body_nodes(reading.holder(statement)):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and number(node.left) == 1:
            inner = (
                node.right.left
                if isinstance(node.right, ast.BinOp) and isinstance(node.right.op, ast.Pow)
                else node.right
            )
            if isinstance(inner, ast.Name | ast.Attribute):
                found.append(reading.text.of(inner))
    return list(dict.fromkeys(found))


def _lookahead(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """Momentum: the state without its decay, or the step without its state."""
    text = reading.text
    update = next((u for u in reading.updates if u.statement is statement), None)
    if update is None or not isinstance(statement, ast.AugAssign):
        return
    target = text.of(statement.target)
    for rate in _decays(reading, statement):
        value = bracketed(text.of(statement.value), SUM if not update.subtracts else PRODUCT)
        sign = "-" if update.subtracts else "+"
        written = f"{target} = {rate} * {target} {sign} {value}"
        yield change(
            reading, statement, Piece(*text.span(statement), written), CAUSES, f"let `{target}` decay by {rate}", 1.6
        )


def _plain_step(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """The state already holds rate and sign: it is added, or subtracted, as it is."""
    update = next((u for u in reading.updates if u.statement is statement), None)
    if update is None or not isinstance(statement, ast.AugAssign):
        return
    text = reading.text
    for part, times in factors(update.moved_by):
        if times and not is_number(part) and _rate_of(reading, part) is not None:
            for sign in ("+=", "-="):
                written = f"{text.of(statement.target)} {sign} {text.of(part)}"
                piece = Piece(*text.span(statement), written)
                yield change(reading, statement, piece, CAUSES, f"step by `{text.of(part)}` as it is", 1.2)


def _decays(reading: Reading, statement: ast.stmt) -> list[str]:
    """Names of momentum-like numbers in sight: scalars between 0 and 1 that multiply something."""
    found = []
    for name in sorted(reading.scalars):
        for other in reading.statements:
            match other:
                case ast.Assign(targets=[ast.Name(id=own)], value=value) if (
                    own == name and 0.4 < (number(value) or 0) < 1
                ):
                    found.append(name)
    function = reading.function(statement)
    for argument, default in _defaults(function):
        if 0.4 < (number(default) or 0) < 1:
            found.append(argument)
    return found[:2]


def _defaults(function: ast.AST | None) -> list[tuple[str, ast.expr]]:
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    arguments = function.args.args
    return [
        (a.arg, d)
        for a, d in zip(arguments[len(arguments) - len(function.args.defaults) :], function.args.defaults, strict=True)
    ]
