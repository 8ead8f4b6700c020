"""tricks-bench: the entry point. Each command is a file in runner/commands."""

from __future__ import annotations

import contextlib
import errno
import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Sequence
from types import FrameType
from typing import Annotated, Any

# A command makes many small objects, half of them in the imports below, and few cycles: the garbage
# collector need not run often.
gc.set_threshold(100_000, 50, 50)

import typer  # noqa: E402

from runner import streams  # noqa: E402
from runner.launch.options import KEPT  # noqa: E402
from runner.text import visible  # noqa: E402
from tricks.errors import BadInput  # noqa: E402

HELP = """Which training tricks help on your images, by how much, how sure is that, at what cost?

\b
tricks-bench check                           check whether the baseline is worth ablating
tricks-bench run                             train the standard tricks, one at a time, on digits
tricks-bench report                          write tables and plots of the latest study
tricks-bench run --grid full --dry-run       show what a grid of all combinations would train
tricks-bench show mixup                      show what a trick does, and where it comes from
tricks-bench predict RUN --data DIR -o CSV   classify images with a model of `run --save-models`
"""
# Command -> its function, as FILE.FUNCTION; without a file, both have the command's name.
COMMANDS = {
    "run": "run",
    "check": "check",
    "report": "report",
    "status": "status",
    "plan": "plan",
    "list": "listing.list_",
    "show": "show",
    "recipe": "recipe",
    "analyze": "analyze",
    "predict": "predict",
    "evaluate": "evaluate",
    "attention": "attention",
    "export": "export",
    "merge": "merge",
    "cancel": "cancel",
    "retry": "retry",
    "doctor": "doctor",
}


def app(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The command line with the commands `names`; imports only the files of these commands."""
    built = typer.Typer(
        name="tricks-bench",
        help=HELP,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    for name in names:
        file, _, function = COMMANDS[name].partition(".")
        module = importlib.import_module(f"runner.commands.{file}")
        built.command(name)(_interruptible()(getattr(module, function or file)))
    built.callback()(_options)
    return built


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turn a KeyboardInterrupt into typer.Abort: typer would make it a mere exit code."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Abort from None


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"tricks-bench {version('tricks-bench')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    pass


# Errors of the disk (full, read-only, not permitted, broken), which are no fault of the program.
SURROUNDINGS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its exit code.

    0 done, 1 some runs failed, 2 the user's mistake (one line on stderr), 75 time limit reached,
    130 interrupted.
    """
    streams.mend()
    stop_as_by_ctrl_c()
    with contextlib.suppress(FileNotFoundError):  # the current folder was deleted
        if not {"", os.getcwd()} & set(sys.path):
            # Otherwise child processes would import files of the current folder before any library.
            os.environ.setdefault("PYTHONSAFEPATH", "1")
    code = call(sys.argv[1:] if arguments is None else list(arguments))
    streams.let_go()
    sys.exit(code)


def stop_as_by_ctrl_c() -> None:
    """Let SIGTERM and a closed terminal end a command as Ctrl-C does, with its clean-up.

    A signal that is ignored stays ignored, as under `nohup`. While runs train, the supervisor
    handles these signals itself.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def call(arguments: list[str]) -> int:
    """The exit code of the command line `arguments`."""
    try:
        # If the first word is no command, the message or help needs all commands.
        names = arguments[:1] if arguments and arguments[0] in COMMANDS else COMMANDS
        line = app(names)
        with contextlib.redirect_stdout(streams.Shown(sys.stdout)):
            code = line(_with_values(arguments), prog_name="tricks-bench", standalone_mode=False)
        with contextlib.suppress(BrokenPipeError):  # the work is done, whoever reads of it
            sys.stdout.flush()
        return int(code or 0)
    except BadInput as error:
        return _mistake(str(error))
    except (KeyboardInterrupt, typer.Abort):
        streams.complain("interrupted")
        return 130
    except BrokenPipeError:  # the reader of a pipe has closed it, as `head` does
        return 0
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # the same, by way of typer
            return 0
        raise
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        if error.filename is not None:
            return _mistake(f"{error.filename}: {error.strerror}")
        return _mistake(f"cannot write the output: {error.strerror}")
    except Exception as error:
        if not hasattr(error, "format_message"):
            raise
        return _mistake(_usage(error, arguments))


def _with_values(arguments: list[str]) -> list[str]:
    """The arguments, with `--save-models` alone written as `--save-models=last`."""
    found = list(arguments)
    for i, argument in enumerate(arguments):
        if argument == "--save-models" and (*arguments, "")[i + 1] not in KEPT:
            found[i] = "--save-models=last"
    return found


def _mistake(message: str) -> int:
    streams.complain(f"tricks-bench: {visible(' '.join(message.split()))}")
    return 2


def _usage(raised: Exception, arguments: list[str]) -> str:
    """A usage error of typer as one line with close matches."""
    import difflib

    error: Any = raised  # its class is in the copy of click inside typer
    if type(error).__name__ == "NoArgsIsHelpError":
        return str(error.format_message())
    message = str(error.format_message())
    context = getattr(error, "ctx", None)
    wrong, known = "", []
    if message.startswith("No such command"):
        wrong = next((a for a in arguments if not a.startswith("-")), "")
        known = list(COMMANDS)
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
