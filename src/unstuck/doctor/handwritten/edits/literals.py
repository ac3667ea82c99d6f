"""Where the numbers of a program are written: learning rate, epochs, widths, batch size, seeds, penalty strength.

A literal gets its role from what it flows into (a factor of the step, the end of the outermost training loop, a shape of
a parameter …), through assignments, default values, arguments, attributes and configuration dicts; never from a name.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .making import factors, is_number, number
from .origins import Origins
from .reading import Function, called, canonical, names_in
from .text import walk

_DRAWS = {
    "randn",
    "rand",
    "random",
    "normal",
    "uniform",
    "standard_normal",
    "random_sample",
    "gauss",
    "zeros",
    "ones",
    "full",
    "empty",
}
_SEEDERS = {"seed", "default_rng", "RandomState", "Random", "SeedSequence", "PRNGKey", "manual_seed"}


@dataclass(frozen=True)
class Literal:
    """A number as it is written: its value, and its place in the text (character offsets)."""

    value: float
    text: str
    line: int
    start: int
    end: int


class Literals(Origins):
    """The number literals of one program by what they do."""

    def literal(self, node: ast.expr) -> Literal | None:
        value = number(node)
        if value is None:
            return None
        start, end = self.reading.text.span(node)
        return Literal(value, self.reading.text.of(node), node.lineno, start, end)

    def _all(self, nodes: Iterator[ast.expr]) -> list[Literal]:
        found: dict[int, Literal] = {}
        for node in nodes:
            for source in self.sources(node):
                literal = self.literal(source)
                if literal:
                    found.setdefault(literal.start, literal)
        return list(found.values())

    # ------------------------------------------------------------------------------------------------ roles

    @cached_property
    def rates(self) -> list[Literal]:
        """Literals that multiply the whole step of a parameter."""
        return self._all(self._rate_nodes())

    def _rate_nodes(self) -> Iterator[ast.expr]:
        for update in self.reading.updates:
            moved = update.moved_by
            while isinstance(moved, ast.UnaryOp):
                moved = moved.operand
            parts = factors(moved)
            if len(parts) < 2:
                yield from self._carried_rates(moved)
            for part, times in parts:
                inner = part.operand if isinstance(part, ast.UnaryOp) else part
                if times and (is_number(inner) or isinstance(inner, ast.Name | ast.Attribute | ast.Subscript)):
                    yield inner

    def _carried_rates(self, moved: ast.expr) -> Iterator[ast.expr]:
        """``w += v`` where ``v = mu * v - rate * g``: the factors of what is added to the state."""
        for statement in self.reading.statements:
            targets = {canonical(t) for t in self.reading.targets(statement)}
            if canonical(moved) not in targets or not isinstance(statement, ast.Assign | ast.AugAssign):
                continue
            parts = [statement.value]
            if isinstance(statement.value, ast.BinOp) and isinstance(statement.value.op, ast.Add | ast.Sub):
                parts = [statement.value.left, statement.value.right]
            for part in parts:
                chain = factors(part.operand if isinstance(part, ast.UnaryOp) else part)
                if len(chain) > 1 and not any(canonical(p) == canonical(moved) for p, _ in chain):
                    yield from (p for p, times in chain if times)

    @cached_property
    def epochs(self) -> list[Literal]:
        """Literals that end the outermost loop around the training step."""
        return self._all(self._epoch_nodes())

    def _epoch_nodes(self) -> Iterator[ast.expr]:
        for loop in self.training_loops:
            call = called(loop.iter) if isinstance(loop, ast.For) else None
            if (
                call
                and isinstance(loop, ast.For)
                and isinstance(loop.iter, ast.Call)
                and call[0] in ("range", "trange")
            ):
                yield loop.iter.args[1 if len(loop.iter.args) > 1 else 0]
            elif isinstance(loop, ast.While) and isinstance(loop.test, ast.Compare):
                yield loop.test.comparators[0]

    @cached_property
    def training_loops(self) -> list[ast.For | ast.While]:
        """Outermost loops that reach an update, directly or through the program's functions."""
        reaching = self._reaching
        found = []
        for statement in self.reading.statements:
            if not isinstance(statement, ast.For | ast.While):
                continue
            holder = self.reading.holder(statement)
            inside = any(
                isinstance(a, ast.For | ast.While)
                for a in self.reading.text.ancestors(statement)
                if self.reading.holder(a) is holder
            )
            called_in_loop = isinstance(holder, Function) and holder.name in self._called_in_loops
            if not inside and not called_in_loop and self._reaches(statement, reaching):
                found.append(statement)
        return found

    @cached_property
    def _called_in_loops(self) -> set[str]:
        """Functions that some loop over something reaching an update calls."""
        found = set()
        for loop in self.reading.statements:
            if isinstance(loop, ast.For | ast.While):
                found |= {c[0] for n in walk(loop) if (c := called(n))}
        return found & {n.rsplit(".", 1)[-1] for n in self._reaching}

    @cached_property
    def _reaching(self) -> set[str]:
        """Names of functions that contain an update, or call one that does."""
        found: set[str] = set()
        while True:
            more = {n for n, f in self.reading.functions.items() if n not in found and self._reaches(f, found)}
            if not more:
                return found
            found |= more

    def _reaches(self, node: ast.AST, reaching: set[str]) -> bool:
        updates = {id(u.statement) for u in self.reading.updates}
        short = {n.rsplit(".", 1)[-1] for n in reaching}
        return any(id(n) in updates or ((c := called(n)) is not None and c[0] in short) for n in walk(node))

    @cached_property
    def widths(self) -> list[Literal]:
        """Literals that size hidden layers: shared by the shapes of two parameters, or inner members of a list of widths."""
        counted: dict[int, tuple[Literal, int]] = {}
        for node in self._shape_nodes():
            for source in self.sources(node):
                literal = self.literal(source)
                if literal and literal.value > 1:
                    counted[literal.start] = (literal, counted.get(literal.start, (literal, 0))[1] + 1)
        shared = [literal for literal, count in counted.values() if count > 1]
        return sorted(shared, key=lambda literal: literal.start)

    def _shape_nodes(self) -> Iterator[ast.expr]:
        for node in self.reading.text.nodes:
            call = called(node)
            if call and call[0] in _DRAWS and isinstance(node, ast.Call):
                for argument in [*node.args, *(k.value for k in node.keywords if k.arg in ("size", "shape"))]:
                    members = argument.elts if isinstance(argument, ast.Tuple | ast.List) else [argument]
                    yield from (m for m in members if not is_number(m) or len(members) > 1)
            if isinstance(node, ast.ListComp):
                for part in node.generators:
                    inner = called(part.iter)
                    if inner and inner[0] == "range" and isinstance(part.iter, ast.Call):
                        yield from part.iter.args

    @cached_property
    def width_lists(self) -> list[list[Literal]]:
        """Lists of layer widths: all members, input and output included."""
        found = []
        for node in self.reading.text.nodes:
            if isinstance(node, ast.List | ast.Tuple) and len(node.elts) >= 3:
                literals = [self.literal(e) for e in node.elts]
                whole = [x for x in literals if x is not None and x.value == int(x.value) and x.value >= 1]
                if len(whole) == len(node.elts) and self._holds_layers(node):
                    found.append(whole)
        return found

    def _holds_layers(self, node: ast.expr) -> bool:
        """Whether neighbours of the list become the shape of something random."""
        names = {n for t in self._receivers(node) for n in (t,)}
        for other in self.reading.text.nodes:
            call = called(other)
            if call and call[0] in _DRAWS and isinstance(other, ast.Call):
                reads = {canonical(n) for a in other.args for n in walk(a) if isinstance(n, ast.Name | ast.Attribute)}
                if reads & names or any(self._comprehended(other, name) for name in names):
                    return True
        return False

    def _receivers(self, node: ast.expr) -> set[str]:
        """Names that the list is given to: by assignment, or as an argument."""
        found: set[str] = set()
        parent = self.reading.text.parent(node)
        if isinstance(parent, ast.Assign):
            found |= {canonical(t) for t in parent.targets}
        if isinstance(parent, ast.Call):
            call = called(parent)
            for function in self.called_functions(call[0]) if call else []:
                names = [a.arg for a in function.args.args if a.arg != "self"]
                if node in parent.args and parent.args.index(node) < len(names):
                    found.add(names[parent.args.index(node)])
        for statement in self.reading.statements:
            if isinstance(statement, ast.Assign) and canonical(statement.value) in found:
                found |= {canonical(t) for t in statement.targets}
        return found

    def _comprehended(self, node: ast.AST, name: str) -> bool:
        for above in self.reading.text.ancestors(node):
            parts = above.generators if isinstance(above, ast.ListComp | ast.GeneratorExp | ast.DictComp) else []
            sources = [p.iter for p in parts] + ([above.iter] if isinstance(above, ast.For) else [])
            if any(name in {canonical(n) for n in walk(s) if isinstance(n, ast.Name | ast.Attribute)} for s in sources):
                return True
        return False

    @cached_property
    def batch_sizes(self) -> list[Literal]:
        """Literals that cut the rows: the step of a range, or the width of a slice that moves with a counter."""
        return self._all(self._batch_nodes())

    def _batch_nodes(self) -> Iterator[ast.expr]:
        for node in self.reading.text.nodes:
            call = called(node)
            if (
                call
                and call[0] == "range"
                and isinstance(node, ast.Call)
                and len(node.args) == 3
                and (number(node.args[2]) or 1) > 1
            ):
                yield node.args[2]
            if (
                isinstance(node, ast.Slice)
                and isinstance(node.upper, ast.BinOp)
                and isinstance(node.upper.op, ast.Add)
                and node.lower is not None
                and names_in(node.lower) & self.reading.all_counters
            ):
                yield node.upper.right

    @cached_property
    def seeds(self) -> list[Literal]:
        """Literals that seed a random generator, `random_state=` of data and splits included."""
        return self._all(self._seed_nodes())

    def _seed_nodes(self) -> Iterator[ast.expr]:
        for node in self.reading.text.nodes:
            call = called(node)
            if call and isinstance(node, ast.Call):
                if call[0] in _SEEDERS and node.args:
                    yield node.args[0]
                yield from (k.value for k in node.keywords if k.arg in ("seed", "random_state"))

    @cached_property
    def unseeded(self) -> list[ast.Call]:
        """Generators that are made without a seed."""
        calls = [n for n in self.reading.text.nodes if isinstance(n, ast.Call) and not n.args and not n.keywords]
        return [n for n in calls if (c := called(n)) and c[0] in ("default_rng", "RandomState")]
