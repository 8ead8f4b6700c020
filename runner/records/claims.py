"""Claims: which process trains which run, so that processes on one store share the work.

A claim is a file `claims/ab/<id>.<generation>`, created only if absent. A process takes over a dead
owner's claim by creating the next generation, which only one process can. The highest generation is
valid, so an owner that was only slow loses its claim. The heartbeat touches the file through the
owner's own descriptor, so it can never refresh another process's claim.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner.records import atomic_write
from runner.records.record import check_id

LEASE = 120.0  # seconds without a heartbeat after which a claim from another host is invalid
BEAT = 10.0  # seconds between heartbeats

_NAME = re.compile(r"([0-9a-f]{16,64})\.([0-9]{1,9})")


@dataclass
class Claim:
    """A claim of this process."""

    claims: Claims
    id: str
    generation: int
    token: str
    descriptor: int

    def heartbeat(self) -> None:
        """Touch the file, by the clock of the file system, to show that the owner is alive."""
        with contextlib.suppress(OSError):
            os.utime(self.descriptor)

    def valid(self) -> bool:
        """Whether the claim is still valid: not removed, not taken over."""
        top = self.claims.top(self.id)
        return top is not None and top[1].get("token") == self.token

    def release(self) -> None:
        """Give the run up, done or not. Older generations go first, so that none becomes valid.

        An owner that lost its claim removes only its own file, since others may have claimed the
        run.
        """
        if self.valid():
            for generation in self.claims.generations(self.id):
                if generation < self.generation:
                    with contextlib.suppress(FileNotFoundError):
                        os.unlink(self.claims.path(self.id, generation))
        self.withdraw()

    def withdraw(self) -> None:
        """Remove only this claim's file."""
        path = self.claims.path(self.id, self.generation)
        if self.claims.owner(path).get("token") == self.token:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        descriptor, self.descriptor = self.descriptor, -1
        with contextlib.suppress(OSError):
            os.close(descriptor)


@dataclass
class Claims:
    """The claims in a store's folder, and the heartbeats of others that this process has seen."""

    folder: Path
    lease: float = LEASE
    _seen: dict[str, tuple[str, int, float]] = field(default_factory=dict)

    def take(self, id: str, over: str | None = None) -> Claim | None:
        """Claim the run `id`; None if another process holds it.

        Takes over the claim of an owner that is certainly dead, and the claim with the token
        `over`, which the caller has watched past its lease.
        """
        top = self.top(id)
        generation = 0
        if top is not None:
            generation, owner = top
            if _token(generation, owner) != over and not _dead(owner):
                return None
            generation += 1
        token = uuid.uuid4().hex
        path = self.path(id, generation)
        content = {"token": token, **_myself(), "since": time.time()}
        if not atomic_write.create(path, json.dumps(content).encode()):
            return None
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        claim = Claim(self, id, generation, token, descriptor)
        # Since the look, others may have taken over, released, and claimed again with another
        # generation. Then the file made here is invalid, and the caller looks again.
        found = self.generations(id)
        same = top is None or self.owner(self.path(id, top[0])) == top[1]
        if same and found[-1:] == [generation] and (top is not None or len(found) == 1):
            return claim
        claim.withdraw()
        return None

    def stale(self, id: str) -> str | None:
        """The token of the claim on `id` if it may be taken over, "" if there is no claim.

        None: the run is held. An owner on another host is judged by changes of its heartbeat over
        time on this process's clock, so wrong clocks do no harm. Call this repeatedly.
        """
        top = self.top(id)
        if top is None:
            self._seen.pop(id, None)
            return ""
        generation, owner = top
        token = _token(generation, owner)
        if _dead(owner):
            return token
        try:
            beat = self.path(id, generation).stat().st_mtime_ns
        except FileNotFoundError:
            return None
        now = time.monotonic()
        before = self._seen.get(id)
        if before is None or before[:2] != (token, beat):
            self._seen[id] = (token, beat, now)
            return None
        return token if now - before[2] > self.lease else None

    def running(self) -> set[str]:
        """Ids of runs whose claim has a live owner, as far as one look can tell."""
        alive = set()
        for id, generation in self._all():
            path = self.path(id, generation)
            owner = self.owner(path)
            with contextlib.suppress(FileNotFoundError):
                recent = time.time() - path.stat().st_mtime < self.lease
                if not _dead(owner) and (recent or _here(owner)):
                    alive.add(id)
        return alive

    def abandoned(self, path: Path) -> bool:
        """Whether the owner of the claim in the file `path` is certainly dead."""
        return _dead(self.owner(path))

    def sweep(self) -> None:
        """Remove claims whose owner is certainly dead.

        It takes each over first, since another process may have claimed the run since the look.
        """
        for id in {id for id, number in self._all() if self.abandoned(self.path(id, number))}:
            with contextlib.suppress(OSError):  # a full disk: these claims do no harm
                claim = self.take(id)
                if claim is not None:
                    claim.release()

    def top(self, id: str) -> tuple[int, dict[str, Any]] | None:
        """Generation and owner of the valid claim; None if there is none."""
        generations = self.generations(id)
        if not generations:
            return None
        return generations[-1], self.owner(self.path(id, generations[-1]))

    def holder(self, id: str) -> tuple[str, int] | None:
        """Host and process number of the valid claim's owner; None if unknown."""
        top = self.top(id)
        host, pid = (top[1].get("host"), top[1].get("pid")) if top else (None, None)
        return (str(host).split()[0], pid) if host and isinstance(pid, int) else None

    def generations(self, id: str) -> list[int]:
        """Existing generations of claims on `id`, in ascending order."""
        names = _names(self.path(id, 0).parent)
        return sorted(generation for found, generation in names if found == id)

    def path(self, id: str, generation: int) -> Path:
        """The file of a claim."""
        return self.folder / check_id(id)[:2] / f"{id}.{generation}"

    @staticmethod
    def owner(path: Path) -> dict[str, Any]:
        """The owner as written in the claim; {} if it cannot be read."""
        try:
            content = json.loads(atomic_write.read(path))
        except (OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def _all(self) -> Iterator[tuple[str, int]]:
        if self.folder.is_dir():
            for part in sorted(self.folder.iterdir()):
                yield from _names(part)


def _names(folder: Path) -> list[tuple[str, int]]:
    try:
        found = [_NAME.fullmatch(name) for name in os.listdir(folder)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [(match[1], int(match[2])) for match in found if match]


def _token(generation: int, owner: dict[str, Any]) -> str:
    """The token of a claim, or a name for an unreadable claim. Never empty."""
    return str(owner.get("token") or f"unreadable.{generation}")


def _myself() -> dict[str, Any]:
    pid = os.getpid()
    return {"host": _host(), "pid": pid, "born": _life(pid)[0]}


def _host() -> str:
    """A name for the space of process numbers: the host, its boot time, and its container."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _here(owner: dict[str, Any]) -> bool:
    return owner.get("host") == _host()


def _dead(owner: dict[str, Any]) -> bool:
    """Whether the owner is certainly dead: its process was on this machine and has ended."""
    pid = owner.get("pid")
    if not _here(owner) or not isinstance(pid, int):
        return False
    born, alive = _life(pid)
    return not alive or born != owner.get("born")


def _life(pid: int) -> tuple[str, bool]:
    """The start of the process (clock ticks, "" if unknown), and whether it is running."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return fields[19], fields[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        if Path("/proc/self/stat").exists():
            return "", False
    try:  # no /proc
        os.kill(pid, 0)
    except ProcessLookupError:
        return "", False
    except PermissionError:
        pass
    return "", True
