"""What is known about a program: its structure, the facts of the running program, and where edits are worth trying.

Everything is judged by structure and data flow. What the running program told (`Facts`) is preferred where it is given.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cached_property

from .model import Change, Facts, Shape
from .names import Function, Reference, Update, as_updates, base_of, called, canonical, names_in, root_name
from .structure import VIEWS, Structure
from .text import expression, walk

FAR = 1.5  # what a line costs that no suspicion leads to


def _stored_and_loaded(nodes: Iterable[ast.AST]) -> tuple[set[str], set[str]]:
    names = [n for n in nodes if isinstance(n, ast.Name)]
    return {n.id for n in names if isinstance(n.ctx, ast.Store)}, {n.id for n in names if isinstance(n.ctx, ast.Load)}


class Reading(Structure):
    """The text, the tree and the facts of one file, and answers about them that every family needs."""

    def __init__(self, source: str, facts: Facts) -> None:
        super().__init__(source)
        self.facts = facts
        self._unread: dict[ast.AST, set[str]] = {}

    def is_nested(self, node: ast.expr) -> bool:
        """Whether it is known, or looks as if, the value has two levels: a list of lists or a matrix."""
        shape = self.shape(node)
        return len(shape) >= 2 if shape is not None else canonical(node) in self._nested

    @cached_property
    def _penalties(self) -> dict[ast.stmt, float]:
        wanted = list(dict.fromkeys(self.facts.suspect_lines))
        if not wanted:
            return dict.fromkeys(self.statements, 0.0)
        found: dict[ast.stmt, float] = {}
        for rank, line in enumerate(wanted):
            inner = [s for s in self.statements if self.header_span(s)[0] <= line <= self.header_span(s)[1]]
            for statement in inner[-1:]:
                found.setdefault(statement, min(self.facts.per_line * rank, 1.0))
        for function in [s for s in found if isinstance(s, Function)]:
            for statement in self._unwatched(function):
                found.setdefault(statement, found[function])
        for statement, penalty in list(found.items()):
            for other in self._helpers(statement):
                found[other] = min(found.get(other, FAR), penalty + 0.6)
            for other in self._sources(statement):
                found[other] = min(found.get(other, FAR), penalty + 1.0)
        return found

    def _unwatched(self, function: Function) -> Iterator[ast.stmt]:
        """Statements of which no value is recorded, as ``return delta``: only that the function was entered is known."""
        for statement in self.body_statements(function):
            first, last = self.header_span(statement)
            if isinstance(statement, ast.Return) and not self._watched_lines & set(range(first, last + 1)):
                yield statement

    @cached_property
    def _watched_lines(self) -> set[int]:
        return {line for line, _ in self.facts.shapes}

    def _helpers(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        """Statements of the program's own functions that this statement calls."""
        for node in self.expressions(statement):
            for inner in walk(node):
                call = called(inner)
                for name, function in self.functions.items():
                    if call and name.rsplit(".", 1)[-1] == call[0]:
                        yield from self.body_statements(function)

    def _sources(self, statement: ast.stmt) -> Iterator[ast.stmt]:
        """Statements of the same function that assign what this one reads."""
        read = {canonical(base_of(r.node)) for e in self.expressions(statement) for r in self.references(e)}
        for other in self.body_statements(self.holder(statement)):
            if other is not statement and any(canonical(base_of(t)) in read for t in self.targets(other)):
                yield other

    def distance(self, change: Change) -> float:
        """What the suspicion adds to the cost of an edit: little where its place, or a line it marks, is suspect."""
        if not self.facts.suspect_lines:
            return 0.0
        marked = (self._nearest(line, line) + 0.2 for line, _ in change.marks)
        return min([self._nearest(change.line, change.end_line), *marked])

    def _nearest(self, line: int, end_line: int) -> float:
        near = [
            penalty
            for statement, penalty in self._penalties.items()
            if self.header_span(statement)[0] <= end_line and line <= self.header_span(statement)[1]
        ]
        return min(near, default=FAR)

    def sites(self) -> Iterator[ast.stmt]:
        """Statements worth editing: the suspect ones, what they call and what they read from; all without suspicion."""
        for statement in sorted(self._penalties, key=lambda s: (self._penalties[s], s.lineno)):
            if not self.only_talks(statement):
                yield statement

    def shape(self, node: ast.expr, line: int | None = None) -> Shape | None:
        """Shape of the expression's value near that line, if the running program told it."""
        text, line = self.text.of(node), line or node.lineno
        return self.shape_of(text, line, self.scope(node))

    def shape_of(self, text: str, line: int, scope: str) -> Shape | None:
        exact = self.facts.shapes.get((line, text))
        if exact is not None:
            return exact
        known = self._shapes.get(text, [])
        if known:
            return min(known, key=lambda k: abs(k[0] - line))[1]
        for name in (scope, "<module>"):
            shape = self.facts.scope.get(name, {}).get(text)
            if shape is not None:
                return shape
        return None

    def alike(self, one: ast.expr, other: ast.expr) -> bool:
        """Whether the two expressions may have one shape: they had one in some pass of a loop, or one of them is not known."""
        return self.alike_texts(self.text.of(one), self.text.of(other), one)

    def alike_texts(self, one: str, other: str, near: ast.expr) -> bool:
        """The same for two texts as they would stand in the place of ``near``."""
        first, second = self._every_shape(one, near), self._every_shape(other, near)
        return not first or not second or bool(first & second)

    def _every_shape(self, text: str, near: ast.expr) -> frozenset[Shape]:
        known = self._lines_of_shapes.get(text)
        if known:
            line = min(known, key=lambda k: abs(k - near.lineno))
            return self.facts.all_shapes[line, text]
        shape = self.shape_of(text, near.lineno, self.scope(near))
        return frozenset() if shape is None else frozenset({shape})

    @cached_property
    def _lines_of_shapes(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for line, text in self.facts.all_shapes:
            found.setdefault(text, []).append(line)
        return found

    @cached_property
    def _shapes(self) -> dict[str, list[tuple[int, Shape]]]:
        found: dict[str, list[tuple[int, Shape]]] = {}
        for (line, text), shape in self.facts.shapes.items():
            found.setdefault(text, []).append((line, shape))
        return found

    @cached_property
    def arrays(self) -> set[str]:
        """Names whose shape is known to have at least one axis."""
        found = {text for (_, text), shape in self.facts.shapes.items() if shape}
        return found | {n for names in self.facts.scope.values() for n, shape in names.items() if shape}

    def partners(self, node: ast.expr) -> set[str]:
        """What an update ties to this value: its parameter, or what it is moved by."""
        own = canonical(base_of(node))
        found: set[str] = set()
        for update in self.updates:
            target = canonical(base_of(update.target))
            moved = {canonical(base_of(r.node)) for r in self.references(update.moved_by) if not r.index}
            if own == target:
                found |= moved
            elif own in moved:
                found.add(target)
        return found - {own}

    @cached_property
    def stepped(self) -> set[str]:
        """Counters that are used one step away from themselves somewhere."""
        found = set()
        for node in self.text.nodes:
            match node:
                case ast.BinOp(
                    left=ast.Name(id=name) | ast.UnaryOp(op=ast.USub(), operand=ast.Name(id=name)),
                    op=ast.Add() | ast.Sub(),
                    right=ast.Constant(),
                ):
                    found.add(name)
        return found & self.all_counters

    @cached_property
    def subscripted(self) -> set[str]:
        """Names and members that carry an index somewhere."""
        nodes = (n.value for n in self.text.nodes if isinstance(n, ast.Subscript))
        return {canonical(n) for n in nodes if isinstance(n, ast.Name | ast.Attribute)}

    @cached_property
    def made_from(self) -> set[tuple[str, str]]:
        """(target, source) where a value is one function of one other: ``h = tanh(z)``."""
        found = set()
        for statement in self.statements:
            if isinstance(statement, ast.Assign):
                read = {canonical(base_of(r.node)) for r in self.references(statement.value) if not r.index}
                if len(read) == 1:
                    found |= {(canonical(base_of(t)), next(iter(read))) for t in self.targets(statement)}
        return found

    @cached_property
    def unread(self) -> set[str]:
        """Members that are assigned and that nothing reads."""
        members = [n for n in self.text.nodes if isinstance(n, ast.Attribute)]
        stored = {canonical(n) for n in members if isinstance(n.ctx, ast.Store)}
        return stored - {canonical(n) for n in members if isinstance(n.ctx, ast.Load)}

    def unread_in(self, holder: ast.AST) -> set[str]:
        """Names that a function is given or assigns and does not read; likewise for the module as a whole."""
        if holder not in self._unread:
            stored, loaded = _stored_and_loaded(walk(holder))
            if isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef):
                stored |= {a.arg for a in holder.args.args}
            else:  # a function's own variables are none of the module's, whatever their names
                stored, loaded = _stored_and_loaded(n for n in walk(holder) if self.function(n) is None)
                for function in self.functions.values():
                    own, read = _stored_and_loaded(walk(function))
                    own |= {a.arg for a in [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]}
                    loaded |= read - own
            self._unread[holder] = stored - loaded - {"self", "_"}
        return self._unread[holder]

    def is_time(self, statement: ast.stmt, counter: str) -> bool:
        """Whether the counter runs over time steps: something is made from itself one step away, with fixed weights."""
        return counter in self._time_counters

    @cached_property
    def _time_counters(self) -> set[str]:
        found = set()
        for statement in self.statements:
            if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Subscript):
                continue
            target = statement.targets[0]
            for counter in names_in(target.slice) & self.all_counters:
                reads = [r.node for r in self.references(statement.value) if not r.index]
                steps = [r for r in reads if isinstance(r, ast.Subscript) and counter in names_in(r.slice)]
                own = [r for r in steps if canonical(r.value) == canonical(target.value)]
                weights = [r for r in steps if self.is_parameter(r)]
                if own and not weights:
                    found.add(counter)
        sequences = self._grown_sequences
        for node in self.text.nodes:
            if isinstance(node, ast.Subscript) and canonical(node.value) in sequences:
                found |= names_in(node.slice) & self.all_counters
        return found

    @cached_property
    def _grown_sequences(self) -> set[str]:
        """Lists that grow by what is made of their own last member while the weights stay the same: states over time."""
        found = set()
        for node in self.text.nodes:
            call = called(node)
            if not (call and call[0] == "append" and call[1] is not None and isinstance(node, ast.Call)):
                continue
            grown = canonical(call[1])
            loops = self.loops(node)
            if not loops:
                continue
            last = [n for n in walk(loops[0]) if isinstance(n, ast.Subscript) and canonical(n.value) == grown]
            partners: set[str] = set()
            for member in last:
                above = self.text.parent(member)
                if isinstance(above, ast.BinOp) and isinstance(above.op, ast.MatMult | ast.Mult):
                    partners |= names_in(above.left) | names_in(above.right)
                elif isinstance(above, ast.Call):
                    partners |= {n for a in above.args for n in names_in(a)}
            if last and not partners & names_in(loops[0].target):
                found.add(grown)
        return found

    @cached_property
    def updates(self) -> list[Update]:
        """Statements that look like a step of a parameter: repeated, and not an accumulator set to a number first."""
        found = []
        for statement in self.statements:
            found += [u for u in as_updates(statement) if not self._accumulates(u)]
        return found

    def _accumulates(self, update: Update) -> bool:
        """Whether the statement only adds something up, or changes a local value, and is no step of a parameter."""
        target, statement = update.target, update.statement
        if not any(True for _ in self.references(update.moved_by)):
            return True
        if isinstance(update.moved_by, ast.Call) and canonical(target) in {canonical(n) for n in walk(update.moved_by)}:
            return True  # z = z - z.max()
        if not isinstance(target, ast.Name):
            return False
        holder = self.holder(statement)
        around = [
            a for a in self.text.ancestors(statement) if isinstance(a, ast.For | ast.While) and self.holder(a) is holder
        ]
        if not around and isinstance(holder, ast.Module):
            return True
        made = [
            other
            for other in self.body_statements(holder)
            if isinstance(other, ast.Assign)
            and not as_updates(other)
            and any(canonical(t) == target.id for t in self.targets(other))
        ]
        inside = {id(n) for n in walk(around[-1])} if around else set()
        if any(id(other) in inside for other in made):
            return True
        if made and not around:
            return isinstance(statement, ast.Assign)
        if not made or self._read_in(around[-1], target.id, statement):
            return False
        functions = self.functions.values() if isinstance(holder, ast.Module) else ()
        return not any(self._read_in(f, target.id, statement) for f in functions)

    def _read_in(self, loop: ast.AST, name: str, own: ast.stmt) -> bool:
        """Whether something in the loop computes with the name, apart from its own movement."""
        for statement in walk(loop):
            if isinstance(statement, ast.stmt) and statement is not own and not self.only_talks(statement):
                for value in self.values(statement):
                    if any(isinstance(n, ast.Name) and n.id == name for n in walk(value)):
                        return True
        return False

    @cached_property
    def assigned_texts(self) -> set[str]:
        """Spellings of everything that is assigned somewhere."""
        return {canonical(t) for s in self.statements for t in self.targets(s)}

    @cached_property
    def parameter_names(self) -> set[str]:
        """Canonical texts of what is a parameter, by the facts or else by the updates."""
        told = [t for t in map(expression, self.facts.parameters) if t is not None]
        if told:
            members = {n.attr for t in told if isinstance(n := base_of(t), ast.Attribute)}
            same = [n for n in self.text.nodes if isinstance(n, ast.Attribute) and n.attr in members]
            return {canonical(t) for t in (*told, *map(base_of, told), *same)}
        found = set()
        for update in self.updates:
            if not self._flows_on(update):
                found |= {canonical(update.target), canonical(base_of(update.target))}
                found |= set(self._zipped(update))
        return found

    def _flows_on(self, update: Update) -> bool:
        """Whether another step is made from this value: then it is a summed gradient, not a parameter."""
        own = _key(update.target)
        for other in self.updates:
            if _key(other.target) != own and any(
                _key(r.node) == own for r in self.references(other.moved_by) if not r.index
            ):
                return True
        for statement in self.statements:
            if isinstance(statement, ast.Assign) and not as_updates(statement):
                target = _key(statement.targets[0])
                keys = {_key(r.node) for r in self.references(statement.value) if not r.index}
                if target in keys and own in keys and target != own and isinstance(statement.value, ast.BinOp):
                    return isinstance(statement.value.op, ast.Add | ast.Sub)
        return False

    def _zipped(self, update: Update) -> Iterator[str]:
        if isinstance(update.target, ast.Name):
            for loop in self.loops(update.statement):
                call = called(loop.iter)
                if call and call[0] == "zip" and isinstance(loop.target, ast.Tuple) and isinstance(loop.iter, ast.Call):
                    for part, source in zip(loop.target.elts, loop.iter.args, strict=False):
                        if isinstance(part, ast.Name) and part.id == update.target.id:
                            yield canonical(source)

    @cached_property
    def gradient_names(self) -> set[str]:
        told = [expression(t) for t in self.facts.gradients]
        if told:
            return {canonical(t) for t in told if t} | {canonical(base_of(t)) for t in told if t}
        found = set()
        for update in self.updates:
            for reference in self.references(update.moved_by):
                if not reference.index:
                    found |= {canonical(reference.node), canonical(base_of(reference.node))}
        return found - self.parameter_names

    def is_parameter(self, node: ast.expr) -> bool:
        while isinstance(node, ast.Attribute) and node.attr in VIEWS:
            node = node.value
        return bool({canonical(node), canonical(base_of(node))} & self.parameter_names)

    def is_gradient(self, node: ast.expr) -> bool:
        return bool({canonical(node), canonical(base_of(node))} & self.gradient_names)

    def role(self, statement: ast.stmt) -> str:
        """``forward``, ``backward``, ``update`` or ``unknown``."""
        first, last = self.header_span(statement)
        lines = set(range(first, last + 1))
        facts = self.facts
        for name, where in (
            ("update", facts.update_lines),
            ("backward", facts.backward_lines),
            ("forward", facts.forward_lines),
        ):
            if lines & set(where):
                return name
        if facts.update_lines or facts.backward_lines or facts.forward_lines:
            return "unknown"
        if any(u.statement is statement for u in self.updates):
            return "update"
        return "unknown"


def _key(node: ast.expr) -> str:
    """The member or the name behind all indices: ``dw`` of ``layer.dw[i]``."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else canonical(node)


__all__ = ["Function", "Reading", "Reference", "Update", "base_of", "called", "canonical", "names_in", "root_name"]
