"""A separate program between a worker and a script: it ends the script if the worker has ended.

python -I -S guard.py GRACE REPORT PROGRAM ARGUMENT...

It starts PROGRAM in a new process group, and writes one line of JSON to the file descriptor REPORT
when the program has ended. A byte on its stdin stops the whole group, and so does the end of its
stdin, which comes when the worker ends in any way: first SIGTERM, after GRACE seconds SIGKILL.
Processes that the program leaves in its group are killed too.
"""

import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    grace, report, program = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    for number in STOPS:  # the worker ignores them, and a new program inherits this
        signal.signal(number, signal.SIG_DFL)
    wake, woken = os.pipe()
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    began = time.monotonic()
    try:
        child = subprocess.Popen(program, stdin=subprocess.DEVNULL, process_group=0)
    except (OSError, ValueError) as error:
        told = {"error": getattr(error, "strerror", None) or str(error)}
        os.write(report, json.dumps(told).encode() + b"\n")
        return
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)
    os.close(1)  # so that the output ends when the program ends, not this one
    os.close(2)
    _watch(child.pid, wake, grace)
    _kill(child.pid, signal.SIGKILL)
    status = child.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024  # bytes
    told = {
        "status": status,
        "seconds": time.monotonic() - began,
        "cpu": used.ru_utime + used.ru_stime,
        "memory_mb": used.ru_maxrss * unit / 2**20,
    }
    with contextlib.suppress(OSError):  # the worker has ended
        os.write(report, json.dumps(told).encode() + b"\n")


def _watch(child: int, wake: int, grace: float) -> None:
    """Wait until the program has ended; stop it as soon as stdin asks for it."""
    sources, deadline = [0, wake], None
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        ready, _, _ = select.select(sources, [], [], left)
        if wake in ready:
            os.read(wake, 4096)
        if 0 in ready:
            sources, deadline = [wake], time.monotonic() + grace
            _kill(child, signal.SIGTERM)
        if deadline is not None and time.monotonic() >= deadline:
            _kill(child, signal.SIGKILL)
            deadline = None


def _kill(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


if __name__ == "__main__":
    main()
