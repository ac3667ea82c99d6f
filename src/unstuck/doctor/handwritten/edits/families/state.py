"""What is kept from one step to the next: `=` for `+=`, sums that are never cleared, or cleared too often."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import change, is_number, number
from ..model import Change
from ..reading import Function, Reading, Reference, base_of, called, canonical, names_in, root_name
from ..text import Piece, expression, walk

LOOPS = (ast.For, ast.While)


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        yield from _accumulate(reading, statement)
        yield from _fancy(reading, statement)
    for run in clearing_runs(reading):
        yield from _out_of_the_loop(reading, run)
        yield from _into_the_loop(reading, run, 1.0)
        if len(run) > 1:  # one of them may belong where it is, such as the sum of the losses of a round
            for statement in run:
                yield from _into_the_loop(reading, [statement], 0.95)
    yield from _clear_after_step(reading)
    yield from _clear_at_head(reading)


# -------------------------------------------------------------------------------------------------- = and +=


def _accumulate(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    text = reading.text
    loops = reading.loops(statement)
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        inside = bool(loops) or isinstance(target, ast.Subscript | ast.Attribute)
        if (
            not inside
            or isinstance(target, ast.Tuple)
            or is_clearing(reading, statement)
            or reading.role(statement) == "forward"
        ):
            return
        between = (text.span(target)[1], text.outer(statement.value)[0])
        written = text.source[between[0] : between[1]].replace("=", "+=", 1)
        causes: tuple[str, ...] = ("gradient-overwritten", "samples-dropped", "bptt-broken")
        if any(reading.is_time(statement, c) for c in reading.counters(statement)):
            causes = ("bptt-broken", "gradient-overwritten", "samples-dropped")
        elif _own_index(target, loops) is False and loops:
            causes = ("samples-dropped", "gradient-overwritten", "bptt-broken")
        summary = f"add to `{text.of(target)}` instead of overwriting it"
        yield change(reading, statement, Piece(*between, written), causes, summary, 0.9 if loops else 1.3)
    elif (
        isinstance(statement, ast.AugAssign)
        and isinstance(statement.op, ast.Add | ast.Sub)
        and not is_number(statement.value)
    ):
        between = (text.span(statement.target)[1], text.outer(statement.value)[0])
        old = "+=" if isinstance(statement.op, ast.Add) else "-="
        written = (
            text.source[between[0] : between[1]].replace(old, "=" if old == "+=" else "= -", 1).replace("-  ", "-")
        )
        if old == "+=":
            causes = ("gradient-not-reset", "gradient-operand-wrong")
            summary = f"set `{text.of(statement.target)}` instead of adding to it"
            yield change(reading, statement, Piece(*between, written), causes, summary, 1.2)


def _own_index(target: ast.expr, loops: list[ast.For]) -> bool | None:
    """Whether the target has a place of its own for every round of the innermost loop."""
    if not loops:
        return None
    return bool(names_in(loops[0].target) & names_in(target))


def _fancy(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``g[rows] += v`` drops repeated rows; ``np.add.at`` does not."""
    array = reading.modules.get("numpy")
    if not (array and isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Subscript)):
        return
    target = statement.target
    if not isinstance(statement.op, ast.Add | ast.Sub) or names_in(target.slice) <= reading.all_counters:
        return
    if isinstance(target.slice, ast.Slice) or not reading.text.solo(statement):
        return
    text = reading.text
    at = "add" if isinstance(statement.op, ast.Add) else "subtract"
    index = text.of(target.slice)
    if isinstance(target.slice, ast.Tuple) and not index.startswith("("):
        index = f"({index})"
    if ":" in index:
        return
    written = f"{array}.{at}.at({text.of(target.value)}, {index}, {text.of(statement.value)})"
    piece = Piece(*text.span(statement), written)
    yield change(reading, statement, piece, ("gradient-overwritten", "samples-dropped"), "add repeated rows too", 1.2)


# -------------------------------------------------------------------------------------------------- clearing


def is_clearing(reading: Reading, statement: ast.stmt) -> bool:
    """Whether the statement sets something to zero or to empty: ``g = 0``, ``g = np.zeros(..)``, ``net.zero_grad()``."""
    match statement:
        case ast.Assign(value=value):
            return _zero(value)
        case ast.AugAssign(op=ast.Mult(), value=value):
            return number(value) == 0
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr="fill"), args=[value])):
            return number(value) == 0
        case ast.Expr(value=ast.Call() as node):
            call = called(node)
            return call is not None and any(_only_clears(reading, f) for f in reading.functions_named(call[0]))
        case ast.For(body=body):
            return all(is_clearing(reading, s) for s in body)
    return False


def _only_clears(reading: Reading, function: Function) -> bool:
    """Whether a function of the program does nothing but clear arrays (a loop over its parts not followed)."""
    body = [s for s in function.body if not reading.only_talks(s)]
    plain = [s for s in body if isinstance(s, ast.Assign | ast.AugAssign | ast.For)]
    return bool(body) and len(plain) == len(body) and all(_clears_plainly(reading, s) for s in body)


def _clears_plainly(reading: Reading, statement: ast.stmt) -> bool:
    if isinstance(statement, ast.For):
        return all(_clears_plainly(reading, s) for s in statement.body)
    return not isinstance(statement, ast.Expr) and is_clearing(reading, statement)


def _zero(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=0 | 0.0):
            return not isinstance(node.value, bool)
        case ast.List(elts=elts):
            return all(_zero(e) for e in elts)
        case ast.Dict(keys=[]):
            return True
        case ast.BinOp(left=ast.List() as left, op=ast.Mult()):
            return _zero(left)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return number(left) == 0 or number(right) == 0
        case ast.ListComp(elt=elt):
            return _zero(elt)
        case ast.DictComp(value=value):
            return _zero(value)
        case ast.Tuple(elts=elts):
            return all(_zero(e) for e in elts)
    call = called(node)
    return call is not None and call[0] in ("zeros", "zeros_like")


def clearing_runs(reading: Reading) -> Iterator[list[ast.stmt]]:
    """Statements in a row that clear something: the whole row first, then each alone."""
    done: set[ast.stmt] = set()
    for statement in reading.statements:
        if statement in done or not is_clearing(reading, statement) or not reading.text.solo(statement):
            continue
        block, at = reading.text.block(statement)
        run = []
        while at < len(block) and is_clearing(reading, block[at]) and reading.text.solo(block[at]):
            run.append(block[at])
            at += 1
        done |= set(run)
        if len(run) > 1:
            yield run
        for one in run:
            yield [one]


def _cleared(reading: Reading, run: list[ast.stmt]) -> str:
    names = [canonical(t) for s in run for t in reading.targets(s) if not isinstance(s, ast.For)]
    return ", ".join(f"`{n}`" for n in names) or f"`{reading.text.of(run[0])}`"


def _out_of_the_loop(reading: Reading, run: list[ast.stmt]) -> Iterator[Change]:
    """A value that should be carried through the loop is cleared in every round."""
    text = reading.text
    loop = text.parent(run[0])
    if not isinstance(loop, LOOPS) or not any(s is run[0] for s in loop.body) or not text.solo(loop):
        return
    names = {n for s in run for t in reading.targets(s) for n in (canonical(base_of(t)),)}
    used = any(canonical(n) in names for s in loop.body for n in walk(s) if isinstance(n, ast.expr) and s not in run)
    if (names and not used) or names_in(loop.target if isinstance(loop, ast.For) else loop.test) & {
        n for s in run for n in names_in(s)
    }:
        return
    pieces = [*text.cut(*run), text.before(loop, text.dedented(*run))]
    backwards = isinstance(loop, ast.For) and _counts_down(loop.iter)
    read_first = _read_before_set(reading, loop, run, names)
    causes = ("gradient-overwritten", "samples-dropped", "optimizer-formula-wrong", "bptt-broken")
    if backwards or any(reading.is_time(run[0], c) for c in reading.counters(run[0])):
        causes = ("bptt-broken", "gradient-overwritten", "samples-dropped", "optimizer-formula-wrong")
    where = (("clears it in every round", loop.lineno),)
    marks = tuple((line, role) for role, line in where)
    summary = f"clear {_cleared(reading, run)} before the loop, not in every round of it"
    yield change(reading, run[0], pieces, causes, summary, 0.9 if read_first else 1.5, marks)


def _counts_down(source: ast.expr) -> bool:
    call = called(source)
    if call and call[0] == "reversed":
        return True
    return bool(
        call
        and call[0] == "range"
        and isinstance(source, ast.Call)
        and len(source.args) == 3
        and number(source.args[2]) == -1
    )


def _read_before_set(reading: Reading, loop: ast.For | ast.While, run: list[ast.stmt], names: set[str]) -> bool:
    """Whether the loop sets the value again at its end, so that the clearing throws it away."""
    for statement in loop.body:
        if (
            statement not in run
            and isinstance(statement, ast.Assign)
            and any(canonical(base_of(t)) in names for t in reading.targets(statement))
        ):
            return True
    return False


def _into_the_loop(reading: Reading, run: list[ast.stmt], cost: float) -> Iterator[Change]:
    """A sum is cleared once, before a loop, and should be cleared in every round of it (or of the loop inside it)."""
    text = reading.text
    block, at = text.block(run[-1])
    names = {canonical(base_of(t)) for s in run for t in reading.targets(s)}
    for loop in block[at + 1 :]:
        if not isinstance(loop, LOOPS):
            continue
        depth = 0
        for inner in _nested_loops(loop):
            head = inner.body[0]
            if not text.solo(head) or text.line(text.first_line(head)).strip() == "" or head.lineno == inner.lineno:
                continue
            if names and not _grows(reading, inner, names):
                continue
            pieces = [*text.cut(*run), text.before(head, text.dedented(*run))]
            summary = f"clear {_cleared(reading, run)} in every round of the loop"
            marks = ((inner.lineno, "the loop that adds it up"),)
            causes = ("gradient-not-reset", "samples-dropped", "optimizer-formula-wrong")
            yield change(reading, run[0], pieces, causes, summary, cost + 0.15 * depth, marks)
            depth += 1


def _nested_loops(loop: ast.stmt) -> Iterator[ast.For | ast.While]:
    """The loop and the loops inside it, outermost first."""
    if isinstance(loop, ast.For | ast.While):
        yield loop
    for child in ast.iter_child_nodes(loop):
        if isinstance(child, ast.stmt) and not isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield from _nested_loops(child)


def _grows(reading: Reading, loop: ast.For | ast.While, names: set[str]) -> bool:
    """Whether something inside the loop adds to one of these values."""
    for node in walk(loop):
        if isinstance(node, ast.AugAssign) and canonical(base_of(node.target)) in names:
            return True
        if isinstance(node, ast.Assign) and any(canonical(base_of(t)) in names for t in node.targets):
            return True
        call = called(node)
        if call and call[0] == "append" and call[1] is not None and canonical(base_of(call[1])) in names:
            return True
    return False


def _clear_after_step(reading: Reading) -> Iterator[Change]:
    """After ``w.value -= rate * w.grad`` the sum in ``w.grad`` is cleared; likewise for arrays that are added up."""
    text = reading.text
    grown = {canonical(base_of(s.target)) for s in reading.statements if isinstance(s, ast.AugAssign)}
    bases = [base_of(s.target) for s in reading.statements if isinstance(s, ast.AugAssign)]
    grown_members = {b.attr for b in bases if isinstance(b, ast.Attribute)}
    for update in reading.updates:
        if not text.solo(update.statement):
            continue
        for reference in reading.references(update.moved_by):
            node = reference.node
            member = base_of(node)
            same = isinstance(member, ast.Attribute) and member.attr in grown_members
            same = same and root_name(node) == root_name(update.target)
            if reference.index or not (same or canonical(base_of(node)) in grown) or reading.is_parameter(node):
                continue
            for written in _zeroed(reading, reference):
                causes = ("gradient-not-reset", "gradient-overwritten")
                piece = text.after(update.statement, written)
                yield change(reading, update.statement, piece, causes, f"clear `{reference.text}` after the step", 1.3)


def _zeroed(reading: Reading, reference: Reference) -> list[str]:
    """How one value is set to zero: numbers are assigned, arrays are filled."""
    shape = reading.shape(reference.node)
    number_like, array_like = f"{reference.text} = 0.0", f"{reference.text}[...] = 0.0"
    if shape is not None:
        return [array_like if shape else number_like]
    return [array_like, number_like] if "numpy" in reading.modules else [number_like]


def _clear_at_head(reading: Reading) -> Iterator[Change]:
    """A function adds to gradients that live outside of it and nobody clears: clear them where it begins."""
    text = reading.text
    for name, function in reading.functions.items():
        local = {
            canonical(t)
            for s in reading.body_statements(function)
            if isinstance(s, ast.Assign)
            for t in reading.targets(s)
        }
        grown: dict[str, ast.AugAssign] = {}
        for statement in reading.body_statements(function):
            if isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Add | ast.Sub):
                base = base_of(statement.target)
                key = canonical(base)
                if key in local or (isinstance(base, ast.Name) and key in reading.scalars):
                    continue
                if not reading.is_parameter(statement.target) and not is_number(statement.value):
                    grown.setdefault(key, statement)
        grown = {k: s for k, s in grown.items() if root_name(s.target) not in _first_names(function)}
        if not grown or name.endswith("__init__"):
            continue
        first = next(
            (s for s in function.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))), None
        )
        if first is None or not text.solo(first):
            continue
        cleared = any(is_clearing(reading, s) and _touches(reading, s, set(grown)) for s in reading.statements)
        texts = {k: _fresh(reading, k) for k in grown}
        groups = [list(grown), *([k] for k in grown)] if len(grown) > 1 else [list(grown)]
        for keys in groups:
            lines = [t for k in keys if (t := texts[k])]
            if len(lines) == len(keys):
                where = grown[keys[0]]
                summary = "clear " + ", ".join(f"`{k}`" for k in keys) + " before adding up"
                yield change(
                    reading,
                    where,
                    text.before(first, "\n".join(lines)),
                    "gradient-not-reset",
                    summary,
                    1.4 if cleared else 0.6,
                )


def _touches(reading: Reading, statement: ast.stmt, keys: set[str]) -> bool:
    """Whether a clearing statement outside of constructors concerns one of these values."""
    function = reading.function(statement)
    if function is not None and function.name == "__init__":
        return False
    return isinstance(statement, ast.Expr) or bool({canonical(base_of(t)) for t in reading.targets(statement)} & keys)


def _first_names(function: Function) -> set[str]:
    return {a.arg for a in function.args.args} - {"self"}


def _fresh(reading: Reading, key: str) -> str | None:
    """How the value is cleared: as elsewhere in the program, or in place."""
    for statement in reading.statements:
        if (
            isinstance(statement, ast.Assign)
            and is_clearing(reading, statement)
            and len(statement.targets) == 1
            and canonical(statement.targets[0]) == key
            and "\n" not in reading.text.of(statement)
        ):
            names = names_in(statement.value) - reading.fixed
            if names <= {"self"} or root_name(statement.targets[0]) != "self":
                return reading.text.of(statement)
    tree = expression(key)
    if tree is None or "numpy" not in reading.modules:
        return None
    return (
        f"{key} = {reading.modules['numpy']}.zeros_like({key})"
        if isinstance(tree, ast.Attribute)
        else f"{key}[...] = 0.0"
    )
