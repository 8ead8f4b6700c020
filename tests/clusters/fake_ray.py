"""The part of Ray that the engine calls, in this process: actors without a cluster."""

from __future__ import annotations

import sys
import time
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class RuntimeEnvSetupError(RayError):
    pass


@dataclass
class Answer:
    """The result or the exception of an actor's method."""

    actor: Actor
    value: Any = None
    error: Exception | None = None


class Actor:
    """Calls methods at once. Its node is lost after `lives` answers of `listen`."""

    def __init__(self, made: Any, lives: int) -> None:
        self._made, self._lives, self._gone = made, lives, False

    def __getattr__(self, name: str) -> Any:
        def remote(*given: Any) -> Answer:
            self._lives -= name == "listen"
            if self._gone or self._lives < 0:
                return Answer(self, error=RayError("The actor died.\nThe node was terminated."))
            return Answer(self, getattr(self._made, name)(*given))

        return types.SimpleNamespace(remote=remote)


def module(
    resources: Mapping[str, float], lives: tuple[int, ...] = (), places: int = 10
) -> types.ModuleType:
    """A module `ray`. lives: of the first actors; other actors live forever. places: for actors."""
    fake: Any = types.ModuleType("ray")
    fake.asked = []
    left, actors = list(lives), list[Actor]()
    fake.exceptions = types.SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, RuntimeEnvSetupError=RuntimeEnvSetupError
    )
    fake.init = lambda **told: fake.asked.append(told)
    fake.is_initialized = lambda: False
    fake.cluster_resources = lambda: dict(resources)
    fake.put = lambda value: value

    def wait(asked: list[Answer], **told: Any) -> tuple[list[Answer], list[Answer]]:
        placed = actors[:places]
        if all(answer.actor in placed or answer.error for answer in asked):
            return asked, []
        time.sleep(0.02)
        return [], asked

    def get(answer: Answer) -> Any:
        if answer.error is not None:
            raise answer.error
        return answer.value

    def kill(actor: Actor) -> None:
        if actor in actors:
            actors.remove(actor)
        actor._gone = True
        actor._made.leave()

    def remote(made: Callable[..., Any]) -> Any:
        def begin(*given: Any) -> Actor:
            actors.append(Actor(made(*given), left.pop(0) if left else 10**9))
            return actors[-1]

        def options(**told: Any) -> Any:
            fake.asked.append(told)
            return types.SimpleNamespace(remote=begin)

        return types.SimpleNamespace(options=options)

    fake.wait, fake.get, fake.kill, fake.remote = wait, get, kill, remote
    return fake


def on(monkeypatch: pytest.MonkeyPatch, *told: Any, **more: Any) -> Any:
    """Replaces Ray by the fake."""
    fake = module(*told, **more)
    monkeypatch.setitem(sys.modules, "ray", fake)
    return fake
