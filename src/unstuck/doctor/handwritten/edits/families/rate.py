"""A rate that stands in a step twice: in what is applied (a velocity, a gradient), and again where it is applied.

A momentum ``v = mu * v - rate * g`` with the step ``w += rate * v`` is a momentum with the rate ``rate ** 2``: its numbers are
those of a known rule, so only the text shows it. What counts is the same name in both places.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from ..making import change, factors, without
from ..model import Change
from ..names import as_updates
from ..reading import Reading, base_of, canonical

CAUSES = ("optimizer-formula-wrong", "gradient-scale-wrong")


@dataclass(frozen=True)
class Twice:
    """``rate`` is a factor of ``applied`` (made in line ``made``) and again of the step ``chain`` that applies it."""

    rate: str
    applied: str
    made: int
    chain: ast.BinOp


def propose(reading: Reading) -> Iterator[Change]:
    by_rate: dict[str, list[Twice]] = {}
    for one in rates_twice(reading):
        by_rate.setdefault(one.rate, []).append(one)
    for rate, found in by_rate.items():
        pieces = []
        for one in found:
            parts = factors(one.chain)
            place = next(i for i, (part, times) in enumerate(parts) if times and _key(part) == rate)
            text = without(reading, one.chain, {place})
            if text is not None:
                pieces.append(reading.text.swap(one.chain, text))
        if len(pieces) == len(found):
            summary = f"`{found[0].applied}` contains `{rate}` already: do not multiply by it again"
            marks = tuple((one.made, f"`{rate}` comes in here") for one in found[:1])
            yield change(reading, found[0].chain, pieces, CAUSES, summary, 0.5, marks)


def rates_twice(reading: Reading) -> list[Twice]:
    """Every step of which a name is a factor that is one of what is applied, too."""
    made: dict[str, list[tuple[ast.stmt, list[set[str]]]]] = {}
    for statement in reading.statements:
        if isinstance(statement, ast.Assign | ast.AugAssign):
            terms = [_names(term) for term in _terms(statement.value)]
            for target in reading.targets(statement):
                made.setdefault(_key(target), []).append((statement, terms))
    found: dict[ast.stmt, Twice] = {}
    for statement in reading.statements:
        for update in as_updates(statement):
            chain = update.moved_by
            if not isinstance(chain, ast.BinOp) or not isinstance(chain.op, ast.Mult | ast.Div):
                continue
            names = _names(chain)
            for rate in sorted(names):
                for applied in sorted(names - {rate, _key(update.target)}):
                    for source, terms in made.get(applied, []):
                        near = reading.holder(source) is reading.holder(statement) or "." in rate
                        if near and source is not statement and any(rate in t and applied not in t for t in terms):
                            found[statement] = Twice(rate, applied, source.lineno, chain)
    return list(found.values())


def _key(node: ast.expr) -> str:
    return canonical(base_of(node))


def _terms(node: ast.expr) -> list[ast.expr]:
    """The summands of an expression."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return [*_terms(node.left), *_terms(node.right)]
    return [node.operand] if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) else [node]


def _names(node: ast.expr) -> set[str]:
    """The names and members that an expression multiplies."""
    parts = [part for part, times in factors(node) if times]
    return {_key(part) for part in parts if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)}
