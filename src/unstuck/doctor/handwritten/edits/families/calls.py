"""Calls that the training loop lacks: the step is never taken, or the network is not run on the batch at hand."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..names import Function, called, names_in
from ..reading import Reading
from ..text import walk

MOST_ARGUMENTS = 6  # ways to call a function in one loop


def propose(reading: Reading) -> Iterator[Change]:
    yield from _steps_never_taken(reading)
    yield from _batches_never_run(reading)


def _steps_never_taken(reading: Reading) -> Iterator[Change]:
    """A function that moves parameters and that nobody calls: call it at the end of a loop that runs the network."""
    text = reading.text
    mentioned = {n.attr for n in text.nodes if isinstance(n, ast.Attribute)} | {
        n.id for n in text.nodes if isinstance(n, ast.Name)
    }
    for name, function in reading.functions.items():
        short = name.rsplit(".", 1)[-1]
        if short in mentioned or not _moves(reading, function):
            continue
        method, wanted = _signature(function)
        for loop, call in _running_loops(reading, function):
            receiver = called(call)
            head = ""
            if method:
                if receiver is None or receiver[1] is None or not text.solo(loop.body[-1]):
                    continue
                head = f"{text.of(receiver[1])}."
            for arguments in _arguments(reading, loop, call, wanted):
                code = f"{head}{short}({', '.join(arguments)})"
                piece = text.after(loop.body[-1], code, indent=text.indent(loop.body[0]))
                causes = ("step-missing", "update-not-applied", "layer-not-trained")
                yield change(reading, loop.body[-1], piece, causes, f"call `{code}` in every round", 0.3)


def _batches_never_run(reading: Reading) -> Iterator[Change]:
    """The network is run before the loop and not in it, where the step is taken: run it on what the loop goes through."""
    text = reading.text
    for loop in (s for s in reading.statements if isinstance(s, ast.For)):
        holder = reading.holder(loop)
        through = called(loop.iter)
        if through is not None and through[0] in ("range", "count"):
            continue  # its variable counts
        steps = [s for s in loop.body if _steps_in(reading, s)]
        inside = {c[0] for n in walk(loop) if (c := called(n))}
        if not steps or not text.solo(steps[0]):
            continue
        for before in reading.body_statements(holder):
            call = _plain_call(before)
            own = called(call) if call is not None else None
            if call is None or own is None or before.lineno >= loop.lineno or own[0] in inside or not call.args:
                continue
            if isinstance(before, ast.Assign) and not names_in(steps[0]) & set().union(*map(names_in, before.targets)):
                continue  # what it gives is not what the step is taken with
            functions = reading.functions_named(own[0])
            if not functions or any(_moves(reading, f) for f in functions):
                continue
            for name in _loop_names(loop):
                code = _with_source(reading, before, call.args[0], name)
                if code is not None:
                    causes = ("wrong-variable", "gradient-operand-wrong", "samples-never-seen")
                    yield change(reading, steps[0], text.before(steps[0], code), causes, f"run `{code}` first", 0.3)


def _moves(reading: Reading, function: Function) -> bool:
    inside = set(walk(function))
    return any(update.statement in inside for update in reading.updates)


def _steps_in(reading: Reading, statement: ast.stmt) -> bool:
    """A plain call of one of the program's functions that move parameters."""
    call = _plain_call(statement)
    own = called(call) if call is not None else None
    return own is not None and any(_moves(reading, f) for f in reading.functions_named(own[0]))


def _plain_call(statement: ast.stmt) -> ast.Call | None:
    value = statement.value if isinstance(statement, ast.Expr | ast.Assign) else None
    return value if isinstance(value, ast.Call) else None


def _signature(function: Function) -> tuple[bool, int]:
    """Whether it is a method, and how many arguments it needs."""
    names = [a.arg for a in function.args.args]
    method = bool(names) and names[0] == "self"
    return method, len(names) - method - len(function.args.defaults)


def _running_loops(reading: Reading, function: Function) -> Iterator[tuple[ast.For, ast.Call]]:
    """Innermost loops that call another of the program's functions with something the loop goes through, with that call."""
    for loop in (s for s in reading.statements if isinstance(s, ast.For)):
        if reading.function(loop) is function or any(isinstance(s, ast.For | ast.While) for s in loop.body):
            continue
        targets = set(_loop_names(loop))
        for statement in loop.body:
            calls = [
                n
                for n in walk(statement)
                if isinstance(n, ast.Call) and (c := called(n)) and reading.functions_named(c[0])
            ]
            first = next((c for c in calls if targets & set().union(*(names_in(a) for a in c.args))), None)
            if first is not None:
                yield loop, first
                break


def _loop_names(loop: ast.For) -> list[str]:
    return [n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)]


def _arguments(reading: Reading, loop: ast.For, run: ast.Call, wanted: int) -> Iterator[tuple[str, ...]]:
    """What the loop has at hand, as it is written there: the fullest expressions of what the network was not run on first."""
    targets = set(_loop_names(loop))
    written: dict[str, tuple[bool, int]] = {}
    given = set().union(*(names_in(a) for a in run.args))
    for node in (n for s in loop.body for n in walk(s)):
        plain = isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Load)
        held = names_in(node) & targets if plain else frozenset[str]()
        if held and not isinstance(reading.text.parent(node), ast.Attribute):
            code = reading.text.of(node)  # type: ignore[arg-type]
            written[code] = (bool(held & given), -len(code))
    ordered = sorted(written, key=lambda code: written[code])
    own = [reading.text.of(a) for a in run.args]
    if wanted == 0:
        yield ()
    elif wanted == 1:
        yield from ((code,) for code in ordered[:MOST_ARGUMENTS])
    elif wanted == len(own) + 1:
        yield from ((*own, code) for code in ordered[:MOST_ARGUMENTS])
    else:
        yield from itertools.islice(itertools.permutations(ordered, wanted), MOST_ARGUMENTS)


def _with_source(reading: Reading, statement: ast.stmt, argument: ast.expr, name: str) -> str | None:
    """The statement with another source of the argument: ``run(data[:n].T)`` becomes ``run(batch.T)``."""
    text = reading.text
    inner = argument
    while isinstance(inner, ast.Attribute | ast.Call):
        if isinstance(inner, ast.Call):
            if not isinstance(inner.func, ast.Attribute):
                break
            inner = inner.func.value
        else:
            inner = inner.value
    if not isinstance(inner, ast.Name | ast.Subscript):
        return None
    start, _ = text.span(statement)
    a, b = text.span(inner)
    whole = text.of(statement)
    return whole[: a - start] + name + whole[b - start :]
