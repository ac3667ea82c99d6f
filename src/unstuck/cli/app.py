"""The application: its subcommands, its settings from TOML and the environment, its exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError
from cyclopts.config import Env, Toml

from unstuck import __version__
from unstuck.cli.console import messages
from unstuck.errors import UnstuckError

DONE, FAULT_FOUND, USAGE_ERROR, OWN_ERROR, UNDECIDED, INTERRUPTED = 0, 1, 2, 3, 4, 130

app = App(
    name="unstuck",
    help="Train neural networks fast on this processor, and find out why one does not learn.",
    version=__version__,
    version_flags=["--version"],
    config=[
        Env("UNSTUCK_"),
        Toml("pyproject.toml", root_keys=["tool", "unstuck"], search_parents=True),
    ],
    help_format="plaintext",
    help_epilogue=(
        "Start here:  unstuck train mnist\n\n"
        "Settings may also stand in pyproject.toml under [tool.unstuck.train] or in the environment as UNSTUCK_TRAIN_EPOCHS "
        "and so on. Exit codes: 0 done or healthy, 1 a fault was found, 2 wrong usage or input, 3 an error of our own, "
        "4 undecided, 130 interrupted."
    ),
    exit_on_error=False,
    print_error=False,
    result_action="return_value",
)
# Each subcommand is loaded only when it is called for, so its one line of help stands here.
for _name, _place, _help in (
    ("diagnose", "unstuck.cli.diagnose:diagnose", "Find out why a hand-written network does not learn."),
    ("explain", "unstuck.cli.diagnose:explain", "Explain a cause by its name, or list all causes."),
    ("train", "unstuck.cli.train:train", "Train a network on a data set and save it."),
    ("evaluate", "unstuck.cli.use:evaluate", "Measure a saved model on labelled data."),
    ("predict", "unstuck.cli.use:predict", "Predict the target of each row with a saved model."),
    ("sample", "unstuck.cli.sample:sample", "Let a model that was trained on a text go on writing."),
    ("datasets", "unstuck.cli.use:datasets", "List the data sets that are known by name."),
):
    app.command(_place, name=_name, help=_help)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and end the process with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns the exit code. The result goes to standard output, all else to standard error."""
    try:
        code = app(list(arguments))
        sys.stdout.flush()
        return code if isinstance(code, int) else DONE
    except CycloptsError as error:
        say(usage_sentence(error))
        return USAGE_ERROR
    except UnstuckError as error:
        say(str(error))
        return USAGE_ERROR
    except KeyboardInterrupt:
        say("interrupted.")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep Python from complaining when it closes the stream.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except Exception:
        import traceback

        traceback.print_exc()
        say(
            f"this is an error of unstuck {__version__} itself, not of yours; please report it with the lines above and the "
            "command that was run."
        )
        return OWN_ERROR


def say(sentence: str) -> None:
    """An error message on standard error."""
    console = messages()
    console.print("[bold red]error:[/] ", end="")
    console.print(sentence, markup=False, highlight=False, soft_wrap=True)


def usage_sentence(error: CycloptsError) -> str:
    """What cyclopts has to say, as one line with where to look."""
    text = " ".join(str(error).split())
    words = [w for w in (error.command_chain or ()) if w]
    return f"{text.rstrip('.')}. See: unstuck {' '.join([*words, '--help'])}"
