"""Backward through a normalisation: mean and variance depend on the input too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..making import change, factors, without
from ..model import Change
from ..reading import Reading, called, canonical, root_name
from ..text import PRODUCT, SUM, bracketed, walk

CAUSES = ("norm-backward-wrong",)


@dataclass(frozen=True)
class Normalised:
    """``value = (x - mean) / spread`` over an axis."""

    value: str
    spread: frozenset[str]
    axis: str
    keeps: bool
    scoped: str
    divisor: str


def propose(reading: Reading) -> Iterator[Change]:
    found = list(_normalised(reading))
    for statement in reading.sites() if found else ():
        if reading.role(statement) == "forward" or not isinstance(statement, ast.Assign | ast.Return | ast.AugAssign):
            continue
        for value in reading.values(statement):
            for member in value.elts if isinstance(value, ast.Tuple) else [value]:
                for norm in found:
                    yield from _whole(reading, statement, member, norm)


def _normalised(reading: Reading) -> Iterator[Normalised]:
    """Assignments of a centred value divided by a spread (or multiplied by its inverse)."""
    centred, spreads, axes = _parts(reading)
    for statement in reading.statements:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.value, ast.BinOp):
            continue
        parts = factors(statement.value)
        if len(parts) < 2:
            continue
        first = parts[0][0]
        is_centred = canonical(first) in centred or (
            isinstance(first, ast.BinOp) and isinstance(first.op, ast.Sub) and _mean(first.right, axes)
        )
        rest = {canonical(p) for p, _ in parts[1:]}
        if is_centred and (rest & spreads or any(_spread_like(p, spreads) for p, _ in parts[1:])):
            names = frozenset(spreads | rest)
            axis = next(iter(axes.values()), ("0", True))
            divisor = " ".join(f"{'*' if t else '/'} {reading.text.fitted(p, PRODUCT + 1)}" for p, t in parts[1:])
            for target in reading.targets(statement):
                written = reading.text.of(target)
                yield Normalised(written, names, axis[0], axis[1], reading.scope(statement), divisor)


def _parts(reading: Reading) -> tuple[set[str], set[str], dict[str, tuple[str, bool]]]:
    """Names of centred values, of spreads, and of means with (axis, keepdims)."""
    means: dict[str, tuple[str, bool]] = {}
    centred: set[str] = set()
    spreads: set[str] = set()
    for targets, value in _assigned(reading):
        call = called(value)
        if call and call[0] in ("mean", "average") and isinstance(value, ast.Call):
            axis = next((reading.text.of(k.value) for k in value.keywords if k.arg == "axis"), None)
            if axis is None and value.args:
                axis = reading.text.of(value.args[-1])
            keeps = any(k.arg == "keepdims" for k in value.keywords)
            means |= dict.fromkeys(targets, (axis or "0", keeps))
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub) and canonical(value.right) in means:
            centred |= targets
        if any((c := called(n)) and c[0] in ("sqrt", "std", "var") for n in walk(value)):
            spreads |= targets
    return centred, spreads, means


def _assigned(reading: Reading) -> Iterator[tuple[set[str], ast.expr]]:
    """What is assigned to what; ``m, v = x.mean(0), x.var(0)`` one by one."""
    for statement in reading.statements:
        match statement:
            case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
                yield from (({canonical(t)}, v) for t, v in zip(targets, values, strict=False))
            case ast.Assign(value=value):
                yield {canonical(t) for t in reading.targets(statement)}, value


def _mean(node: ast.expr, means: dict[str, tuple[str, bool]]) -> bool:
    call = called(node)
    return canonical(node) in means or (call is not None and call[0] == "mean")


def _spread_like(node: ast.expr, spreads: set[str]) -> bool:
    return any(
        (isinstance(n, ast.Name | ast.Attribute) and canonical(n) in spreads)
        or ((c := called(n)) is not None and c[0] in ("sqrt", "std"))
        for n in walk(node)
    )


def _whole(reading: Reading, statement: ast.stmt, value: ast.expr, norm: Normalised) -> Iterator[Change]:
    """``d / std`` -> ``(d - mean(d) - xhat * mean(d * xhat)) / std``, and each of the two terms alone."""
    if (
        root_name(ast.parse(norm.value, mode="eval").body) != "self"
        and norm.scoped != reading.scope(statement)
        and norm.value not in {r.text for r in reading.nearby(reading.holder(statement))}
    ):
        return
    plain = isinstance(value, ast.Name | ast.Attribute) and isinstance(statement, ast.Assign) and norm.divisor
    if not isinstance(value, ast.BinOp) and not plain:
        return
    parts = factors(value)
    spread = {i for i, (p, _) in enumerate(parts) if _spread_like(p, set(norm.spread)) or canonical(p) in norm.spread}
    if not plain and (not spread or len(spread) == len(parts)):
        return
    error = reading.text.of(value) if not isinstance(value, ast.BinOp) else without(reading, value, spread)
    if error is None or "\n" in error or len(error) > 100:
        return
    kept = ", keepdims=True" if norm.keeps or norm.axis not in ("0",) else ""
    loose = bracketed(error, PRODUCT)
    tight = bracketed(error, 15)
    mean = f"{tight}.mean(axis={norm.axis}{kept})"
    along = f"{norm.value} * ({loose} * {norm.value}).mean(axis={norm.axis}{kept})"
    tail = "".join(
        f" {'*' if times else '/'} {reading.text.fitted(p, PRODUCT + 1)}"
        for i, (p, times) in enumerate(parts)
        if i in spread
    )
    tail = tail or f" {norm.divisor}"
    inner = [
        f"{bracketed(error, SUM)} - {mean} - {along}",
        f"{bracketed(error, SUM)} - {mean}",
        f"{bracketed(error, SUM)} - {along}",
    ]
    for i, text in enumerate(inner):
        piece = reading.text.swap(value, f"({text}){tail}")
        yield change(reading, statement, piece, CAUSES, "let mean and spread depend on the input", 0.8 + 0.2 * i)
