"""One member stands where all of them belong: the last unit of the layer above for the sum over its units."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import chains, change, fresh, number
from ..model import Change
from ..reading import Reading, base_of, canonical, names_in
from ..text import walk

CAUSES = ("gradient-overwritten", "samples-dropped", "backprop-weights-wrong")


def propose(reading: Reading) -> Iterator[Change]:
    gone_through = _gone_through(reading)
    for statement in reading.sites():
        if reading.role(statement) == "forward" or not isinstance(statement, ast.Assign | ast.AugAssign | ast.Return):
            continue
        for value in reading.values(statement):
            for chain in chains(reading, value):
                yield from _all_of_them(reading, statement, chain, gone_through)


def _gone_through(reading: Reading) -> set[str]:
    """Texts of the lists that a loop or a comprehension goes through."""
    found = set()
    for node in reading.text.nodes:
        if isinstance(node, ast.For | ast.comprehension):
            for inner in walk(node.iter):
                if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript):
                    found.add(canonical(base_of(inner)))
    return found


def _all_of_them(reading: Reading, statement: ast.stmt, chain: ast.BinOp, gone_through: set[str]) -> Iterator[Change]:
    """``x[-1].d * x[-1].w[j]`` -> ``sum(m.d * m.w[j] for m in x)``; ``d[0] * w[0][j]`` -> a sum over the index."""
    text = reading.text
    fixed: dict[str, list[ast.Subscript]] = {}
    for node in walk(chain):
        if isinstance(node, ast.Subscript) and number(node.slice) in (0, -1, 1):
            fixed.setdefault(text.of(node), []).append(node)
    start, _ = text.span(chain)
    written = text.of(chain)
    for member, spots in fixed.items():
        base = spots[0].value
        objects = all(isinstance(text.parent(s), ast.Attribute) for s in spots)
        if not objects or canonical(base_of(base)) not in gone_through:
            continue
        name = fresh(reading, "unit", "member", "each", "one_of_them")
        new = _with(written, [(text.span(s)[0] - start, text.span(s)[1] - start) for s in spots], name)
        piece = text.swap(chain, f"sum({new} for {name} in {text.of(base)})")
        yield change(reading, statement, piece, CAUSES, f"sum over all of `{text.of(base)}`, not only `{member}`", 0.7)
    plain = [s for spots in fixed.values() for s in spots if not isinstance(text.parent(s), ast.Attribute)]
    indices = {text.of(s.slice) for s in plain}
    bases = {canonical(s.value) for s in plain}
    scalar = reading.shape(chain) == () or (reading.shape(chain) is None and "numpy" not in reading.modules)
    if len(indices) != 1 or len(bases) < 2 or not scalar or any(names_in(s.slice) for s in plain):
        return
    name = fresh(reading, "m", "q", "r", "other")
    spans = [(text.span(s.slice)[0] - start, text.span(s.slice)[1] - start) for s in plain]
    new = _with(written, spans, name)
    shortest = next((s.value for s in plain if isinstance(s.value, ast.Name | ast.Attribute)), plain[0].value)
    piece = text.swap(chain, f"sum({new} for {name} in range(len({text.of(shortest)})))")
    yield change(reading, statement, piece, CAUSES, f"sum over all of `{text.of(shortest)}`", 0.9)


def _with(written: str, spans: list[tuple[int, int]], name: str) -> str:
    for start, end in sorted(spans, reverse=True):
        written = written[:start] + name + written[end:]
    return written
