"""The step itself: stored in the wrong place, lost in a local name, missing for one parameter, overwritten, never called."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ..making import change, is_number
from ..model import Change
from ..reading import Function, Reading, Update, base_of, called, canonical, names_in, root_name
from ..text import Piece, expression, walk

LOST = ("update-not-applied", "bias-gradient-wrong", "layer-not-trained", "wrong-variable", "optimizer-formula-wrong")
MISSING = ("layer-not-trained", "bias-gradient-wrong", "update-not-applied")


def propose(reading: Reading) -> Iterator[Change]:
    yield from _misplaced(reading)
    yield from _rebound(reading)
    yield from _forgotten(reading)
    yield from _result_dropped(reading)
    yield from _uncalled(reading)
    yield from _of_instances(reading)
    for statement in reading.sites():
        yield from _removed(reading, statement)


# ----------------------------------------------------------------------------------- stored where nothing reads it


def _misplaced(reading: Reading) -> Iterator[Change]:
    """``db = b - rate * db``: the new value is kept under another name than the one it continues."""
    text = reading.text
    groups: dict[int, list[tuple[ast.Assign, Piece, str]]] = {}
    for statement in reading.statements:
        match statement:
            case ast.Assign(targets=[target], value=ast.BinOp(left=left, op=ast.Add() | ast.Sub())):
                if canonical(target) == canonical(left) or not isinstance(
                    left, ast.Name | ast.Attribute | ast.Subscript
                ):
                    continue
                fresh = isinstance(target, ast.Name) and target.id in reading.unread_in(reading.holder(statement))
                if isinstance(target, ast.Tuple) or (type(target) is not type(left) and not fresh):
                    continue
                own, other = reading.shape(target), reading.shape(left)
                if own is not None and other is not None and own != other:
                    continue
                reads = {canonical(r.node) for r in reading.references(statement.value)}
                told = reading.is_parameter(left) and reading.facts.parameters
                if not (canonical(target) in reads or told or fresh or reading.updates):
                    continue
                piece = text.swap(target, text.of(left))
                block, _ = text.block(statement)
                strong = canonical(target) in reads or (
                    fresh and (reading.is_parameter(left) or reading.in_loop(statement))
                )
                if strong or told:
                    groups.setdefault(id(block), []).append((statement, piece, text.of(left)))
                yield change(
                    reading, statement, piece, LOST, f"store the new value in `{text.of(left)}`", 0.7 if strong else 1.6
                )
    for group in groups.values():
        if len(group) > 1:
            names = ", ".join(f"`{name}`" for _, _, name in group)
            yield _joint(
                reading,
                [s for s, _, _ in group],
                [p for _, p, _ in group],
                LOST,
                f"store the new values in {names}",
                0.6,
            )


def _joint(
    reading: Reading,
    statements: list[ast.Assign],
    pieces: list[Piece],
    causes: tuple[str, ...],
    summary: str,
    cost: float,
) -> Change:
    """One change for several statements; its place is from the first to the last of them."""
    first = min(s.lineno for s in statements)
    last = max(s.end_lineno or s.lineno for s in statements)
    return Change(causes[0], tuple(pieces), summary, cost, first, last, (), causes[1:])


# ------------------------------------------------------------------------------------------------------ rebinding


def _rebound(reading: Reading) -> Iterator[Change]:
    """``w = w - step`` on a local name -> in place."""
    text = reading.text
    groups: dict[int, list[tuple[ast.Assign, Piece]]] = {}
    for statement in reading.statements:
        match statement:
            case ast.Assign(targets=[ast.Name() as target], value=ast.BinOp(left=left, op=op, right=right) as value):
                if (
                    canonical(left) != target.id
                    or target.id in reading.scalars
                    or not isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.Div)
                ):
                    continue
                sign = {ast.Add: "+=", ast.Sub: "-=", ast.Mult: "*=", ast.Div: "/="}[type(op)]
                in_place = Piece(*text.span(statement), f"{target.id} {sign} {text.of(right)}")
                groups.setdefault(id(text.block(statement)[0]), []).append((statement, in_place))
                yield change(reading, statement, in_place, LOST, f"change `{target.id}` in place", 1.0)
                summary = f"write the new values into `{target.id}`"
                if not is_number(value):
                    yield change(reading, statement, text.swap(target, f"{target.id}[...]"), LOST, summary, 1.3)
            case ast.Assign(targets=[ast.Name() as target]) if _is_loop_variable(reading, statement, target.id):
                piece = text.swap(target, f"{target.id}[...]" if "numpy" in reading.modules else f"{target.id}[:]")
                groups.setdefault(id(text.block(statement)[0]), []).append((statement, piece))
                yield change(reading, statement, piece, LOST, f"write the new values into `{target.id}`", 1.1)
    for group in groups.values():
        if len(group) > 1:
            yield _joint(reading, [s for s, _ in group], [p for _, p in group], LOST, "change the arrays in place", 0.9)


def _is_loop_variable(reading: Reading, statement: ast.stmt, name: str) -> bool:
    return any(name in names_in(loop.target) for loop in reading.loops(statement)) and name not in reading.all_counters


# -------------------------------------------------------------------------------------------------- missing updates


def _forgotten(reading: Reading) -> Iterator[Change]:
    """A parameter that is never moved, beside one that is: the same line with the other names."""
    text = reading.text
    known = _all_references(reading)
    moved = {canonical(u.target) for u in reading.updates}
    wanted = unmoved(reading, moved)
    for update in reading.updates:
        if not text.solo(update.statement) or "\n" in text.of(update.statement):
            continue
        lines: list[str] = []
        for parameter in wanted:
            line = _analogous(reading, update, parameter, known)
            if line:
                yield change(
                    reading,
                    update.statement,
                    text.after(update.statement, line),
                    MISSING,
                    f"also update `{parameter}`",
                    1.2,
                )
                lines.append(line)
        if len(lines) > 1:
            piece = text.after(update.statement, "\n".join(lines))
            yield change(reading, update.statement, piece, MISSING, "also update the other parameters", 1.3)


def unmoved(reading: Reading, moved: set[str]) -> list[str]:
    """Parameters without an update, by the facts, or arrays that are made beside one that is updated."""
    told = [canonical(t) for p in reading.facts.parameters if (t := expression(p)) is not None]
    found = [p for p in told if p not in moved]
    for update in reading.updates:
        target = base_of(update.target)
        if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id != "self":
            made = [a for a in reading.siblings(target) if a in _made_members(reading)]
            found += [f"{target.value.id}.{a}" for a in made if f"{target.value.id}.{a}" not in moved]
    homes = set()
    for statement in reading.statements:
        if (
            isinstance(statement, ast.Assign)
            and any(canonical(t) in moved for t in reading.targets(statement))
            and not any(u.statement is statement for u in reading.updates)
        ):
            homes.add(id(reading.text.block(statement)[0]))
    for statement in reading.statements:
        if (
            isinstance(statement, ast.Assign)
            and id(reading.text.block(statement)[0]) in homes
            and any((c := called(n)) and c[0] in _MAKERS for n in walk(statement.value))
        ):
            found += [canonical(t) for t in reading.targets(statement) if canonical(t) not in moved]
    return list(dict.fromkeys(found))


def _made_members(reading: Reading) -> set[str]:
    """Members that some constructor fills with random numbers or zeros."""
    found = set()
    for statement in reading.statements:
        if isinstance(statement, ast.Assign) and any(
            (c := called(n)) and c[0] in _MAKERS for n in walk(statement.value)
        ):
            found |= {t.attr for t in reading.targets(statement) if isinstance(t, ast.Attribute)}
    return found


_MAKERS = {
    "zeros",
    "ones",
    "randn",
    "rand",
    "random",
    "normal",
    "uniform",
    "standard_normal",
    "random_sample",
    "gauss",
    "full",
}


def _all_references(reading: Reading) -> set[str]:
    found = set()
    for node in reading.text.nodes:
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            found.add(canonical(node))
    return found


def _analogous(reading: Reading, update: Update, parameter: str, known: set[str]) -> str | None:
    """The update's line for another parameter, if every renamed value exists."""
    own = canonical(update.target)
    apart = renamed(own, parameter)
    if apart is None:
        return None
    old, new = apart
    line = reading.text.of(update.statement)
    swaps: dict[str, str] = {reading.text.of(update.target): parameter}
    changed = False
    listed = isinstance(update.statement.value, ast.ListComp)
    for reference in reading.references(update.statement.value if listed else update.moved_by):
        if reference.index or root_name(reference.node) is None:
            continue
        text = canonical(reference.node)
        if text == own:
            continue
        for spelling in _respelt(text, old, new):
            if spelling in known and spelling != text:
                swaps[reference.text] = spelling
                changed = True
                break
    if not changed:
        return None
    pattern = "|".join(re.escape(t) for t in sorted(swaps, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])(?:{pattern})(?!\w)", lambda m: swaps[m.group()], line)


def renamed(one: str, two: str) -> tuple[str, str] | None:
    """What differs between two names, without what they share in front and behind."""
    start = 0
    while start < min(len(one), len(two)) and one[start] == two[start]:
        start += 1
    end = 0
    while end < min(len(one), len(two)) - start and one[-1 - end] == two[-1 - end]:
        end += 1
    old, new = one[start : len(one) - end], two[start : len(two) - end]
    return (old, new) if old and new and len(old) <= 8 and len(new) <= 8 else None


def _respelt(text: str, old: str, new: str) -> Iterator[str]:
    at = text.rfind(old)
    while at >= 0:
        yield text[:at] + new + text[at + len(old) :]
        at = text.rfind(old, 0, at)


# ------------------------------------------------------------------------------------- results and calls that are lost


def _result_dropped(reading: Reading) -> Iterator[Change]:
    """``update(w, b, rate)`` returns the new values and nobody keeps them."""
    text = reading.text
    for statement in reading.statements:
        if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)):
            continue
        call = called(statement.value)
        for function in reading.functions_named(call[0]) if call else []:
            returned = [
                s.value for s in reading.body_statements(function) if isinstance(s, ast.Return) and s.value is not None
            ]
            if not returned:
                continue
            parts = returned[-1].elts if isinstance(returned[-1], ast.Tuple) else [returned[-1]]
            bound = _bound_arguments(reading, function, statement.value)
            kept = [bound.get(canonical(p)) for p in parts]
            if all(kept):
                place = text.span(statement)[0]
                names = ", ".join(k for k in kept if k)
                yield change(
                    reading,
                    statement,
                    Piece(place, place, f"{names} = "),
                    LOST,
                    f"keep what is returned in {names}",
                    0.9,
                )


def _bound_arguments(reading: Reading, function: Function, call: ast.Call) -> dict[str, str]:
    """Name inside the function -> reference that was passed for it."""
    names = [a.arg for a in function.args.args if a.arg != "self"]
    found = {}
    for name, value in zip(names, call.args, strict=False):
        if isinstance(value, ast.Name | ast.Attribute | ast.Subscript):
            found[name] = reading.text.of(value)
    for keyword in call.keywords:
        if keyword.arg and isinstance(keyword.value, ast.Name | ast.Attribute | ast.Subscript):
            found[keyword.arg] = reading.text.of(keyword.value)
    return found


def _uncalled(reading: Reading) -> Iterator[Change]:
    """A method that nobody calls, beside one of the same class that is called: call it before or after that one."""
    text = reading.text
    mentioned = {n.attr for n in text.nodes if isinstance(n, ast.Attribute)}
    mentioned |= {n.id for n in text.nodes if isinstance(n, ast.Name)}
    for name, function in reading.functions.items():
        short = name.rsplit(".", 1)[-1]
        if short in mentioned or short.startswith("__") or function.decorator_list:
            continue
        own = text.parent(function)
        siblings = (
            [f.name for f in ast.iter_child_nodes(own) if isinstance(f, Function)]
            if isinstance(own, ast.ClassDef)
            else []
        )
        for statement in reading.statements:
            site = _call_of(statement)
            if site is None or not text.solo(statement):
                continue
            other, receiver = called(site) or ("", None)
            if isinstance(own, ast.ClassDef):
                if other not in siblings or receiver is None or reading.function(statement) is function:
                    continue
                head = f"{text.of(receiver)}.{short}"
            else:
                head = short
                if (
                    not reading.functions_named(other)
                    or receiver is not None
                    or reading.function(statement) is function
                ):
                    continue
            arguments = _arguments_in_sight(reading, function, statement, site)
            if arguments is None:
                continue
            causes = (
                "update-not-applied",
                "layer-not-trained",
                "gradient-not-reset",
                "prediction-ignores-input",
                "step-missing",
            )
            call = f"{head}({', '.join(arguments)})"
            yield change(reading, statement, text.after(statement, call), causes, f"call `{call}`", 0.4)
            yield change(reading, statement, text.before(statement, call), causes, f"call `{call}` first", 0.6)


def _of_instances(reading: Reading) -> Iterator[Change]:
    """A method that nobody calls, of a class with an object in sight of a loop: call it at the loop's end."""
    text = reading.text
    mentioned = {n.attr for n in text.nodes if isinstance(n, ast.Attribute)}
    for statement in reading.statements:
        made = called(statement.value) if isinstance(statement, ast.Assign) else None
        if made is None or not isinstance(statement, ast.Assign):
            continue
        for name, function in reading.functions.items():
            owner, _, short = name.rpartition(".")
            required = len(function.args.args) - 1 - len(function.args.defaults)
            if owner != made[0] or short in mentioned or short.startswith("__") or required > 0:
                continue
            for loop in reading.body_statements(reading.holder(statement)):
                if (
                    isinstance(loop, ast.For | ast.While)
                    and loop.lineno > statement.lineno
                    and text.solo(loop.body[-1])
                ):
                    for target in reading.targets(statement):
                        call = f"{text.of(target)}.{short}()"
                        piece = text.after(loop.body[-1], call, indent=text.indent(loop.body[0]))
                        causes = ("step-missing", "update-not-applied", "layer-not-trained", "gradient-not-reset")
                        yield change(reading, loop.body[-1], piece, causes, f"call `{call}`", 0.5)


def _call_of(statement: ast.stmt) -> ast.Call | None:
    match statement:
        case (
            ast.Expr(value=ast.Call() as call)
            | ast.Assign(value=ast.Call() as call)
            | ast.AugAssign(value=ast.Call() as call)
        ):
            return call
    return None


def _arguments_in_sight(reading: Reading, function: Function, statement: ast.stmt, site: ast.Call) -> list[str] | None:
    """Values for the required arguments: visible under the same name, or None."""
    names = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
    required = names[: len(names) - len(function.args.defaults)]
    visible = (
        {r.text for r in reading.nearby(reading.holder(statement))}
        | {r.text for r in reading.members(statement)}
        | reading.scalars
    )
    for node in walk(site):
        if isinstance(node, ast.Name):
            visible.add(node.id)
    found = []
    for name in required:
        if name in visible:
            found.append(name)
        elif f"self.{name}" in visible:
            found.append(f"self.{name}")
        else:
            return None
    return found


def _removed(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """The statement is too much: it overwrites or repeats."""
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.Expr) and reading.text.solo(statement):
        if isinstance(statement, ast.Assign) and any(isinstance(t, ast.Tuple) for t in statement.targets):
            return
        base = [canonical(base_of(t)) for t in reading.targets(statement)]
        earlier = [
            s
            for s in reading.body_statements(reading.holder(statement))
            if s is not statement
            and s.lineno < statement.lineno
            and any(canonical(base_of(t)) in base for t in reading.targets(s))
        ]
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name) and not earlier:
            return
        causes = (
            "wrong-variable",
            "gradient-overwritten",
            "optimizer-formula-wrong",
            "gradient-scale-wrong",
            "update-not-applied",
        )
        yield change(reading, statement, reading.text.cut(statement), causes, "without this line", 2.1)
