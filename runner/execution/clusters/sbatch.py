"""Parameters of sbatch in `--slurm`: checks of their names and times."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tricks.errors import BadInput, unknown

TIME = "time"
WARNING = "signal"  # seconds before its end at which a job leaves at a checkpoint
WARN_AFTER = 120  # of these, unless it is asked for otherwise
HOURS = 4  # of a job, unless a time is asked for
# By their long names. Arrays, output, requeueing and the signal are this program's own matter.
NAMES = (
    "account", "acctg-freq", "begin", "chdir", "cluster-constraint", "comment", "constraint",
    "core-spec", "cores-per-socket", "cpu-freq", "cpus-per-gpu", "cpus-per-task", "deadline",
    "delay-boot", "dependency", "exclude", "exclusive", "export", "extra-node-info", "gpu-bind",
    "gpu-freq", "gpus", "gpus-per-node", "gpus-per-socket", "gpus-per-task", "gres", "gres-flags",
    "hint", "job-name", "licenses", "mail-type", "mail-user", "mcs-label", "mem", "mem-bind",
    "mem-per-cpu", "mem-per-gpu", "mincpus", "network", "nice", "nodelist", "partition", "power",
    "prefer", "priority", "profile", "qos", "reservation", "sockets-per-node", "switches",
    "thread-spec", "threads-per-core", TIME, "time-min", "tmp", "tres-per-task", WARNING, "wckey",
)  # fmt: skip
OWN = {
    "array": "--jobs says how many", "nodes": "each job is on one node",
    "ntasks": "each job is one task", "ntasks-per-node": "each job is one task",
    "output": "logs are in the store", "error": "logs are in the store",
    "open-mode": "logs are in the store", "requeue": "jobs are requeued",
    "no-requeue": "jobs are requeued", "wrap": "jobs are workers of the study",
}  # fmt: skip
_TIME = re.compile(r"(?:(\d+)-)?(\d+)(?::(\d+))?(?::(\d+))?")


def parameters(texts: Iterable[str], flag: str = "--slurm") -> dict[str, str]:
    """`["partition=gpu,time=08:00:00"]` -> {"partition": "gpu", "time": "08:00:00"}.

    A comma before a `name=` begins the next parameter; other commas belong to the value. Raises
    BadInput.

    >>> parameters(["partition=a,b,time=30", "nodelist=n[1,3]"])
    {'partition': 'a,b', 'time': '30', 'nodelist': 'n[1,3]'}
    """
    found: dict[str, str] = {}
    for text in texts:
        for part in re.split(r",(?=[\w-]+=)", text):
            name, equals, value = part.partition("=")
            if not (equals and name.strip() and value.strip()):
                raise BadInput(f"{flag} {text}: write it as {flag} partition=gpu,time=08:00:00")
            found[name.strip()] = value.strip()
    return checked(found, flag)


def checked(given: Mapping[str, str], flag: str) -> dict[str, str]:
    """The parameters with dashes for underscores. Raises BadInput for invalid names and times."""
    found: dict[str, str] = {}
    for name, value in given.items():
        long = name.replace("_", "-")
        if long in OWN:
            raise BadInput(f"{flag} {name}: {OWN[long]}")
        if long not in NAMES:
            raise BadInput(f"{flag} {name}={value}: {unknown('parameter of sbatch', name, NAMES)}")
        found[long] = value
    if TIME in found and not minutes(found[TIME]):
        raise BadInput(
            f"{flag} time={found[TIME]}: write minutes, hours:minutes:seconds or days-hours, as "
            "time=08:00:00"
        )
    if WARNING in found and not (found[WARNING].isdecimal() and int(found[WARNING]) > 0):
        raise BadInput(
            f"{flag} signal={found[WARNING]}: write the seconds before its end at which a job "
            "leaves at a checkpoint, as signal=120"
        )
    return found


def minutes(text: str) -> int | None:
    """Whole minutes of a time in sbatch's formats, rounded up; None for other texts.

    >>> [minutes(x) for x in ("90", "08:00:00", "1:30", "2-12", "1-00:30", "soon", "0")]
    [90, 480, 2, 3600, 1470, None, None]
    """
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    days, _, rest = text.rpartition("-")
    parts = [int(part) for part in rest.split(":")]
    # With days, hours come first; without, the last part is seconds, or minutes if it stands alone.
    units = (3600, 60, 1) if days or len(parts) == 3 else (60, 1)
    seconds = 86400 * int(days or 0) + sum(x * unit for x, unit in zip(parts, units, strict=False))
    return -(-seconds // 60) or None


def seconds_left(text: str) -> float | None:
    """Seconds of squeue's time left (days-hours:minutes:seconds); None: no limit, or unknown.

    >>> [seconds_left(x) for x in ("1-00:00:10", "2:30", "0:07", "UNLIMITED")]
    [86410.0, 150.0, 7.0, None]
    """
    days, dash, rest = text.strip().rpartition("-")
    parts = rest.split(":")
    if not all(part.isdecimal() for part in (*parts, *([days] if dash else []))):
        return None
    total = 0.0
    for part in parts:
        total = 60 * total + int(part)
    return total + 86400 * int(days or 0)
