"""Derivatives of activations: missing, one too many, of another activation, or taken of the wrong value."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..activations import UNKNOWN, Activation, Activations, Slope, activations_of, derivative, slopes
from ..making import chains, change, factors, is_number, products, times, without
from ..model import Change, Shape
from ..reading import Reading, base_of, canonical, names_in
from ..text import ATOM, PRODUCT, bracketed, expression, walk

MISSING, MISPLACED, WRONG = (
    "activation-derivative-missing",
    "activation-derivative-misplaced",
    "activation-derivative-wrong",
)
FEW = 9  # references in a function that are all worth a guess
GUESSES = ("sigmoid", "tanh", "relu")


def propose(reading: Reading) -> Iterator[Change]:
    activations = activations_of(reading)
    for statement in reading.sites():
        for value in reading.values(statement):
            if reading.role(statement) != "forward" and isinstance(
                statement, ast.Assign | ast.AugAssign | ast.Return | ast.Expr
            ):
                yield from _multiply(reading, activations, statement, value)
            for chain in _chains(reading, value):
                for slope in slopes(reading, chain):
                    yield from _remove(reading, chain, slope)
                    yield from _replace(reading, activations, chain, slope)


def _chains(reading: Reading, value: ast.expr) -> list[ast.expr]:
    """Chains of factors, and single expressions that are a derivative by themselves."""
    found: list[ast.expr] = list(chains(reading, value))
    if not (isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult | ast.Div)):
        found.append(value)
    for node in walk(value):
        if isinstance(node, ast.ListComp) and node.elt not in found:
            found.append(node.elt)
    return found


# ---------------------------------------------------------------------------------------------------- multiply


def _multiply(reading: Reading, activations: Activations, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    written = list(_written(reading, activations, statement))
    yield from _elementwise(reading, activations, statement, value)
    for place, cost in _places(reading, statement, value):
        for factor in _methods(reading, statement) if cost < 1.5 else ():
            summary = f"multiply by the derivative of the activation, {factor}"
            yield change(reading, statement, times(reading, place, factor), MISSING, summary, cost)
        here = {canonical(base_of(s.operand)) for c in chains(reading, place) for s in slopes(reading, c)}
        shape = reading.shape(place)
        if not here and any(reading.is_parameter(o) for p in products(reading, place) for o in (p.left, p.right)):
            cost -= 0.4  # sent down through the weights, and nothing says through which slope
        for operand, text, prior in written:
            own = reading.shape(operand)
            if shape is not None and own is not None and shape != own and not reading.alike(place, operand):
                continue
            if names_in(operand) & (reading.comprehension_names(operand) - reading.comprehension_names(place)):
                continue
            if canonical(operand) in here:
                continue
            causes: tuple[str, ...] = (MISSING, "output-delta-wrong")
            if isinstance(place, ast.BinOp) and isinstance(place.op, ast.Sub):
                causes = ("output-delta-wrong", MISSING)
            summary = f"multiply by the derivative of the activation, {text}"
            yield change(reading, statement, times(reading, place, text), causes, summary, cost + prior)


def _elementwise(reading: Reading, activations: Activations, statement: ast.stmt, value: ast.expr) -> Iterator[Change]:
    """Plain lists: ``d = back`` -> ``d = [e * (1 - a * a) for e, a in zip(back, h)]``."""
    if "numpy" in reading.modules or not isinstance(statement, ast.Assign | ast.Return):
        return
    if not isinstance(value, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.ListComp):
        return
    for reference in reading.nearby(reading.holder(statement)):
        found = activations.of(reference.node)
        if found is None or found.kind in ("softmax", "linear") or isinstance(reference.node, ast.Subscript):
            continue
        for factor in derivative(found.kind, "a", None, found.slope, None):
            error = reading.text.of(value)
            text = f"[e * ({factor}) for e, a in zip({error}, {reference.text})]"
            summary = f"multiply by the derivative of the activation in `{reference.text}`"
            yield change(reading, statement, reading.text.swap(value, text), MISSING, summary, 1.2)


def _methods(reading: Reading, statement: ast.stmt) -> Iterator[str]:
    """Calls of derivative methods without arguments: ``neuron.slope()`` for the objects of the statement."""
    members = {n: f for n, f in reading.functions.items() if [a.arg for a in f.args.args] == ["self"]}
    names = [n for n, f in members.items() if reading.returns_slope(f)]
    roots = [n.value.id for n in walk(statement) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    for root in dict.fromkeys(roots):
        for name in names:
            if root not in reading.fixed:
                yield f"{root}.{name.rsplit('.', 1)[-1]}()"


def _places(reading: Reading, statement: ast.stmt, value: ast.expr) -> list[tuple[ast.expr, float]]:
    """Where a factor may be missing: the whole value, a matrix product, a residual inside it."""
    whole: list[ast.expr] = []
    match value:
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            whole += elts
        case ast.ListComp(elt=elt):
            whole.append(elt)
        case ast.IfExp(body=body):
            whole.append(body)
        case ast.Call(func=ast.Attribute(attr="append" | "insert"), args=[*_, last]):
            whole.append(last)
        case _ if not isinstance(statement, ast.Expr):
            whole.append(value)
    found = [(w, 1.2) for w in whole if not is_number(w) and not isinstance(w, ast.Constant | ast.Compare | ast.Dict)]
    for node in walk(value):
        if (
            isinstance(node, ast.BinOp)
            and isinstance(node.op, ast.Sub)
            and not is_number(node.left)
            and not _in_index(reading, node)
        ) and node not in whole:
            found.append((node, 1.5))
    for inner in products(reading, value):
        if inner.node not in whole and not isinstance(inner.left, ast.Constant):
            found.append((inner.node, 1.6))
        for operand in (inner.left, inner.right):
            if isinstance(operand, ast.Name | ast.Attribute | ast.Subscript) and operand not in whole:
                found.append((operand, 2.2))
    return found


def _in_index(reading: Reading, node: ast.AST) -> bool:
    for above in reading.text.ancestors(node):
        if isinstance(above, ast.Subscript | ast.Slice):
            return True
        if isinstance(above, ast.stmt):
            break
    return False


def _written(reading: Reading, activations: Activations, statement: ast.stmt) -> Iterator[tuple[ast.expr, str, float]]:
    """(operand, text of a derivative, prior) for every activation that can be seen from the statement."""
    array = reading.modules.get("numpy")
    seen: set[str] = set()
    operands = list(_operands(reading, activations, statement))
    known = any(found is not UNKNOWN for _, _, found, _ in operands)
    for operand, text, found, prior in operands:
        if text in seen:
            continue
        seen.add(text)
        if found is UNKNOWN:
            if known:
                continue
            present = [a.kind for a in activations.present if a.kind not in ("softmax", "linear")]
            kinds: tuple[str, ...] = tuple(present) or GUESSES
            prior += 0.4 if present else 0.8
        else:
            kinds = (found.kind,)
        for kind in kinds:
            own = [t.replace("{}", text) for t in activations.templates(kind)]
            before = (
                found.before if found.before and names_in_text(found.before) <= _bound(reading, statement) else None
            )
            for i, factor in enumerate(
                list(dict.fromkeys([*own[:1], *derivative(kind, text, before, found.slope, array)]))
            ):
                yield operand, factor, prior + 0.15 * i
        for before_text, behind in _slope_calls(reading, statement):
            yield operand, f"{before_text}{text}{behind}", prior - 0.1
            if found.before and names_in_text(found.before) <= _bound(reading, statement):
                yield operand, f"{before_text}{found.before}{behind}", prior - 0.05
        if (
            found.kind in ("relu", "leaky")
            and found.before
            and names_in_text(found.before) <= _bound(reading, statement)
        ):
            for factor in derivative(found.kind, found.before, None, found.slope, array):
                yield operand, factor, prior + 0.1


def _slope_calls(reading: Reading, statement: ast.stmt) -> list[tuple[str, str]]:
    """The program's derivative functions, but not inside themselves."""
    own = reading.function(statement)
    here = own.name if own is not None else None
    return [(a, b) for a, b, _ in activations_of(reading).slope_functions if a.rstrip("(").rsplit(".", 1)[-1] != here]


def names_in_text(text: str) -> frozenset[str]:
    """Names inside an expression that is only a text."""
    tree = expression(text)
    return names_in(tree) if tree is not None else frozenset()


def _bound(reading: Reading, statement: ast.stmt) -> set[str]:
    """Names that have a value where the statement stands."""
    holder = reading.holder(statement)
    return {r.text for r in reading.nearby(holder)} | {"self"} | set(reading.counters(statement)) | reading.fixed


def _operands(
    reading: Reading, activations: Activations, statement: ast.stmt
) -> Iterator[tuple[ast.expr, str, Activation, float]]:
    read = {r.text for e in reading.expressions(statement) for r in reading.references(e)}
    counters = set(reading.counters(statement))
    near = [*reading.nearby(reading.holder(statement)), *reading.members(statement)]
    for reference in near:
        found = activations.of(reference.node) or activations.anywhere(reference.node)
        if found is None:
            if (
                (reference.text not in read and len(near) > FEW)
                or reading.is_parameter(reference.node)
                or reading.is_gradient(reference.node)
            ):
                continue
            found = UNKNOWN
        if found.kind in ("softmax", "linear"):
            continue
        prior = -0.1 if reference.text in read else 0.1
        if counters & names_in(reference.node):
            prior -= 0.1
        elif counters and names_in(reference.node) & reading.all_counters:
            continue
        yield reference.node, reference.text, found, prior
        yield from _neighbours(reading, reference.node, found, prior, counters)


def _neighbours(
    reading: Reading, node: ast.expr, found: Activation, prior: float, counters: set[str]
) -> Iterator[tuple[ast.expr, str, Activation, float]]:
    """The layer below and above: ``a[l - 1]`` and ``a[l + 1]`` beside ``a[l]``, and the member of a bare container."""
    if found is UNKNOWN:
        return
    if isinstance(node, ast.Subscript):
        names = names_in(node.slice) & counters
        base = reading.text.of(node.value)
        for name in names:
            for index in (name, f"{name} - 1", f"{name} + 1"):
                if index != reading.text.of(node.slice):
                    yield node, f"{base}[{index}]", found, prior + 0.15


# --------------------------------------------------------------------------------------------- remove, replace


def _remove(reading: Reading, chain: ast.expr, slope: Slope) -> Iterator[Change]:
    if not isinstance(chain, ast.BinOp) or not isinstance(chain.op, ast.Mult | ast.Div):
        return
    kept = without(reading, chain, set(slope.places))
    if kept is not None:
        causes = ("output-delta-wrong", WRONG, MISPLACED)
        summary = f"without the derivative of the activation at `{reading.text.of(slope.operand)}`"
        yield change(reading, chain, reading.text.swap(chain, kept), causes, summary, 0.85)


def _replace(reading: Reading, activations: Activations, chain: ast.expr, slope: Slope) -> Iterator[Change]:
    """Another derivative of the same operand, and the same derivative of another operand."""
    text = reading.text
    operand = text.of(slope.operand)
    statement = text.statement(chain)
    array = reading.modules.get("numpy")
    known = activations.of(slope.operand) or activations.anywhere(slope.operand)
    for kind in ("sigmoid", "tanh", "relu", "leaky", "elu", "softplus", "sine"):
        if kind == slope.kind:
            continue
        agrees = known is not None and known.kind == kind
        own = known.slope if known else "0.01"
        before = operand if kind == "sine" else None
        for new in dict.fromkeys(
            [
                *(t.replace("{}", operand) for t in activations.templates(kind)[:1]),
                *derivative(kind, operand, before, own, array),
            ]
        ):
            piece = text.swap(chain, _rewritten(reading, chain, slope, new))
            yield change(reading, chain, piece, (WRONG, MISPLACED), f"use the derivative {new}", 0.9 if agrees else 1.7)
    for act in activations.present:
        for new in derivative(act.kind, operand, None, act.slope, array):
            piece = text.swap(chain, _rewritten(reading, chain, slope, new))
            yield change(reading, chain, piece, (WRONG, MISPLACED), f"use the derivative {new}", 1.0)
    for before_text, behind in _slope_calls(reading, statement):
        new = f"{before_text}{operand}{behind}"
        piece = text.swap(chain, _rewritten(reading, chain, slope, new))
        yield change(reading, chain, piece, (WRONG, MISPLACED), f"use the derivative {new}", 1.3)
    for z in _second_forms(reading, slope):
        piece = text.swap(chain, _rewritten(reading, chain, slope, z))
        yield change(reading, chain, piece, (MISPLACED, WRONG), f"use the derivative {z}", 1.6)
    own_shape = reading.shape(slope.operand)
    part = next(factors(chain)[i][0] for i in sorted(slope.places)) if slope.places else chain
    whole = _rewritten_text(reading, chain, slope)
    rest = [canonical(p) for i, (p, _) in enumerate(factors(chain)) if i not in slope.places]
    masks_itself = canonical(slope.operand) in rest  # d * (d > 0): the mask of what is sent down
    for other, new_operand, found, prior in _cut_to(reading, activations, statement, own_shape):
        shape = reading.shape(other) if new_operand == reading.text.of(other) else None
        differs = own_shape is not None and shape is not None and shape != own_shape
        if new_operand == operand or (differs and not reading.alike(slope.operand, other)):
            continue
        if names_in(other) & (reading.comprehension_names(other) - reading.comprehension_names(part)):
            continue
        new = whole.replace("\0", bracketed(new_operand, ATOM) if slope.kind != "own" else new_operand)
        names = (WRONG, MISPLACED) if masks_itself else (MISPLACED, WRONG)
        piece = text.swap(chain, _rewritten(reading, chain, slope, new))
        summary = f"take the derivative at `{new_operand}`, not at `{operand}`"
        yield change(
            reading,
            chain,
            piece,
            names,
            summary,
            1.2 + prior - 0.4 * masks_itself + (0.0 if found is not UNKNOWN else 0.3),
        )


def _second_forms(reading: Reading, slope: Slope) -> Iterator[str]:
    """The derivative taken of the argument instead of the activation's value, where the text is short."""
    array = reading.modules.get("numpy")
    operand = reading.text.of(slope.operand)
    tanh = f"{array}.tanh" if array else "math.tanh"
    exp = f"{array}.exp" if array else "math.exp"
    if slope.kind == "tanh":
        yield f"1 - {tanh}({operand}) ** 2"
    elif slope.kind == "sigmoid":
        sigma = f"1 / (1 + {exp}(-{bracketed(operand, ATOM)}))"
        yield f"({sigma}) * (1 - {sigma})"


def _visible_operands(
    reading: Reading, activations: Activations, statement: ast.stmt
) -> Iterator[tuple[ast.expr, str, Activation, float]]:
    """Everything that a derivative may be taken of: activations first, then other arrays in sight."""
    seen = set()
    for operand in _operands(reading, activations, statement):
        if operand[1] not in seen:
            seen.add(operand[1])
            yield operand
    counters = set(reading.counters(statement))
    function = reading.function(statement)
    own = (
        [a.arg for a in function.args.args]
        if function is not None and reading.is_slope_function(function.name, len(function.args.args))
        else []
    )
    for reference in [*reading.nearby(reading.holder(statement)), *reading.members(statement)]:
        if reference.text in seen or reading.is_parameter(reference.node) or reading.is_gradient(reference.node):
            continue
        if names_in(reference.node) & reading.all_counters - counters:
            continue
        seen.add(reference.text)
        yield reference.node, reference.text, UNKNOWN, -0.8 if reference.text in own else 0.2


def _cut_to(
    reading: Reading, activations: Activations, statement: ast.stmt, wanted: Shape | None
) -> Iterator[tuple[ast.expr, str, Activation, float]]:
    """What a derivative may be taken of; where it is larger by a unit for the bias, it is taken without that."""
    for other, text, found, prior in _visible_operands(reading, activations, statement):
        yield other, text, found, prior
        shape = reading.shape(other)
        if wanted is None or shape is None or len(shape) != len(wanted) or len(shape) > 2 or "\n" in text:
            continue
        more = [a - b for a, b in zip(shape, wanted, strict=True)]
        if sorted(more) == [0] * (len(more) - 1) + [1]:
            front = "" if more[0] else ":, "
            tight = bracketed(text, ATOM)
            yield other, f"{tight}[{front}:-1]", found, prior + 0.1
            yield other, f"{tight}[{front}1:]", found, prior + 0.2


def _rewritten(reading: Reading, chain: ast.expr, slope: Slope, new: str) -> str:
    """The chain with the derivative's factors replaced by ``new``."""
    parts = factors(chain)
    text, done = "", False
    for i, (node, multiplies) in enumerate(parts):
        if i in slope.places:
            if done:
                continue
            done = True
            loose = PRODUCT if ("@" not in new and "/" not in new) or not text else PRODUCT + 1
            if len(parts) == len(slope.places):
                return new
            written = bracketed(new, loose)
        else:
            written = reading.text.fitted(node, PRODUCT if not text else PRODUCT + 1)
        text = f"{text} {'*' if multiplies else '/'} {written}" if text else written
    return text


def _rewritten_text(reading: Reading, chain: ast.expr, slope: Slope) -> str:
    """The derivative's own text with a mark in the place of its operand."""
    parts = [factors(chain)[i][0] for i in sorted(slope.places)]
    texts = []
    for part in parts:
        start, end = reading.text.span(part)
        wanted = canonical(slope.operand)
        spots = [n for n in walk(part) if isinstance(n, ast.expr) and canonical(n) == wanted]
        written, at = "", start
        for spot in spots:
            a, b = reading.text.span(spot)
            if a >= at:
                written += reading.text.source[at:a] + "\0"
                at = b
        written += reading.text.source[at:end]
        texts.append(bracketed(written, PRODUCT + 1) if len(parts) > 1 and written != "\0" else written)
    return " * ".join(texts)
