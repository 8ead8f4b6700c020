"""A real SLURM on one machine for tests: a controller and two nodes, without systemd or cgroups.

`python tests/clusters/slurm.py FOLDER` starts one, prints what to export, and stops it at Ctrl-C.
All of it is in one folder: configuration, keys, sockets, state, logs. Root is needed.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "squeue")
NODES = ("n1", "n2")
CPUS, GPUS = 2, 2  # of each node; the GPUs are ttys, which only SLURM takes for some
MOST_JOBS = 11  # MaxArraySize
# A requeued job waits as long as a credential holds, by default two minutes.
EXPIRES = 5
CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire={expires}
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmdLogFile={folder}/slurmd.%n.log
SlurmctldLogFile={folder}/slurmctld.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=1,sched_min_interval=200000
MaxArraySize={most}
KillWait=5
SlurmdTimeout=20
JobRequeue=1
GresTypes=gpu
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
TaskProlog={folder}/prolog
ReturnToService=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs={cpus} Gres=gpu:{gpus} State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs={cpus} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=9 PreemptMode=OFF
"""  # noqa: E501
# A node has a disk of its own for temporary files, as sites set up in this way.
PROLOG = """#!/bin/sh
mkdir -p {folder}/tmp.$SLURMD_NODENAME
echo export TMPDIR={folder}/tmp.$SLURMD_NODENAME
"""


def lacking() -> str:
    """Why no cluster can be started here; "" if one can."""
    gone = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if gone:
        return f"{', '.join(gone)}: not installed (apt-get install slurm-wlm munge)"
    return "" if os.geteuid() == 0 else "slurmd needs root"


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """A cluster in `folder`. Yields the environment with which programs find it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "state").mkdir()
    folder.chmod(0o755)
    environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PATH": _path()}
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o400)
    text = CONF.format(
        host=socket.gethostname().split(".")[0], folder=folder, expires=EXPIRES, ports=_ports(3),
        most=MOST_JOBS, cpus=CPUS, gpus=GPUS,
    )  # fmt: skip
    (folder / "slurm.conf").write_text(text)
    (folder / "gres.conf").write_text(
        f"NodeName=n[1-2] Name=gpu Count={GPUS} File=/dev/tty[0-{GPUS - 1}]\n"
    )
    (folder / "prolog").write_text(PROLOG.format(folder=folder))
    (folder / "prolog").chmod(0o755)
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(_start(environment, *_munge(folder)))
        _wait(lambda: (folder / "munge.socket").exists(), "munged makes no socket")
        started.append(_start(environment, "slurmctld", "-D"))
        started += [node(environment, name) for name in NODES]
        _wait(lambda: _states(environment) == {"idle"}, f"no node is idle; see {folder}")
        yield environment
    finally:
        subprocess.run(["scancel", "--me"], env=environment, check=False, capture_output=True)
        for process in reversed(started):
            process.send_signal(signal.SIGTERM)
        for process in started:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()
        for pid in folder.glob("slurmd.*.pid"):  # one that a test has started again
            with contextlib.suppress(OSError, ValueError):
                os.kill(int(pid.read_text()), signal.SIGTERM)


def node(environment: dict[str, str], name: str) -> subprocess.Popen[bytes]:
    """A node's daemon."""
    return _start(environment, "slurmd", "-D", "-N", name)


def wait_idle(environment: dict[str, str]) -> None:
    """Wait until no job is left, and all nodes are usable."""
    subprocess.run(["scancel", "--me"], env=environment, check=False, capture_output=True)
    _wait(lambda: _states(environment) == {"idle"}, "no node is idle")


def pid_of(environment: dict[str, str], name: str) -> int:
    """The process of a node's daemon."""
    return int((Path(environment["SLURM_CONF"]).parent / f"slurmd.{name}.pid").read_text())


def _munge(folder: Path) -> list[str]:
    where = {
        "key-file": "munge.key", "socket": "munge.socket", "pid-file": "munge.pid",
        "log-file": "munge.log", "seed-file": "munge.seed",
    }  # fmt: skip
    options = [f"--{option}={folder / name}" for option, name in where.items()]
    return ["munged", "--foreground", "--force", *options]


def _start(environment: dict[str, str], *command: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdin=quiet, stdout=quiet, stderr=quiet)


def _states(environment: dict[str, str]) -> set[str]:
    done = subprocess.run(
        ["sinfo", "-h", "-N", "-o", "%t"], env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    return set(done.stdout.split())


def _wait(ready, complaint: str, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(complaint)
        time.sleep(0.2)


def _ports(count: int) -> list[int]:
    """Unused ports."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with cluster(Path(sys.argv[1]).absolute()) as found:
        print(f"export SLURM_CONF={found['SLURM_CONF']}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
