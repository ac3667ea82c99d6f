"""Which values are activations, and how the derivative of each is written.

An activation is recognised by what is computed (``1 / (1 + exp(-z))``, ``maximum(z, 0)``, or a function of the program
whose body is one of these), never by a name; what the running program told comes first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

from .making import factors, number
from .reading import Reading, base_of, called, canonical, root_name
from .text import ATOM, bracketed, expression, walk


@dataclass(frozen=True)
class Activation:
    """kind: sigmoid, tanh, relu, leaky, elu, softplus, softmax, sine, swish or unknown; ``before``: the text it is taken of."""

    kind: str
    before: str | None = None
    slope: str = "0.01"


@dataclass(frozen=True)
class Slope:
    """A part of a product that is a derivative of an activation: which factors, of what operand, which kind."""

    places: frozenset[int]
    operand: ast.expr
    kind: str


UNKNOWN = Activation("unknown")
_JOINS = {"append", "concatenate", "hstack", "vstack", "column_stack", "r_", "c_", "insert", "array", "list"}


def classify(reading: Reading, node: ast.AST, depth: int = 0) -> Activation | None:
    """The activation that the expression computes, or None."""
    text = reading.text
    match node:
        case ast.BinOp(left=one, op=ast.Div(), right=ast.BinOp(op=ast.Add()) as below) if number(one) == 1:
            for part in (below.left, below.right):
                call = called(part)
                if call and call[0] == "exp" and isinstance(part, ast.Call) and part.args:
                    inner = part.args[0]
                    minus = isinstance(inner, ast.UnaryOp)
                    return Activation(
                        "sigmoid", text.of(inner.operand) if isinstance(inner, ast.UnaryOp) and minus else None
                    )
        case ast.BinOp(left=left, op=ast.Mult(), right=ast.Compare() as test) if canonical(test.left) == canonical(
            left
        ):
            return Activation("relu", text.of(left))
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            summed = [n for n in walk(right) if (c := called(n)) and c[0] == "sum"]
            if summed and any(canonical(left) in canonical(s) for s in summed):
                return Activation("softmax")
    call = called(node)
    if call is None or not isinstance(node, ast.Call) or not node.args:
        return None
    name, first = call[0], node.args[0]
    given = text.of(first) if isinstance(first, ast.Name | ast.Attribute | ast.Subscript) else None
    outside = isinstance(call[1], ast.Name) and call[1].id in reading.modules.values()
    own = None if outside else reading.function_named(name)
    if own is not None and depth < 3:
        return _of_function(reading, own, given, depth)
    if len(node.args) == 2 and name in ("maximum", "max", "fmax"):
        return _of_maximum(reading, node.args[0], node.args[1])
    if name == "where" and len(node.args) == 3 and isinstance(node.args[0], ast.Compare):
        return _of_choice(reading, node.args[0].left, node.args[1], node.args[2])
    if name in ("log", "log1p", "logaddexp") and any((c := called(n)) and c[0] == "exp" for n in walk(node)):
        return Activation("softplus")
    simple = {"tanh": "tanh", "expit": "sigmoid", "sin": "sine", "softmax": "softmax", "logaddexp": "softplus"}
    return Activation(simple[name], given) if name in simple else None


def _of_maximum(reading: Reading, a: ast.expr, b: ast.expr) -> Activation | None:
    for zero, value in ((a, b), (b, a)):
        if number(zero) == 0:
            return Activation("relu", reading.text.of(value))
        parts = factors(zero)
        if len(parts) == 2 and canonical(value) in (canonical(parts[0][0]), canonical(parts[1][0])):
            slope = parts[0][0] if canonical(parts[1][0]) == canonical(value) else parts[1][0]
            return Activation("leaky", reading.text.of(value), reading.text.of(slope))
    return None


def _of_choice(reading: Reading, tested: ast.expr, yes: ast.expr, no: ast.expr) -> Activation | None:
    if canonical(tested) != canonical(yes):
        return Activation("relu", reading.text.of(yes)) if number(no) == 0 else None
    if number(no) == 0:
        return Activation("relu", reading.text.of(yes))
    if any((c := called(n)) and c[0] in ("exp", "expm1") for n in walk(no)):
        parts = factors(no)
        first = (
            reading.text.of(parts[0][0])
            if len(parts) == 2 and isinstance(parts[0][0], ast.Name | ast.Constant)
            else "1"
        )
        return Activation("elu", reading.text.of(yes), first)
    parts = factors(no)
    for (slope, _), (value, _) in (parts, parts[::-1]) if len(parts) == 2 else ():
        if canonical(value) == canonical(yes):
            return Activation("leaky", reading.text.of(yes), reading.text.of(slope))
    return None


def _of_function(reading: Reading, function: ast.AST, given: str | None, depth: int) -> Activation | None:
    """The activation that a function of the program returns, whichever of its branches."""
    if isinstance(function, ast.Lambda):
        found = classify(reading, function.body, depth + 1)
        return Activation(found.kind, given, found.slope) if found else None
    returned = [s.value for s in walk(function) if isinstance(s, ast.Return) and s.value is not None]
    for value in reversed(returned):
        found = classify(reading, _resolved(reading, function, value), depth + 1)
        if found is None and isinstance(value, ast.IfExp):
            found = _of_choice(reading, _compared(value.test), value.body, value.orelse)
        if found is None and isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div) and _exponentials(function):
            found = Activation("softmax")
        if found:
            return Activation(found.kind, given, found.slope)
    return None


def _exponentials(function: ast.AST) -> bool:
    return any((c := called(n)) and c[0] == "exp" for n in walk(function))


def _compared(test: ast.expr) -> ast.expr:
    return test.left if isinstance(test, ast.Compare) else test


def _resolved(reading: Reading, function: ast.AST, value: ast.expr) -> ast.expr:
    """A returned name is replaced by what was assigned to it last."""
    if isinstance(value, ast.Name | ast.Attribute):
        for statement in reversed(reading.body_statements(function)):
            if isinstance(statement, ast.Assign) and any(canonical(t) == canonical(value) for t in statement.targets):
                return statement.value
    return value


# ------------------------------------------------------------------------------------------ values of activations


def activations_of(reading: Reading) -> Activations:
    """The activations of a program; they are looked for once."""
    if reading not in _KNOWN:
        _KNOWN[reading] = Activations(reading)
    return _KNOWN[reading]


class Activations:
    """Which references of the program hold an activation, and how its derivatives are written."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self._templates: dict[str, list[str]] = {}
        self.known: dict[tuple[str, str], Activation] = {}
        for text, kind in reading.facts.activations.items():
            tree = expression(text)
            if tree is not None:
                self.known["", canonical(base_of(tree))] = Activation(_plain_kind(kind))
                self.known["", canonical(tree)] = Activation(_plain_kind(kind))
        for _ in range(3):
            before = len(self.known)
            for statement in reading.statements:
                self._learn(statement)
            if len(self.known) == before:
                break

    def of(self, node: ast.expr) -> Activation | None:
        """The activation that the reference holds; for a member of a container that of the container."""
        for text in (canonical(node), canonical(base_of(node))):
            for owner in (self._owner(node), ""):
                if (owner, text) in self.known:
                    return self.known[owner, text]
        return None

    def anywhere(self, node: ast.expr) -> Activation | None:
        """The same, whichever function the name was given its value in."""
        own = self.of(node)
        if own:
            return own
        texts = {canonical(node), canonical(base_of(node))}
        return next((a for (_, text), a in self.known.items() if text in texts), None)

    def _owner(self, node: ast.AST) -> str:
        root = root_name(node) if isinstance(node, ast.expr) else None
        if root == "self":
            own = self.reading.own_class(node)
            return own.name if own else ""
        return self.reading.scope(node)

    def _put(self, target: ast.expr, found: Activation) -> None:
        self.known.setdefault((self._owner(target), canonical(base_of(target))), found)

    def _learn(self, statement: ast.stmt) -> None:
        reading = self.reading
        if isinstance(statement, ast.Assign):
            found = self._value(statement.value)
            if found:
                for target in statement.targets:
                    self._put(target, found)
            if isinstance(statement.value, ast.Tuple):
                for target in statement.targets:
                    if isinstance(target, ast.Tuple):
                        for part, value in zip(target.elts, statement.value.elts, strict=False):
                            inner = self._value(value)
                            if inner:
                                self._put(part, inner)
        for value in reading.expressions(statement):
            for node in walk(value):
                call = called(node)
                if call and isinstance(node, ast.Call):
                    if call[0] in ("append", "insert") and call[1] is not None and node.args:
                        found = self._value(node.args[-1])
                        if found:
                            self._put(call[1], found)
                    out = next((k.value for k in node.keywords if k.arg == "out"), None)
                    found = classify(reading, node) if out is not None else None
                    if found and out is not None:
                        self._put(out, found)
                if isinstance(node, ast.ListComp | ast.GeneratorExp):
                    for loop in node.generators:
                        self._pairs(loop.target, loop.iter)
        if isinstance(statement, ast.For):
            self._pairs(statement.target, statement.iter)
        if isinstance(statement, ast.Return) and statement.value is not None:
            self._returned(statement, statement.value)
        if isinstance(statement, ast.Assign) and _is_mask(statement.value):
            for target in statement.targets:
                self._put(target, Activation("mask"))

    def _returned(self, statement: ast.Return, value: ast.expr) -> None:
        """A layer that keeps only its argument: the derivative is taken of that."""
        found = classify(self.reading, value)
        holder = self.reading.function(statement)
        if found is None or found.before is None or holder is None or found.kind == "softmax":
            return
        for other in self.reading.body_statements(holder):
            if isinstance(other, ast.Assign) and self.reading.text.of(other.value) == found.before:
                for target in other.targets:
                    if root_name(target) == "self":
                        kind = found.kind if found.kind in ("relu", "leaky") else f"{found.kind} of"
                        self._put(target, Activation(kind, None, found.slope))

    @cached_property
    def present(self) -> list[Activation]:
        """Every activation that the program computes anywhere, each once."""
        found: dict[tuple[str, str], Activation] = {}
        for node in self.reading.text.nodes:
            if isinstance(node, ast.Call | ast.BinOp):
                own = classify(self.reading, node, 3)
                if own is not None:
                    found.setdefault((own.kind, own.slope), own)
        return list(found.values())

    @cached_property
    def slope_functions(self) -> list[tuple[str, str, str]]:
        """The program's own derivative functions as (text before the operand, text behind it, kind)."""
        found: dict[tuple[str, str], str] = {}
        for node in self.reading.text.nodes:
            call = called(node)
            if (
                call
                and isinstance(node, ast.Call)
                and node.args
                and self.reading.is_slope_function(call[0], len(node.args) + len(node.keywords))
            ):
                first = node.args[0]
                start, end = self.reading.text.span(node)
                a, b = self.reading.text.span(first)
                before, behind = self.reading.text.source[start:a], self.reading.text.source[b:end]
                if "\n" not in before + behind:
                    found.setdefault((before, behind), "own")
        for name, function in self.reading.functions.items():
            short = name.rsplit(".", 1)[-1]
            if self.reading.is_slope_function(short, 1):
                method = bool(function.args.args) and function.args.args[0].arg == "self"
                found.setdefault((f"self.{short}(" if method else f"{short}(", ")"), "own")
        return [(before, behind, kind) for (before, behind), kind in found.items()]

    def templates(self, kind: str) -> list[str]:
        """How the program itself writes this derivative elsewhere, with ``{}`` for the operand."""
        if kind in self._templates:
            return self._templates[kind]
        found: list[str] = []
        for node in self.reading.text.nodes:
            if isinstance(node, ast.BinOp):
                own = _slope(self.reading, node)
                if own and own[1] == kind and isinstance(own[0], ast.Name | ast.Attribute | ast.Subscript):
                    written, operand = self.reading.text.of(node), self.reading.text.of(own[0])
                    if "{" not in written and "\n" not in written and operand in written:
                        found.append(re.sub(rf"(?<![\w.]){re.escape(operand)}(?![\w\[.])", "{}", written))
        self._templates[kind] = [t for t in dict.fromkeys(found) if "{}" in t]
        return self._templates[kind]

    def _value(self, node: ast.expr) -> Activation | None:
        if isinstance(node, ast.IfExp):
            return self._value(node.body) or self._value(node.orelse)
        if isinstance(node, ast.ListComp):
            return self._value(node.elt)
        if isinstance(node, ast.List) and node.elts:
            return next((f for e in node.elts if (f := self._value(e))), None)
        call = called(node)
        if call and call[0] in _JOINS and isinstance(node, ast.Call) and node.args:
            first = node.args[0]
            members = first.elts if isinstance(first, ast.Tuple | ast.List) else [first]
            return next((f for m in members if (f := self._value(m))), None)
        found = classify(self.reading, node)
        if found is None and isinstance(node, ast.Name | ast.Attribute | ast.Subscript):
            return self.of(node)
        return found

    def _pairs(self, target: ast.expr, source: ast.expr) -> None:
        """Loop variables over activations: `for e, a in zip(errors, acts)`."""
        call = called(source)
        if call and call[0] in ("reversed", "list") and isinstance(source, ast.Call) and source.args:
            return self._pairs(target, source.args[0])
        if call and call[0] == "zip" and isinstance(source, ast.Call) and isinstance(target, ast.Tuple):
            for part, argument in zip(target.elts, source.args, strict=False):
                self._pairs(part, argument)
            return None
        if call and call[0] == "enumerate" and isinstance(source, ast.Call) and isinstance(target, ast.Tuple):
            return self._pairs(target.elts[-1], source.args[0])
        if isinstance(source, ast.Name | ast.Attribute | ast.Subscript):
            found = self.of(source)
            if found and isinstance(target, ast.Name):
                self._put(target, found)
        return None


def _is_mask(node: ast.expr) -> bool:
    """``x > 0``: where a rectifier lets through."""
    return (
        isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Gt | ast.GtE) and number(node.comparators[0]) == 0
    )


def _plain_kind(name: str) -> str:
    """A name of an activation as the facts may spell it, in our terms."""
    word = re.sub(r"[^a-z]", "", name.lower())
    known = {
        "logistic": "sigmoid",
        "leakyrelu": "leaky",
        "rectifier": "relu",
        "sin": "sine",
        "silu": "swish",
        "identity": "linear",
    }
    return known.get(word, word)


# --------------------------------------------------------------------------------------- how derivatives are written


def derivative(kind: str, value: str, before: str | None, slope: str, array: str | None) -> Iterator[str]:
    """Texts of the derivative, from the activation's value and from what it is taken of.

    Args:
        value: text of the activation's value; before: text of its argument, if it can be named.
        array: the name of NumPy in the program, None in programs of plain numbers.
    """
    tight = bracketed(value, ATOM)
    exp = f"{array}.exp" if array else "math.exp"
    match kind:
        case "sigmoid":
            yield f"{tight} * (1 - {value})"
        case "tanh":
            yield f"1 - {tight} ** 2"
        case "relu":
            yield f"{value} > 0" if array else f"1.0 if {value} > 0 else 0.0"
        case "leaky":
            yield f"{array}.where({value} > 0, 1.0, {slope})" if array else f"1.0 if {value} > 0 else {slope}"
        case "elu":
            below = f"{value} + {slope}"
            yield f"{array}.where({value} > 0, 1.0, {below})" if array else f"1.0 if {value} > 0 else {below}"
        case "softplus":
            yield f"1 - {exp}(-{tight})"
            if before:
                yield f"1 / (1 + {exp}(-{bracketed(before, ATOM)}))"
        case "mask":
            yield value
        case "tanh of":
            yield f"1 - {array or 'math'}.tanh({value}) ** 2"
        case "sigmoid of":
            sigma = f"1 / (1 + {exp}(-{tight}))"
            yield f"{sigma} * (1 - {sigma})"
        case "sine of":
            yield f"{array or 'math'}.cos({value})"
        case "sine" if before:
            yield f"{array or 'math'}.cos({before})"
        case "swish" if before:
            sigma = f"1 / (1 + {exp}(-{bracketed(before, ATOM)}))"
            yield f"{value} + {sigma} * (1 - {value})"


def slopes(reading: Reading, chain: ast.expr) -> list[Slope]:
    """Which factors of a chain are a derivative of an activation, judged by their form."""
    parts = factors(chain)
    found: list[Slope] = []
    taken: set[int] = set()
    for i, (part, multiplies) in enumerate(parts):
        if not multiplies:
            continue
        own = _slope(reading, part)
        if own:
            found.append(Slope(frozenset((i,)), own[0], own[1]))
            taken.add(i)
            continue
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and number(part.left) == 1:
            for j, (other, times) in enumerate(parts):
                if j != i and times and j not in taken and canonical(other) == canonical(part.right):
                    found.append(Slope(frozenset((i, j)), part.right, "sigmoid"))
                    taken |= {i, j}
                    break
    return found


def _slope(reading: Reading, node: ast.expr) -> tuple[ast.expr, str] | None:
    """(operand, kind) when one factor alone is a derivative."""
    match node:
        case ast.BinOp(left=one, op=ast.Sub(), right=ast.BinOp(left=a, op=ast.Pow(), right=two)) if (
            number(one) == 1 and number(two) == 2
        ):
            if isinstance(a, ast.Call) and a.args and (c := called(a)) and c[0] == "tanh":
                return a.args[0], "tanh of"
            return a, "tanh"
        case ast.BinOp(left=one, op=ast.Sub(), right=ast.BinOp(left=a, op=ast.Mult(), right=b)) if number(one) == 1:
            return (a, "tanh") if canonical(a) == canonical(b) else None
        case ast.BinOp(left=one, op=ast.Sub(), right=ast.Call(args=[a]) as inner) if number(one) == 1:
            return (a, "tanh") if (c := called(inner)) and c[0] == "square" else None
        case ast.BinOp(left=a, op=ast.Mult(), right=ast.BinOp(left=one, op=ast.Sub(), right=b)) if number(one) == 1:
            return (a, "sigmoid") if canonical(a) == canonical(b) else None
        case ast.Compare(left=a, ops=[ast.Gt() | ast.GtE()], comparators=[zero]) if number(zero) == 0:
            return a, "relu"
        case ast.Call(func=ast.Attribute(attr="astype"), args=[_]) if isinstance(node.func, ast.Attribute):
            return _slope(reading, node.func.value)
        case ast.Call(args=[ast.Compare(left=a), yes, _]) if number(yes) == 1:
            return a, "leaky"
        case ast.IfExp(test=ast.Compare(left=a), body=yes) if number(yes) == 1:
            return a, "relu"
    call = called(node)
    if (
        call
        and isinstance(node, ast.Call)
        and node.args
        and reading.is_slope_function(call[0], len(node.args) + len(node.keywords))
    ):
        return node.args[0], "own"
    return None


def inside_slope(reading: Reading, node: ast.expr) -> bool:
    """Whether the reference is what a derivative of an activation is taken of."""
    for above in reading.text.ancestors(node):
        if not isinstance(above, ast.expr) or isinstance(above, ast.Subscript | ast.Attribute):
            return False
        own = _slope(reading, above)
        if own is not None and canonical(own[0]) == canonical(node):
            return True
    return False


_KNOWN: WeakKeyDictionary[Reading, Activations] = WeakKeyDictionary()
