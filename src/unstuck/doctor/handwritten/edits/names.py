"""Small questions about pieces of a syntax tree: what is called, what is behind an index, what counts, what is a step."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from .text import walk

Function = ast.FunctionDef | ast.AsyncFunctionDef


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
    """Spelling without differences of quotes and spaces. Kept on the node: it is asked for very often."""
    known: str | None = getattr(node, "_spelling", None)
    if known is None:
        known = ast.unparse(node)
        setattr(node, "_spelling", known)  # noqa: B010
    return known


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


def names_in(node: ast.AST) -> frozenset[str]:
    """Every name inside the node; kept on it like its spelling."""
    known: frozenset[str] | None = getattr(node, "_names", None)
    if known is None:
        known = frozenset(n.id for n in walk(node) if isinstance(n, ast.Name))
        setattr(node, "_names", known)  # noqa: B010
    return known


def unnumbered(text: str) -> str:
    """The text without its numbers: what ``w1`` and ``w2``, or two members of one list, have in common."""
    return re.sub(r"\d+", "#", text)


def root_name(node: ast.expr) -> str | None:
    """``self`` of ``self.w[l].T``; None when the chain does not begin with a name."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


def parts_of(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [p for e in target.elts for p in parts_of(e)]
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


def as_updates(statement: ast.stmt) -> list[Update]:
    """The movements ``target moved by something`` in a statement.

    Recognised are ``w -= d``, ``w = w - d``, the same in a tuple assignment, and
    ``ws = [w - r * g for w, g in zip(ws, gs)]`` (there the target is the list).
    """
    match statement:
        case ast.AugAssign(op=ast.Add() | ast.Sub() as op):
            return [Update(statement, statement.target, statement.value, isinstance(op, ast.Sub))]
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            pairs = zip(targets, values, strict=False)
            return [u for target, value in pairs if (u := _movement(statement, target, value))]
        case ast.Assign(targets=[target], value=value):
            found = _movement(statement, target, value)
            return [found] if found else []
    return []


def _movement(statement: ast.Assign, target: ast.expr, value: ast.expr) -> Update | None:
    wanted = canonical(target)
    if isinstance(value, ast.ListComp) and len(value.generators) == 1:
        part = value.generators[0]
        sources = part.iter.args if isinstance(part.iter, ast.Call) else [part.iter]
        members = part.target.elts if isinstance(part.target, ast.Tuple) else [part.target]
        own = [m for m, s in zip(members, sources, strict=False) if canonical(s) == wanted]
        if not own:
            return None
        inner = value.elt
        if isinstance(inner, ast.ListComp):
            found = _movement(statement, own[0], inner)
            return Update(statement, target, found.moved_by, found.subtracts) if found else None
        wanted, value = canonical(own[0]), inner
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)):
        return None
    if canonical(value.left) == wanted:
        return Update(statement, target, value.right, isinstance(value.op, ast.Sub))
    if isinstance(value.op, ast.Add) and canonical(value.right) == wanted:
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


def is_count(node: ast.expr) -> bool:
    """A literal number, a length, a shape, a size, a sum or product of such."""
    match node:
        case ast.Constant(value=int() | float() | str()):
            return True
        case ast.UnaryOp(operand=inner):
            return is_count(inner)
        case ast.BinOp(left=left, right=right):
            return is_count(left) and is_count(right)
        case ast.Call(func=ast.Name(id="len" | "int" | "range")):
            return True
        case ast.Attribute(attr="size" | "shape" | "ndim"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
    return False


def all_counts(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(is_count(e) for e in node.elts)
    return is_count(node)
