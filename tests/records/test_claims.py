"""Claims: one owner at a time, and a dead owner's run does not stay locked."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from runner.records import claims as module
from runner.records.claims import Claims

ID = "0123456789abcdef"


@pytest.fixture
def claims(tmp_path: Path) -> Claims:
    return Claims(tmp_path / "claims", lease=0.2)


def elsewhere(monkeypatch: pytest.MonkeyPatch, host: str = "another") -> None:
    """Let this process appear to be on another host."""
    monkeypatch.setattr(module, "_host", lambda: host)


def fork(action: object) -> int:
    """A child that does `action` and waits. Returns its process number once the action is done."""
    ready, done = os.pipe()
    pid = os.fork()
    if pid == 0:
        action()  # type: ignore[operator]
        os.write(done, b"x")
        signal.pause()
        os._exit(0)
    os.read(ready, 1)
    return pid


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_one_owner_until_released(claims: Claims) -> None:
    mine = claims.take(ID)
    assert mine is not None
    assert mine.valid()
    assert claims.take(ID) is None
    assert claims.running() == {ID}
    assert claims.stale(ID) is None
    mine.release()
    assert not mine.valid()
    assert claims.stale(ID) == ""
    assert claims.take(ID) is not None


def test_a_killed_owner_is_replaced_at_once(claims: Claims) -> None:
    pid = fork(lambda: claims.take(ID))
    assert claims.take(ID) is None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, though nobody has asked yet
    assert claims.running() == set()
    assert claims.stale(ID)
    assert claims.take(ID) is not None
    os.waitpid(pid, 0)


def test_a_number_used_again_is_not_the_owner(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(module, "_myself", lambda: {"host": module._host(), "pid": 1, "born": "x"})
        assert claims.take(ID) is not None
    assert claims.take(ID) is not None


def test_an_owner_elsewhere_is_judged_by_its_heartbeat(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = claims.take(ID)
    assert theirs is not None
    elsewhere(monkeypatch)
    day = 86_400 * 10**9
    for n in range(6):  # its clock is a day ahead, then a day behind: only change counts
        now = time.time_ns() + (day if n % 2 else -day)
        os.utime(theirs.descriptor, ns=(now, now))
        assert claims.stale(ID) is None
        time.sleep(0.1)
    time.sleep(0.2)
    token = claims.stale(ID)
    assert token
    assert claims.take(ID) is None
    assert claims.take(ID, over=token) is not None
    assert claims.take(ID, over=token) is None


def test_an_owner_that_comes_back_is_fenced_off(
    claims: Claims, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = claims.take(ID)
    assert slow is not None
    elsewhere(monkeypatch)
    fast = claims.take(ID, over=slow.token)
    assert fast is not None
    assert not slow.valid()
    before = claims.path(ID, fast.generation).stat().st_mtime_ns
    slow.heartbeat()
    slow.release()
    assert claims.path(ID, fast.generation).stat().st_mtime_ns == before
    assert fast.valid()
    fast.release()
    third = claims.take(ID)
    assert third is not None
    assert not slow.valid()
    assert third.valid()


def test_an_unreadable_claim_holds_until_its_lease_is_over(claims: Claims) -> None:
    path = claims.path(ID, 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"{")
    assert claims.stale(ID) is None
    assert claims.take(ID) is None
    time.sleep(0.25)
    token = claims.stale(ID)
    assert token  # "" would mean that there is no claim
    assert claims.take(ID, over="") is None
    mine = claims.take(ID, over=token)
    assert mine is not None
    assert claims.take(ID, over=token) is None
    mine.release()
    assert claims.generations(ID) == []


def test_an_unreadable_claim_is_not_mistaken_for_the_next(claims: Claims) -> None:
    path = claims.path(ID, 0)
    path.parent.mkdir(parents=True)
    path.touch()
    claims.stale(ID)
    time.sleep(0.25)
    token = claims.stale(ID)
    claims.path(ID, 1).touch()  # another takes over where an empty file reserves the name
    assert claims.take(ID, over=token) is None
    assert claims.stale(ID) is None


def test_sweeping_removes_the_claims_of_the_dead_only(claims: Claims) -> None:
    other = "f" * 16
    end(fork(lambda: claims.take(other)))
    assert claims.take(ID) is not None
    claims.sweep()
    assert claims.generations(other) == []
    assert claims.generations(ID) == [0]


def _race(folder: Path, over: str | None, start: float, won: multiprocessing.Queue[bool]) -> None:
    module._host = lambda: str(os.getpid())
    time.sleep(max(0.0, start - time.time()))
    won.put(Claims(folder).take(ID, over) is not None)


@pytest.mark.parametrize("taken", [False, True])
def test_of_many_at_once_one_wins(claims: Claims, taken: bool) -> None:
    first = claims.take(ID) if taken else None
    context = multiprocessing.get_context("fork")
    won = context.Queue()
    start = time.time() + 0.2
    arguments = (claims.folder, first.token if first else None, start, won)
    racers = [context.Process(target=_race, args=arguments) for _ in range(8)]
    for racer in racers:
        racer.start()
    assert sum(won.get(timeout=20) for _ in racers) == 1
    for racer in racers:
        racer.join()


@pytest.mark.parametrize("sweeping", [False, True])
def test_who_was_slow_since_its_look_does_not_fence_off_a_later_owner(
    claims: Claims, monkeypatch: pytest.MonkeyPatch, sweeping: bool
) -> None:
    pid = fork(lambda: claims.take(ID))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    write, held = module.atomic_write.create, []

    def slow(path: Path, data: bytes) -> bool:
        monkeypatch.setattr(module.atomic_write, "create", write)
        second = claims.take(ID)  # takes over, is done, and a third begins anew
        assert second is not None
        second.release()
        held.append(claims.take(ID))
        return write(path, data)

    monkeypatch.setattr(module.atomic_write, "create", slow)
    if sweeping:
        claims.sweep()
    else:
        assert claims.take(ID) is None
    assert held[0] is not None
    assert held[0].valid()
    assert claims.generations(ID) == [0]
