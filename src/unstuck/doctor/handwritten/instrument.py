"""Rewrite a program's syntax tree so that it tells the recorder its values, and means exactly the same.

Each place that is told is a *site*: an assigned target, an argument, a loop variable, a result of arithmetic or of a
call. Sites are numbered in the order of the tree, so that two processes that read the same text agree on the numbers.
Nothing is evaluated twice that could have a side effect: targets are read again only where they are made of names,
attributes and plain indices.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, cast

# names of the recorder's functions; they live in ``builtins`` so that globals() of the program stays as it was
# (two underscores at both ends: otherwise a class body would rename them)
VALUE, TARGET, ELEMENT = "__us_value__", "__us_target__", "__us_element__"
LOOP, PASS, LEAVE = "__us_loop__", "__us_pass__", "__us_leave__"


@dataclass(frozen=True)
class Site:
    """A place in the source whose values are recorded.

    ``kind``: "target" (assigned), "argument" (at entry of a function), "loop" (loop variable), "value" (an expression).
    ``text`` is the source text of the expression; ``function`` the dotted name of the function around it ("" outside).
    """

    number: int
    file: str
    line: int
    end_line: int
    column: int
    kind: str
    text: str
    function: str


@dataclass(frozen=True)
class LoopSite:
    """A loop or a comprehension: ``line`` of its head, the function around it, and its nesting in that function."""

    number: int
    file: str
    line: int
    end_line: int
    function: str
    depth: int


@dataclass(frozen=True)
class Instrumented:
    """Trees ready to compile, with the tables of their sites and loops (indices are the numbers)."""

    trees: dict[str, ast.Module]
    sites: list[Site]
    loops: list[LoopSite]


def instrument(
    sources: dict[str, str],
    *,
    double: bool = False,
    told: Collection[int] | None = None,
    counted: Collection[int] | None = None,
) -> Instrumented:
    """Instrument every file of a program. ``double``: single precision is read as double precision as well.

    ``told``: the sites, ``counted``: the loops that are instrumented (None: all). The others keep their numbers and run at
    full speed.
    """
    sites: list[Site] = []
    loops: list[LoopSite] = []
    trees = {}
    for file in sorted(sources):
        rewriter = _Rewriter(file, sources[file], sites, loops, double)
        rewriter.told, rewriter.counted = told, counted
        trees[file] = ast.fix_missing_locations(cast(ast.Module, rewriter.visit(ast.parse(sources[file]))))
    return Instrumented(trees, sites, loops)


_UNTOLD_CALLS = {"super", "locals", "globals", "vars", "range", "len", "print", "enumerate", "zip", "isinstance"}
_PRECISIONS = {"float32": "float64", "single": "float64", "float16": "float64", "half": "float64", "f4": "f8"}


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, text: str, sites: list[Site], loops: list[LoopSite], double: bool) -> None:
        self.file, self.text, self.sites, self.loops, self.double = file, text, sites, loops, double
        self.lines = text.splitlines()
        self.where: list[str] = []
        self.depth = 0
        self.told: Collection[int] | None = None
        self.counted: Collection[int] | None = None

    # ------------------------------------------------------------------ helpers

    def _site(self, node: ast.AST, kind: str, text: str | None = None) -> ast.Constant:
        place = cast(ast.expr, node)
        source = text if text is not None else self._segment(place)
        number = len(self.sites)
        last = place.end_lineno or place.lineno
        where = ".".join(self.where)
        self.sites.append(Site(number, self.file, place.lineno, last, place.col_offset, kind, source, where))
        return ast.copy_location(ast.Constant(number), node)

    def _segment(self, node: ast.expr) -> str:
        if node.lineno == node.end_lineno:  # the usual case, without splitting the whole text again
            line = self.lines[node.lineno - 1].encode()
            return line[node.col_offset : node.end_col_offset].decode()
        return " ".join((ast.get_source_segment(self.text, node) or "").split())

    def _loop(self, node: ast.AST) -> ast.Constant:
        place = cast(ast.stmt, node)
        number = len(self.loops)
        last = place.end_lineno or place.lineno
        self.loops.append(LoopSite(number, self.file, place.lineno, last, ".".join(self.where), self.depth))
        return ast.copy_location(ast.Constant(number), node)

    def _tells(self, site: ast.Constant) -> bool:
        return self.told is None or site.value in self.told

    def _counts(self, loop: ast.Constant) -> bool:
        return self.counted is None or loop.value in self.counted

    @staticmethod
    def _call(name: str, *args: ast.expr) -> ast.Call:
        call = ast.Call(ast.Name(name, ast.Load()), list(args), [])
        return ast.copy_location(call, args[-1])

    @staticmethod
    def _statement(call: ast.Call) -> ast.Expr:
        return ast.copy_location(ast.Expr(call), call)

    def _wrap(self, original: ast.expr, kind: str = "value") -> ast.expr:
        site = self._site(original, kind)
        inside = cast(ast.expr, self.generic_visit(original))
        return self._call(VALUE, site, inside) if self._tells(site) else inside

    # ------------------------------------------------------------------ statements

    def _block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in body:
            done = self.visit(statement)
            out += done if isinstance(done, list) else [done]
        return out

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = self._block(node.body)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.where.append(node.name)
        every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        told: list[ast.stmt] = []
        for arg in every:
            if arg.arg in ("self", "cls"):
                continue
            site = self._site(arg, "argument", arg.arg)
            name = ast.copy_location(ast.Name(arg.arg, ast.Load()), arg)
            if self._tells(site):
                told.append(self._statement(self._call(TARGET, site, name)))
        body = self._block(node.body)
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body = body[:start] + told + body[start:]
        self.where.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self.where.append(node.name)
        node.body = self._block(node.body)
        self.where.pop()
        return node

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        told = [t for target in node.targets for t in self._targets(target, "target")]
        node.value = self.visit(node.value)
        return [node, *told]

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        told = self._targets(node.target, "target")
        node.value = self.visit(node.value)
        return [node, *told]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> list[ast.stmt]:
        if node.value is None:
            return [node]
        told = self._targets(node.target, "target")
        node.value = self.visit(node.value)
        return [node, *told]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt]:
        if isinstance(node.value, ast.Constant):
            return [node]
        told: list[ast.stmt] = []
        if isinstance(node.value, ast.Call):  # a call may change its arguments in place
            inside = [*node.value.args, *(k.value for k in node.value.keywords)]
            changed = [a for a in inside if isinstance(a, (ast.Name, ast.Attribute, ast.Subscript))]
            told = [t for arg in changed for t in self._targets(arg, "target")]
        node.value = self.visit(node.value)
        return [node, *told]

    def visit_For(self, node: ast.For) -> ast.For:
        node.iter = self._passes(self._loop(node), node.iter)
        self.depth += 1
        node.body = self._targets(node.target, "loop") + self._block(node.body)
        self.depth -= 1
        node.orelse = self._block(node.orelse)
        return node

    def _passes(self, number: ast.Constant, over: ast.expr) -> ast.expr:
        iterable = cast(ast.expr, self.visit(over))
        return self._call(LOOP, number, iterable) if self._counts(number) else iterable

    def visit_While(self, node: ast.While) -> list[ast.stmt]:
        number = self._loop(node)
        node.test = self.visit(node.test)
        self.depth += 1
        node.body = self._block(node.body)
        self.depth -= 1
        node.orelse = self._block(node.orelse)
        if not self._counts(number):
            return [node]
        node.body.insert(0, self._statement(self._call(PASS, number)))
        return [node, self._statement(self._call(LEAVE, number))]

    def visit_If(self, node: ast.If) -> ast.If:
        node.test = self.visit(node.test)
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        return node

    def visit_With(self, node: ast.With) -> ast.With:
        for item in node.items:
            item.context_expr = self.visit(item.context_expr)
        node.body = self._block(node.body)
        return node

    def visit_Try(self, node: ast.Try) -> ast.Try:
        node.body, node.orelse = self._block(node.body), self._block(node.orelse)
        node.finalbody = self._block(node.finalbody)
        for handler in node.handlers:
            handler.body = self._block(handler.body)
        return node

    def _targets(self, target: ast.expr, kind: str) -> list[ast.stmt]:
        if isinstance(target, (ast.Tuple, ast.List)):
            return [t for item in target.elts for t in self._targets(item, kind)]
        if isinstance(target, ast.Starred):
            return self._targets(target.value, kind)
        if not _plain(target):
            if isinstance(target, ast.Subscript) and _plain(target.value):
                return self._targets(target.value, kind)  # the index is a computation: tell the whole container
            return []
        site = self._site(target, kind)
        if not self._tells(site):
            return []
        read = _loaded(target)
        if isinstance(target, ast.Subscript):
            return [self._statement(self._call(ELEMENT, site, _loaded(target.value), read))]
        return [self._statement(self._call(TARGET, site, read))]

    # ------------------------------------------------------------------ expressions

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        if isinstance(node.left, ast.Constant) and isinstance(node.right, ast.Constant):
            return node
        return self._wrap(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        if isinstance(node.op, ast.USub) and not isinstance(node.operand, ast.Constant):
            return self._wrap(node)
        return cast(ast.expr, self.generic_visit(node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        if isinstance(node.func, ast.Name) and node.func.id in _UNTOLD_CALLS:
            return cast(ast.expr, self.generic_visit(node))
        return self._wrap(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        return self._wrap(node)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        return self._wrap(node)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if isinstance(node.ctx, ast.Load):
            return self._wrap(node)
        return cast(ast.expr, self.generic_visit(node))

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if self.double and isinstance(node.ctx, ast.Load) and node.attr in _PRECISIONS:
            node.attr = _PRECISIONS[node.attr]
        return cast(ast.expr, self.generic_visit(node))

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if self.double and isinstance(node.value, str) and node.value in _PRECISIONS:
            return ast.copy_location(ast.Constant(_PRECISIONS[node.value]), node)
        return node

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        node.iter = self._passes(self._loop(node.iter), node.iter)
        node.ifs = [self.visit(test) for test in node.ifs]
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                part.value = self.visit(part.value)
        return node

    def visit_Match(self, node: ast.Match) -> ast.Match:
        node.subject = self.visit(node.subject)
        for case in node.cases:
            case.body = self._block(case.body)
        return node


def _plain(node: ast.expr) -> bool:
    """Made of names, attributes, constants and simple arithmetic of indices: reading it again changes nothing."""
    if isinstance(node, (ast.Name, ast.Constant)):
        return True
    if isinstance(node, ast.Attribute):
        return _plain(node.value)
    if isinstance(node, ast.Subscript):
        return _plain(node.value) and _plain(node.slice)
    if isinstance(node, ast.Slice):
        return all(part is None or _plain(part) for part in (node.lower, node.upper, node.step))
    if isinstance(node, ast.Tuple):
        return all(_plain(item) for item in node.elts)
    if isinstance(node, ast.UnaryOp):
        return _plain(node.operand)
    if isinstance(node, ast.BinOp):
        return _plain(node.left) and _plain(node.right)
    return False


def _loaded(node: ast.expr) -> ast.expr:
    """A copy of an assigned target as an expression that reads it, without any instrumentation."""

    def copied(part: Any) -> Any:
        if isinstance(part, list):
            return [copied(item) for item in part]
        if not isinstance(part, ast.AST):
            return part
        if isinstance(part, ast.expr_context):
            return ast.Load()
        new = type(part)(**{name: copied(value) for name, value in ast.iter_fields(part)})
        return ast.copy_location(new, node)

    return cast(ast.expr, copied(node))
