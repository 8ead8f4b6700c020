"""What executions came to in all, and the exit code of that."""

from __future__ import annotations

from runner.execution.events import Summary

OUT_OF_TIME = 75  # exit code; EX_TEMPFAIL of sysexits.h: run it again


def left_code(summary: Summary) -> int:
    """The exit code of an execution that left runs for another: the time was over, or Ctrl-C."""
    return OUT_OF_TIME if summary.out_of_time else 130


def failed(summary: Summary) -> int:
    """Runs that ended in an error, now or before."""
    return summary.failed + summary.infra + summary.failed_before


def both(first: Summary, then: Summary) -> Summary:
    """What came of two executions of different runs."""
    from runner.execution.events import Summary

    return Summary(
        ok=first.ok + then.ok,
        diverged=first.diverged + then.diverged,
        failed=first.failed + then.failed,
        infra=first.infra + then.infra,
        skipped=first.skipped + then.skipped,
        interrupted=then.interrupted,
        failures=(*first.failures, *then.failures),
        failed_before=first.failed_before + then.failed_before,
        asked_to_stop=then.asked_to_stop,
        paused=then.paused,
        out_of_time=then.out_of_time,
    )
