"""Operands: another name, another member, or the same array at another index in the place of the one that is read."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator
from typing import TypeGuard

from ..activations import inside_slope
from ..making import change, is_number, product
from ..model import Change, Shape
from ..reading import Reading, Reference, base_of, canonical, names_in, root_name
from ..text import walk

PER_SLOT = 10


def propose(reading: Reading) -> Iterator[Change]:
    factors = _multiplied(reading)
    for statement in reading.sites():
        for value in reading.values(statement):
            for slot in reading.references(value):
                if slot.index:
                    yield from _other_counters(reading, slot)
                elif not _below_bar(reading, slot):
                    yield from _swaps(reading, statement, slot, factors)
                    yield from _shifts(reading, statement, slot)
        for target in reading.targets(statement):
            for slot in reading.references(target):
                if slot.index:
                    yield from _other_counters(reading, slot)
            if isinstance(target, ast.Subscript):
                yield from _shifts(reading, statement, Reference(target, reading.text.of(target), False))


def _below_bar(reading: Reading, slot: Reference) -> bool:
    """Counts and flags (`n // size`, `if epoch % 10`) are no operands of the network."""
    shape = reading.shape(slot.node)
    return slot.text in reading.all_counters or (shape is None and slot.text in reading.scalars)


def _causes(reading: Reading, statement: ast.stmt, slot: ast.expr, new: ast.expr | None) -> tuple[str, ...]:
    role = reading.role(statement)
    if role != "forward" and inside_slope(reading, slot):
        return "activation-derivative-misplaced", "activation-derivative-wrong", "gradient-operand-wrong"
    weights = reading.is_parameter(slot) or (new is not None and reading.is_parameter(new))
    if role == "forward":
        return "wrong-variable", "product-or-axis-wrong"
    if role == "update":
        return "wrong-variable", "update-not-applied", "optimizer-formula-wrong", "gradient-operand-wrong"
    if weights:
        return "backprop-weights-wrong", "wrong-variable", "gradient-operand-wrong"
    return "gradient-operand-wrong", "wrong-variable", "backprop-weights-wrong", "activation-derivative-misplaced"


# ------------------------------------------------------------------------------------------------ other names


def _swaps(reading: Reading, statement: ast.stmt, slot: Reference, factors: set[str]) -> Iterator[Change]:
    text = reading.text
    own = _shape(reading, slot.node, slot.text, statement)
    written = {canonical(t) for t in reading.targets(statement)}
    read = {r.text for e in reading.values(statement) for r in reading.references(e)}
    made = {_shape(reading, t, text.of(t), statement) for t in reading.targets(statement)} - {own}
    multiplied = canonical(base_of(slot.node)) in factors
    inner = {n.id for loop in reading.loops(slot.node)[:1] for n in walk(loop) if _is_bound(n)}
    found: dict[str, tuple[float, ast.expr | None, bool]] = {}
    for new, node, prior in _candidates(reading, statement, slot):
        if new == slot.text or not _visible(reading, slot.node, node):
            continue
        shape = _shape(reading, node, new, statement)
        if own is None or shape is None:
            cost, turned = 1.4, False
        elif shape == own or (reading.facts.all_shapes and reading.alike_texts(slot.text, new, slot.node)):
            cost, turned = 0.9, False
        elif shape in made and inside_slope(reading, slot.node):
            cost, turned = 0.8, False  # a derivative has the shape of what it is multiplied to
        elif shape[::-1] == own:
            cost, turned = 1.6, True
        elif len(shape) == len(own) and (shape[1:] == own[1:] or sorted(shape) == sorted(own)):
            cost, turned = 1.7, False
        else:
            continue
        alike = difflib.SequenceMatcher(None, new, slot.text).ratio()
        cost += prior + 0.4 * (1 - alike) - 0.15 * (root_name(node) in inner)
        cost -= 0.25 * (multiplied and canonical(base_of(node)) in factors)
        cost += 0.8 * (new in written) + 0.4 * (new in read) - 0.6 * _unread(reading, statement, new)
        if new not in found or cost < found[new][0]:
            found[new] = (cost, node, turned)
    for new, (cost, other, turned) in sorted(found.items(), key=lambda item: item[1][0])[:PER_SLOT]:
        spelt = f"{new}.T" if turned else new
        parent = text.parent(slot.node)
        if turned and isinstance(parent, ast.Attribute) and parent.attr == "T":
            piece = text.swap(parent, new)
        else:
            piece = text.swap(slot.node, spelt)
        causes = _causes(reading, statement, slot.node, other)
        if _unread(reading, statement, new) and not inside_slope(reading, slot.node):
            causes = tuple(dict.fromkeys(("wrong-variable", *causes)))
        yield change(reading, slot.node, piece, causes, f"use `{spelt}` instead of `{slot.text}`", cost)


def _multiplied(reading: Reading) -> set[str]:
    """Everything that is an operand of a matrix product somewhere in the program."""
    found = set()
    for node in reading.text.nodes:
        own = product(reading, node)
        for operand in (own.left, own.right) if own is not None else ():
            plain = operand.value if isinstance(operand, ast.Attribute) and operand.attr == "T" else operand
            found.add(canonical(base_of(plain)))
    return found


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _unread(reading: Reading, statement: ast.stmt, text: str) -> bool:
    """Whether nothing else reads this value: a sign that it was meant here."""
    root = text.partition("[")[0]
    return root in reading.unread or (root.isidentifier() and root in reading.unread_in(reading.holder(statement)))


def _shape(reading: Reading, node: ast.expr, text: str, statement: ast.stmt) -> Shape | None:
    return reading.shape_of(text, statement.lineno, reading.scope(statement))


def _candidates(reading: Reading, statement: ast.stmt, slot: Reference) -> Iterator[tuple[str, ast.expr, float]]:
    """(text, node it stands for, prior) of what could be meant."""
    text = reading.text
    node = slot.node
    holder = reading.holder(statement)
    paired = reading.partners(node)
    for other in reading.nearby(holder):
        prior = 0.0
        base, own = canonical(base_of(other.node)), canonical(base_of(node))
        if base in paired:
            prior -= 0.6
        elif (own, base) in reading.made_from or (base, own) in reading.made_from:
            prior -= 0.4
        elif base == own:
            prior += 0.1
        if isinstance(node, ast.Subscript) and isinstance(other.node, ast.Subscript) is False and _depth(node) > 0:
            prior += 0.4
        if isinstance(node, ast.Name) and isinstance(other.node, ast.Subscript):
            prior += 0.1
        same_index = _reindexed(reading, node, other.node)
        if same_index and same_index != other.text:
            yield same_index, other.node, prior
        if _depth(node) and not _depth(other.node):
            if _same_size(reading, statement, base_of(node), other.node):
                yield (
                    other.text + _tail(reading, node),
                    other.node,
                    prior - 0.5,
                )  # (the shape of the part is that of the slot)
            elif base in reading.subscripted:
                yield other.text + _tail(reading, node), other.node, prior
        if canonical(other.node) in reading.subscripted and not _depth(other.node):
            for counter in reading.counters(statement)[:2]:
                yield f"{other.text}[{counter}]", other.node, prior - 0.1 * reading.is_parameter(other.node)
        yield other.text, other.node, prior + (0.0 if not same_index or same_index == other.text else 0.3)
    if isinstance(node, ast.Attribute) or root_name(node) == "self":
        for other in reading.members(statement):
            base = canonical(base_of(other.node))
            prior = 0.2 - (0.6 if base in paired else 0.0)
            same_index = _reindexed(reading, node, other.node)
            yield same_index or other.text, other.node, prior
            if same_index and same_index != other.text:
                yield other.text, other.node, prior + 0.3
    for key in _sibling_keys(reading, node):
        yield key, node, -0.1
    for member in _sibling_members(reading, statement, node):
        same = root_name(node) != "self" and member.startswith(f"{root_name(node)}.")
        yield member, node, -0.5 if same else 0.1  # (of the object that is at hand already)
    if isinstance(node, ast.Subscript) and _depth(node):
        yield text.of(node.value), node.value, 0.6


def _same_size(reading: Reading, statement: ast.stmt, one: ast.expr, two: ast.expr) -> bool:
    """Both are arrays of the same known shape: what can be cut from one can be cut from the other."""
    first = _shape(reading, one, reading.text.of(one), statement)
    return first is not None and len(first) > 1 and first == _shape(reading, two, reading.text.of(two), statement)


def _tail(reading: Reading, node: ast.expr) -> str:
    """All indices behind a reference: ``[i][j]`` of ``w[i][j]``."""
    base = node
    while isinstance(base, ast.Subscript):
        base = base.value
    return reading.source_between(base, node)


def _depth(node: ast.expr) -> int:
    count = 0
    while isinstance(node, ast.Subscript):
        node, count = node.value, count + 1
    return count


def _reindexed(reading: Reading, slot: ast.expr, other: ast.expr) -> str | None:
    """The other array under the indices of the slot: ``step[j][k]`` and ``w[k][j]`` -> ``w[j][k]``."""
    if not isinstance(slot, ast.Subscript) or _depth(slot) != _depth(other) or _depth(slot) == 0:
        return None
    base_a: ast.expr = slot
    base_b: ast.expr = other
    while isinstance(base_a, ast.Subscript) and isinstance(base_b, ast.Subscript):
        base_a, base_b = base_a.value, base_b.value
    tail = reading.source_between(base_a, slot)
    return reading.text.of(base_b) + tail


def _sibling_keys(reading: Reading, node: ast.expr) -> Iterator[str]:
    """``par["R"]`` for ``par["U"]``: other constant keys that are used with the same container."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)):
        return
    base = reading.text.of(node.value)
    for other in reading.text.nodes:
        if (
            isinstance(other, ast.Subscript)
            and isinstance(other.slice, ast.Constant)
            and type(other.slice.value) is type(node.slice.value)
            and reading.text.of(other.value) == base
        ):
            yield reading.text.of(other)
        if isinstance(other, ast.Dict) and isinstance(node.slice.value, str):
            parent = reading.text.parent(other)
            if isinstance(parent, ast.Assign) and any(reading.text.of(t) == base for t in parent.targets):
                for key in other.keys:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield f"{base}[{reading.text.of(key)}]"


def _sibling_members(reading: Reading, statement: ast.stmt, node: ast.expr) -> Iterator[str]:
    """``neuron.inputs[i]`` for ``neuron.weights[i]``, and ``other.data`` for ``self.data``."""
    base = node
    while isinstance(base, ast.Subscript):
        base = base.value
    if not (isinstance(base, ast.Attribute) and isinstance(base.value, ast.Name)):
        return
    tail = reading.source_between(base, node) if base is not node else ""
    for attribute in reading.siblings(base):
        yield f"{reading.text.of(base.value)}.{attribute}{tail}"
    holder: ast.AST | None = reading.holder(statement)
    roots = [r.node.value.id for r in reading.nearby(reading.holder(statement)) if _member(r.node)]  # type: ignore[attr-defined]
    while isinstance(holder, ast.FunctionDef):
        roots += [a.arg for a in holder.args.args]
        holder = reading.function(holder)
    for root in dict.fromkeys(roots):
        if root != base.value.id:
            yield f"{root}.{base.attr}{tail}"


def _member(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)


def _visible(reading: Reading, place: ast.expr, other: ast.expr) -> bool:
    """Whether every name of the other reference is bound where the place is."""
    inner = reading.comprehension_names(other) - reading.comprehension_names(place)
    return not (names_in(other) & inner)


# -------------------------------------------------------------------------------------------------- indices


def _shifts(reading: Reading, statement: ast.stmt, slot: Reference) -> Iterator[Change]:
    """``a[l]`` -> ``a[l - 1]``, ``a[l + 1]``; ``a[-1]`` -> ``a[-2]``; ``h[t - 1]`` -> ``h[t]``."""
    node: ast.expr = slot.node
    while isinstance(node, ast.Subscript):
        for index in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            usual = _shifted_elsewhere(reading, index)
            for new, near in _neighbours(reading, index):
                cost = near if usual else near + 0.7
                causes = _shift_causes(reading, statement, slot.node, index)
                piece = reading.text.swap(index, new)
                yield change(
                    reading, slot.node, piece, causes, f"index {new} instead of {reading.text.of(index)}", cost
                )
        node = node.value


def _shifted_elsewhere(reading: Reading, index: ast.expr) -> bool:
    """Whether the program anywhere steps beside this counter; where it never does, the step is unlikely to be missing."""
    names = names_in(index)
    return not names or bool(names & reading.stepped)


def _neighbours(reading: Reading, index: ast.expr) -> list[tuple[str, float]]:
    text = reading.text.of(index)
    match index:
        case ast.Name(id=name) if name in reading.all_counters or name not in reading.arrays:
            return [(f"{name} - 1", 0.8), (f"{name} + 1", 0.9)]
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=ast.Constant(value=int(step))):
            head, sign = reading.text.of(left), "+" if isinstance(op, ast.Add) else "-"
            other = "-" if sign == "+" else "+"
            if step == 1:
                return [(head, 0.8), (f"{head} {sign} 2", 1.3), (f"{head} {other} 1", 1.2)]
            return [(f"{head} {sign} {step - 1}", 1.0), (f"{head} {sign} {step + 1}", 1.1)]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int(place))):
            return [(f"-{p}", 0.9) for p in (place - 1, place + 1) if p > 0]
        case ast.Constant(value=int(place)) if not isinstance(place, bool):
            return [(str(p), 1.0) for p in (place - 1, place + 1) if p >= 0]
        case ast.UnaryOp(op=ast.Invert()) | ast.BinOp() if not is_number(index):
            return [(f"{text} - 1", 1.4), (f"{text} + 1", 1.5)]
    return []


def _shift_causes(reading: Reading, statement: ast.stmt, node: ast.expr, index: ast.expr) -> tuple[str, ...]:
    counters = names_in(index) & reading.all_counters
    usual = _causes(reading, statement, node, None)
    if any(reading.is_time(statement, c) for c in counters):
        return ("time-index-wrong", *usual)
    if isinstance(index, ast.BinOp) and len(names_in(index)) > 1:
        return ("conv-index-wrong", *usual)
    if reading.is_parameter(node) or not counters:
        return (*usual, "time-index-wrong")
    return (*usual, "time-index-wrong", "conv-index-wrong")


def _other_counters(reading: Reading, slot: Reference) -> Iterator[Change]:
    """Another loop variable in an index: ``w[i]`` -> ``w[j]``."""
    counters = reading.counters(slot.node)
    if slot.text not in counters:
        return
    statement = reading.text.statement(slot.node)
    owner = reading.text.parent(slot.node)
    while owner is not None and not isinstance(owner, ast.Subscript):
        owner = reading.text.parent(owner)
    weights = isinstance(owner, ast.Subscript) and reading.is_parameter(owner.value)
    for other in counters:
        if other != slot.text:
            first = ("backprop-weights-wrong",) if weights and reading.role(statement) != "forward" else ()
            causes = (*first, "product-or-axis-wrong", "wrong-variable", "gradient-operand-wrong", "conv-index-wrong")
            piece = reading.text.swap(slot.node, other)
            yield change(reading, slot.node, piece, causes, f"index {other} instead of {slot.text}", 1.3)
