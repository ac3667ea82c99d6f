"""The page of one cause on the terminal, and the list of all causes."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text

from unstuck.doctor import causes
from unstuck.doctor.causes import GROUPS, Cause
from unstuck.report.plain import Charset, encodable
from unstuck.report.terminal import prose

_WIDEST_TEXT = 92  # columns


def explain(slug: str, console: Console | None = None) -> None:
    """Print what a cause is, why it hurts and what to do; an unknown slug raises InputError with the nearest known."""
    console = console or Console()
    cause = causes.get(slug)
    charset = Charset(ascii_only=not encodable(causes.explain(slug), console.encoding))
    for part in _parts(cause, charset, min(console.width, _WIDEST_TEXT + 2)):
        console.print(part, soft_wrap=True, highlight=False, markup=False, emoji=False)


def list_causes(console: Console | None = None) -> None:
    """Print every cause, group by group, with its title."""
    console = console or Console()
    every = [causes.get(slug) for slug in causes.names()]
    charset = Charset(ascii_only=not encodable("".join(c.title for c in every), console.encoding))
    widest = max(len(cause.slug) for cause in every)
    for group, heading in GROUPS.items():
        console.print(Text(heading, style="bold"))
        for cause in every:
            if cause.group == group:
                line = Text.assemble((f"  {cause.slug:<{widest}}  ", "cyan"), charset.prose(cause.title))
                console.print(line, soft_wrap=True, highlight=False)
        console.print()


def _parts(cause: Cause, charset: Charset, width: int) -> Iterator[Text]:
    yield Text(charset.prose(cause.heading), style="bold")
    yield Text(charset.prose(f"{cause.slug} · {GROUPS[cause.group]}"), style="dim")
    sections = [
        ("What it does", cause.what_it_does, ""),
        ("Why it hurts", cause.why_it_hurts, ""),
        ("Example", "", cause.example),
        ("Use instead", "", cause.use_instead),
        ("How to mend it", cause.fix, ""),
        ("The test that decides", cause.test, ""),
        ("When it is not a fault", cause.false_alarm, ""),
        ("Looked for in", cause.looked_for_in, ""),
        ("References", "\n\n".join(cause.references), ""),
    ]
    for heading, text, code in sections:
        if text or code:
            yield Text()
            yield Text(heading, style="bold cyan")
        if text:
            for line in prose(charset.prose_lines(text), width - 2):
                yield Text(f"  {line}" if line else "")
        if code:
            highlighter = Syntax("", "python", theme="ansi_light", background_color="default")
            for row in highlighter.highlight(charset.code_lines(code)).split():
                row.rstrip()
                yield Text.assemble("  ", row)
