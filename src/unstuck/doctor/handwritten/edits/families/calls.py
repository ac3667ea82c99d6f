"""Calls that the training loop lacks: the step is never taken, or the network is not run on the batch at hand."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..names import Function, called, names_in, parts_of
from ..reading import Reading
from ..text import walk

MOST_ARGUMENTS = 6  # ways to call a function in one loop


def propose(reading: Reading) -> Iterator[Change]:
    yield from _steps_never_taken(reading)
    yield from _batches_never_run(reading)
    yield from _samples_never_run(reading)


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


def _samples_never_run(reading: Reading) -> Iterator[Change]:
    """The loop takes steps with what the network keeps of an earlier run, and nothing that it calls runs the network: run it
    on what belongs to the step's own arguments."""
    text = reading.text
    for loop in (s for s in reading.statements if isinstance(s, ast.For)):
        step = next((s for s in loop.body if _steps_in(reading, s) and text.solo(s)), None)
        call = _plain_call(step) if step is not None else None
        if step is None or call is None:
            continue
        stepping = _reached(reading, loop)
        wanted = {kept for f in stepping for kept in _kept(f, ast.Load)}
        receiver = called(call)
        for name, runner in reading.functions.items():
            method, needs = _signature(runner)
            if runner in stepping or needs != 1 or _moves(reading, runner) or not wanted & _kept(runner, ast.Store):
                continue
            if method and (receiver is None or receiver[1] is None):
                continue
            head = f"{text.of(receiver[1])}." if method and receiver is not None and receiver[1] is not None else ""
            short = name.rsplit(".", 1)[-1]
            for given in _beside(reading, loop, call):
                code = f"{head}{short}({given})"
                causes = ("wrong-variable", "gradient-operand-wrong", "samples-never-seen")
                yield change(reading, step, text.before(step, code), causes, f"run `{code}` first", 0.35)


def _reached(reading: Reading, loop: ast.For) -> list[Function]:
    """The program's functions that are called in the loop, and by those."""
    found: list[Function] = []
    open_nodes: list[ast.AST] = [loop]
    while open_nodes:
        calls = (c for n in walk(open_nodes.pop()) if (c := called(n)))
        new = [f for c in calls for f in reading.functions_named(c[0]) if f not in found]
        found += new
        open_nodes += new
    return found


def _kept(function: Function, context: type[ast.Load | ast.Store]) -> set[str]:
    """Attributes that are read (or set, also an element of them) in a function, and that outlive its call."""
    found = set()
    for node in walk(function):
        place = node
        while isinstance(place, ast.Subscript):
            place = place.value
        if isinstance(place, ast.Attribute) and isinstance(getattr(node, "ctx", None), context):
            found.add(place.attr)
    return found


def _beside(reading: Reading, loop: ast.For, step: ast.Call) -> Iterator[str]:
    """What belongs to the arguments of the step: ``images[i]`` beside ``labels[i]``, ``x.T`` beside ``t.T``."""
    text = reading.text
    targets = _loop_names(loop)
    used = set().union(*(names_in(a) for a in step.args), *(names_in(k.value) for k in step.keywords))
    holder = reading.function(loop)
    near = [a.arg for a in holder.args.args if a.arg != "self"] if holder is not None else []
    seen: set[str] = set()
    for argument in step.args:
        for name in sorted(names_in(argument), key=lambda n: n not in targets):
            others = [t for t in targets if t not in used] if name in targets else [n for n in near if n not in used]
            for other in others:
                plain = next(n for n in walk(argument) if isinstance(n, ast.Name) and n.id == name)
                start, end = text.span(plain)
                begin, _ = text.span(argument)
                whole = text.of(argument)
                for code in (whole[: start - begin] + other + whole[end - begin :], other):
                    if code not in seen and (code != other or name in targets) and len(seen) < MOST_ARGUMENTS:
                        seen.add(code)
                        yield code


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
        targets = _loop_values(loop)
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


def _loop_values(loop: ast.For) -> set[str]:
    """What differs from round to round: the loop's own variables, and the names that its body sets."""
    own = (p for s in loop.body if isinstance(s, ast.Assign) for t in s.targets for p in parts_of(t))
    return {*_loop_names(loop), *(p.id for p in own if isinstance(p, ast.Name))}


def _arguments(reading: Reading, loop: ast.For, run: ast.Call, wanted: int) -> Iterator[tuple[str, ...]]:
    """What the loop has at hand, as it is written there: the fullest expressions of what the network was not run on first."""
    targets = _loop_values(loop)
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
