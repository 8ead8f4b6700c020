"""Whether an error is the run's own (kept) or its surroundings' (tried again)."""

from __future__ import annotations

import errno
import signal
import traceback

from tricks.errors import BadInput

SURROUNDINGS = {errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EIO, errno.EMFILE, errno.ENFILE}
LOST = 255  # what multiprocessing says of a process whose end nobody saw


def of_surroundings(error: BaseException) -> bool:
    """Memory or disk ran out, here or on the device, or the device failed."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(error, MemoryError) or names & {"OutOfMemoryError", "AcceleratorError"}:
        return True
    if isinstance(error, OSError) and error.errno in SURROUNDINGS:
        return True
    if not isinstance(error, RuntimeError):
        return False
    # What torch raises as plain RuntimeErrors: its CPU allocator's, and older versions' of CUDA.
    text = str(error)
    return "can't allocate memory" in text or text.startswith("CUDA error")


def mistake(error: BaseException) -> str | None:
    """The one line that tells the user what to mend, if that is what `error` is.

    A process that loads images hands it on with its traceback around it.
    """
    if not isinstance(error, BadInput):
        return None
    text = str(error)
    if text.startswith("Caught "):
        text = text.rpartition(f"{type(error).__name__}: ")[2]
    return " ".join(text.split())


def described(error: BaseException) -> dict[str, str]:
    """The error as a record keeps it: type, message, traceback."""
    return {
        "type": type(error).__name__,
        "message": str(error),
        "traceback": "".join(traceback.format_exception(error)),
    }


def of_exit(code: int | None, log: str) -> tuple[str, dict[str, str]]:
    """State and error of a run whose process ended without a word; `log` is what it printed."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return "infra", _error("Killed", f"the training process was ended by {name}", log)
    if code is None or code == LOST:
        return "infra", _error("Lost", "the training process vanished", log)
    return "failed", _error("ProcessExit", f"the training process left with exit code {code}", log)


def of_silence(seconds: float, log: str) -> tuple[str, dict[str, str]]:
    """State and error of a run that made no progress for too long."""
    return "infra", _error("Hung", f"no epoch finished within {seconds:.0f} s", log)


def _error(type: str, message: str, log: str) -> dict[str, str]:
    return {"type": type, "message": message, "traceback": log}
