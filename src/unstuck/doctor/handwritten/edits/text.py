"""A program's text beside its syntax tree: exact spans, and replacements that leave every other character alone.

Positions are character offsets into the source. The syntax tree counts UTF-8 bytes inside a line; `Text` converts.
Nothing inside an f-string is ever offered for editing: Python 3.11 gives no true positions there.
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# How tightly an expression binds, loosest first; a place in the tree asks for at least one of these levels.
OPEN, LAMBDA, CHOICE, OR, AND, NOT, COMPARE, BITOR, BITXOR, BITAND, SHIFT, SUM, PRODUCT, SIGN, POWER, ATOM = range(16)

_OPERATOR_LEVEL: dict[type[ast.operator], int] = {
    ast.BitOr: BITOR,
    ast.BitXor: BITXOR,
    ast.BitAnd: BITAND,
    ast.LShift: SHIFT,
    ast.RShift: SHIFT,
    ast.Add: SUM,
    ast.Sub: SUM,
    ast.Mult: PRODUCT,
    ast.Div: PRODUCT,
    ast.FloorDiv: PRODUCT,
    ast.Mod: PRODUCT,
    ast.MatMult: PRODUCT,
    ast.Pow: POWER,
}


@dataclass(frozen=True)
class Piece:
    """The characters ``start:end`` of the source become ``text``."""

    start: int
    end: int
    text: str


def parse(source: str) -> ast.Module:
    """The syntax tree, without the warnings that Python has about the user's own text."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


@lru_cache(maxsize=4096)
def expression(text: str) -> ast.expr | None:
    """The tree of one expression, or None when the text is not one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError:
        return None


def level(node: ast.AST) -> int:
    """How tightly the expression binds."""
    match node:
        case ast.Tuple() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr() | ast.Starred():
            return OPEN
        case ast.Lambda():
            return LAMBDA
        case ast.IfExp():
            return CHOICE
        case ast.BoolOp(op=ast.Or()):
            return OR
        case ast.BoolOp():
            return AND
        case ast.UnaryOp(op=ast.Not()):
            return NOT
        case ast.Compare():
            return COMPARE
        case ast.BinOp(op=op):
            return _OPERATOR_LEVEL[type(op)]
        case ast.UnaryOp() | ast.Await():
            return SIGN
        case ast.Constant(value=value) if isinstance(value, int | float) and value < 0:
            return SIGN
        case _:
            return ATOM


def room(parent: ast.AST | None, child: ast.AST) -> int:
    """The loosest expression that may stand in ``child``'s place without parentheses."""
    match parent:
        case ast.BinOp(op=ast.Pow()):
            return ATOM if parent.left is child else SIGN
        case ast.BinOp(op=op):
            own = _OPERATOR_LEVEL[type(op)]
            return own if parent.left is child else own + 1
        case ast.UnaryOp(op=ast.Not()):
            return NOT
        case ast.UnaryOp():
            return SIGN
        case ast.Attribute():
            return ATOM
        case ast.Subscript():
            return ATOM if parent.value is child else OPEN
        case ast.Call():
            return ATOM if parent.func is child else LAMBDA
        case ast.Compare():
            return BITOR
        case ast.BoolOp(op=ast.Or()):
            return AND
        case ast.BoolOp():
            return NOT
        case ast.IfExp():
            return CHOICE if parent.orelse is child else OR
        case ast.comprehension():
            return OR
        case ast.Return() | ast.Assign() | ast.Expr() | ast.AugAssign() | ast.For():
            return OPEN
        case _:
            return LAMBDA


def bracketed(text: str, needed: int) -> str:
    """``text`` as it must be written where an expression of level ``needed`` is expected."""
    tree = expression(text)
    return text if tree is not None and level(tree) >= needed else f"({text})"


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Like `ast.walk`, in source order, without what lies inside an f-string."""
    waiting = [node]
    while waiting:
        current = waiting.pop()
        yield current
        if not isinstance(current, ast.JoinedStr):
            waiting += reversed(list(ast.iter_child_nodes(current)))


class Text:
    """The source of one file, its tree, and the way from one to the other.

    Raises:
        SyntaxError: when the source is not Python.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.tree = parse(source)
        self.newline = "\r\n" if "\r\n" in source else "\n"
        starts = [0]
        starts += [m.end() for m in re.finditer(r"\r\n|\r|\n", source)]
        self.starts = starts
        self.parents: dict[ast.AST, ast.AST] = {}
        self.nodes = list(walk(self.tree))
        self.names = {n.id for n in self.nodes if isinstance(n, ast.Name)}
        for node in self.nodes:
            for child in ast.iter_child_nodes(node):
                self.parents[child] = node

    # ------------------------------------------------------------------------------------------- positions

    def line(self, number: int) -> str:
        """Line ``number`` (from 1) with its line end."""
        end = self.starts[number] if number < len(self.starts) else len(self.source)
        return self.source[self.starts[number - 1] : end]

    def offset(self, line: int, column: int) -> int:
        """Character offset of a (line, UTF-8 column) pair of the tree."""
        text = self.line(line)
        if not text.isascii():
            column = len(text.encode("utf-8")[:column].decode("utf-8", "ignore"))
        return self.starts[line - 1] + column

    def span(self, node: ast.expr | ast.stmt | ast.keyword) -> tuple[int, int]:
        """Offsets of the node's own text, without parentheses around it."""
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self.offset(node.lineno, node.col_offset), self.offset(node.end_lineno, node.end_col_offset)

    def of(self, node: ast.expr | ast.stmt | ast.keyword) -> str:
        """The node's text as written."""
        start, end = self.span(node)
        return self.source[start:end]

    def outer(self, node: ast.expr) -> tuple[int, int]:
        """Offsets with the parentheses that were written around this expression."""
        start, end = self.span(node)
        parent = self.parents.get(node)
        while True:
            before, after = start - 1, end
            while before >= 0 and self.source[before] in " \t\r\n":
                before -= 1
            while after < len(self.source) and self.source[after] in " \t\r\n":
                after += 1
            if before < 0 or after >= len(self.source) or self.source[before] + self.source[after] != "()":
                return start, end
            if (
                isinstance(parent, ast.Call)
                and node is not parent.func
                and len(parent.args) + len(parent.keywords) == 1
            ):
                return start, end  # the parentheses of the call
            start, end = before, after + 1

    def parent(self, node: ast.AST) -> ast.AST | None:
        return self.parents.get(node)

    def ancestors(self, node: ast.AST) -> Iterator[ast.AST]:
        """Parent, grandparent … up to the module."""
        above = self.parents.get(node)
        while above is not None:
            yield above
            above = self.parents.get(above)

    def statement(self, node: ast.AST) -> ast.stmt:
        """The innermost statement that holds the node."""
        if isinstance(node, ast.stmt):
            return node
        return next(above for above in self.ancestors(node) if isinstance(above, ast.stmt))

    def block(self, statement: ast.stmt) -> tuple[list[ast.stmt], int]:
        """The list of statements that this one stands in, and its place there."""
        parent = self.parents[statement]
        for name in ("body", "orelse", "finalbody"):
            block = getattr(parent, name, None)
            if isinstance(block, list) and any(s is statement for s in block):
                return block, next(i for i, s in enumerate(block) if s is statement)
        return [statement], 0

    # ---------------------------------------------------------------------------------------- expressions

    def fitted(self, node: ast.expr, needed: int) -> str:
        """The node's text as it must be written where level ``needed`` is expected."""
        text = self.of(node)
        return text if level(node) >= needed else f"({text})"

    def swap(self, node: ast.expr, text: str) -> Piece:
        """Write ``text`` in the node's place, with parentheses exactly where the grammar wants them."""
        inner, outer = self.span(node), self.outer(node)
        tree = expression(text)
        fits = tree is not None and level(tree) >= room(self.parents.get(node), node)
        if outer == inner:
            return Piece(*inner, text if fits else f"({text})")
        if fits and "\n" not in text:
            return Piece(*outer, text)
        return Piece(*inner, text)

    # ----------------------------------------------------------------------------------------- statements

    def solo(self, statement: ast.stmt) -> bool:
        """Whether the statement has its lines for itself (no `;`, no `if x: y` on one line)."""
        first = self.first_line(statement)
        last = statement.end_lineno or statement.lineno
        head = self.source[self.starts[first - 1] : self.offset(first, self._column(statement, first))]
        tail = self.source[self.span(statement)[1] : self.starts[last - 1] + len(self.line(last))].strip()
        return not head.strip() and (not tail or tail.startswith("#"))

    def _column(self, statement: ast.stmt, first: int) -> int:
        if first == statement.lineno and not getattr(statement, "decorator_list", None):
            return statement.col_offset
        text = self.line(first)
        return len(text) - len(text.lstrip())

    def first_line(self, statement: ast.stmt) -> int:
        """The first line, decorators included."""
        marks: Iterable[ast.expr] = getattr(statement, "decorator_list", ())
        return min([statement.lineno, *(d.lineno for d in marks)])

    def indent(self, statement: ast.stmt) -> str:
        text = self.line(self.first_line(statement))
        return text[: len(text) - len(text.lstrip(" \t\f"))]

    def full_lines(self, statement: ast.stmt) -> tuple[int, int]:
        """Offsets of all lines of a solo statement, the last line end included."""
        last = statement.end_lineno or statement.lineno
        return self.starts[self.first_line(statement) - 1], self.starts[last - 1] + len(self.line(last))

    def cut(self, *statements: ast.stmt) -> list[Piece]:
        """Remove whole statements; a block that would be left empty keeps a `pass`."""
        block, _ = self.block(statements[0])
        empties = len(block) == len(statements)
        pieces = [Piece(*self.full_lines(s), "") for s in statements]
        if empties:
            first = pieces[0]
            pieces[0] = Piece(first.start, first.end, f"{self.indent(statements[0])}pass{self.newline}")
        return pieces

    def before(self, statement: ast.stmt, text: str, *, indent: str | None = None) -> Piece:
        """Insert ``text`` (one or several lines, not indented) as statements before this one."""
        start = self.full_lines(statement)[0]
        return Piece(start, start, self._lines(text, self.indent(statement) if indent is None else indent))

    def after(self, statement: ast.stmt, text: str, *, indent: str | None = None) -> Piece:
        """Insert ``text`` (one or several lines, not indented) as statements after this one."""
        end = self.full_lines(statement)[1]
        lines = self._lines(text, self.indent(statement) if indent is None else indent)
        if end == len(self.source) and not self.source.endswith(("\n", "\r")):
            return Piece(end, end, self.newline + lines.removesuffix(self.newline))
        return Piece(end, end, lines)

    def _lines(self, text: str, indent: str) -> str:
        return "".join(f"{indent}{row}{self.newline}" if row else self.newline for row in text.split("\n"))

    def dedented(self, *statements: ast.stmt) -> str:
        """The lines of statements in a row as one text without their common indentation."""
        start, end = self.full_lines(statements[0])[0], self.full_lines(statements[-1])[1]
        return textwrap.dedent(self.source[start:end].replace("\r\n", "\n")).rstrip("\n")

    # --------------------------------------------------------------------------------------------- result

    def apply(self, pieces: Iterable[Piece]) -> str | None:
        """The source with all pieces replaced, or None when two of them overlap."""
        done: list[str] = []
        at = 0
        for piece in sorted(pieces, key=lambda p: (p.start, p.end)):
            if piece.start < at:
                return None
            done += [self.source[at : piece.start], piece.text]
            at = piece.end
        return "".join([*done, self.source[at:]])
