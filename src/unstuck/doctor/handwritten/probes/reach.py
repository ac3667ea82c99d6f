"""Targets that the output cannot reach, because its activation ends before."""

from __future__ import annotations

import numpy as np

from unstuck.doctor.findings import Evidence

from ..records import Array
from .base import Examination, Verdicts
from .signal import assigned_lines, root_name

BOUNDS = ((0.0, 1.0, "a sigmoid or softmax"), (-1.0, 1.0, "a tanh"), (0.0, np.inf, "a ReLU"))
CAUSES = ("targets-out-of-reach",)


def examine(e: Examination) -> Verdicts:
    """Drive the outputs as far as they go and compare with the targets."""
    out = Verdicts()
    pair = e.targets()
    if pair is None:
        return out.skip("the targets were not found", "targets-out-of-reach")
    if e.settled(out, "targets-out-of-reach"):
        return out
    o, t = pair
    reached = _extremes(e)
    low, high = (float(min(o.min(), reached[0])), float(max(o.max(), reached[1])))
    for least, most, what in BOUNDS:
        slack = 1e-9 * max(1.0, abs(low), abs(high))
        if low < least - slack or high > most + slack:
            continue
        outside = float(np.mean((t < least - 0.02) | (t > most + 0.02)))
        if outside < 0.05:
            return out.rule_out(
                f"targets lie within the outputs' range ({least:g} to {most:g})", "targets-out-of-reach"
            )
        _report(e, t, least, most, what, outside, out)
        return out
    return out.rule_out("the outputs have no bound", "targets-out-of-reach")


def _extremes(e: Examination) -> tuple[float, float]:
    """The smallest and largest output when every parameter is pushed far."""
    value = e.objective[0]
    step = e.session.stop(e.known.loop, e.known.hit, e.program)
    low, high = np.inf, -np.inf
    if step is None:
        return low, high
    rng = np.random.default_rng(0)
    with step:
        for _ in range(4):
            push = {p.path: 30.0 * rng.standard_normal(p.shape) * max(p.rms, 0.3) for p in e.known.parameters}
            try:
                windows = step.take({k: np.asarray(v) for k, v in push.items()}, sites=[value[0]], leaves=[])
            except Exception:
                continue
            series = e.recorded(value, windows[0]) if windows else None
            first = None if series is None else series.before(e.known.update_moment)
            if first is not None and np.all(np.isfinite(first.flat)):
                low, high = min(low, float(first.flat.min())), max(high, float(first.flat.max()))
    return low, high


def _first_site(e: Examination) -> int:
    """The first place that had the outputs' numbers: where the output activation is computed."""
    output = e.recorded(e.objective[0])
    if output is None:
        return e.objective[0][0]
    same = [(s.order[0], k[0]) for k, s in e.known.window.series.items()
            if k in e.known.influenced and s.flat.size == output.flat.size and np.array_equal(s.flat, output.flat)]  # fmt: skip
    return min(same)[1] if same else e.objective[0][0]


def _report(e: Examination, t: Array, least: float, most: float, what: str, outside: float, out: Verdicts) -> None:
    key = e.objective[1]
    assert key is not None
    text = key[1].split(": ", 1)[-1] if key[0] < 0 else e.table.sites[key[0]].text
    output_site = e.table.sites[_first_site(e)]
    evidence = [
        Evidence("range of the outputs, however the weights are", None, f"{least:g} to {most:g}"),
        Evidence("range of the targets", f"within {least:g} to {most:g}", f"{t.min():.4g} to {t.max():.4g}"),
        Evidence("targets outside", "0 %", f"{outside:.0%}"),
    ]
    lines = assigned_lines(e, root_name(text))
    after, edit = None, None
    for line in sorted(set(lines))[:2]:
        # The targets brought into reach by a straight line: if that alone lets it learn, the reach was the fault.
        name = root_name(text)
        a, b = float(t.min()), float(t.max())
        bottom, top = (0.1, 0.9) if least == 0.0 else (-0.8, 0.8)
        code = f"{name} = {bottom:g} + {top - bottom:g} * ({name} - {a:.6g}) / {b - a:.6g}"
        trial = e.experiments.insert_after(
            line, code, "targets-out-of-reach", "scale the targets into the reach of the output"
        )
        quality = e.quality(e.edited(trial)) if trial is not None else None
        if trial is not None and e.much_better(quality):
            edit, after = trial, quality
            break
    title = f"the output ends in {what} ({least:g} to {most:g}), but targets go from {t.min():.4g} to {t.max():.4g}"
    out.findings.append(
        e.finding(
            "targets-out-of-reach", "error", title, edit, evidence, after=after, line=output_site.line,
            also=[(line, "targets made here") for line in sorted(set(lines))[:1]],
            confidence=None if after is not None else "likely", help_text="a linear output, or targets scaled into its range",
        )
    )  # fmt: skip
