"""Order: a weight is changed before the backward pass has read it for the last time, or statements stand the wrong way round."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..making import change, fresh
from ..model import Change
from ..reading import Reading, base_of, called, canonical
from ..text import walk

EARLY = ("updated-too-early", "step-missing", "buffer-overwritten")


def propose(reading: Reading) -> Iterator[Change]:
    for block in _blocks(reading):
        yield from _early(reading, block)
        yield from _neighbours(reading, block)


def _blocks(reading: Reading) -> list[list[ast.stmt]]:
    found: dict[int, list[ast.stmt]] = {}
    for statement in reading.statements:
        block, _ = reading.text.block(statement)
        if len(block) > 1:
            found.setdefault(id(block), block)
    return list(found.values())


def _moved(reading: Reading, statement: ast.stmt) -> dict[str, ast.stmt]:
    """Parameters that the statement, or one inside it, moves in place: base text -> the moving statement."""
    inner = {id(n) for n in walk(statement)}
    found: dict[str, ast.stmt] = {}
    for update in reading.updates:
        if id(update.statement) in inner:
            found[canonical(base_of(update.target))] = update.statement
            for source in _zipped(reading, update.target, update.statement):
                found[source] = update.statement
    return found


def _zipped(reading: Reading, target: ast.expr, statement: ast.stmt) -> Iterator[str]:
    """What a loop variable stands for: ``p`` in `for p, g in zip((w1, w2), grads)`."""
    if isinstance(target, ast.Name):
        for loop in reading.loops(statement):
            if isinstance(loop.iter, ast.Call) and isinstance(loop.target, ast.Tuple):
                for part, source in zip(loop.target.elts, loop.iter.args, strict=False):
                    if isinstance(part, ast.Name) and part.id == target.id:
                        members = source.elts if isinstance(source, ast.Tuple | ast.List) else [source]
                        yield from (canonical(m) for m in members)


def _reads(reading: Reading, statement: ast.stmt, base: str) -> list[ast.expr]:
    """References to the parameter that are not part of its own movement."""
    own = {id(u.statement) for u in reading.updates if canonical(base_of(u.target)) == base}
    found = []
    for inner in walk(statement):
        if isinstance(inner, ast.stmt) and id(inner) not in own:
            for value in reading.values(inner):
                found += [
                    r.node for r in reading.references(value) if not r.index and canonical(base_of(r.node)) == base
                ]
    return found


def _early(reading: Reading, block: list[ast.stmt]) -> Iterator[Change]:
    text = reading.text
    block = [s for s in block if not isinstance(s, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    for i, early in enumerate(block):
        for base, update in _moved(reading, early).items():
            for late in block[i + 1 :]:
                reads = _reads(reading, late, base)
                if not reads or not text.solo(early) or not text.solo(late):
                    continue
                marks: tuple[tuple[int, str], ...] = ((late.lineno, f"reads `{base}` after it was changed"),)
                yield from _reordered(reading, block, early, late, update, base, marks)
                yield from _read_first(reading, early, late, reads, update, marks)
                yield from _kept(reading, early, late, reads, base, update, marks)
            around = text.parent(early)
            if isinstance(around, ast.For) and text.solo(around):
                reads = [n for s in block if s is not early for n in _reads(reading, s, base)]
                own = next((u.target for u in reading.updates if u.statement is update), None)
                marks = tuple((n.lineno, f"reads `{base}`") for n in reads[:1])
                if any(
                    isinstance(n, ast.Subscript) and own is not None and canonical(n) != canonical(own) for n in reads
                ):
                    yield from _kept(reading, around, around, reads, base, update, marks)


def _reordered(
    reading: Reading,
    block: list[ast.stmt],
    early: ast.stmt,
    late: ast.stmt,
    update: ast.stmt,
    base: str,
    marks: tuple[tuple[int, str], ...],
) -> Iterator[Change]:
    """The reader first; the movement after the reader; all movements at the end of the block."""
    text = reading.text
    i, j = block.index(early), block.index(late)
    between = block[i + 1 : j]
    made = {
        canonical(base_of(t))
        for s in between
        for inner in walk(s)
        if isinstance(inner, ast.stmt)
        for t in reading.targets(inner)
    }
    read = {canonical(base_of(r.node)) for e in reading.values(late) for r in reading.references(e)}
    moves = [u.statement for u in reading.updates]
    if not isinstance(late, ast.Return | ast.For | ast.While) and not (made & read):
        pieces = [*text.cut(late), text.before(early, text.dedented(late))] if len(block) > 1 else []
        yield change(
            reading, update, pieces, EARLY, f"compute line {late.lineno} before `{base}` is changed", 0.9, marks
        )
    if not isinstance(late, ast.Return):
        pieces = [*text.cut(early), text.after(late, text.dedented(early))]
        yield change(reading, update, pieces, EARLY, f"change `{base}` only after line {late.lineno}", 1.0, marks)
    all_moves = [s for s in block if text.solo(s) and (s in moves or (_moved(reading, s) and isinstance(s, ast.For)))]
    rest = [s for s in block if s not in all_moves and not isinstance(s, ast.Return)]
    if len(all_moves) > 1 and rest and block.index(rest[-1]) > block.index(all_moves[0]):
        last = rest[-1]
        if text.solo(last):
            body = "\n".join(text.dedented(s) for s in all_moves if block.index(s) < block.index(last))
            pieces = [p for s in all_moves if block.index(s) < block.index(last) for p in text.cut(s)]
            yield change(
                reading, update, [*pieces, text.after(last, body)], EARLY, "change the weights last", 1.2, marks
            )


def _read_first(
    reading: Reading,
    early: ast.stmt,
    late: ast.stmt,
    reads: list[ast.expr],
    update: ast.stmt,
    marks: tuple[tuple[int, str], ...],
) -> Iterator[Change]:
    """A returned expression is computed before the movement and returned after it."""
    text = reading.text
    if isinstance(late, ast.Return) and late.value is not None and "\n" not in text.of(late.value):
        name = fresh(reading, "passed_down", "error_below", "below_error")
        pieces = [text.before(early, f"{name} = {text.of(late.value)}"), text.swap(late.value, name)]
        yield change(
            reading, update, pieces, EARLY, "compute what is returned before the weights are changed", 1.0, marks
        )


def _kept(
    reading: Reading,
    early: ast.stmt,
    late: ast.stmt,
    reads: list[ast.expr],
    base: str,
    update: ast.stmt,
    marks: tuple[tuple[int, str], ...],
) -> Iterator[Change]:
    """The reader uses a copy that was taken before the movement."""
    text = reading.text
    nodes = [base_of(n) for n in reads]
    written = text.of(nodes[0])
    stem = "".join(c if c.isalnum() else "_" for c in written.rsplit(".", 1)[-1]).strip("_")
    name = f"old_{stem}"
    if name in text.names or not nodes:
        return
    shape = reading.shape(nodes[0])
    deep = any(isinstance(n, ast.Subscript) for n in reads)
    copies: list[str] = []
    if "numpy" in reading.modules:
        copies += (
            [f"[w.copy() for w in {written}]", f"{written}.copy()"] if deep and not shape else [f"{written}.copy()"]
        )
    else:
        copies += [f"[row[:] for row in {written}]" if reading.is_nested(nodes[0]) else f"{written}[:]"]
    for i, copy in enumerate(copies):
        pieces = [text.before(early, f"{name} = {copy}")]
        pieces += [text.swap(n, name) for n in nodes]
        yield change(
            reading, update, pieces, EARLY, f"read a copy of `{base}` taken before it is changed", 1.4 + 0.2 * i, marks
        )


def _neighbours(reading: Reading, block: list[ast.stmt]) -> Iterator[Change]:
    """Two calls in a row change places; so does an assignment with the next statement that reads its target."""
    text = reading.text
    for one, two in itertools.pairwise(block):
        calls = all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) for s in (one, two))
        if not calls or reading.only_talks(one) or reading.only_talks(two) or not (text.solo(one) and text.solo(two)):
            continue
        names = [c[0] for s in (one, two) if isinstance(s, ast.Expr) and (c := called(s.value))]
        if not any(reading.functions_named(n) for n in names):
            continue
        pieces = [*text.cut(two), text.before(one, text.dedented(two))]
        yield change(reading, one, pieces, ("updated-too-early", "step-missing"), f"line {two.lineno} first", 1.5)
