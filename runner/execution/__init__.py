"""Many runs: claims, processes, retries, progress. Torch-free."""

from runner.execution.events import Event, Summary
from runner.execution.executor import execute

__all__ = ["Event", "Summary", "execute"]
