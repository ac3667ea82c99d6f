"""The command `unstuck`: typed functions are its subcommands; errors become one sentence and an exit code."""

from unstuck.cli.app import main

__all__ = ["main"]
