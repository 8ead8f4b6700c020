"""The part of Ray that the engine calls, in this process: actors without a cluster."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class RuntimeEnvSetupError(RayError):
    pass


class Actor:
    """Calls methods at once. After `lives` answers of `listen` its node is gone."""

    def __init__(self, made: Any, lives: int) -> None:
        self._made, self._lives, self._gone = made, lives, False

    def __getattr__(self, name: str) -> Any:
        def remote(*given: Any) -> Callable[[], Any]:
            self._lives -= name == "listen"
            if self._gone or self._lives < 0:
                return lambda: _raise(RayError("The actor died.\nThe node was terminated."))
            answer = getattr(self._made, name)(*given)
            return lambda: answer

        return types.SimpleNamespace(remote=remote)


def _raise(error: Exception) -> None:
    raise error


def module(resources: Mapping[str, float], lives: tuple[int, ...] = ()) -> types.ModuleType:
    """A module `ray`. lives: of the first actors; the others live for ever."""
    fake: Any = types.ModuleType("ray")
    left, fake.asked = list(lives), []
    fake.exceptions = types.SimpleNamespace(
        RayError=RayError, RayTaskError=RayTaskError, RuntimeEnvSetupError=RuntimeEnvSetupError
    )
    fake.init = lambda **told: fake.asked.append(told)
    fake.is_initialized = lambda: False
    fake.cluster_resources = lambda: dict(resources)
    fake.put = lambda value: value
    fake.wait = lambda asked, **told: (asked, [])
    fake.get = lambda answer: answer()

    def kill(actor: Actor) -> None:
        actor._gone = True
        actor._made.leave()

    def remote(made: Callable[..., Any]) -> Any:
        def options(**told: Any) -> Any:
            fake.asked.append(told)
            return types.SimpleNamespace(
                remote=lambda *given: Actor(made(*given), left.pop(0) if left else 10**9)
            )

        return types.SimpleNamespace(options=options)

    fake.kill, fake.remote = kill, remote
    return fake
