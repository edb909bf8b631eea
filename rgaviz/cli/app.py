"""The command line: one file per command, and one place where errors become a line and an exit code."""

from __future__ import annotations

import io
import os
import shlex
import sys
from typing import Any

import typer
from typer.core import TyperGroup

from rgaviz.errors import Elsewhere, RgavizError, clipped, printable
from rgaviz.interrupts import exit_code, interruptible

UsageError: Any = typer.BadParameter.__base__  # which Typer does not export


class ErrorBoundary(TyperGroup):
    """Turns a known error, or a file the system refuses, into one line and exit code 1; Ctrl-C: 130, SIGTERM: 143.

    What Typer cannot parse exits with 2 by itself; an unknown error keeps its traceback, as all do under
    ``RGAVIZ_DEBUG=1``.
    """

    def make_context(self, info_name: str | None, args: list[str], *rest: Any, **extra: Any) -> Any:
        words = list(args)
        try:
            context = super().make_context(info_name, args, *rest, **extra)
        except UsageError as error:
            raise shown(error) from None
        context.meta[COMMAND_LINE] = shlex.join(["rgaviz", *words])
        return context

    def invoke(self, ctx: Any) -> Any:
        try:
            with interruptible():
                return super().invoke(ctx)
        except Elsewhere:  # one of several processes, which has done its share
            raise typer.Exit from None
        except RgavizError as error:
            if os.environ.get("RGAVIZ_DEBUG"):
                raise
            print(f"Error: {error}", file=sys.stderr)
            raise typer.Exit(1) from None
        except OSError as error:  # a name that no file can have, a folder that may not be read
            if error.filename is None or os.environ.get("RGAVIZ_DEBUG"):
                raise
            name = clipped(error.filename)
            print(f"Error: {name}: {error.strerror}. Check its name and permissions.", file=sys.stderr)
            raise typer.Exit(1) from None
        except UsageError as error:
            raise shown(error) from None
        except KeyboardInterrupt as error:
            if not getattr(error, "told", False):
                print("Interrupted.", file=sys.stderr)
            raise typer.Exit(exit_code(error)) from None


def shown(error: Any) -> Any:
    """What Typer cannot parse, as a terminal can show it: among the words may be the name of anyone's file."""
    error.message = printable(error.message)
    return error


COMMAND_LINE = "rgaviz.command_line"

app = typer.Typer(
    cls=ErrorBoundary,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Train a baseline and an attention network, extract masks and Grad-CAM maps, draw the figure for the paper.",
)


@app.callback(invoke_without_command=True)
def rgaviz(
    version: bool = typer.Option(False, "--version", help="Print the version and exit.", is_eager=True),
) -> None:
    """Options before the command."""
    if version:
        from rgaviz import __version__

        print(__version__)
        raise typer.Exit


def main() -> None:
    """The ``rgaviz`` program, once it is loaded."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")  # a file's name may be any bytes
    app(prog_name="rgaviz")
