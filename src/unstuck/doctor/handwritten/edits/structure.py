"""The structure of one file: functions, names, references, loops, statements and what they read and write."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from functools import cached_property

from .names import (
    Function,
    Reference,
    all_counts,
    called,
    canonical,
    counting_names,
    is_count,
    looks_like_slope,
    names_in,
    parts_of,
    root_name,
)
from .text import Text, walk

VIEWS = {"T", "shape", "size", "ndim", "dtype", "real", "imag", "flat"}
_BUILTINS = frozenset(dir(builtins))
_GENERATOR_METHODS = {
    "normal",
    "uniform",
    "standard_normal",
    "permutation",
    "shuffle",
    "integers",
    "choice",
    "randint",
    "random",
}


class Structure:
    """Text and tree of one file, and answers about them that need no facts.

    Raises:
        SyntaxError: when the source is not Python.
    """

    def __init__(self, source: str) -> None:
        self.text = Text(source)
        self.statements = [n for n in self.text.nodes if isinstance(n, ast.stmt)]
        self.functions: dict[str, Function] = {}
        self._function: dict[ast.AST, Function | None] = {}
        self._references: dict[tuple[ast.AST, bool], list[Reference]] = {}
        self._body: dict[ast.AST, list[ast.AST]] = {}
        self._near: dict[ast.AST, list[Reference]] = {}
        self._name_scopes(self.text.tree, "")
        self.fixed = self._names_of_code()

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
        for node in self.text.nodes:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names |= {(a.asname or a.name).split(".")[0] for a in node.names}
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
        return names

    @cached_property
    def outermost(self) -> list[ast.stmt]:
        """Top-level statements, classes taken apart into their members."""
        found: list[ast.stmt] = []
        for statement in self.text.tree.body:
            found += statement.body if isinstance(statement, ast.ClassDef) else [statement]
        return found

    @cached_property
    def regions(self) -> list[tuple[int, int]]:
        """Offsets of the full lines of each of them that shares its lines with nothing else."""
        return [self.text.full_lines(s) for s in self.outermost if self.text.solo(s)]

    @cached_property
    def modules(self) -> dict[str, str]:
        """Imported module -> the name it has in this file: {"numpy": "np"}."""
        found: dict[str, str] = {}
        for node in self.text.nodes:
            if isinstance(node, ast.Import):
                found |= {a.name: a.asname or a.name.split(".")[0] for a in node.names}
        return found

    @cached_property
    def _nested(self) -> set[str]:
        found = set()
        for node in self.text.nodes:
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Subscript):
                found.add(canonical(node.value.value))
            elif (
                isinstance(node, ast.Assign)
                and isinstance(node.value, ast.ListComp)
                and isinstance(node.value.elt, ast.ListComp | ast.List | ast.BinOp)
            ):
                found |= {canonical(t) for t in self.targets(node)}
        return found

    @cached_property
    def objects(self) -> set[str]:
        """Names that hold a generator or an object of the program's own classes: no operands either."""
        classes = {n.name for n in self.text.nodes if isinstance(n, ast.ClassDef)}
        makers = classes | {"default_rng", "RandomState", "Random"}
        found = set()
        for node in self.text.nodes:
            if isinstance(node, ast.Assign) and (call := called(node.value)) and call[0] in makers:
                found |= {t.id for t in node.targets if isinstance(t, ast.Name)}
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
            ) and (
                node.func.attr in _GENERATOR_METHODS or any(q.endswith(f".{node.func.attr}") for q in self.functions)
            ):
                found.add(node.func.value.id)
        return found

    def function(self, node: ast.AST) -> Function | None:
        """The function whose body holds the node."""
        if node not in self._function:
            self._function[node] = next((a for a in self.text.ancestors(node) if isinstance(a, Function)), None)
        return self._function[node]

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

    def body_nodes(self, holder: ast.AST) -> list[ast.AST]:
        """Every node that runs in this function or module itself, not in functions or classes inside it."""
        if holder not in self._body:
            self._body[holder] = list(self._own_nodes(holder))
        return self._body[holder]

    def _own_nodes(self, holder: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(holder):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            yield child
            if not isinstance(child, ast.JoinedStr):
                yield from self._own_nodes(child)

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
        for node in self.text.nodes:
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = node.value
        return found

    def returns_slope(self, function: Function) -> bool:
        """Whether what the function returns is written like a derivative of an activation."""
        returned = [s.value for s in walk(function) if isinstance(s, ast.Return) and s.value is not None]
        return any(looks_like_slope(v) for v in returned)

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
        return self.returns_slope(function)

    def only_talks(self, statement: ast.stmt) -> bool:
        """Prints, imports, definitions and docstrings change no number."""
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"))) | ast.Expr(value=ast.Constant() | ast.JoinedStr()):
                return True
            case ast.Import() | ast.ImportFrom() | ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                return True
            case ast.Pass() | ast.Global() | ast.Nonlocal() | ast.Assert() | ast.Raise():
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
                return [t for target in found for t in parts_of(target)]
            case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
                return parts_of(target)
        return []

    def references(self, node: ast.AST, index: bool = False) -> list[Reference]:
        """All references in an expression in source order; ``.T``, ``.shape`` and methods are not part of them."""
        key = (node, index)
        if key not in self._references:
            self._references[key] = list(self._find_references(node, index))
        return self._references[key]

    def _find_references(self, node: ast.AST, index: bool) -> Iterator[Reference]:
        if isinstance(node, ast.JoinedStr):
            return
        if isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            chain: ast.expr = node
            method = isinstance(self.text.parent(node), ast.Call) and self.text.parents[node].func is node  # type: ignore[attr-defined]
            if isinstance(chain, ast.Attribute) and (method or chain.attr in VIEWS):
                yield from self.references(chain.value, index)
                return
            root = root_name(chain)
            if method:
                return
            if root is not None and root not in self.fixed and root not in _BUILTINS:
                plain = isinstance(chain, ast.Name) and (root in ("self", "cls") or root in self.objects)
                if not plain and not self._views_inside(chain):
                    yield Reference(chain, self.text.of(chain), index)
                while isinstance(chain, ast.Attribute | ast.Subscript):
                    if isinstance(chain, ast.Subscript):
                        yield from self.references(chain.slice, True)
                    if isinstance(chain, ast.Attribute) and chain.attr in VIEWS:
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
            if isinstance(chain, ast.Attribute) and chain.attr in VIEWS:
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

    def in_loop(self, node: ast.AST) -> bool:
        """Whether a `for` or `while` loop of the same function runs the node."""
        for above in self.text.ancestors(node):
            if isinstance(above, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                break
            if isinstance(above, ast.For | ast.While):
                return True
        return False

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
        for node in self.text.nodes:
            if isinstance(node, ast.For | ast.comprehension):
                found |= set(counting_names(node.target, node.iter))
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
                    if arg.arg not in ("self", "cls") and arg.arg not in self.objects:
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
            outer = self.function(holder) if isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef) else None
            for reference in self.nearby(outer) if outer is not None else []:
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
    def attributes(self) -> list[set[str]]:
        """The members that belong together: those of each class, and those read through each name."""
        groups: dict[str, set[str]] = {}
        for node in self.text.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id not in self.fixed:
                parent = self.text.parent(node)
                if node.attr in VIEWS or (isinstance(parent, ast.Call) and parent.func is node):
                    continue
                own = self.own_class(node)
                owner = (
                    own.name if own is not None and node.value.id == "self" else f"{self.scope(node)}:{node.value.id}"
                )
                groups.setdefault(owner, set()).add(node.attr)
        return list(groups.values())

    def siblings(self, node: ast.Attribute) -> list[str]:
        """Other members that exist beside this one on the same kind of object."""
        found = {a for group in self.attributes if node.attr in group for a in group}
        return sorted(found - {node.attr})

    @cached_property
    def scalars(self) -> set[str]:
        """Names that only ever hold a count or a plain number."""
        held: dict[str, bool] = {}
        for statement in self.statements:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    held[name] = held.get(name, True) and is_count(value)
                case ast.AugAssign(target=ast.Name(id=name), value=value):
                    held[name] = held.get(name, True) and is_count(value)
                case ast.For():
                    for part in self.targets(statement):
                        if isinstance(part, ast.Name):
                            held[part.id] = False
                case ast.Assign():
                    for part in self.targets(statement):
                        if isinstance(part, ast.Name):
                            held[part.id] = held.get(part.id, True) and all_counts(statement.value)
        return {name for name, plain in held.items() if plain}
