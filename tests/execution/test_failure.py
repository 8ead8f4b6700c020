"""What is tried again, and what is kept as the run's own failure."""

from __future__ import annotations

import errno

import pytest

from runner.execution.failure import of_surroundings


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
        (OSError(errno.ENOENT, "No such file"), False),
        (RuntimeError("shapes do not match, unlike in a CUDA error"), False),
        (ValueError("CUDA error: said by someone else"), False),
    ],
)
def test_surroundings_are_told_from_the_run(error: Exception, expected: bool) -> None:
    assert of_surroundings(error) is expected
