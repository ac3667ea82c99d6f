"""`unstuck diagnose` and `unstuck explain`: why a hand-written network does not learn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from unstuck.cli.console import messages, results
from unstuck.errors import InputError

Flag = Annotated[bool, Parameter(negative="")]


def diagnose(
    file: Path,
    /,
    *,
    brief: Flag = False,
    teach: Flag = False,
    json: Flag = False,
    sarif: Flag = False,
    html: Path | None = None,
    fix: Flag = False,
    seconds: float = 45.0,
    answers: tuple[str, ...] = (),
) -> int:
    """Find out why a hand-written network does not learn: run it, check its gradient, name the fault, prove the fix.

    The program is run with your rights, several times, in a process of its own with limits on time and memory. Your file
    is never changed. Exit code 0: healthy, 1: a fault was found, 4: undecided.

    Parameters
    ----------
    file
        A Python program (.py) or a notebook (.ipynb) with a network written by hand in NumPy or plain Python.
    brief
        One line a finding.
    teach
        Explain the mathematics of each fault with the program's own numbers.
    json
        Print the report as JSON (schema 1).
    sarif
        Print the report as SARIF 2.1.0, for editors and code hosts.
    html
        Write the report to this file as one self-contained page.
    fix
        Write the mended program beside the original, as NAME.fixed.py.
    seconds
        How long the diagnosis may take, about.
    answers
        What to answer when the program asks for input, one after the other.
    """
    from unstuck import report as views
    from unstuck.doctor import diagnose as examine

    if brief + teach + json + sarif > 1:
        raise InputError("--brief, --teach, --json and --sarif exclude each other; give one of them.")
    if seconds <= 0:
        raise InputError(f"--seconds is {seconds:g}; expected a positive number.")
    for target in (html,):
        if target is not None and not target.parent.is_dir():
            raise InputError(f"{target}: the folder {target.parent} does not exist; create it or choose another place.")
    if messages().is_terminal and not (json or sarif):
        with messages().status(f"running {file.name} and looking at its numbers …"):
            found = examine(file, budget_seconds=seconds, answers=answers)
    else:
        found = examine(file, budget_seconds=seconds, answers=answers)
    if json:
        results().file.write(views.to_json(found) + "\n")
    elif sarif:
        results().file.write(views.to_sarif(found) + "\n")
    else:
        style: Any = "brief" if brief else "teach" if teach else "full"
        views.show(found, console=results(), style=style, html_path=str(html) if html else None)
    if html is not None:
        views.write_html(found, html, teach=teach)
        messages().print(f"report written to {html}", markup=False, soft_wrap=True)
    if fix:
        write_fix(found, file)
    return found.exit_code


def write_fix(found: Any, file: Path) -> None:
    """The mended text of each file that has a fault, beside that file."""
    from unstuck.doctor.mending import mended_sources
    from unstuck.files import write_whole

    texts = mended_sources(found)
    if not texts:
        messages().print("no fix was found that could be written.", markup=False, soft_wrap=True)
    for name, text in texts.items():
        path = (file.parent / name).with_name(f"{Path(name).stem}.fixed.py")
        write_whole(path, text)
        messages().print(f"mended program written to {path}", markup=False, soft_wrap=True)


def explain(cause: str | None = None, /) -> int:
    """Explain a cause: what it is, why it hurts, how it is tested, how it is mended. Without a name: list all causes.

    Parameters
    ----------
    cause
        Its name in reports, such as softmax-axis-wrong.
    """
    from unstuck import report as views

    if cause is None:
        views.list_causes(results())
    else:
        views.explain(cause, results())
    return 0
