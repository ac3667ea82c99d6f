"""Kernels that run over rows: elementwise operations, and reductions along rows that fit into registers."""

from __future__ import annotations

from collections.abc import Iterator

from unstuck.engines.cpu.emit.code import INT64, Code, Value
from unstuck.engines.cpu.emit.evaluate import Evaluator, Pointers
from unstuck.engines.cpu.kernel import ALONE, Domain, Kernel
from unstuck.engines.cpu.plan import Plan


def chunks_of(code: Code, first: Value, columns: int) -> list[tuple[Value, int]]:
    """``columns`` columns from ``first`` on, in chunks of one vector each: (first column, lanes that count)."""
    starts = range(0, columns, code.lanes)
    return [(code.add(first, code.number(c)) if c else first, min(code.lanes, columns - c)) for c in starts]


def row_range(code: Code, domain: Domain, total: int) -> tuple[Value, Value]:
    """The rows of the units %from to %to."""
    if not domain.rows:
        return (code.op(f"mul i64 %from, {total}", INT64), code.op(f"mul i64 %to, {total}", INT64))
    return _first_row(code, domain, "%from"), _first_row(code, domain, "%to")


def _first_row(code: Code, domain: Domain, unit: str) -> Value:
    small, extra = domain.bounds()
    here = Value(unit, INT64)
    longer = code.intrinsic("llvm.smin", here, code.number(extra))
    return code.mul(code.add(code.mul(here, code.number(small)), longer), code.number(domain.line))


def each_unit(code: Code, domain: Domain) -> Iterator[tuple[Value, Value, int]]:
    """Loop over the units %from to %to: yields (unit, its first row, its rows)."""
    small, extra = domain.bounds()
    first, last = Value("%from", INT64), Value("%to", INT64)
    if extra:
        long = (small + 1) * domain.line
        with code.loop(first, code.intrinsic("llvm.smin", last, code.number(extra))) as unit:
            yield unit, code.mul(unit, code.number(long)), long
        first = code.intrinsic("llvm.smax", first, code.number(extra))
    with code.loop(first, last) as unit:
        start = code.add(code.mul(unit, code.number(small * domain.line)), code.number(extra * domain.line))
        yield unit, start, small * domain.line


def emit_rows(code: Code, plan: Plan, kernel: Kernel) -> None:
    """All stored members of a group, row by row."""
    group = kernel.group
    assert group is not None
    at = Evaluator(code, plan, group, group.space, Pointers(code))
    first, last = row_range(code, kernel.domain, group.rows)
    with code.loop(first, last) as row:
        if group.whole_rows:
            at.at(row, chunks_of(code, code.number(0), group.columns))
            at.store_all()
        else:
            for column, count in column_loop(code, group.columns):
                at.at(row, [(column, count)])
                at.store_all()


def column_loop(code: Code, columns: int, vectors: int = 1) -> Iterator[tuple[Value, int]]:
    """Loop over so many vectors of columns at a time, then the rest: yields (first column, columns that count)."""
    step = vectors * code.lanes
    whole = columns // step * step
    if whole:
        with code.loop(0, whole, step) as column:
            yield column, step
    if columns > whole:
        yield code.number(whole), columns - whole


def shared_columns(code: Code, kernel: Kernel, columns: int) -> Iterator[tuple[Value, int]]:
    """Like :func:`column_loop`, one vector at a time; where threads share a kernel, only those of this thread."""
    if kernel.domain is ALONE:
        with code.loop(Value("%from", INT64), Value("%to", INT64)):
            yield from column_loop(code, columns)
        return
    first, last = Value("%from", INT64), Value("%to", INT64)
    whole = columns // code.lanes
    if whole:
        with code.loop(first, code.intrinsic("llvm.smin", last, code.number(whole))) as number:
            yield code.mul(number, code.number(code.lanes)), code.lanes
    if columns % code.lanes:
        with code.loop(code.intrinsic("llvm.smax", first, code.number(whole)), last):
            yield code.number(whole * code.lanes), columns % code.lanes
