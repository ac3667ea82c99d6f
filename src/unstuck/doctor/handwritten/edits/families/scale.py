"""Scale: a division by the number of rows missing or twice, a factor of a half or two, a power, a factor too many."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import chains, change, factors, is_number, number, times, without
from ..model import Change
from ..reading import Reading, called
from ..text import PRODUCT, walk


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        for value in reading.values(statement):
            if isinstance(statement, ast.Assign | ast.AugAssign | ast.Return):
                for whole in _wholes(value):
                    yield from _by_rows(reading, statement, whole)
                    yield from _by_two(reading, statement, whole)
            for chain in chains(reading, value):
                yield from _fewer(reading, statement, chain)
                yield from _complements(reading, statement, chain)
            for node in walk(value):
                yield from _powers(reading, statement, node)
                yield from _literals(reading, statement, node)
                yield from _exponents(reading, statement, node)
        yield from _after_residual(reading, statement)


def _causes(reading: Reading, statement: ast.stmt) -> tuple[str, ...]:
    role = reading.role(statement)
    if role == "forward":
        return "wrong-variable", "gradient-scale-wrong"
    if role == "update":
        return "gradient-scale-wrong", "optimizer-formula-wrong", "penalty-gradient-wrong"
    return "gradient-scale-wrong", "bias-gradient-wrong", "penalty-gradient-wrong", "output-delta-wrong"


def _wholes(value: ast.expr) -> list[ast.expr]:
    """The values that a scale applies to: each member of a tuple, the element of a comprehension."""
    match value:
        case ast.Tuple(elts=elts) | ast.List(elts=elts):
            return [w for e in elts for w in _wholes(e)]
        case ast.ListComp(elt=elt):
            return _wholes(elt)
        case ast.IfExp(body=body):
            return _wholes(body)
        case ast.Constant() | ast.Dict() | ast.Compare() | ast.Lambda() | ast.BoolOp() | ast.DictComp():
            return []
    return [value]


def row_counts(reading: Reading, node: ast.AST) -> list[tuple[str, float]]:
    """Texts that count the rows where the node stands, with a prior: ``m``, ``len(x)``, ``x.shape[0]``."""
    holder, text = reading.holder(node), reading.text
    found: dict[str, float] = {}
    statement = text.statement(node)
    scopes = [holder] if isinstance(holder, ast.Module) else [holder, text.tree]
    for distance, scope in enumerate(scopes):
        for other in reading.body_statements(scope):
            match other:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) if _counts_rows(value):
                    if scope is not holder or other.lineno < statement.lineno:
                        found.setdefault(name, -0.2 + 0.3 * distance)
                case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id=name), *_])], value=ast.Attribute(attr="shape")):
                    found.setdefault(name, -0.2 + 0.3 * distance)
        for inner in reading.body_nodes(scope):
            if distance == 0 and isinstance(inner, ast.expr) and _counts_rows(inner):
                found.setdefault(text.of(inner), 0.0)
    for name in [a for a in _arguments(holder) if a not in reading.objects]:
        shape = reading.shape_of(name, statement.lineno, reading.scope(statement))
        if shape == () or (shape is None and name in reading.unread_in(holder)):
            found.setdefault(name, -0.1 if name in reading.unread_in(holder) else 0.5)
        elif shape is None and not _has_rows(reading, holder, name):
            found.setdefault(f"len({name})", 0.5)
            found.setdefault(name, 0.6)
        elif reading.facts.batch is None or not shape or shape[0] == reading.facts.batch:
            found.setdefault(f"len({name})", 0.4)
        if shape and len(shape) == 2 and (reading.facts.batch is None or shape[1] == reading.facts.batch):
            found.setdefault(f"{name}.shape[1]", 0.45)
    if isinstance(holder, ast.Module) or reading.facts.batch is not None:
        for reference in reading.nearby(holder):
            shape = reading.shape_of(reference.text, statement.lineno, reading.scope(statement))
            if shape and reading.facts.batch and shape[0] == reading.facts.batch:
                found.setdefault(f"len({reference.text})", 0.35)
            elif shape and len(shape) == 2 and shape[1] == reading.facts.batch:
                found.setdefault(f"{reference.text}.shape[1]", 0.4)
            elif shape != () and reading.facts.batch is None and reference.text in _read(reading, statement):
                found.setdefault(f"len({reference.text})", 0.6)
    if not isinstance(holder, ast.Module) and reading.facts.batch is None and not reading.facts.shapes:
        for name in sorted(_read(reading, statement) - set(_arguments(holder))):
            if name.isidentifier() and name not in reading.scalars and name not in reading.all_counters:
                found.setdefault(f"len({name})", 0.6)
    size = reading.facts.batch
    numbers = {n for n in reading.scalars if size is not None and _value(reading, n) == size}
    for name in numbers:
        found.setdefault(name, 0.1)
    return sorted(found.items(), key=lambda item: item[1])


def _has_rows(reading: Reading, holder: ast.AST, name: str) -> bool:
    """Whether the function does something with the argument that only arrays and lists allow."""
    for node in reading.body_nodes(holder):
        if isinstance(node, ast.Name) and node.id == name:
            parent = reading.text.parent(node)
            if isinstance(parent, ast.Subscript | ast.Attribute | ast.Call | ast.For | ast.comprehension):
                return True
            if isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.MatMult):
                return True
    return False


def _read(reading: Reading, statement: ast.stmt) -> set[str]:
    return {r.text for e in reading.values(statement) for r in reading.references(e) if not r.index}


def _value(reading: Reading, name: str) -> float | None:
    for statement in reading.statements:
        match statement:
            case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                return number(value)
    return None


def _counts_rows(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="len")) | ast.Attribute(attr="size"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="shape"), slice=ast.Constant(value=0 | 1)):
            return True
        case ast.Call(func=ast.Name(id="float" | "int"), args=[inner]):
            return _counts_rows(inner)
    return False


def _arguments(holder: ast.AST) -> list[str]:
    if isinstance(holder, ast.FunctionDef | ast.AsyncFunctionDef):
        return [a.arg for a in holder.args.args if a.arg not in ("self", "cls")]
    return []


def _by_rows(reading: Reading, statement: ast.stmt, whole: ast.expr) -> Iterator[Change]:
    if reading.shape(whole) == () and reading.role(statement) != "backward" and reading.facts.shapes:
        return
    if not any(True for _ in reading.references(whole)) or _counts_rows(whole):
        return
    text = reading.text.of(whole)
    for i, (count, prior) in enumerate(row_counts(reading, whole)[:5]):
        if count == text:
            continue
        base = 1.0 + prior + 0.05 * i + (0.4 if count in text else 0.0)
        piece = times(reading, whole, count, "/")
        yield change(
            reading, statement, piece, _causes(reading, statement), f"divide by the number of rows, `{count}`", base
        )
        if i < 2:
            piece = times(reading, whole, count)
            yield change(reading, statement, piece, _causes(reading, statement), f"multiply by `{count}`", base + 0.9)


def _by_two(reading: Reading, statement: ast.stmt, whole: ast.expr) -> Iterator[Change]:
    if reading.role(statement) == "forward" or not any(True for _ in reading.references(whole)):
        return
    body = reading.text.fitted(
        whole, PRODUCT + (0 if isinstance(whole, ast.BinOp) and isinstance(whole.op, ast.Mult) else 1)
    )
    residual = any(
        isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub) and not is_number(n.left) for n in walk(whole)
    )
    for text, what in ((f"2 * {body}", "double it"), (f"0.5 * {body}", "halve it")):
        yield change(
            reading,
            statement,
            reading.text.swap(whole, text),
            _causes(reading, statement),
            what,
            1.4 if residual else 1.7,
        )


def _fewer(reading: Reading, statement: ast.stmt, chain: ast.BinOp) -> Iterator[Change]:
    """Leave one factor of a chain away, or divide where it multiplies."""
    parts = factors(chain)
    for i, (part, multiplies) in enumerate(parts):
        kept = without(reading, chain, {i})
        if kept is not None:
            cost = 1.0 if not multiplies or is_number(part) else 0.6 if _only_numbers(reading, part) else 1.5
            repeated = any(ast.dump(part) == ast.dump(other) for j, (other, _) in enumerate(parts) if j != i)
            causes = _causes(reading, statement)
            if _only_numbers(reading, part) and reading.role(statement) != "forward":
                causes = tuple(dict.fromkeys(("bias-gradient-wrong", *causes)))
            if multiplies and not is_number(part) and not repeated:
                causes = (*causes, "activation-derivative-wrong", "output-delta-wrong")
            word = "multiply" if multiplies else "divide"
            summary = f"do not {word} by `{reading.text.of(part)}`"
            yield change(reading, chain, reading.text.swap(chain, kept), causes, summary, cost - 0.3 * repeated)
        if i and (_counts_rows(part) or not multiplies) and kept is not None:
            sign = "/" if multiplies else "*"
            written = f"{kept} {sign} {reading.text.fitted(part, PRODUCT + 1)}"
            summary = f"{'divide' if multiplies else 'multiply'} by `{reading.text.of(part)}`"
            yield change(reading, chain, reading.text.swap(chain, written), _causes(reading, statement), summary, 1.6)


def _only_numbers(reading: Reading, node: ast.expr) -> bool:
    """A list of literal numbers, perhaps as long as something of the program: ``[1.0] * n + [-1.0]``."""
    lists = [n for n in walk(node) if isinstance(n, ast.List)]
    return bool(lists) and all(is_number(e) for one in lists for e in one.elts)


def _powers(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        residual = (
            isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Sub) and not is_number(node.left.left)
        )
        causes = ("activation-derivative-wrong", *_causes(reading, statement), "optimizer-formula-wrong")
        if residual and reading.role(statement) != "forward":
            causes = tuple(dict.fromkeys(("output-delta-wrong", *causes)))
        summary, cost = "without the power", 0.8 if residual else 1.4
        yield change(reading, node, reading.text.swap(node, reading.text.of(node.left)), causes, summary, cost)
    elif (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Sub)
        and number(node.left) == 1
        and not is_number(node.right)
    ) and isinstance(node.right, ast.Name | ast.Attribute | ast.Subscript):
        causes = ("activation-derivative-wrong", *_causes(reading, statement))
        piece = reading.text.swap(node.right, f"{reading.text.of(node.right)} ** 2")
        yield change(reading, node, piece, causes, f"square `{reading.text.of(node.right)}`", 1.1)


def _exponents(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    """An exponent one higher or lower."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and is_number(node.right):
        exponent = number(node.right) or 0.0
        norm = ("norm-backward-wrong",) if exponent != int(exponent) else ()
        for new in (exponent - 1, exponent + 1):
            written = f"{new:g}"
            causes = (*norm, "optimizer-formula-wrong", *_causes(reading, statement))
            summary = f"to the power of {written}"
            yield change(reading, node, reading.text.swap(node.right, written), causes, summary, 1.6)


def _complements(reading: Reading, statement: ast.stmt, chain: ast.BinOp) -> Iterator[Change]:
    """``1 - a`` for ``a`` and ``a`` for ``1 - a`` in a product."""
    if reading.role(statement) == "forward":
        return
    causes = ("gradient-operand-wrong", "activation-derivative-wrong", *_causes(reading, statement))
    for part, multiplies in factors(chain):
        if not multiplies:
            continue
        text = reading.text.of(part)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub) and number(part.left) == 1:
            inner = reading.text.of(part.right)
            yield change(reading, chain, reading.text.swap(part, inner), causes, f"`{inner}`, not `{text}`", 1.4)
        elif (
            isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
            and text not in reading.scalars
            and not reading.is_parameter(part)
        ):
            piece = reading.text.swap(part, f"(1 - {text})")
            yield change(reading, chain, piece, causes, f"`1 - {text}`, not `{text}`", 1.9)


def _after_residual(reading: Reading, statement: ast.stmt) -> Iterator[Change]:
    """``p[rows, labels] -= 1`` makes p an error; the mean over the rows is taken right after it."""
    if not (
        isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Sub) and reading.text.solo(statement)
    ):
        return
    if isinstance(statement.target, ast.Subscript) and number(statement.value) == 1:
        base = reading.text.of(statement.target.value)
        for i, (count, _) in enumerate(row_counts(reading, statement.target.value)[:3]):
            piece = reading.text.after(statement, f"{base} /= {count}")
            summary = f"divide by the number of rows, `{count}`"
            yield change(reading, statement, piece, _causes(reading, statement), summary, 1.0 + 0.1 * i)


def _literals(reading: Reading, statement: ast.stmt, node: ast.AST) -> Iterator[Change]:
    """A literal factor: twice, half, without."""
    value = number(node)
    if value is None or not isinstance(node, ast.Constant):
        return
    parent = reading.text.parent(node)
    if not isinstance(parent, ast.BinOp) or not isinstance(parent.op, ast.Mult | ast.Div):
        return
    call = called(reading.text.parent(parent) or parent)
    if call and call[0] == "range":
        return
    for new in (value * 2, value / 2):
        written = f"{new:g}"
        if written != reading.text.of(node):
            piece = reading.text.swap(node, written)
            yield change(
                reading, node, piece, _causes(reading, statement), f"{written} instead of {reading.text.of(node)}", 1.7
            )
