"""What the text of a program says by itself: names, references, loops, updates, and the sites where edits are worth trying.

Everything is judged by structure and data flow. What the running program told (`Facts`) is preferred where it is given.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from .model import Facts, Shape
from .text import Text, expression, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.While | ast.AsyncFor
_VIEWS = {"T", "shape", "size", "ndim", "dtype", "real", "imag", "flat"}
_BUILTINS = frozenset(dir(builtins))
FAR = 1.5  # what a line costs that no suspicion leads to


@dataclass(frozen=True)
class Reference:
    """A name, attribute or subscript that is read or written: ``w``, ``self.w1``, ``a[l - 1]``, ``par["U"]``."""

    node: ast.expr
    text: str
    index: bool  # stands inside the index of another reference


@dataclass(frozen=True)
class Update:
    """A statement that moves a value by something: ``w -= rate * g``, ``w = w - rate * g``."""

    statement: ast.Assign | ast.AugAssign
    target: ast.expr
    moved_by: ast.expr
    subtracts: bool


def canonical(node: ast.AST) -> str:
    """Spelling without differences of quotes and spaces."""
    return ast.unparse(node)


def base_of(node: ast.expr) -> ast.expr:
    """The array, list or dict behind subscripts with computed indices: ``self.w`` of ``self.w[i][j]``; ``p["U"]`` stays."""
    while isinstance(node, ast.Subscript) and not (
        isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str)
    ):
        node = node.value
    return node


def called(node: ast.AST) -> tuple[str, ast.expr | None] | None:
    """(function name, receiver) of a call: ``np.dot(..)`` -> ("dot", np), ``f(..)`` -> ("f", None)."""
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name):
            return node.func.id, None
        if isinstance(node.func, ast.Attribute):
            return node.func.attr, node.func.value
    return None


def names_in(node: ast.AST) -> set[str]:
    return {n.id for n in walk(node) if isinstance(n, ast.Name)}


def root_name(node: ast.expr) -> str | None:
    """``self`` of ``self.w[l].T``; None when the chain does not begin with a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


class Reading:
    """The text, the tree and the facts of one file, and answers about them that every family needs."""

    def __init__(self, source: str, facts: Facts) -> None:
        self.text = Text(source)
        self.facts = facts
        self.statements = [n for n in walk(self.text.tree) if isinstance(n, ast.stmt)]
        self.functions: dict[str, Function] = {}
        self._near: dict[ast.AST, list[Reference]] = {}
        self._name_scopes(self.text.tree, "")
        self.fixed = self._names_of_code()

    # -------------------------------------------------------------------------------------------- names

    def _name_scopes(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Function):
                name = f"{prefix}{child.name}"
                self.functions.setdefault(name, child)
                self._name_scopes(child, f"{name}.<locals>.")
            elif isinstance(child, ast.ClassDef):
                self._name_scopes(child, f"{prefix}{child.name}.")
            else:
                self._name_scopes(child, prefix)

    def _names_of_code(self) -> set[str]:
        """Names of modules, functions and classes: they are never operands."""
        names = set()
        for node in walk(self.text.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= {(a.asname or a.name).split(".")[0] for a in node.names}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        return names

    @cached_property
    def modules(self) -> dict[str, str]:
        """Imported module -> the name it has in this file: {"numpy": "np"}."""
        found = {}
        for node in walk(self.text.tree):
            if isinstance(node, ast.Import):
                found |= {a.name: a.asname or a.name.split(".")[0] for a in node.names}
        return found

    @cached_property
    def _nested(self) -> set[str]:
        found = set()
        for node in walk(self.text.tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
                found.add(canonical(node.value.value))
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.ListComp):
                if isinstance(node.value.elt, ast.ListComp | ast.List | ast.BinOp):
                    found |= {canonical(t) for t in self.targets(node)}
        return found

    def is_nested(self, node: ast.expr) -> bool:
        """Whether it is known, or looks as if, the value has two levels: a list of lists or a matrix."""
        shape = self.shape(node)
        return len(shape) >= 2 if shape is not None else canonical(node) in self._nested

    def function(self, node: ast.AST) -> Function | None:
        """The function whose body holds the node."""
        return next((a for a in self.text.ancestors(node) if isinstance(a, Function)), None)

    def scope(self, node: ast.AST) -> str:
        """Qualified name of that function, or ``<module>``."""
        function = self.function(node)
        if function is None:
            return "<module>"
        return next((name for name, f in self.functions.items() if f is function), function.name)

    def holder(self, node: ast.AST) -> ast.AST:
        """The function that holds the node, or the module."""
        return self.function(node) or self.text.tree

    def own_class(self, node: ast.AST) -> ast.ClassDef | None:
        return next((a for a in self.text.ancestors(node) if isinstance(a, ast.ClassDef)), None)

    def body_nodes(self, holder: ast.AST) -> Iterator[ast.AST]:
        """Every node that runs in this function or module itself, not in functions or classes inside it."""
        for child in ast.iter_child_nodes(holder):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            yield child
            if not isinstance(child, ast.JoinedStr):
                yield from self.body_nodes(child)

    def body_statements(self, holder: ast.AST) -> list[ast.stmt]:
        return [n for n in self.body_nodes(holder) if isinstance(n, ast.stmt)]

    def function_named(self, name: str) -> Function | ast.Lambda | None:
        """The program's own function, method or lambda of this name."""
        for qualified, function in self.functions.items():
            if qualified.rsplit(".", 1)[-1] == name:
                return function
        return self._lambdas.get(name)

    def functions_named(self, name: str) -> list[Function]:
        """All functions and methods of this name."""
        return [f for qualified, f in self.functions.items() if qualified.rsplit(".", 1)[-1] == name]

    @cached_property
    def _lambdas(self) -> dict[str, ast.Lambda]:
        found = {}
        for node in walk(self.text.tree):
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = node.value
        return found

    def is_slope_function(self, name: str, arguments: int) -> bool:
        """Whether the program's function of this name can be an activation's derivative: elementwise, of one operand.

        The derivative may be one branch of a function that is switched by a second argument.
        """
        function = self.function_named(name)
        if isinstance(function, ast.Lambda):
            return arguments == 1 and looks_like_slope(function.body)
        if function is None:
            return False
        own = [a.arg for a in function.args.args if a.arg not in ("self", "cls")]
        if not own or len(own) > 2 or arguments > len(own):
            return False
        returned = [s.value for s in walk(function) if isinstance(s, ast.Return) and s.value is not None]
        if len(own) == 2:
            return arguments == 2 and len(returned) > 1 and any(looks_like_slope(v) for v in returned)
        return any(looks_like_slope(v) for v in returned)

    # -------------------------------------------------------------------------------------------- sites

    @cached_property
    def _penalties(self) -> dict[ast.stmt, float]:
        wanted = list(dict.fromkeys(self.facts.suspect_lines))
        if not wanted:
            return dict.fromkeys(self.statements, 0.0)
        found: dict[ast.stmt, float] = {}
        for rank, line in enumerate(wanted):
            inner = [s for s in self.statements if self.header_span(s)[0] <= line <= self.header_span(s)[1]]
            for statement in inner[-1:]:
                found.setdefault(statement, min(0.15 * rank, 1.0))
        for statement, penalty in list(found.items()):
            for other in self._helpers(statement):
                found[other] = min(found.get(other, FAR), penalty + 0.6)
            for other in self._sources(statement):
                found[other] = min(found.get(other, FAR), penalty + 1.0)
        return found

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

    def distance(self, line: int, end_line: int) -> float:
        """What the suspicion adds to the cost of an edit on these lines."""
        if not self.facts.suspect_lines:
            return 0.0
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

    def only_talks(self, statement: ast.stmt) -> bool:
        """Prints, imports, definitions and docstrings change no number."""
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))) | ast.Expr(value=ast.Constant() | ast.JoinedStr()):
                return True
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Pass() | ast.Break() | ast.Continue() | ast.Global() | ast.Nonlocal() | ast.Assert() | ast.Raise():
                return True
        return False

    def header_span(self, statement: ast.stmt) -> tuple[int, int]:
        """First and last line of the statement without its body."""
        if isinstance(statement, ast.Try):
            return statement.lineno, statement.lineno
        body = getattr(statement, "body", None)
        last = statement.end_lineno or statement.lineno
        if isinstance(body, list) and body:
            last = max(statement.lineno, self.text.first_line(body[0]) - 1)
            heads = [n.end_lineno or n.lineno for n in self.expressions(statement)]
            last = min(last, max(heads, default=statement.lineno))
        return statement.lineno, last

    def expressions(self, statement: ast.stmt) -> list[ast.expr]:
        """The expressions that the statement itself evaluates; for a loop or a branch only those of its header."""
        match statement:
            case ast.For() | ast.AsyncFor():
                return [statement.iter]
            case ast.While() | ast.If():
                return [statement.test]
            case ast.With() | ast.AsyncWith():
                return [i.context_expr for i in statement.items]
            case ast.Assign() | ast.AugAssign():
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                return [statement.value, *targets]
            case ast.AnnAssign():
                return [statement.value, statement.target] if statement.value else []
            case ast.Return() | ast.Expr():
                return [statement.value] if statement.value else []
        return []

    def values(self, statement: ast.stmt) -> list[ast.expr]:
        """The expressions that are only read (no assignment targets)."""
        targets = self.targets(statement) if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign) else []
        return [e for e in self.expressions(statement) if not any(e is t for t in targets)]

    def targets(self, statement: ast.stmt) -> list[ast.expr]:
        """What the statement assigns, tuples taken apart."""
        match statement:
            case ast.Assign(targets=found):
                return [t for target in found for t in _parts(target)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
                return _parts(target)
        return []

    # --------------------------------------------------------------------------------------- references

    def references(self, node: ast.AST, index: bool = False) -> Iterator[Reference]:
        """All references in an expression in source order; ``.T``, ``.shape`` and methods are not part of them."""
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            chain: ast.expr = node
            method = isinstance(self.text.parent(node), ast.Call) and self.text.parents[node].func is node  # type: ignore[attr-defined]
            if isinstance(chain, ast.Attribute) and (method or chain.attr in _VIEWS):
                yield from self.references(chain.value, index)
                return
            root = root_name(chain)
            if method:
                return
            if root is not None and root not in self.fixed and root not in _BUILTINS:
                if not self._views_inside(chain):
                    yield Reference(chain, self.text.of(chain), index)
                while isinstance(chain, ast.Attribute | ast.Subscript):
                    if isinstance(chain, ast.Subscript):
                        yield from self.references(chain.slice, True)
                    if isinstance(chain, ast.Attribute) and chain.attr in _VIEWS:
                        yield from self.references(chain.value, index)
                        return
                    chain = chain.value
                return
            if root is not None and root in self.fixed | _BUILTINS:
                return
        for child in ast.iter_child_nodes(node):
            yield from self.references(child, index)

    def _views_inside(self, chain: ast.expr) -> bool:
        while isinstance(chain, ast.Attribute | ast.Subscript):
            if isinstance(chain, ast.Attribute) and chain.attr in _VIEWS:
                return True
            chain = chain.value
        return False

    def loops(self, node: ast.AST) -> list[ast.For]:
        """The `for` loops around the node inside its function, innermost first."""
        found = []
        for above in self.text.ancestors(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                break
            if isinstance(above, ast.For):
                found.append(above)
        return found

    def counters(self, node: ast.AST) -> list[str]:
        """Loop variables that count (over a range or an enumeration) around the node, innermost first."""
        found: list[str] = []
        for above in self.text.ancestors(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                break
            if isinstance(above, ast.For):
                found += counting_names(above.target, above.iter)
            elif isinstance(above, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
                for part in reversed(above.generators):
                    found += counting_names(part.target, part.iter)
        return list(dict.fromkeys(found))

    @cached_property
    def all_counters(self) -> set[str]:
        found: set[str] = set()
        for node in walk(self.text.tree):
            if isinstance(node, ast.For | ast.comprehension):
                found |= set(counting_names(node.target, node.iter))
        return found

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

    @cached_property
    def _shapes(self) -> dict[str, list[tuple[int, Shape]]]:
        found: dict[str, list[tuple[int, Shape]]] = {}
        for (line, text), shape in self.facts.shapes.items():
            found.setdefault(text, []).append((line, shape))
        return found

    def source_between(self, inner: ast.expr, outer: ast.expr) -> str:
        """The text of ``outer`` behind ``inner``: ``[i][j]`` for ``w`` and ``w[i][j]``."""
        return self.text.source[self.text.span(inner)[1] : self.text.span(outer)[1]]

    def comprehension_names(self, node: ast.AST) -> set[str]:
        """Names bound by the comprehensions and lambdas around the node."""
        found: set[str] = set()
        for above in self.text.ancestors(node):
            if isinstance(above, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
                found |= {n for part in above.generators for n in names_in(part.target)}
            elif isinstance(above, ast.Lambda):
                found |= {a.arg for a in above.args.args}
        return found

    def nearby(self, holder: ast.AST) -> list[Reference]:
        """Different references in a function or in the module's own lines, counters and plain numbers left out."""
        if holder not in self._near:
            found: dict[str, Reference] = {}
            if isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef):
                for arg in [*holder.args.posonlyargs, *holder.args.args, *holder.args.kwonlyargs]:
                    if arg.arg not in ("self", "cls"):
                        width = len(arg.arg.encode("utf-8"))
                        place = {"lineno": arg.lineno, "end_lineno": arg.lineno, "col_offset": arg.col_offset}
                        name = ast.Name(arg.arg, ast.Load(), **place, end_col_offset=arg.col_offset + width)
                        self.text.parents.setdefault(name, holder)
                        found.setdefault(arg.arg, Reference(name, arg.arg, False))
            for statement in self.body_statements(holder):
                for value in [*self.expressions(statement), *self.targets(statement)]:
                    for reference in self.references(value):
                        known = reference.index or reference.text in self.all_counters or reference.text in self.scalars
                        if not known and "\n" not in reference.text:
                            found.setdefault(reference.text, reference)
            self._near[holder] = list(found.values())
        return self._near[holder]

    def members(self, statement: ast.stmt) -> list[Reference]:
        """References through `self` in the other methods of the class around the statement."""
        own = self.own_class(statement)
        if own is None:
            return []
        found: dict[str, Reference] = {}
        for function in own.body:
            if isinstance(function, ast.FunctionDef) and function is not self.function(statement):
                for reference in self.nearby(function):
                    if root_name(reference.node) == "self" and not (names_in(reference.node) - {"self"}):
                        found.setdefault(reference.text, reference)
        return list(found.values())

    @cached_property
    def scalars(self) -> set[str]:
        """Names that only ever hold a count or a plain number."""
        held: dict[str, bool] = {}
        for statement in self.statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    held[name] = held.get(name, True) and _is_count(value)
                case ast.AugAssign(target=ast.Name(id=name), value=value):
                    held[name] = held.get(name, True) and _is_count(value)
                case ast.For():
                    for part in self.targets(statement):
                        if isinstance(part, ast.Name):
                            held[part.id] = False
                case ast.Assign():
                    for part in self.targets(statement):
                        if isinstance(part, ast.Name):
                            held[part.id] = held.get(part.id, True) and _all_counts(statement.value)
        return {name for name, plain in held.items() if plain}

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
        return found

    # ---------------------------------------------------------------------------------- parameters, roles

    @cached_property
    def updates(self) -> list[Update]:
        """Statements that look like a step of a parameter: repeated, and not an accumulator set to a number first."""
        found = []
        for statement in self.statements:
            update = as_update(statement)
            if update is not None and not self._accumulates(update):
                found.append(update)
        return found

    def _accumulates(self, update: Update) -> bool:
        target = canonical(update.target)
        if not isinstance(update.target, ast.Name):
            return not any(True for _ in self.references(update.moved_by))
        holder = self.holder(update.statement)
        inside = bool(self.loops(update.statement)) or not isinstance(holder, ast.Module)
        for other in self.body_statements(holder):
            if isinstance(other, ast.Assign) and isinstance(other.value, ast.Constant | ast.List):
                if any(canonical(t) == target for t in self.targets(other)):
                    return True
        return not inside or not any(True for _ in self.references(update.moved_by))

    @cached_property
    def parameter_names(self) -> set[str]:
        """Canonical texts of what is a parameter, by the facts or else by the updates."""
        told = [expression(t) for t in self.facts.parameters]
        if told:
            return {canonical(t) for t in told if t} | {canonical(base_of(t)) for t in told if t}
        found = set()
        for update in self.updates:
            found |= {canonical(update.target), canonical(base_of(update.target))}
            found |= set(self._zipped(update))
        return found

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
        while isinstance(node, ast.Attribute) and node.attr in _VIEWS:
            node = node.value
        return bool({canonical(node), canonical(base_of(node))} & self.parameter_names)

    def is_gradient(self, node: ast.expr) -> bool:
        return bool({canonical(node), canonical(base_of(node))} & self.gradient_names)

    def role(self, statement: ast.stmt) -> str:
        """``forward``, ``backward``, ``update`` or ``unknown``."""
        first, last = self.header_span(statement)
        lines = set(range(first, last + 1))
        facts = self.facts
        for name, where in (("update", facts.update_lines), ("backward", facts.backward_lines), ("forward", facts.forward_lines)):
            if lines & set(where):
                return name
        if facts.update_lines or facts.backward_lines or facts.forward_lines:
            return "unknown"
        if any(u.statement is statement for u in self.updates):
            return "update"
        return "unknown"


def _parts(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [p for e in target.elts for p in _parts(e)]
    return [target.value] if isinstance(target, ast.Starred) else [target]


def counting_names(target: ast.expr, source: ast.expr) -> list[str]:
    """Names that count when iterating ``source`` into ``target``."""
    call = called(source)
    while call and call[0] in ("reversed", "list", "tqdm", "trange") and isinstance(source, ast.Call) and source.args:
        if call[0] == "trange":
            break
        source = source.args[0]
        call = called(source)
    if call and call[0] in ("range", "trange", "arange") and isinstance(target, ast.Name):
        return [target.id]
    if call and call[0] == "enumerate" and isinstance(target, ast.Tuple) and isinstance(target.elts[0], ast.Name):
        return [target.elts[0].id]
    return []


def as_update(statement: ast.stmt) -> Update | None:
    """The statement as ``target moved by something``, or None."""
    match statement:
        case ast.AugAssign(op=ast.Add() | ast.Sub() as op):
            return Update(statement, statement.target, statement.value, isinstance(op, ast.Sub))
        case ast.Assign(targets=[target], value=ast.BinOp(op=ast.Add() | ast.Sub() as op) as value):
            wanted = canonical(target)
            if canonical(value.left) == wanted:
                return Update(statement, target, value.right, isinstance(op, ast.Sub))
            if isinstance(op, ast.Add) and canonical(value.right) == wanted:
                return Update(statement, target, value.left, False)
    return None


def looks_like_slope(node: ast.expr) -> bool:
    """The forms in which derivatives of activations are written."""
    match node:
        case ast.BinOp(left=ast.Constant(value=1 | 1.0), op=ast.Sub(), right=right):
            return not isinstance(right, ast.Constant)
        case ast.BinOp(op=ast.Mult(), left=left, right=right):
            return any(isinstance(p, ast.BinOp | ast.Compare) and looks_like_slope(p) for p in (left, right))
        case ast.Compare(ops=[ast.Gt() | ast.GtE()]):
            return True
        case ast.IfExp(test=ast.Compare(), body=ast.Constant()):
            return True
        case ast.Call(func=ast.Attribute(attr="where"), args=[ast.Compare(), ast.Constant(), *_]):
            return True
        case ast.Call(func=ast.Attribute(attr="astype", value=value)):
            return looks_like_slope(value)
        case ast.Call(func=ast.Attribute(attr="cos")):
            return True
    return False


def _is_count(node: ast.expr) -> bool:
    """A literal number, a length, a shape, a size, a sum or product of such."""
    match node:
        case ast.Constant(value=int() | float() | str()):
            return True
        case ast.UnaryOp(operand=inner):
            return _is_count(inner)
        case ast.BinOp(left=left, right=right):
            return _is_count(left) and _is_count(right)
        case ast.Call(func=ast.Name(id="len" | "int" | "range")):
            return True
        case ast.Attribute(attr="size" | "shape" | "ndim"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
    return False


def _all_counts(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(_is_count(e) for e in node.elts)
    return _is_count(node)
