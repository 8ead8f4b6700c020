"""tricks-bench: the entry point. Each command is a file in runner/commands."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from runner.commands import (
    analyze,
    attention,
    doctor,
    evaluate,
    export,
    listing,
    plan,
    predict,
    report,
    retry,
    run,
    show,
    status,
)
from tricks.errors import BadInput

app = typer.Typer(
    name="tricks-bench",
    help="""Which training tricks help on your images, by how much, how sure is that, at what cost.

\b
tricks-bench run                         the standard tricks, one at a time, on digits
tricks-bench report                      tables and plots of the latest study
tricks-bench run --grid full --dry-run   what a grid of everything would be
tricks-bench show mixup                  what a trick does, and where it comes from
tricks-bench predict RUN --data FOLDER   what a model of `run --save-models` says of images
""",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)
app.command("run")(run.run)
app.command("report")(report.report)
app.command("status")(status.status)
app.command("plan")(plan.plan)
app.command("list")(listing.list_)
app.command("show")(show.show)
app.command("analyze")(analyze.analyze)
app.command("predict")(predict.predict)
app.command("evaluate")(evaluate.evaluate)
app.command("attention")(attention.attention)
app.command("export")(export.export)
app.command("retry")(retry.retry)
app.command("doctor")(doctor.doctor)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"tricks-bench {version('tricks-bench')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print it and leave."),
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit code.

    0 done, 1 some runs failed, 2 the user's mistake (one line on stderr), 130 interrupted.
    """
    sys.exit(call(sys.argv[1:] if arguments is None else list(arguments)))


def call(arguments: list[str]) -> int:
    """The exit code of the command line `arguments`."""
    try:
        code = app(_with_values(arguments), prog_name="tricks-bench", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except BadInput as error:
        return _mistake(str(error))
    except (KeyboardInterrupt, typer.Abort):
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of a pipe has left, as `head` does; Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _mistake(_usage(error, arguments))


def _with_values(arguments: list[str]) -> list[str]:
    """`--save-models` may stand alone: then it means the last epoch's."""
    found = list(arguments)
    for i, argument in enumerate(arguments):
        if argument == "--save-models" and (*arguments, "")[i + 1] not in ("last", "best"):
            found[i] = "--save-models=last"
    return found


def _mistake(message: str) -> int:
    print(f"tricks-bench: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _usage(error: Any, arguments: list[str]) -> str:
    """A usage error as one line with close matches."""
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message())
    message = str(error.format_message())
    context = getattr(error, "ctx", None)
    wrong, known = "", []
    if message.startswith("No such command"):
        wrong = next((a for a in arguments if not a.startswith("-")), "")
        known = [command.name for command in app.registered_commands if command.name]
        message = f"no such command {wrong!r}"
    elif message.startswith("No such option") and context is not None:
        wrong = str(error.option_name)
        known = [name for parameter in context.command.params for name in parameter.opts]
        message = f"no such option {wrong} of {context.command_path}"
    close = difflib.get_close_matches(wrong, known)
    message = message[:1].lower() + message[1:]
    if known:
        hint = f"did you mean {' or '.join(close)}?" if close else f"known: {', '.join(known)}"
        return f"{message}: {hint}"
    return message.rstrip(".")
