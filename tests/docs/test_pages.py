"""Every Python and shell example in the README and in docs/ runs, and prints what the page says."""

import importlib.util
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unstuck.autodiff.primitives import TABLE
from unstuck.nn.initializers import INITIALIZERS
from unstuck.nn.layers.base import LAYERS
from unstuck.training.optimizers import OPTIMIZERS
from unstuck.training.schedules import SCHEDULES

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("docs_runner", Path(__file__).with_name("runner.py"))
assert spec is not None and spec.loader is not None
runner = sys.modules["docs_runner"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(runner)

# The pages of the causes are made from their files, and show faulty programs.
PAGES = [
    path
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if "causes" not in path.relative_to(ROOT).parts
]


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def refuse(self: socket.socket, address: str) -> None:
        if self.family != socket.AF_UNIX:  # such a socket leads to another process of this machine
            raise AssertionError("an example asked for the network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture
def as_if_new() -> Iterator[None]:
    """Some pages define layers, optimisers and primitives; other tests must not meet them."""
    tables: list[dict[str, object]] = [TABLE, INITIALIZERS, LAYERS, OPTIMIZERS, SCHEDULES]  # type: ignore[list-item]
    before = [dict(table) for table in tables]
    yield
    for table, entries in zip(tables, before, strict=True):
        table.clear()
        table.update(entries)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.usefixtures("no_network", "as_if_new")
def test_the_examples_of_a_page_run_and_print_what_it_says(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner.run_page(path, tmp_path)


def page(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_page_that_says_something_else_than_its_example_prints_is_caught(tmp_path: Path) -> None:
    text = "```python\nprint(2 + 2)\n```\n\n<!-- test: output -->\n```text\n5\n```\n"
    with pytest.raises(runner.Mismatch, match=r"page\.md:7: the page says"):
        runner.run_page(page(tmp_path, text), tmp_path)
    assert runner.run_page(page(tmp_path, text.replace("5", "4")), tmp_path) == 1


def test_numbers_may_differ_where_the_page_says_so_and_words_may_not(tmp_path: Path) -> None:
    text = "```python\nprint('accuracy  94.1% of 3')\n```\n<!-- test: output, numbers differ -->\n```text\nWORD 95.2% of 4\n```\n"
    assert runner.run_page(page(tmp_path, text.replace("WORD", "accuracy")), tmp_path) == 1
    with pytest.raises(runner.Mismatch):
        runner.run_page(page(tmp_path, text.replace("WORD", "error")), tmp_path)


def test_a_line_with_three_dots_stands_for_any_lines(tmp_path: Path) -> None:
    text = "```python\nprint('a\\nb\\nc\\nd')\n```\n<!-- test: output -->\n```text\na\n…\nLAST\n```\n"
    assert runner.run_page(page(tmp_path, text.replace("LAST", "d")), tmp_path) == 1
    with pytest.raises(runner.Mismatch):
        runner.run_page(page(tmp_path, text.replace("LAST", "c")), tmp_path)


def test_a_command_that_fails_or_that_nobody_knows_is_caught(tmp_path: Path) -> None:
    with pytest.raises(runner.Mismatch, match="ended with 2"):
        runner.run_page(page(tmp_path, "```bash\nunstuck train nothing-of-this-name\n```\n"), tmp_path)
    with pytest.raises(runner.Mismatch, match="not a command"):
        runner.run_page(page(tmp_path, "```bash\nrm -rf somewhere\n```\n"), tmp_path)


def test_the_docs_folder_has_examples_in_the_pages_that_teach() -> None:
    for name in ("tutorial.md", "how-it-works.md", "own-pieces.md", "models.md", "command.md"):
        text = (ROOT / "docs" / name).read_text(encoding="utf-8")
        assert any(block.language in ("python", "bash") for block in runner.blocks(text)), name
