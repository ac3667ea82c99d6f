"""Data flow: a value that is computed and that nothing reads, beside a read of something similar."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator

from ..making import change, factors
from ..model import Change
from ..reading import Reading, called, canonical, names_in
from ..text import PRODUCT, SUM, bracketed, walk
from .scale import row_counts

CAUSES = ("wrong-variable", "gradient-operand-wrong", "backprop-weights-wrong", "activation-derivative-missing")


def propose(reading: Reading) -> Iterator[Change]:
    for target, statement in _unread(reading):
        yield from _read_it(reading, target, statement)
        yield from _store_elsewhere(reading, target, statement)
        yield from _add_it(reading, target, statement)
        yield from _carry_it(reading, target, statement)


def _unread(reading: Reading) -> Iterator[tuple[ast.Name | ast.Attribute, ast.stmt]]:
    """Names of a function (or members of self) that are assigned and read nowhere."""
    loaded = {canonical(n) for n in reading.text.nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Load)}
    holders = [reading.text.tree, *reading.functions.values()]
    for holder in holders:
        nodes = list(reading.body_nodes(holder))
        inside = holder if not isinstance(holder, ast.Module) else reading.text.tree
        reads = {n.id for n in walk(inside) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
        for node in nodes:
            stored = isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store)
            if not stored or not isinstance(node, ast.Name | ast.Attribute):
                continue
            unread = node.id not in reads if isinstance(node, ast.Name) else canonical(node) not in loaded
            statement = reading.text.statement(node)
            if isinstance(node, ast.Name) and node.id.startswith("_"):
                continue
            if unread and isinstance(statement, ast.Assign | ast.For):
                yield node, statement


def _read_it(reading: Reading, target: ast.Name | ast.Attribute, statement: ast.stmt) -> Iterator[Change]:
    text = reading.text
    written = text.of(target)
    found = []
    shape = reading.shape(target)
    made_of = {r.text for v in reading.values(statement) for r in reading.references(v)}
    for other in reading.body_statements(reading.holder(statement)):
        if other.lineno < statement.lineno or other is statement or reading.only_talks(other):
            continue
        for value in reading.values(other):
            for reference in reading.references(value):
                if (reference.index and reference.text in reading.all_counters) or (
                    names_in(reference.node) <= {"self"} and isinstance(target, ast.Name)
                ):
                    continue
                own = reading.shape(reference.node)
                if shape is not None and own is not None and shape != own:
                    continue
                alike = difflib.SequenceMatcher(None, written, reference.text).ratio()
                if reference.text in made_of:
                    alike = 0.9
                if alike >= 0.4 or (shape is not None and shape == own and shape):
                    found.append((alike, reference, other))
    for alike, reference, other in sorted(found, key=lambda f: -f[0])[:8]:
        marks = ((statement.lineno, f"`{written}` is computed here and never read"),)
        piece = text.swap(reference.node, written)
        yield change(
            reading, other, piece, CAUSES, f"use `{written}`, which nothing reads", 0.8 + 0.8 * (1 - alike), marks
        )


def _add_it(reading: Reading, target: ast.Name | ast.Attribute, statement: ast.stmt) -> Iterator[Change]:
    """The value is a term that is missing in a sum further down."""
    text = reading.text
    written, shape = text.of(target), reading.shape(target)
    for other in reading.body_statements(reading.holder(statement)):
        if other.lineno <= statement.lineno or not isinstance(other, ast.Assign | ast.Return):
            continue
        for value in reading.values(other):
            own = reading.shape(value)
            if not isinstance(value, ast.BinOp) or (shape and own and len(shape) > len(own)):
                continue
            causes = ("norm-backward-wrong", *CAUSES) if _normalises(reading, other) else CAUSES
            counts = [name for name, _ in row_counts(reading, value)[:1]]
            terms = [written, *(f"{written} / {bracketed(n, PRODUCT + 1)}" for n in counts)]
            for i, term in enumerate(terms):
                piece = text.swap(value, f"{bracketed(text.of(value), SUM)} + {term}")
                marks = ((statement.lineno, f"`{written}` is computed here and never read"),)
                yield change(reading, other, piece, causes, f"add `{term}`", 1.3 + 0.1 * i, marks)
            for first, multiplies in factors(value)[:1]:
                if multiplies and isinstance(first, ast.Name | ast.Attribute | ast.Subscript):
                    piece = text.swap(first, f"({text.of(first)} - {written})")
                    yield change(reading, other, piece, causes, f"subtract `{written}`", 0.7, marks)


def _carry_it(reading: Reading, target: ast.Name | ast.Attribute, statement: ast.stmt) -> Iterator[Change]:
    """The value is meant for the next round of its loop (``dh_next``), where something of its shape begins without it."""
    text = reading.text
    written, shape = text.of(target), reading.shape(target)
    loop: ast.AST | None = text.parent(statement)
    while loop is not None and not isinstance(loop, ast.For | ast.While):
        loop = text.parent(loop)
    if loop is None or shape is None:
        return
    marks = ((statement.lineno, f"`{written}` is computed here and never read"),)
    causes = ("bptt-broken", *CAUSES)
    for other in loop.body:
        if not isinstance(other, ast.Assign) or other.lineno >= statement.lineno:
            continue
        if not any(reading.shape(t) == shape for t in reading.targets(other)):
            continue
        for node in walk(other.value):
            call = called(node)
            if call is not None and call[0] in ("zeros", "zeros_like") and isinstance(node, ast.Call):
                yield change(reading, other, text.swap(node, written), causes, f"go on from `{written}`", 0.0, marks)
        piece = text.swap(other.value, f"{bracketed(text.of(other.value), SUM)} + {written}")
        yield change(reading, other, piece, causes, f"add `{written}` of the round before", 0.2, marks)


def _normalises(reading: Reading, statement: ast.stmt) -> bool:
    """Whether the function, or another of its class, works with a spread: a root or a variance."""
    home = reading.own_class(statement)
    for node in walk(home) if home is not None else reading.body_nodes(reading.holder(statement)):
        call = called(node)
        if call and call[0] in ("sqrt", "var", "std"):
            return True
    return False


def _store_elsewhere(reading: Reading, target: ast.Name | ast.Attribute, statement: ast.stmt) -> Iterator[Change]:
    """The value was meant to replace another one of a similar name."""
    text = reading.text
    written = text.of(target)
    if not isinstance(statement, ast.Assign):
        return
    shape = reading.shape(target)
    for reference in reading.nearby(reading.holder(statement)):
        own = reading.shape(reference.node)
        if reference.text == written or (shape is not None and own is not None and shape != own):
            continue
        alike = difflib.SequenceMatcher(None, written, reference.text).ratio()
        if alike >= 0.5 and isinstance(reference.node, ast.Name | ast.Attribute):
            piece = text.swap(target, reference.text)
            marks = ((statement.lineno, f"nothing reads `{written}`"),)
            yield change(
                reading, statement, piece, CAUSES, f"store it in `{reference.text}`", 1.1 + 0.8 * (1 - alike), marks
            )
