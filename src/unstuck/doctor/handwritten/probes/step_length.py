"""The length and number of steps, and the size of the network: one number of the program changed at a time."""

from __future__ import annotations

from unstuck.doctor.findings import Evidence

from .base import Examination, Quality, Verdicts

CAUSES = ("lr-too-high", "lr-too-low", "too-few-steps", "capacity-too-small", "plateau", "stopping-rule-wrong")
RATES = (0.1, 10.0, 0.01, 100.0, 1000.0, 0.001)


def examine(e: Examination) -> Verdicts:
    """Other rates, more epochs, more units: which of them alone lets the program learn?"""
    out = Verdicts()
    if e.learns_well():
        return out.rule_out("the training rows are answered well", *CAUSES)
    if e.start is None:
        return out.skip("the training could not be followed to its end", *CAUSES)
    best = _rate(e)
    if best is None:
        best = _stopping(e)
    if best is None:
        best = _more(e)
    if best is None:
        return out.rule_out("ten or a hundred times the rate, four times the epochs or the units do not help", *CAUSES)
    out.findings.append(best)
    return out


def _rate(e: Examination):  # type: ignore[no-untyped-def]
    rates = e.experiments.literals.rates
    if not rates:
        return None
    found: list[tuple[float, float, Quality]] = []
    for factor in RATES:
        if e.time_left < 0:
            break
        edit = e.experiments.scale_rate(factor)
        after = e.quality(e.edited(edit)) if edit is not None else None
        if after is not None and e.much_better(after):
            found.append((after.score, factor, after))
            if after.score > 0.9 or len(found) == 2:
                break
    if not found:
        return None
    _, factor, after = max(found, key=lambda f: f[0])
    cause = "lr-too-high" if factor < 1 else "lr-too-low"
    edit = e.experiments.scale_rate(factor, cause)
    assert edit is not None and e.start is not None
    literal = rates[0]
    word = "long: it jumps over what it looks for" if factor < 1 else "short: the weights hardly move"
    evidence = [
        Evidence("learning rate", f"about {literal.value * factor:g}", literal.value),
        Evidence(f"{after.kind or 'loss'} at the end with that rate", None, _shown(after)),
        Evidence(f"{after.kind or 'loss'} at the end as it is", None, _shown(e.start)),
    ]
    return e.finding(cause, "error", f"the step is too {word}", edit, evidence, after=after,
                     help_text=f"a learning rate of about {literal.value * factor:g}")  # fmt: skip


def _stopping(e: Examination):  # type: ignore[no-untyped-def]
    """A limit in the condition that ended training early."""
    limits = getattr(e.experiments.literals, "tolerances", [])
    for literal in limits:
        if e.time_left < 0:
            return None
        for factor in (1e-3, 1e3):
            edit = e.experiments.set_number(literal, literal.value * factor, "stopping-rule-wrong")
            after = e.quality(e.edited(edit)) if edit is not None else None
            if edit is not None and after is not None and e.start is not None and e.much_better(after):
                evidence = [Evidence("steps until it stopped", f"about {after.passes}", e.start.passes)]
                return e.finding("stopping-rule-wrong", "error", "training stops long before it has learnt", edit, evidence,
                                 after=after, help_text="a stricter limit, so that training goes on while it still gains")  # fmt: skip
    return None


def _more(e: Examination):  # type: ignore[no-untyped-def]
    assert e.start is not None
    for cause, edit, title, what in (
        ("too-few-steps", e.experiments.scale_epochs(6.0), "training ends while it still gains", "more epochs"),
        (
            "capacity-too-small",
            e.experiments.scale_widths(8.0),
            "the network is too small for its task",
            "more hidden units",
        ),
    ):
        if edit is None or e.time_left < 0:
            continue
        after = e.quality(e.edited(edit))
        if after is not None and e.much_better(after):
            evidence = [
                Evidence(f"training {after.kind} as it is", None, _shown(e.start)),
                Evidence(f"training {after.kind} with {what}", None, _shown(after)),
            ]
            return e.finding(cause, "warning", title, edit, evidence, after=after, help_text=what)
    return None


def _shown(quality: Quality) -> float:
    return float(f"{quality.score if quality.kind else quality.loss:.4g}")
