"""Which errors are retried, and which are recorded as the run's own failure."""

from __future__ import annotations

import errno

import pytest

from runner.execution.failure import advice, of_surroundings
from runner.records.record_schema import Error


class AcceleratorError(RuntimeError):
    """Called as torch's."""


class OutOfMemoryError(RuntimeError):
    """Called as torch's."""


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (OutOfMemoryError("CUDA out of memory"), True),
        (AcceleratorError("an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (RuntimeError("std::bad_alloc"), True),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Killed. "), True),
        (RuntimeError("DataLoader worker (pid(s) 7, 8) exited unexpectedly"), True),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("DataLoader timed out after 300 seconds"), True),
        (OSError(errno.EFBIG, "File too large"), True),
        (OSError(errno.ENOENT, "No such file"), False),
        (RuntimeError("a DataLoader worker gave no batch"), False),
        (RuntimeError("shapes do not match, unlike in a CUDA error"), False),
        (ValueError("CUDA error: said by someone else"), False),
        (RuntimeError("GET was unable to find an engine to execute this computation"), True),
        (RuntimeError("Unable to find a valid cuDNN algorithm to run convolution"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"), True),
        (RuntimeError("unable to allocate shared memory(shm) for file </torch_7>: (11)"), True),
        (RuntimeError("DataLoader worker (pid 7) is killed by signal: Bus error. It is"), True),
        (AcceleratorError("CUDA error: device-side assert triggered"), False),
        (RuntimeError("CUDA error: device-side assert triggered"), False),
        (AcceleratorError("CUDA error: no kernel image is available for execution"), False),
    ],
)
def test_surroundings_are_told_from_the_run(error: Exception, expected: bool) -> None:
    assert of_surroundings(error) is expected


@pytest.mark.parametrize(
    ("type", "message", "helps"),
    [
        ("MemoryError", "", "fewer --workers"),
        ("OutOfMemoryError", "CUDA out of memory", "fewer --workers"),
        ("OutOfMemory", "the kernel ended the training process", "was not changed"),
        ("RuntimeError", "DefaultCPUAllocator: can't allocate memory", "fewer --workers"),
        ("OSError", "[Errno 28] No space left on device", "make room"),
        ("Hung", "no sign of life", "--stall-minutes"),
        ("Killed", "ended by SIGTERM", "train it again"),
        ("AcceleratorError", "an illegal memory access", "device"),
        ("AcceleratorError", "CUDA error: device-side assert triggered", "index out of range"),
        ("RuntimeError", "CUDA error: no kernel image is available", "build of torch"),
        ("RuntimeError", "GET was unable to find an engine to execute this", "fewer --workers"),
        ("RuntimeError", "unable to allocate shared memory(shm) for file", "--shm-size"),
        ("RuntimeError", "DataLoader worker is killed by signal: Bus error.", "--shm-size"),
        ("ValueError", "shapes", "will happen again"),
        (None, None, "will happen again"),
    ],
)
def test_each_kind_of_error_gets_the_advice_that_helps(
    type: str | None, message: str | None, helps: str
) -> None:
    assert helps in advice(Error(type, message))
