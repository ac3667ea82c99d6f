"""The vocabulary of repair: all candidate edits of a program, in the order in which they deserve to be tried.

A candidate is a small change of the user's own text, labelled with the cause it would mean *if it made the numbers
right*. Nothing here decides whether it does: a numerical judge runs each mended copy. So the aim is to have the right
edit among the first few dozen, never to be sure.

Each file in `families/` holds one family of edits as a function ``propose(reading) -> Iterator[Change]``; a new family
is one new file there.
"""

from __future__ import annotations

import importlib
import pkgutil
import types
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator

from unstuck.errors import InputError

from . import families as folder
from .model import Change, Edit, Facts
from .reading import Reading
from .twins import FAMILIES as TWINNED
from .twins import Twins

__all__ = ["Edit", "Facts", "candidates", "families"]

PER_FAMILY = 24  # candidates that one family may offer for one line
PER_LINE = 90  # candidates for one line, all families together

_Code = tuple[object, ...]


def families() -> dict[str, Callable[..., Iterable[Change]]]:
    """Name -> ``propose`` of every family, by listing the folder."""
    found = sorted(m.name for m in pkgutil.iter_modules(folder.__path__) if not m.name.startswith("_"))
    return {name: importlib.import_module(f"{folder.__name__}.{name}").propose for name in found}


def candidates(source: str, file: str, facts: Facts | None = None, causes: Collection[str] = ()) -> Iterator[Edit]:
    """Candidate edits of one file: cheapest first, no two with the same meaning, each of them compiles.

    Args:
        source: the text of the file.
        file: its name, copied into the edits.
        facts: what is known about the running program.
        causes: only edits that may mean one of these; empty for all.

    Raises:
        InputError: when ``source`` is not valid Python.
    """
    facts = facts or Facts()
    mark = source[:1] if source.startswith("\ufeff") else ""
    body = source[len(mark) :]
    try:
        reading = Reading(body, facts)
    except (SyntaxError, ValueError) as problem:
        raise InputError(f"{file} is not valid Python ({problem}); the doctor needs a program that can run.") from None
    proposed: list[tuple[float, int, str, Change]] = []
    twins = Twins(reading)
    for name, propose in families().items():
        for change in propose(reading):
            cost = round(change.cost + reading.distance(change), 4)
            proposed.append((cost, len(proposed), name, change))
            every = twins.everywhere(change) if name in TWINNED else None
            if every is not None:
                proposed.append((round(cost + every.cost - change.cost, 4), len(proposed), name, every))
    proposed.sort(key=lambda p: p[:2])
    texts = [reading.text.apply(c.pieces) for _, _, _, c in proposed]
    meant: dict[str, list[str]] = {}
    for text, (_, _, _, change) in zip(texts, proposed, strict=True):
        known = meant.setdefault(text or "", [])
        known += [c for c in (change.cause, *change.other_causes) if c not in known]
    seen: set[tuple[int, _Code]] = set()
    originals: dict[tuple[int, int], _Code | None] = {}
    by_line: Counter[int] = Counter()
    by_family: Counter[tuple[int, str]] = Counter()
    for text, (cost, _, name, change) in zip(texts, proposed, strict=True):
        if text is None or by_line[change.line] >= PER_LINE or by_family[change.line, name] >= PER_FAMILY:
            continue
        if causes and not set(causes) & set(meant[text]):
            continue
        meaning = _meaning(reading, change, text, originals)
        if meaning is None or meaning in seen:
            continue
        seen.add(meaning)
        by_line[change.line] += 1
        by_family[change.line, name] += 1
        others = tuple(c for c in meant[text] if c != change.cause)
        yield Edit(
            change.cause,
            file,
            change.line,
            change.end_line,
            mark + text,
            change.summary,
            cost,
            change.marks,
            name,
            others,
        )


def _meaning(
    reading: Reading, change: Change, mended: str, originals: dict[tuple[int, int], _Code | None]
) -> tuple[int, _Code] | None:
    """What the changed part compiles to, as a key; None when it does not compile or nothing has changed.

    Only the outermost function or top-level statement around the change is looked at: the rest of the text is the same.
    ``originals`` keeps what the parts compile to as they are.
    """
    start, end = _region(reading, change)
    grown = len(mended) - len(reading.text.source)
    if (start, end) not in originals:
        originals[start, end] = _compiled(reading.text.source[start:end])
    after = _compiled(mended[start : end + grown])
    return None if after is None or after == originals[start, end] else (start, after)


def _region(reading: Reading, change: Change) -> tuple[int, int]:
    """Offsets of the lines of that function or statement; of the whole text when the change reaches beyond one."""
    first, last = min(p.start for p in change.pieces), max(p.end for p in change.pieces)
    whole = (0, len(reading.text.source))
    return next(((start, end) for start, end in reading.regions if start <= first and last < end), whole)


def _compiled(text: str) -> _Code | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile("if 1:\n" + text if text[:1] in " \t" else text, "<edit>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    return _without_lines(code)


def _without_lines(code: types.CodeType) -> _Code:
    """Instructions, constants and names of a piece of code, without its lines; equal for texts that do the same."""
    constants = tuple(_without_lines(c) if isinstance(c, types.CodeType) else (repr(c),) for c in code.co_consts)
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_exceptiontable
