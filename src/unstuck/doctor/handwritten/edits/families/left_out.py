"""A parameter without a step and without a gradient: the step of its sibling, made of what belongs to it."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from ..making import change
from ..model import Change
from ..names import Update, canonical, unnumbered
from ..reading import Reading, Reference
from ..text import PRODUCT, bracketed
from .updates import renamed, unmoved

CAUSES = ("layer-not-trained", "update-not-applied", "bias-gradient-wrong")
MOST = 8  # ways to fill in what belongs to the parameter


def propose(reading: Reading) -> Iterator[Change]:
    """``dw2 = a1.T @ d2; w2 -= rate * dw2`` and nothing for w1: ``w1 -= rate * (x.T @ d1)``, with every array that fits."""
    moved = {canonical(u.target) for u in reading.updates}
    for parameter in unmoved(reading, moved):
        for update in reading.updates:
            own = canonical(update.target)
            alike = unnumbered(own) == unnumbered(parameter) and own != parameter
            if not alike or not reading.text.solo(update.statement):
                continue
            for line in itertools.islice(_lines(reading, update, parameter), MOST):
                piece = reading.text.after(update.statement, line)
                yield change(reading, update.statement, piece, CAUSES, f"also move `{parameter}`: `{line}`", 0.8)


def _lines(reading: Reading, update: Update, parameter: str) -> Iterator[str]:
    """The update's line for the parameter, its gradient written out."""
    text = reading.text
    written, target = text.of(update.statement), text.of(update.target)
    for gradient in reading.references(update.moved_by):
        made = [
            s for s in reading.body_statements(reading.holder(update.statement))
            if isinstance(s, ast.Assign) and any(canonical(t) == canonical(gradient.node) for t in s.targets)
            and s.lineno < update.statement.lineno
        ]  # fmt: skip
        if gradient.index or not made:
            continue
        value = made[-1].value
        for filled in _filled(reading, value, canonical(update.target), parameter):
            line = re.sub(rf"(?<![\w.]){re.escape(target)}(?!\w)", parameter, written)
            whole = bracketed(filled, PRODUCT + 1)
            yield re.sub(rf"(?<![\w.]){re.escape(gradient.text)}(?!\w)", lambda _, w=whole: w, line)  # type: ignore[misc]


def _filled(reading: Reading, value: ast.expr, own: str, parameter: str) -> Iterator[str]:
    """The gradient's expression with each array in it replaced by one of the other layer, by its number or by its length."""
    spots = [r for r in reading.references(value) if not r.index and reading.shape(r.node)]
    if not 1 <= len(spots) <= 3:
        return
    near = reading.nearby(reading.holder(reading.text.statement(value)))
    written = reading.text.of(value)
    for chosen in itertools.product(*(_instead(reading, spot, near, own, parameter) for spot in spots)):
        if all(new == spot.text for new, spot in zip(chosen, spots, strict=True)):
            continue
        filled = written
        start, _ = reading.text.span(value)
        for spot, new in sorted(zip(spots, chosen, strict=True), key=lambda p: -reading.text.span(p[0].node)[0]):
            a, b = reading.text.span(spot.node)
            filled = filled[: a - start] + new + filled[b - start :]
        yield filled


def _instead(reading: Reading, spot: Reference, near: list[Reference], own: str, parameter: str) -> list[str]:
    """What may stand in its place: its namesake of the other layer first, then arrays with as many rows."""
    numbers = renamed(own, parameter)
    texts = {r.text for r in near}
    if numbers is not None and numbers[0] in spot.text:
        at = spot.text.rfind(numbers[0])
        namesake = spot.text[:at] + numbers[1] + spot.text[at + len(numbers[0]) :]
        if namesake in texts:
            return [namesake]
    shape = reading.shape(spot.node)
    fitting = [
        r.text for r in near
        if r.text != spot.text and shape and (other := reading.shape(r.node)) and len(other) == len(shape)
        and (other[0] == shape[0] or other[-1] == shape[-1])
    ]  # fmt: skip
    return sorted(fitting, key=len)[:MOST]
