"""What holds for every candidate of every program: it compiles, it changes something, and it leaves the rest alone."""

from __future__ import annotations

import difflib
import inspect
import pathlib
import random
import textwrap
import warnings
from itertools import islice

import pytest

from unstuck.doctor.handwritten.edits.base import Facts, candidates, families
from unstuck.errors import InputError

CASES = pathlib.Path(__file__).parents[2] / "cases" / "handwritten"
PROGRAMS = pathlib.Path(__file__).parent / "programs"
FILES = [*sorted(CASES.glob("*/fixed.py")), *sorted(PROGRAMS.glob("*.py"))]

ODD = {
    "nothing": "",
    "a comment": "# only a comment",
    "a form feed and tabs": "import numpy as np\n\x0c\nif True:\n\tw = np.ones(3)\n\tfor i in [1]:\n\t\tw -= 0.1 * w  # step\n",
    "Windows line ends": "w = 1.0\r\nfor i in range(3):\r\n    g = w * 2  # grad\r\n    w -= 0.1 * g\r\nprint(w)\r\n",
    "a byte order mark": "\ufeffx = [1.0]\nfor i in range(1):\n    x[i] -= 0.5 * x[i - 1]\n",
    "letters outside ASCII": "größe = 2.0\nδ = größe * größe  # Fläche ×2\nπ = (δ - größe) / 3\n",
    "a line separator in a text": 's = "a\u2028b"; y = 3 * len(s)\nz = y - 2\n',
    "no line end": "a = 1\nfor i in range(2):\n    a -= 0.1 * a",
    "one-line blocks": "a = 2\nif a: b = a * 2; c = b - a\nfor i in range(3): a += i * b\n",
    "continued lines": "x = 2.0\ny = x * \\\n    (x - 1)\nz = (x\n     - y  # minus\n     + 3)\n",
    "modern syntax": textwrap.dedent(
        """
        import dataclasses
        @dataclasses.dataclass
        class A[1:] if False else object:
            pass
        """
    ).replace("class A[1:] if False else object:", "class A:"),
    "nested functions, lambdas, globals": textwrap.dedent(
        """
        total = 0.0
        def outer(a, /, b, *rest, c=1.0, **more):
            global total
            def inner(d):
                nonlocal b
                b = b - 0.1 * d
                total_here = (lambda q: q * (1 - q))(d)
                return [x * y for x, y in zip(rest, more) if x > 0] or {k: v - 1 for k, v in more.items()}
            total += inner(a) is None
            return f"{a - b:>{c}} {total!r}"
        async def waits(x):
            async with x as y:
                async for z in y:
                    yield await z
        match total:
            case 0.0 if (n := 3) > 2:
                del n
            case {"a": [1, *others]}:
                raise ValueError from None
        try:
            assert outer
        except* ValueError as error:
            pass
        """
    ),
}


def untouched(source: str, mended: str) -> bool:
    """Whether the two texts share all lines but a few, byte by byte and in order."""
    old, new = source.splitlines(keepends=True), mended.splitlines(keepends=True)
    blocks = difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return sum(b.size for b in blocks) >= len(old) - 25


def check(source: str, file: str, facts: Facts, most: int) -> int:
    """Every promise about single candidates; returns how many were looked at."""
    seen = {source}
    for edit in islice(candidates(source, file, facts), most):
        assert edit.source not in seen
        seen.add(edit.source)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(edit.source, file, "exec")
        assert untouched(source, edit.source)
        assert edit.cause and edit.summary and edit.family in families()
        assert 1 <= edit.line <= edit.end_line <= len(source.splitlines())
    return len(seen) - 1


@pytest.mark.parametrize("path", FILES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_candidates_of_a_network_compile_differ_and_touch_little(path: pathlib.Path) -> None:
    source = path.read_text()
    lines = [i for i, row in enumerate(source.splitlines(), 1) if "=" in row]
    for line in random.Random(len(source)).sample(lines, 3):
        check(source, path.name, Facts(suspect_lines=[line]), 60)


def test_without_suspects_every_line_of_a_program_is_considered() -> None:
    source = (PROGRAMS / "neurons.py").read_text()
    assert check(source, "neurons.py", Facts(), 250) == 250


def test_candidates_come_cheapest_first() -> None:
    source = (PROGRAMS / "script_square.py").read_text()
    costs = [edit.cost for edit in candidates(source, "x.py", Facts(suspect_lines=[31, 30]))]
    assert costs == sorted(costs) and len(costs) > 50


@pytest.mark.parametrize("name", ODD)
def test_odd_but_valid_sources_never_raise_and_keep_their_other_lines(name: str) -> None:
    source = ODD[name]
    for edit in candidates(source, "odd.py"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(edit.source.removeprefix("\ufeff"), "odd.py", "exec")
        assert edit.source.startswith("\ufeff") == source.startswith("\ufeff")
        assert ("\r\n" in source) == ("\r\n" in edit.source)
        assert edit.source.replace("\r\n", "").count("\n") == 0 or "\r\n" not in source


def test_a_large_file_without_a_network_is_no_trouble() -> None:
    assert check(inspect.getsource(random), "random.py", Facts(), 120) == 120


def test_no_candidate_lies_inside_an_f_string() -> None:
    source = 'a, b = 3.0, 2.0\nprint(f"{a - b} and {a * b}")\ntext = f"{a - b}"\n'
    for edit in candidates(source, "x.py"):
        assert 'f"{a - b} and {a * b}"' in edit.source and 'f"{a - b}"' in edit.source.splitlines()[-1]


def test_comments_and_quotes_of_an_edited_line_are_kept() -> None:
    source = "import numpy as np\np = {'W': np.ones((2, 2))}\nd = np.ones((2, 2))\ne = d   @ p['W']    # send it down\n"
    edits = [e for e in candidates(source, "x.py", Facts(suspect_lines=[4])) if "p['W'].T" in e.source]
    assert edits[0].source.splitlines()[3] == "e = d   @ p['W'].T    # send it down"


def test_the_diff_shows_only_the_changed_line() -> None:
    source = "a = 1.0\nb = 2.0\nc = a - b\nd = c\n"
    edit = next(e for e in candidates(source, "x.py", Facts(suspect_lines=[3])) if "b - a" in e.source)
    changed = [row for row in edit.diff(source).splitlines() if row[:1] in "+-" and row[:3] not in ("+++", "---")]
    assert changed == ["-c = a - b", "+c = b - a"]


def test_a_source_that_is_not_python_gets_one_sentence() -> None:
    with pytest.raises(InputError, match=r"broken\.py is not valid Python"):
        list(candidates("for for for", "broken.py"))


def test_known_shapes_keep_impossible_operands_out() -> None:
    source = "import numpy as np\na = np.ones((2, 3))\nb = np.ones((3, 4))\nc = np.ones((9, 9))\nd = np.ones((2, 3))\ne = a @ b\n"
    shapes = {(6, "a"): (2, 3), (6, "b"): (3, 4), (4, "c"): (9, 9), (5, "d"): (2, 3)}
    last = [e.source.splitlines()[-1] for e in candidates(source, "x.py", Facts(shapes=shapes, suspect_lines=[6]))]
    assert "e = d @ b" in last and "e = a @ c" not in last and "e = a.T @ b" not in last
