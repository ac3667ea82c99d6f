"""Dropout: the mask of the forward pass missing behind it, drawn anew, of the wrong share, or without the rescaling."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..making import chains, change, factors, is_number, products, times
from ..model import Change
from ..reading import Reading, Reference, base_of, called, canonical, names_in
from ..text import PRODUCT, bracketed, walk

CAUSES = ("dropout-mask-wrong",)
_DRAWS = {"rand", "random", "random_sample", "binomial", "uniform", "bernoulli", "choice"}


def propose(reading: Reading) -> Iterator[Change]:
    masks = _masks(reading)
    for statement in reading.sites():
        for value in reading.values(statement):
            for node in walk(value):
                if isinstance(node, ast.expr) and _draw(node):
                    yield from _share(reading, node)
                    yield from _stored(reading, statement, node, masks)
        if masks and reading.role(statement) != "update":
            yield from _masked(reading, statement, masks)


def _draw(node: ast.AST) -> bool:
    """A random comparison such as ``rng.random(shape) < keep``, or a binomial draw."""
    if isinstance(node, ast.Compare):
        return any((c := called(n)) and c[0] in _DRAWS for n in walk(node))
    call = called(node)
    return call is not None and call[0] == "binomial"


def _masks(reading: Reading) -> list[tuple[str, str]]:
    """(canonical base, text of the share that is kept) of everything that holds a mask."""
    found = []
    for statement in reading.statements:
        if not isinstance(statement, ast.Assign):
            continue
        draws = [n for n in walk(statement.value) if isinstance(n, ast.expr) and _draw(n)]
        if draws:
            share = draws[0].comparators[0] if isinstance(draws[0], ast.Compare) else draws[0]
            for target in reading.targets(statement):
                found.append((canonical(base_of(target)), reading.text.of(share)))
    for node in reading.text.nodes:
        call = called(node)
        if call and call[0] == "append" and isinstance(node, ast.Call) and node.args and call[1] is not None:
            known = next((s for b, s in found if canonical(base_of(node.args[0])) == b), None)
            if known is not None:
                found.append((canonical(call[1]), known))
    return list(dict.fromkeys(found))


def _share(reading: Reading, node: ast.expr) -> Iterator[Change]:
    """Kept against dropped share, and the rescaling."""
    if not isinstance(node, ast.Compare):
        return
    text = reading.text
    share = node.comparators[0]
    written = text.of(share)
    other = (
        f"1 - {written}"
        if not (isinstance(share, ast.BinOp) and isinstance(share.op, ast.Sub))
        else text.of(share.right)
    )
    yield change(reading, node, text.swap(share, other), CAUSES, f"compare with {other}", 1.3)
    start, end = text.outer(node.left)[1], text.outer(share)[0]
    sign = text.source[start:end].strip()
    turned = {"<": ">", ">": "<", "<=": ">", ">=": "<"}.get(sign)
    if turned:
        whole = f"{text.of(node.left)} {turned} {written}"
        yield change(reading, node, text.swap(node, whole), CAUSES, "keep the other share", 1.4)
    parent = text.parent(node)
    if not (isinstance(parent, ast.BinOp) and isinstance(parent.op, ast.Div)):
        for keep in (written, f"(1 - {written})"):
            yield change(reading, node, times(reading, node, keep, "/"), CAUSES, f"rescale by 1 / {keep}", 1.2)


def _in_sight(reading: Reading, statement: ast.stmt, masks: list[tuple[str, str]]) -> list[tuple[Reference, str]]:
    bases = dict(masks)
    near = [*reading.nearby(reading.holder(statement)), *reading.members(statement)]
    return [(r, bases[b]) for r in near if (b := canonical(base_of(r.node))) in bases]


def _stored(reading: Reading, statement: ast.stmt, node: ast.expr, masks: list[tuple[str, str]]) -> Iterator[Change]:
    """A mask drawn anew behind the forward pass: use the stored one."""
    own = {canonical(base_of(t)) for t in reading.targets(statement)}
    for reference, _ in _in_sight(reading, statement, masks):
        if canonical(base_of(reference.node)) not in own:
            summary = f"use the mask of the forward pass, `{reference.text}`"
            yield change(reading, node, reading.text.swap(node, reference.text), CAUSES, summary, 1.0)
            for chain in chains(reading, statement):
                parts = factors(chain)
                if not any(part is node for part, _ in parts) or not isinstance(node, ast.Compare):
                    continue
                share = canonical(node.comparators[0])
                kept = [(part, up) for part, up in parts if up or canonical(part) != share]
                if len(kept) < len(parts) and kept[0][1]:
                    texts = [
                        reference.text if part is node else reading.text.fitted(part, PRODUCT + 1) for part, _ in kept
                    ]
                    signs = ["", *(" * " if up else " / " for _, up in kept[1:])]
                    whole = "".join(sign + part for sign, part in zip(signs, texts, strict=True))
                    yield change(reading, node, reading.text.swap(chain, whole), CAUSES, summary, 1.0)


def _masked(reading: Reading, statement: ast.stmt, masks: list[tuple[str, str]]) -> Iterator[Change]:
    """Multiply by the mask, or divide by the share that is kept, where it is missing."""
    if not isinstance(statement, ast.Assign | ast.AugAssign | ast.Return):
        return
    text = reading.text
    for value in reading.values(statement):
        if isinstance(value, ast.Tuple | ast.List | ast.Constant | ast.Compare | ast.Dict) or is_number(value):
            continue
        for reference, share in _in_sight(reading, statement, masks):
            used = any(
                canonical(base_of(r.node)) == canonical(base_of(reference.node)) for r in reading.references(value)
            )
            if used:
                for keep in (share, f"(1 - {share})"):
                    if names_in(value) >= set() and "\n" not in keep:
                        yield change(
                            reading, statement, times(reading, value, keep, "/"), CAUSES, f"divide by {keep}", 1.3
                        )
                continue
            if _draw(value) or canonical(base_of(reference.node)) in {
                canonical(base_of(t)) for t in reading.targets(statement)
            }:
                continue
            near = text.of(value)
            yield change(
                reading,
                statement,
                times(reading, value, reference.text),
                CAUSES,
                f"multiply by the mask `{reference.text}`",
                1.2,
            )
            for keep in (share, f"(1 - {share})"):
                factor = f"{reference.text} / {bracketed(keep, PRODUCT + 1)}"
                piece = text.swap(value, f"{text.fitted(value, PRODUCT)} * {factor}")
                yield change(reading, statement, piece, CAUSES, f"multiply by the rescaled mask of {near}", 1.6)
            for found in list(products(reading, value))[:1]:
                if found.node is not value:
                    piece = times(reading, found.node, reference.text)
                    yield change(reading, statement, piece, CAUSES, f"multiply by the mask `{reference.text}`", 1.4)
