"""The catalogue of causes: one file per reason why a network does not learn, and the page each file makes.

A file's name is its cause's slug with underscores; it defines ``CAUSE``. Names come from the list of files and a file
is loaded when somebody asks for it, so that importing the catalogue costs nothing. To add a cause, add one file.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import inspect
import pkgutil
from dataclasses import dataclass
from typing import Literal, get_args

from unstuck.errors import InputError

Group = Literal[
    "gradient",
    "data",
    "batching",
    "evaluation",
    "initialisation",
    "activations",
    "loss",
    "optimiser",
    "regularisation",
    "architecture",
    "numerics",
    "framework",
    "stopping",
]
GROUPS: dict[Group, str] = {
    "gradient": "Gradient and backpropagation",
    "data": "Data and labels",
    "batching": "Batching and shuffling",
    "evaluation": "Evaluation and prediction",
    "initialisation": "Initialisation",
    "activations": "Activations and saturation",
    "loss": "Loss and output",
    "optimiser": "Optimiser and learning rate",
    "regularisation": "Regularisation and mode",
    "architecture": "Architecture and capacity",
    "numerics": "Numerics",
    "framework": "Framework misuse",
    "stopping": "Stopping",
}
assert tuple(GROUPS) == get_args(Group)

# What can look for a cause by itself, and how a page says so.
CHECKERS: dict[str, str] = {
    "handwritten": "hand-written programs (`unstuck diagnose FILE`)",
    "runs": "runs of this library (`run.diagnose()`)",
    "sklearn": "scikit-learn programs",
    "torch": "PyTorch programs",
    "keras": "Keras programs",
    "jax": "JAX programs",
}


@dataclass(frozen=True)
class Cause:
    """One recognisable reason why a network does not learn, explained for somebody who is stuck.

    Texts are Markdown paragraphs; ``title`` is a phrase that also stands inside a sentence. ``example`` and
    ``use_instead`` are Python: the fault in its usual form, and the same lines mended. ``false_alarm`` says when the
    pattern is no fault. ``checked_in`` names what looks for it by itself (keys of CHECKERS; empty: nothing yet).
    """

    slug: str
    title: str
    group: Group
    what_it_does: str
    why_it_hurts: str
    test: str
    example: str
    use_instead: str
    fix: str
    false_alarm: str
    checked_in: tuple[str, ...] = ()
    references: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("what_it_does", "why_it_hurts", "test", "example", "use_instead", "fix", "false_alarm"):
            object.__setattr__(self, name, inspect.cleandoc(getattr(self, name)))

    @property
    def heading(self) -> str:
        """The title with its first letter large."""
        return self.title[:1].upper() + self.title[1:]

    @property
    def looked_for_in(self) -> str:
        """What looks for this cause by itself, as a phrase."""
        if not self.checked_in:
            return "Nothing looks for it by itself yet; the test above can be done by hand."
        return ", ".join(CHECKERS[name] for name in self.checked_in)


@functools.cache
def names() -> tuple[str, ...]:
    """All slugs, in alphabetical order."""
    return tuple(sorted(module.name.replace("_", "-") for module in pkgutil.iter_modules(__path__)))


def unknown_cause(slug: object) -> InputError:
    """The error for a slug that is not in the catalogue; names the nearest ones, since all would fill a screen.

    >>> str(unknown_cause("relu-died")).partition(";")[2].partition("?")[0]
    " did you mean 'dead-relu'"
    """
    words = {word for word in str(slug).lower().replace("_", "-").replace(" ", "-").split("-") if len(word) > 2}
    alike = difflib.get_close_matches(str(slug).lower(), names(), n=3, cutoff=0.6)
    alike += sorted(
        (n for n in names() if words & set(n.split("-")) and n not in alike),
        key=lambda n: -len(words & set(n.split("-"))),
    )
    close = ", ".join(repr(name) for name in alike[:3])
    close = " or ".join(close.rsplit(", ", 1))
    hint = f"did you mean {close}? There are" if close else "there are"
    return InputError(f"unknown cause {slug!r}; {hint} {len(names())} known ones, listed by `unstuck explain`.")


@functools.cache
def get(slug: str) -> Cause:
    """The cause with this slug; an unknown one raises InputError with the nearest known."""
    if slug not in names():
        raise unknown_cause(slug)
    cause = importlib.import_module(f"{__name__}.{slug.replace('-', '_')}").CAUSE
    assert isinstance(cause, Cause)
    return cause


def explain(slug: str) -> str:
    """The page of one cause as Markdown; an unknown slug raises InputError with the nearest known."""
    cause = get(slug)
    parts = [
        f"# {cause.heading}",
        f"`{cause.slug}` · {GROUPS[cause.group]}",
        f"## What it does\n\n{cause.what_it_does}",
        f"## Why it hurts\n\n{cause.why_it_hurts}",
        f"## Example\n\n```python\n{cause.example}\n```",
        f"## Use instead\n\n```python\n{cause.use_instead}\n```",
        f"## How to mend it\n\n{cause.fix}",
        f"## The test that decides\n\n{cause.test}",
        f"## When it is not a fault\n\n{cause.false_alarm}",
        f"## Looked for in\n\n{cause.looked_for_in}",
    ]
    if cause.references:
        parts.append("## References\n\n" + "\n".join(f"- {reference}" for reference in cause.references))
    return "\n\n".join(parts) + "\n"
