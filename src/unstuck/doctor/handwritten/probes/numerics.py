"""Numbers that leave the range of floating point: the first line where it happens, and what keeps it there."""

from __future__ import annotations

import ast
import re

import numpy as np

from unstuck.doctor.findings import Evidence

from ..edits.base import Edit
from .base import Examination, Verdicts
from .quality import Quality

CAUSES = ("overflow", "log-of-zero")
_WARNING = re.compile(r"([^\s:]+\.py):(\d+): RuntimeWarning: (.+)")


def examine(e: Examination) -> Verdicts:
    """Read NumPy's warnings of the run; they matter only where the run then ends in NaN or breaks off."""
    out = Verdicts()
    start = e.start
    if start is None:
        return out.skip("the training could not be followed to its end", *CAUSES)
    warnings = [
        (int(n), text) for file, n, text in _WARNING.findall(start.outcome.stderr) if file.endswith(e.program.main)
    ]
    if not start.failed or e.learns_well():
        return out.rule_out("the training ends with finite numbers", *CAUSES)
    for line, text in warnings:
        if ("log" in text and ("zero" in text or "invalid" in text)) or "divide by zero" in text:
            edits = _guarded(e, line, "log") + _clipped(e, line)
            cause, title = "log-of-zero", "the logarithm of zero: a probability has become exactly 0"
        elif "overflow" in text and "exp" in text:
            edits = _guarded(e, line, "exp")
            cause, title = "overflow", "the exponential overflows: its argument has grown beyond 709"
        else:
            continue
        for edit in edits:
            after = e.quality(e.edited(edit))
            if after is not None and not after.failed and _learns(e, after):
                evidence = [Evidence("NumPy's warning at this line", None, text[:80])]
                out.findings.append(
                    e.finding(cause, "error", title, edit, evidence, after=after, line=line, help_text=edit.summary)
                )
                return out
    return out.rule_out("no guarded exponential or logarithm lets the run end with finite numbers", *CAUSES)


def _learns(e: Examination, after: Quality) -> bool:
    """The run ends with finite numbers and clearly more than always the same answer."""
    if not after.kind:
        return bool(np.isfinite(after.loss))
    return after.score > e.chance + 0.25 * (1 - e.chance)


def _clipped(e: Examination, line: int) -> list[Edit]:
    """The probabilities of a function kept away from 0 and 1 before anything is computed with them."""
    statement, array = e.experiments.statement_at(line), e.experiments.array
    if statement is None or array is None:
        return []
    function = e.experiments.reading.function(statement)
    found = []
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.Call)
            and node.args
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == "log"
        ):
            for name in dict.fromkeys(n.id for n in ast.walk(node.args[0]) if isinstance(n, ast.Name)):
                given = function is not None and name in {a.arg for a in function.args.args}
                place = function.body[0].lineno if given and function is not None else line
                code = f"{name} = {array}.clip({name}, 1e-7, 1 - 1e-7)"
                edit = e.experiments.insert_before(
                    place, code, "log-of-zero", "keep the probabilities between 1e-7 and 1 - 1e-7"
                )
                if edit is not None and name != array:
                    found.append(edit)
    return found


def _guarded(e: Examination, line: int, function: str) -> list[Edit]:
    """The call of exp or log on a line with its argument kept in range."""
    text = e.experiments.text
    statement = e.experiments.statement_at(line)
    if statement is None:
        return []
    found = []
    for node in ast.walk(statement):
        if (
            isinstance(node, ast.Call)
            and node.args
            and getattr(node.func, "attr", getattr(node.func, "id", "")) == function
        ):
            inner = text.of(node.args[0])
            array = e.experiments.array or "np"
            options = (
                [(f"{inner} + 1e-12", "keep the argument away from zero")]
                if function == "log"
                else [
                    (
                        f"{inner} - {array}.max({inner}, axis=-1, keepdims=True)",
                        "subtract the largest value of each row first",
                    ),
                    (
                        f"{inner} - {array}.max({inner}, axis=0, keepdims=True)",
                        "subtract the largest value of each column first",
                    ),
                    (f"{array}.clip({inner}, -500, 500)", "keep the argument within ±500"),
                ]
            )
            for new, summary in options:
                cause = "log-of-zero" if function == "log" else "overflow"
                edit = e.experiments._edit(cause, line, [text.swap(node.args[0], new)], summary)
                if edit is not None:
                    found.append(edit)
    return found
