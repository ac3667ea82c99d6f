"""docs/command.md names every subcommand and every option of the command, and none that does not exist."""

import inspect
import re
from pathlib import Path

import pytest

from unstuck.cli import app as cli
from unstuck.nn.layers.activations import ACTIVATIONS
from unstuck.nn.losses import LOSSES
from unstuck.training.optimizers import OPTIMIZERS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "command.md").read_text(encoding="utf-8")
SECTIONS = {
    part.split()[0]: part for part in re.split(r"^## unstuck ", PAGE.split("## Settings from elsewhere")[0], flags=re.M)[1:]
}  # fmt: skip


def subcommands() -> list[str]:
    return [name for name in cli.app if not name.startswith("-")]


def test_every_subcommand_has_a_section_and_every_section_a_subcommand() -> None:
    assert set(SECTIONS) == set(subcommands())


@pytest.mark.parametrize("name", subcommands())
def test_a_section_names_all_options_and_only_these(name: str) -> None:
    function = cli.app[name].default_command
    parameters = inspect.signature(function).parameters.values()
    options = {"--" + p.name.replace("_", "-") for p in parameters if p.kind is p.KEYWORD_ONLY}
    named = set(re.findall(r"`(--[a-z0-9-]+)`", SECTIONS[name]))
    assert named == options


def test_the_table_names_all_activations_losses_and_optimizers() -> None:
    rows = {line.split("`")[1]: line for line in SECTIONS["train"].splitlines() if line.startswith("| `--")}
    hidden = set(ACTIVATIONS) - {"identity", "linear", "softmax"}
    for option, names in (("--activation", hidden), ("--loss", set(LOSSES)), ("--optimizer", set(OPTIMIZERS))):
        assert set(re.findall(r"`([a-z_0-9]+)`", rows[option].split("|")[2])) == names, option
