"""Whether an error comes from the run itself (recorded) or from the system (retried)."""

from __future__ import annotations

import errno
import os
import re
import signal
import traceback

from runner.records.record_schema import Error
from tricks.errors import BadInput

# Messages of torch's plain RuntimeErrors: from its CPU allocator, from older versions of CUDA, from
# a loader process that was killed or gets no thread.
MEMORY = (
    "can't allocate memory", "bad_alloc", "unable to mmap", "out of shared memory",
    "out of memory", "failed to map segment",
    "(?i)unable to find an engine", "(?i)unable to find a valid cuDNN algorithm",  # for lack of it
    "(CUBLAS|CUDNN|CUSOLVER)_STATUS_ALLOC_FAILED",
)  # fmt: skip
SHARED = (
    "unable to allocate shared memory", "unable to open shared memory", "killed by signal: Bus",
)  # fmt: skip
DEVICE = (
    r"^CUDA error", r"^cuDNN error", r"^DataLoader worker \(pid.* (killed by|exited unexpectedly)",
    "^can't start new thread", "^DataLoader timed out",
)  # fmt: skip
# Device errors that the program causes: they will happen again.
ASSERTED, NO_KERNELS = "device-side assert", "no kernel image"
SURROUNDINGS = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.ENOMEM, errno.EIO, errno.EMFILE, errno.ENFILE,
    errno.EAGAIN,
}  # fmt: skip
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LOST = 255  # multiprocessing's exit code for a process whose end it has not seen


class ProgramEnded(Exception):
    """A run's program ended without success.

    kind: the type of the record's error. log: the end of the program's output. lost: a system
    failure ended it.
    """

    def __init__(self, kind: str, message: str, log: str, lost: bool = False) -> None:
        super().__init__(message)
        self.kind, self.log, self.lost = kind, log, lost


def of_surroundings(error: BaseException) -> bool:
    """Whether memory or disk ran out, here or on the device, or the device failed."""
    if isinstance(error, ProgramEnded):
        return error.lost
    if _says(str(error), (ASSERTED, NO_KERNELS)):
        return False
    names = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(error, MemoryError) or names & {"OutOfMemoryError", "AcceleratorError"}:
        return True
    if isinstance(error, OSError) and error.errno in SURROUNDINGS:
        return True
    if not isinstance(error, (RuntimeError, ImportError)):
        return False
    return _says(str(error), (*MEMORY, *SHARED, *DEVICE))


def mistake(error: BaseException) -> str | None:
    """The message of a BadInput, in one line; None for other errors.

    A loader process passes a BadInput on with its traceback around the message.
    """
    if not isinstance(error, BadInput):
        return None
    text = str(error)
    if text.startswith("Caught "):
        text = text.rpartition(f"{type(error).__name__}: ")[2]
    return " ".join(text.split())


def described(error: BaseException) -> Error:
    """The error for a record."""
    if isinstance(error, ProgramEnded):
        return Error(error.kind, str(error), error.log)
    return Error(type(error).__name__, str(error), "".join(traceback.format_exception(error)))


def of_exit(
    code: int | None, log: str, starved: bool = False, began: bool = True
) -> tuple[str, Error]:
    """State and error of a run whose process ended without a message. log: the process's output.

    starved: the kernel has meanwhile killed some process because memory ran out. began: the
    training had begun; any earlier failure is not the run's own.
    """
    if code == -signal.SIGKILL and starved:
        message = "the kernel ended the training process: memory probably ran out"
        return "infra", Error("OutOfMemory", message, log)
    if code is not None and code < 0:
        message = f"the training process was ended by {signal_name(-code)}"
        return "infra", Error("Killed", message, log)
    if code is None or code == LOST:
        return "infra", Error("Lost", "the training process vanished", log)
    if not began:
        message = f"the training process left with exit code {code} before the training began"
        return "infra", Error("NotBegun", message, log)
    return "failed", Error("ProcessExit", f"the training process left with exit code {code}", log)


def signal_name(number: int) -> str:
    """The name of a signal, such as SIGKILL; its number if it has none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def of_silence(seconds: float, log: str) -> tuple[str, Error]:
    """State and error of a run that made no progress for too long."""
    message = f"no sign of life (a batch, an epoch) within {seconds:.0f} s"
    return "infra", Error("Hung", message, log)


def out_of_memory(log: str) -> bool:
    """Whether a program's output says that memory ran out."""
    return _says(log, (*MEMORY, "MemoryError", "OutOfMemoryError"))


def of_memory(error: Error) -> bool:
    """Whether memory ran out, of the machine or of its GPU."""
    return "memory" in (error.type or "").lower() or _says(error.message or "", MEMORY)


def advice(error: Error) -> str:
    """One sentence on what may help a run that ended with `error`."""
    kind, text = error.type or "", error.message or ""
    if _says(text, SHARED):
        return (
            "/dev/shm, where loader processes put images, is full: make it larger (in Docker "
            "--shm-size=2g or --ipc=host), or remove files that ended processes have left there"
        )
    if ASSERTED in text:
        return (
            "a check on the device failed, mostly an index out of range, and will fail again: "
            "train it with --device cpu to see where, fix it, then retry"
        )
    if NO_KERNELS in text:
        return (
            "this build of torch has no kernels for this GPU: install a build that has them, "
            "then retry"
        )
    if of_memory(error):
        return (
            "memory ran out: use fewer --workers, a smaller model or resolution, or a larger "
            "machine; the batch size is part of the experiment and was not changed"
        )
    if kind == "OSError" and any(os.strerror(code) in text for code in FULL):
        return "the disk is full: make room there"
    if kind == "Hung":
        return "it made no progress: see its log; --stall-minutes allows more time"
    if kind in ("Killed", "Lost"):
        return "another program or the system ended it: train it again"
    if kind == "NotBegun":
        return "its process could not start: fix the cause that its log shows, then train it again"
    if _says(text, DEVICE) or "Accelerator" in kind:
        return "the device or a process that loads images failed: train it again"
    if kind == "OSError":
        return "the operating system refused a request: see its log"
    return (
        "an error in the training itself, which will happen again: see its log, fix it, then retry"
    )


def _says(text: str, patterns: tuple[str, ...]) -> bool:
    return any(re.search(pattern, text) for pattern in patterns)
