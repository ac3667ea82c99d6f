"""Write the page of every cause, and their index, from the files in ``src/unstuck/doctor/causes``.

python docs/generate_causes.py            writes docs/causes/
python docs/generate_causes.py --check    changes nothing; exit status 1 where a page is out of date
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from unstuck.doctor import causes

FOLDER = Path(__file__).resolve().parent / "causes"


def pages() -> dict[str, str]:
    """File name to Markdown text, for every cause and the index."""
    texts = {f"{slug}.md": f"{causes.explain(slug)}\n[All causes](index.md)\n" for slug in causes.names()}
    texts["index.md"] = index()
    return texts


def index() -> str:
    """The list of all causes, group by group."""
    every = [causes.get(slug) for slug in causes.names()]
    parts = [
        "# Why a network does not learn",
        f"The {len(every)} causes that Unstuck has a name for. `unstuck explain CAUSE` shows the same page on the "
        "terminal. Causes marked ✓ are looked for by the program itself; for the others the page says how to test by "
        "hand.",
    ]
    for group, heading in causes.GROUPS.items():
        rows = [
            f"| [`{cause.slug}`]({cause.slug}.md) | {cause.heading} | {'✓' if cause.checked_in else ''} |"
            for cause in every
            if cause.group == group
        ]
        parts.append("\n".join([f"## {heading}\n", "| name | cause | |", "| --- | --- | --- |", *rows]))
    return "\n\n".join(parts) + "\n"


def outdated() -> list[str]:
    """Names of the files in docs/causes that are missing, different, or of no cause any more."""
    texts = pages()
    present = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in texts.keys() | present.keys() if texts.get(name) != present.get(name))


def write() -> None:
    """Bring docs/causes up to date."""
    FOLDER.mkdir(exist_ok=True)
    texts = pages()
    for name in outdated():
        if name in texts:
            (FOLDER / name).write_text(texts[name], encoding="utf-8", newline="\n")
        else:
            (FOLDER / name).unlink()


def main() -> int:
    parser = argparse.ArgumentParser(description="Write docs/causes from the catalogue of causes.")
    parser.add_argument("--check", action="store_true", help="change nothing, say what is out of date")
    if not parser.parse_args().check:
        write()
        return 0
    for name in outdated():
        print(f"docs/causes/{name} is out of date; run: python docs/generate_causes.py", file=sys.stderr)
    return 1 if outdated() else 0


if __name__ == "__main__":
    sys.exit(main())
