"""What is wrong with a gradient, recognised from its numbers: a factor, a sign, a transpose, a row, another's gradient."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

# A parameter larger than this is looked at in part: some of its rows and columns.
LARGEST_SAMPLE = 196


@dataclass(frozen=True)
class Sample:
    """The gradient under test and the true derivative of some elements.

    ``rows`` and ``columns`` index the gradient seen as a matrix (the last axis gives the columns; a vector is one
    column). ``true``, ``doubt`` (how far it can be trusted) and ``penalty`` (its part from a penalty) have that form.
    """

    given: Array
    parameter: Array
    rows: Array
    columns: Array
    true: Array
    doubt: Array
    penalty: Array | None = None

    @property
    def trusted(self) -> Array:
        """Where the true derivative is known well; not at a kink."""
        return self.doubt <= 1e-2 * np.abs(self.true).max(initial=0.0)

    def part(self, whole: Array) -> Array:
        """The sampled elements of an array of the parameter's size."""
        return as_matrix(whole.reshape(self.given.shape))[np.ix_(self.rows, self.columns)]


@dataclass(frozen=True)
class Other:
    """Another parameter: its gradient under test, and its true derivative if that gradient is wrong too."""

    name: str
    given: Array
    sample: Sample | None


@dataclass(frozen=True)
class Fault:
    """What was recognised: a sentence's end ("is …"), its short name, and the factor given / true where there is one."""

    text: str
    pattern: str
    factor: float | None = None


def as_matrix(x: Array) -> Array:
    """``x`` with its leading axes as rows; a vector as one column."""
    return x.reshape(-1, x.shape[-1] if x.ndim > 1 else 1)


def name_fault(sample: Sample, others: list[Other], sizes: dict[int, str], *, precise: bool = True) -> Fault:
    """Name the fault of a wrong gradient.

    A name is given only if it reproduces the sampled elements, to 1e-6 of their norm (1e-3 in float32) besides the
    doubt in them. ``sizes`` gives the sizes of axes and the parameter that has them.
    """
    g, t = sample.part(sample.given), sample.true
    trusted = sample.trusted
    slack = 2 * _norm(sample.doubt[trusted])
    accuracy = 1e-6 if precise else 1e-3
    if not _norm(t[trusted]) > 20 * slack:
        if _norm(g) > 20 * slack and _norm(t) <= 2 * slack:
            return Fault("should be 0 up to rounding: the loss does not depend on it here", "should be zero")
        return Fault("is wrong, but too small beside rounding to say how", "unknown")
    if not sample.given.any():
        return Fault("is 0 everywhere although the loss depends on it: nothing flows back to it", "zero", 0.0)
    words = functools.partial(name_factor, sizes=sizes, within=max(1e-5, accuracy, 2 * slack / _norm(t[trusted])))

    def alike(a: Array, b: Array) -> bool:
        return _norm((a - b)[trusted]) <= accuracy * _norm(b[trusted]) + slack

    factor = _factor(g[trusted], t[trusted])
    if factor and alike(g, factor * t):
        return Fault(f"is {words(factor)}", "sign" if abs(factor + 1) < 1e-4 else "factor", factor)
    penalty = sample.penalty
    if penalty is not None and penalty.any():
        share = _factor((g - t + penalty)[trusted], penalty[trusted])
        if alike(g, t + (share - 1) * penalty):
            within = max(1e-5, (accuracy * _norm(t) + slack) / _norm(penalty))
            if abs(share) <= within:
                return Fault("is right in its data term; its penalty part is missing", "penalty", 0.0)
            text = words(share, within=within).replace("the true gradient", "what it should be")
            return Fault(f"is right in its data term; its penalty part is {text}", "penalty", share)
    for text, pattern, whole in _rearranged(sample.given):
        predicted = sample.part(whole)
        inverse = _factor(t[trusted], predicted[trusted])
        if inverse and alike(t, predicted * inverse):
            extra = "" if abs(inverse - 1) < 1e-4 else f"; besides, it is {words(1 / inverse)}"
            return Fault(text + extra, pattern, 1 / inverse)
    for other in others:
        if _is_of(other, sample, accuracy):
            return Fault(f"is the gradient of {other.name}", "foreign")
    return _by_place(sample, g, t, words) or _by_difference(sample, g, t, alike) or _unnamed(g, t)


def _rearranged(given: Array) -> Iterator[tuple[str, str, Array]]:
    """The true gradient if the given one were the right numbers in the wrong places."""
    if given.ndim == 2 and min(given.shape) > 1:
        if given.shape[0] == given.shape[1]:
            yield "is the transpose of the true gradient", "transposed", given.T
        mixed = "holds the right numbers in the wrong order: reshaped where it should be transposed, or the reverse"
        yield mixed, "reshaped", given.reshape(given.shape[::-1]).T
        yield mixed, "reshaped", given.T.reshape(given.shape)
    for axis in range(given.ndim):
        if given.shape[axis] > 1:
            yield f"is in reverse order along axis {axis}", "reversed", np.flip(given, axis)
            yield f"is shifted by one along axis {axis}", "shifted", np.roll(given, 1, axis)
            yield f"is shifted by one along axis {axis}", "shifted", np.roll(given, -1, axis)
    if given.ndim > 1:
        yield "is in reverse order along all its axes", "reversed", np.flip(given)


def _is_of(other: Other, sample: Sample, accuracy: float) -> bool:
    """Whether the gradient under test is the true gradient of another parameter of the same size."""
    if other.given.size != sample.given.size or other.given.size == 1:
        return False
    if other.sample is None:
        theirs, ours, slack = other.given.ravel(), sample.given.ravel(), 0.0
    else:
        theirs, ours = other.sample.true, other.sample.part(sample.given)
        slack = 2 * _norm(other.sample.doubt)
    return _norm(theirs) > 20 * slack and _norm(ours - theirs) <= accuracy * _norm(theirs) + slack


def _by_place(sample: Sample, g: Array, t: Array, words: Callable[[float], str]) -> Fault | None:
    """Faults that sit in some rows, columns or on the diagonal, and factors that differ from column to column."""
    wrong = np.abs(g - t) > 1e-4 * np.maximum(np.abs(g), np.abs(t)) + 3 * sample.doubt + 1e-9 * np.abs(t).max()
    wrong &= sample.trusted
    vector = sample.given.ndim < 2

    def inside(mask: Array) -> str:
        if not g[mask].any():
            return ", where it is 0"
        factor = _factor(g[mask], t[mask])
        fits = factor and np.abs(g[mask] - factor * t[mask]).max() <= 1e-4 * np.abs(g[mask]).max()
        return f", where it is {words(factor)}" if fits else ""

    if wrong.any() and not wrong.all():
        if sample.given.ndim == 2 and min(sample.given.shape) > 1:
            diagonal = sample.rows[:, None] == sample.columns[None, :]
            if diagonal.any() and not wrong[~diagonal].any():
                return Fault(f"is wrong on the diagonal only{inside(wrong)}", "diagonal")
            if diagonal.any() and not wrong[diagonal].any() and wrong[~diagonal].mean() > 0.9:
                return Fault(f"is right on the diagonal only{inside(wrong)}", "off-diagonal")
        rows, columns = wrong.any(axis=1), wrong.any(axis=0)
        if wrong.sum() == 1 and min(wrong.shape) > 1:
            row, column = sample.rows[rows][0], sample.columns[columns][0]
            return Fault(f"is wrong in a single element, row {row}, column {column}{inside(wrong)}", "element")
        for lines, numbers, what in ((rows, sample.rows, "row"), (columns, sample.columns, "column")):
            whole = wrong[lines] if what == "row" else wrong[:, lines]
            if lines.size > 1 and lines.sum() <= lines.size / 2 and whole.mean() > 0.6:
                what = "entry" if vector else what if sample.given.ndim == 2 else f"{what} (leading axes as rows)"
                shown = ", ".join(str(n) for n in numbers[lines][:5]) + (", …" if lines.sum() > 5 else "")
                many = {"entry": "entries"}.get(what, what.replace("row", "rows").replace("column", "columns"))
                place = f"{what} {shown}" if lines.sum() == 1 else f"{many} {shown}"
                return Fault(f"is wrong in {place} only{inside(wrong)}", "row" if what == "row" else what.split()[0])
    limit = np.abs(sample.given).max()
    at_limit = np.abs(np.abs(g) - limit) <= 1e-12 * limit
    if at_limit.sum() > 1 and not (wrong & ~at_limit).any() and (np.abs(t[at_limit & wrong]) > limit).all():
        return Fault(f"is cut off at ±{limit:.6g}: clip after the whole gradient is known, not inside it", "clipped")
    for axis, what in ((0, "column"), (1, "row")):
        if g.shape[axis] > 1 and g.shape[1 - axis] > 1:
            below = np.sum(t * t, axis=axis, keepdims=True)
            factors = np.divide(
                np.sum(g * t, axis=axis, keepdims=True), below, out=np.ones_like(below), where=below > 0
            )
            if _norm(g - factors * t) <= 1e-5 * _norm(g) + 2 * _norm(sample.doubt):
                low, high = factors.min(), factors.max()
                text = f"has each {what} multiplied by a number of its own, {low:.4g} to {high:.4g}"
                return Fault(f"{text}: a factor of each unit, such as a derivative, is wrong or missing", f"per {what}")
    return None


def _by_difference(sample: Sample, g: Array, t: Array, alike: Callable[[Array, Array], bool]) -> Fault | None:
    """Faults that add something: a multiple of the parameter or of its signs, or one number everywhere."""
    x, e = sample.part(sample.parameter), g - t
    for what, slug, added in (
        ("the parameter itself: a penalty on its squares", "parameter added", x),
        ("the signs of the parameter: a penalty on its absolute values", "signs added", np.sign(x)),
        ("1: something is added to every element", "constant added", np.ones_like(e)),
    ):
        if e.size > 1 and added.any() and alike(g, t + (k := _factor(e, added)) * added):
            end = "" if slug == "constant added" else " stands in only one of loss and gradient"
            return Fault(f"differs from the true gradient by {k:.6g} times {what}{end}", slug)
    return None


def _unnamed(g: Array, t: Array) -> Fault:
    cosine = float(np.sum(g * t)) / (_norm(g) * _norm(t)) if g.any() else 0.0
    ratio = _norm(g) / _norm(t)
    text = f"is wrong throughout: {ratio:.3g} times the true length"
    return Fault(text + (f", cosine {cosine:.3f} to the true direction" if g.size > 1 else ""), "unknown")


def name_factor(factor: float, sizes: dict[int, str] | None = None, within: float = 1e-5) -> str:
    """A factor given / true, known to ``within``, in words: "-1 times the true gradient: its sign is turned round"."""

    def equal(a: float, b: float) -> bool:
        return abs(a - b) <= within * abs(b)

    def whole(x: float) -> bool:
        return 1.5 < x < 0.1 / within and equal(x, round(x))

    size = abs(factor)
    inverse = 1 / size if size else math.inf
    reasons = [] if factor > 0 else ["its sign is turned round"]
    n = round(max(size, inverse)) if whole(size) or whole(inverse) else 0
    if equal(size, 2):
        reasons.append("a factor of 2 too many, as from a square that has its ½")
    elif equal(size, 0.5):
        reasons.append("a factor of 2 is missing, as that of a square")
    elif n:
        reasons.append(
            "a sum where the loss takes a mean" if size > 1 else "a mean where the loss takes a sum, or two means"
        )
        reasons[-1] += f", if {n} is the number of rows"
        if n in (sizes or {}):
            reasons.append(f"{n} is also a size of {(sizes or {})[n]}")
        if n >= 100 and n == 10 ** round(math.log10(n)):
            reasons.append(f"{n} is a power of ten, as in a number mistyped")
    elif not equal(size, 1):
        reasons += [f"{k}/2" for k in (round(2 * size),) if whole(2 * size)]
        reasons += [f"2/{k}" for k in (round(2 * inverse),) if whole(2 * inverse)]
        for share in (k / 20 for k in range(1, 20)):
            if equal(size, 1 - share) or equal(size, 1 / (1 - share)):
                form = "1 - p" if size < 1 else "1/(1 - p)"
                reasons.append(f"it is {form} with p = {share:.2g}, as the scale of dropout")
    return f"{factor:.{round(-math.log10(within)) + 1}g} times the true gradient" + (
        ": " + "; ".join(reasons) if reasons else ""
    )


def name_whole(parameters: list[tuple[str, str, float | None]]) -> list[str]:
    """What the verdicts say together; each parameter is (name, verdict, factor)."""
    failed = [k for k, (_, verdict, _) in enumerate(parameters) if verdict == "failed"]
    factors = [parameters[k][2] for k in failed]
    first = factors[0] if factors else None
    checked = [k for k, (_, verdict, _) in enumerate(parameters) if verdict != "not checkable"]
    if len(failed) < 2:
        return []
    if first is not None and all(f is not None and _equal(f, first) for f in factors):
        if failed == checked:
            return [f"all are wrong by the same factor {first:.4g}: look where the backward pass begins, at the loss."]
        return [f"the failed ones are wrong by the same factor {first:.4g}: look at what they share."]
    if failed == checked[: len(failed)] and len(failed) < len(checked):
        last, right = parameters[failed[-1]][0], parameters[checked[len(failed)]][0]
        return [
            f"from {right} to the end of the list all is right, before it all is wrong: if the list goes from input to "
            f"output, look at what is passed back to {last}."
        ]
    return []


def sampled_places(shape: tuple[int, ...], rng: np.random.Generator, wanted: tuple[int, int] = (0, 0)) -> Any:
    """Row and column numbers of the elements to look at, ``wanted`` ones among them; all if there are few."""
    columns = shape[-1] if len(shape) > 1 else 1
    rows = math.prod(shape) // columns
    if rows * columns <= LARGEST_SAMPLE:
        return np.arange(rows), np.arange(columns)
    side = math.isqrt(LARGEST_SAMPLE)
    n_rows = min(rows, max(side, LARGEST_SAMPLE // columns))
    n_columns = min(columns, max(side, LARGEST_SAMPLE // n_rows))
    chosen = []
    for total, count, one in ((rows, n_rows, wanted[0]), (columns, n_columns, wanted[1])):
        picked = set(rng.choice(total, count, replace=False).tolist()[: count - 1]) | {one}
        chosen.append(np.array(sorted(picked)))
    return tuple(chosen)


def _factor(a: Array, b: Array) -> float:
    """The number k for which k·b is closest to a."""
    return float(np.sum(a * b) / np.sum(b * b)) if b.any() else 0.0


def _norm(x: Array) -> float:
    return float(np.sqrt(np.sum(np.square(x))))


def _equal(a: float, b: float) -> bool:
    return abs(a - b) <= 1e-3 * abs(b)
