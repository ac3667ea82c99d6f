"""A program text that knows its own faults: each line may carry faulty alternatives, and marks where a test may look in.

    d1 = d2 @ W2.T * (1 - a1 ** 2)
    #~ activation-derivative-missing >> d1 = d2 @ W2.T
    #~ backprop-weights-wrong:update >> d1 = d2 @ gW2.T * (1 - a1 ** 2)
    #@ grads [gW1, gW2]

`#~ CAUSE[:VARIANT] >> TEXT` replaces the line above; TEXT `-` deletes it, `=` leaves it and counts it as a place to point at,
`+ TEXT` keeps it and puts TEXT behind it; ` ;; ` separates several lines. All alternatives with one key form one fault.
`#@ KIND EXPRESSION` becomes a call of the probe in an instrumented copy and nothing in the program itself.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

PROBE = "_probe"


@dataclass
class Line:
    """One line of the healthy program, with its faulty alternatives by key."""

    text: str
    alternatives: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Hook:
    """A place where the instrumented copy reports: `kind` is step, loss, grads or done."""

    indent: str
    kind: str
    expression: str


@dataclass(frozen=True)
class Mutant:
    """A program with one fault: source, the span of changed lines (from 1), further places, and the fault's key."""

    key: str
    source: str
    lines: tuple[int, int]
    also: tuple[tuple[int, int], ...]

    @property
    def cause(self) -> str:
        """The slug of the catalogue."""
        return self.key.partition(":")[0]


class Program:
    """Lines and hooks in order; renders the healthy source, each mutant, and instrumented copies of both."""

    def __init__(self) -> None:
        self.entries: list[Line | Hook] = []

    def block(self, text: str, indent: int = 0) -> None:
        """Add marked-up lines. Raises ValueError for an alternative without a line above it."""
        for raw in textwrap.dedent(text).strip("\n").split("\n"):
            body = raw.strip()
            margin = " " * indent + raw[: len(raw) - len(raw.lstrip())]
            if body.startswith("#~"):
                self._alternative(body)
            elif body.startswith("#@"):
                kind, _, expression = body[2:].strip().partition(" ")
                self.entries.append(Hook(margin, kind, expression))
            else:
                self.entries.append(Line((margin + body).rstrip()))

    def gap(self, lines: int = 1) -> None:
        """Add empty lines."""
        self.entries += [Line("") for _ in range(lines)]

    def last(self, start: str) -> Line:
        """The last line that starts with `start` (indentation aside). Raises KeyError when there is none."""
        for entry in reversed(self.entries):
            if isinstance(entry, Line) and entry.text.lstrip().startswith(start):
                return entry
        raise KeyError(start)

    def alternatives(self, faults: dict[str, str]) -> None:
        """Add faulty texts, by key, to the last line."""
        for key, text in faults.items():
            self._alternative(f"#~ {key} >> {text}")

    def _alternative(self, body: str) -> None:
        key, arrow, text = body[2:].partition(">>")
        above = next((e for e in reversed(self.entries) if isinstance(e, Line)), None)
        if above is None or not arrow:
            raise ValueError(f"stray alternative {body!r}")
        if key.strip() in above.alternatives:
            raise ValueError(f"the key {key.strip()!r} is used twice on the line {above.text!r}")
        above.alternatives[key.strip()] = text.strip()

    def faults(self) -> list[str]:
        """Every fault that this program offers, in order of first appearance."""
        return list(dict.fromkeys(k for e in self.entries if isinstance(e, Line) for k in e.alternatives))

    def healthy(self) -> str:
        """The source without any fault."""
        return "\n".join(e.text for e in self.entries if isinstance(e, Line)) + "\n"

    def instrumented(self, key: str | None = None) -> str:
        """The source (with the fault `key`, if given) in which every hook reports to the probe."""
        out: list[str] = []
        for entry in self.entries:
            if isinstance(entry, Hook):
                out.append(f"{entry.indent}{PROBE}.{entry.kind}(lambda: {entry.expression})")
            else:
                out += _rendered(entry, key)[0]
        return "\n".join(out) + "\n"

    def mutant(self, key: str) -> Mutant:
        """The program with one fault. Raises KeyError when it offers no such fault."""
        if key not in self.faults():
            raise KeyError(key)
        out: list[str] = []
        changed: list[int] = []
        marked: list[int] = []
        for entry in self.entries:
            if isinstance(entry, Hook):
                continue
            texts, role = _rendered(entry, key)
            first = len(out) + 1
            out += texts
            if role == "changed":
                changed += range(first, len(out) + 1)
            elif role == "inserted":
                changed += range(first + 1, len(out) + 1)
            elif role == "deleted":
                changed += [max(1, first - 1), first]
            elif role == "marked":
                marked.append(first)
        spans = _spans([n for n in changed if n <= len(out)])
        return Mutant(key, "\n".join(out) + "\n", spans[0], tuple(spans[1:] + _spans(marked)))


def _rendered(line: Line, key: str | None) -> tuple[list[str], str]:
    alternative = line.alternatives.get(key) if key is not None else None
    if alternative is None:
        return [line.text], "kept"
    if alternative == "-":
        return [], "deleted"
    if alternative == "=":
        return [line.text], "marked"
    margin = line.text[: len(line.text) - len(line.text.lstrip())]
    inserted = alternative.startswith("+ ")
    texts = [margin + part for part in (alternative[2:] if inserted else alternative).split(" ;; ")]
    return ([line.text, *texts], "inserted") if inserted else (texts, "changed")


def _spans(numbers: list[int]) -> list[tuple[int, int]]:
    """[3, 4, 7] -> [(3, 4), (7, 7)]."""
    spans: list[tuple[int, int]] = []
    for n in sorted(set(numbers)):
        if spans and n == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], n)
        else:
            spans.append((n, n))
    return spans
