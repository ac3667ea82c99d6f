"""Convolution indices: exchanged offsets, a kernel flipped once too often or not at all, windows one place off, strides."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator

from ..making import change, is_number, number
from ..model import Change
from ..reading import Reading, called, names_in
from ..text import ATOM, Piece, bracketed, walk

CAUSES = ("conv-index-wrong", "product-or-axis-wrong")


def propose(reading: Reading) -> Iterator[Change]:
    for statement in reading.sites():
        for value in reading.expressions(statement):
            for node in walk(value):
                if isinstance(node, ast.Subscript):
                    yield from _exchanged(reading, node)
                    yield from _flips(reading, node)
                    yield from _windows(reading, node)
                    yield from _strides(reading, node)
                    yield from _cut_ends(reading, node)
                yield from _turns(reading, node)


def _exchanged(reading: Reading, node: ast.Subscript) -> Iterator[Change]:
    """Two counters change places everywhere in one index: ``x[:, c:c + n, r:r + m]`` -> ``x[:, r:r + n, c:c + m]``."""
    if isinstance(reading.text.parent(node), ast.Subscript):
        return
    present = [c for c in reading.counters(node) if c in names_in(node)]
    start, _ = reading.text.span(node)
    written = reading.text.of(node)
    for one, two in itertools.combinations(present, 2):
        new = _renamed(written, {one: two, two: one})
        if new != written:
            images = any(isinstance(n, ast.Slice) for n in walk(node)) or written.count(",") > 1
            causes = (
                CAUSES
                if images
                else ("backprop-weights-wrong", *CAUSES)
                if reading.is_parameter(node)
                else ("product-or-axis-wrong", "conv-index-wrong")
            )
            piece = Piece(start, start + len(written), new)
            yield change(reading, node, piece, causes, f"exchange {one} and {two}", 0.8 if images else 1.0)


def _renamed(text: str, names: dict[str, str]) -> str:
    return re.sub(rf"\b({'|'.join(names)})\b", lambda m: names[m.group()], text)


def _is_image(reading: Reading, node: ast.Subscript) -> bool:
    """Whether the index moves a window over something: slices or several indices that hang on counters."""
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    moving = [p for p in parts if names_in(p) & reading.all_counters]
    return len(moving) >= 1 and any(isinstance(p, (ast.Slice, ast.BinOp)) for p in moving)


def _flips(reading: Reading, node: ast.Subscript) -> Iterator[Change]:
    """``k[::-1, ::-1]`` without its flips; a kernel read with them."""
    text = reading.text
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    flipped = [p for p in parts if isinstance(p, ast.Slice) and p.step is not None and number(p.step) == -1]
    if flipped:
        if len(flipped) == len(parts):
            yield change(reading, node, text.swap(node, text.of(node.value)), CAUSES, "do not flip", 0.9)
        for part in flipped:
            yield change(reading, node, Piece(*text.span(part), ":"), CAUSES, "do not flip this axis", 1.0)
        if len(flipped) > 1:
            yield change(reading, node, [Piece(*text.span(p), ":") for p in flipped], CAUSES, "do not flip", 0.9)
    whole = [p for p in parts if isinstance(p, ast.Slice) and p.lower is None and p.upper is None and p.step is None]
    if len(parts) > 2 and len(whole) >= 2 and reading.is_parameter(node.value):
        pieces = [Piece(*text.span(p), "::-1") for p in whole[-2:]]
        yield change(reading, node, pieces, CAUSES, "flip the kernel", 1.5)
    counters = reading.counters(node)
    for index in parts:
        if isinstance(index, ast.Name) and index.id in counters and len(parts) >= 2:
            stop = _stop_of(reading, node, index.id)
            if stop:
                yield change(
                    reading,
                    node,
                    text.swap(index, f"{stop} - 1 - {index.id}"),
                    CAUSES,
                    f"read `{index.id}` from the other end",
                    1.7,
                )
        if (
            isinstance(index, ast.BinOp)
            and isinstance(index.op, ast.Sub)
            and isinstance(index.right, ast.Name)
            and index.right.id in counters
        ):
            yield change(
                reading, node, text.swap(index, index.right.id), CAUSES, f"read `{index.right.id}` from the front", 1.2
            )


def _stop_of(reading: Reading, node: ast.AST, counter: str) -> str | None:
    for loop in reading.loops(node):
        if (
            isinstance(loop.target, ast.Name)
            and loop.target.id == counter
            and isinstance(loop.iter, ast.Call)
            and len(loop.iter.args) == 1
        ):
            return bracketed(reading.text.of(loop.iter.args[0]), ATOM)
    return None


def _windows(reading: Reading, node: ast.Subscript) -> Iterator[Change]:
    """A window one place to the left or right, one longer or shorter."""
    text = reading.text
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for part in parts:
        if (
            not isinstance(part, ast.Slice)
            or part.lower is None
            or part.upper is None
            or not names_in(part) & reading.all_counters
        ):
            continue
        for step in ("+ 1", "- 1"):
            pieces = [
                text.swap(part.lower, f"{text.of(part.lower)} {step}"),
                text.swap(part.upper, f"{text.of(part.upper)} {step}"),
            ]
            yield change(reading, node, pieces, CAUSES, f"the window {step}", 1.5)
            yield change(reading, node, pieces[1], CAUSES, f"the window's end {step}", 1.5)
        if isinstance(part.upper, ast.BinOp) and is_number(part.upper.right):
            yield change(
                reading,
                node,
                text.swap(part.upper, text.of(part.upper.left)),
                CAUSES,
                "the window's end without the offset",
                1.4,
            )


def _cut_ends(reading: Reading, node: ast.Subscript) -> Iterator[Change]:
    """``w[:, 1:]`` and ``w[:, :-1]``: the bias is first, or last."""
    text = reading.text
    for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
        if not isinstance(part, ast.Slice) or part.step is not None:
            continue
        causes = ("product-or-axis-wrong", "backprop-weights-wrong", "gradient-operand-wrong", "time-index-wrong")
        first = part.lower is not None and part.upper is None and number(part.lower) == 1
        last = part.upper is not None and part.lower is None and number(part.upper) == -1
        if first or last:
            other = ":-1" if first else "1:"
            yield change(reading, node, Piece(*text.span(part), other), causes, f"cut `{other}`", 1.0)


def _strides(reading: Reading, node: ast.Subscript) -> Iterator[Change]:
    """A counter of places that should be multiplied by the stride, or that is and should not."""
    text = reading.text
    if not _is_image(reading, node) and not isinstance(node.slice, ast.Tuple):
        return
    strides = [s for s in sorted(reading.scalars | _arguments(reading, node)) if _multiplies_counter(reading, s)]
    for inner in walk(node.slice):
        if isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Mult):
            for keep, gone in ((inner.left, inner.right), (inner.right, inner.left)):
                if names_in(keep) & reading.all_counters and not names_in(gone) & reading.all_counters:
                    yield change(
                        reading,
                        node,
                        text.swap(inner, text.of(keep)),
                        CAUSES,
                        f"without the factor `{text.of(gone)}`",
                        1.4,
                    )
        elif (
            isinstance(inner, ast.Name)
            and inner.id in reading.all_counters
            and not isinstance(text.parent(inner), ast.BinOp | ast.Tuple)
        ):
            for stride in strides[:2]:
                yield change(
                    reading, node, text.swap(inner, f"{inner.id} * {stride}"), CAUSES, f"steps of `{stride}`", 1.6
                )


def _arguments(reading: Reading, node: ast.AST) -> set[str]:
    function = reading.function(node)
    return {a.arg for a in function.args.args} if function else set()


def _multiplies_counter(reading: Reading, name: str) -> bool:
    """Whether the program elsewhere multiplies a loop counter by this number."""
    for node in reading.text.nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
            sides = (node.left, node.right)
            if any(isinstance(s, ast.Name) and s.id == name for s in sides) and any(
                names_in(s) & reading.all_counters for s in sides
            ):
                return True
    return False


def _turns(reading: Reading, node: ast.AST) -> Iterator[Change]:
    """``np.rot90(k, 2)``, ``np.flip(k)``, and `mode="same"` against `full` and `valid`."""
    call = called(node)
    if not (call and isinstance(node, ast.Call)):
        return
    text = reading.text
    if call[0] in ("rot90", "flip", "fliplr", "flipud") and node.args:
        yield change(reading, node, text.swap(node, text.of(node.args[0])), CAUSES, f"without `{call[0]}`", 1.0)
    if call[0] in ("convolve2d", "correlate2d", "convolve", "correlate"):
        other = {
            "convolve2d": "correlate2d",
            "correlate2d": "convolve2d",
            "convolve": "correlate",
            "correlate": "convolve",
        }[call[0]]
        end = text.span(node.func)[1]
        if isinstance(node.func, ast.Attribute) or other in reading.fixed:
            yield change(
                reading, node, Piece(end - len(call[0]), end, other), CAUSES, f"`{other}`, not `{call[0]}`", 0.9
            )
        for place in [*node.args, *(k.value for k in node.keywords)]:
            if isinstance(place, ast.Constant) and place.value in ("valid", "full", "same"):
                quote = text.of(place)[0]
                for mode in ("valid", "full", "same"):
                    if mode != place.value:
                        yield change(
                            reading, node, text.swap(place, f"{quote}{mode}{quote}"), CAUSES, f"mode {mode}", 1.2
                        )
        if len(node.args) >= 2:
            turned = f"{bracketed(text.of(node.args[1]), ATOM)}[::-1, ::-1]"
            yield change(reading, node, text.swap(node.args[1], turned), CAUSES, "turn the kernel", 1.2)
            pieces = [text.swap(node.args[0], text.of(node.args[1])), text.swap(node.args[1], text.of(node.args[0]))]
            yield change(reading, node, pieces, CAUSES, "exchange the operands", 1.5)
