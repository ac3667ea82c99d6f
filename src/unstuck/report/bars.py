"""Before and after as two bars of an inline SVG picture."""

from __future__ import annotations

import math
from html import escape

from unstuck.doctor.findings import Proof
from unstuck.report import wording

_LEFT, _WIDTH, _ROW = 64, 300, 26  # pixels: where bars start, the longest bar, height of a row
_LIMIT = 1e-6  # the gradient check's limit on the relative error
_LOWEST, _HIGHEST = 1e-12, 1e1  # ends of the logarithmic scale of gradient errors


def pictures(proof: Proof) -> list[str]:
    """An SVG picture for each pair of numbers that the proof holds."""
    found = []
    if proof.metric and proof.before is not None and proof.after is not None:
        largest = max((abs(v) for v in (proof.before, proof.after) if math.isfinite(v)), default=0.0)
        if 0 < largest <= 1 and any(word in proof.metric for word in ("accuracy", "share")):
            largest = 1.0  # a share is shown against the whole
        scale = [_fraction(abs(v), largest) for v in (proof.before, proof.after)]
        found.append(_picture(proof.metric, (proof.before, proof.after), scale))
    if proof.gradient_before is not None and proof.gradient_after is not None:
        pair = proof.gradient_before, proof.gradient_after
        title = "gradient check, worst relative error (logarithmic; the line is the limit, 1e-06)"
        found.append(_picture(title, pair, [_logarithmic(v) for v in pair], _logarithmic(_LIMIT)))
    return found


def _fraction(value: float, largest: float) -> float:
    return value / largest if largest and math.isfinite(value) else 0.0


def _logarithmic(value: float) -> float:
    if not math.isfinite(value):
        return 1.0
    position = math.log(min(max(value, _LOWEST), _HIGHEST) / _LOWEST) / math.log(_HIGHEST / _LOWEST)
    return max(position, 0.01)


def _picture(title: str, values: tuple[float, float], lengths: list[float], limit: float | None = None) -> str:
    words = f"{title}: before {wording.number(values[0])}, after {wording.number(values[1])}"
    rows = []
    if limit is not None:
        x = _LEFT + limit * _WIDTH
        rows.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{2 * _ROW + 2}"/>')
    for i, (name, value, length) in enumerate(zip(("before", "after"), values, lengths, strict=True)):
        y = 4 + i * _ROW
        width = max(length * _WIDTH, 1.5)
        rows.append(
            f'<text class="name" x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{name}</text>'
            f'<rect class="{name}" x="{_LEFT}" y="{y}" width="{width:.1f}" height="19" rx="3"/>'
            f'<text class="value" x="{_LEFT + width + 7:.1f}" y="{y + 14}">{escape(wording.number(value))}</text>'
        )
    width, height = _LEFT + _WIDTH + 80, 2 * _ROW + 4
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{escape(words)}">{"".join(rows)}</svg></figure>'
    )
