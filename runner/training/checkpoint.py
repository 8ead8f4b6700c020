"""Checkpoints of a training: its complete state, so that it continues with the same bits.

This holds on the machine, device and versions that wrote it; others give other last digits anyway.
The state of network, optimizer, scaler and averages comes from Step. The order of images, their
augmentation and their mixing follow from (seed, epoch, step) and need no state. A trick has no
other state than buffers of the network or the state of an optimizer.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from runner.execution.failure import of_surroundings
from runner.execution.pausing import Paused, Pausing
from runner.records import checkpoints
from runner.records.json_values import JsonValue
from runner.records.record import Damaged
from runner.records.spec import SCHEMA
from runner.training import memory
from runner.training.history import Training
from runner.training.outcome import code_revision, device_name, versions
from runner.training.saved import Keeper
from runner.training.step import Step

FORMAT = 2
FINISH = 30.0  # seconds: a training that ends sooner finishes when it is asked to stop


class Checkpoints:
    """Writes the checkpoints of one training, and continues from an existing checkpoint."""

    def __init__(
        self,
        pausing: Pausing,
        run: str,
        device: torch.device,
        keeper: Keeper | None = None,
        plugins: Mapping[str, str] | None = None,
    ) -> None:
        """run: its id. keeper: of the best epoch's weights so far. plugins: their sources."""
        self.pausing, self.device, self.keeper = pausing, device, keeper
        self.best = keeper is not None and keeper.best
        self.identity: dict[str, JsonValue] = {
            "format": FORMAT, "run": run, "schema": SCHEMA, "versions": versions(),
            "device": device_name(device), "plug-in": dict(plugins) if plugins else None,
        }  # fmt: skip
        self.within: dict[str, Any] | None = None  # state of the epoch in which it was written
        self.made = self.began = self.last = time.perf_counter()
        self.first = 0  # the first step of this process
        self.leaving = self.refused = False

    def resume(self, step: Step, training: Training) -> int:
        """The number of steps already taken: 0, or the steps of the checkpoint.

        Loads the checkpoint's state into `step` and `training`. A checkpoint that is damaged, or of
        another run, version or device, goes to quarantine, and the training starts again. Raises if
        memory runs out.
        """
        checkpoints.sweep(self.pausing.file)
        try:
            state = self._read()
            step.load_state_dict(state["step"])
        except FileNotFoundError:
            return 0
        except Exception as error:  # bytes with a valid checksum may still be of other code
            if of_surroundings(error):  # not the file's fault: the next attempt may read it
                raise
            print(f"the checkpoint cannot be used, starting again: {error}", file=sys.stderr)
            checkpoints.set_aside(self.pausing.file, self.pausing.quarantine)
            return 0
        for name, value in state["training"].items():
            setattr(training, name, value)
        training.resumed += 1
        if self.keeper is not None and self.best:
            self.keeper.top = state["kept"]
        self.first, self.within = state["place"], state["within"]
        self.began = self.last = time.perf_counter()
        told = f"continuing from its checkpoint, after step {self.first} of {step.steps}"
        print(told, file=sys.stderr)
        return self.first

    def epoch_so_far(self) -> Tensor:
        """The sum of losses so far in the epoch; also restores the random stream of layers."""
        assert self.within is not None
        torch.set_rng_state(self.within["rng"])
        if self.within["cuda"] is not None:
            torch.cuda.set_rng_state(self.within["cuda"], self.device)
        losses: Tensor = self.within["losses"]
        return losses.to(self.device)

    def due(self, place: int, steps: int, began: float = 0.0) -> bool:
        """Whether to write a checkpoint now, after `place` of `steps` steps.

        The interval counts from the last checkpoint, and within an epoch also from the epoch's
        start at `began` (perf_counter), so short epochs are not interrupted. A training that is
        asked to stop writes at once, unless it would end in less than FINISH seconds at the pace so
        far.
        """
        now = time.perf_counter()
        asked = self.pausing.asked() and not self.refused
        pace = (now - self.began) / max(1, place - self.first)
        self.leaving = asked and pace * (steps - place) > FINISH
        return self.leaving or now - max(self.last, began) >= self.pausing.every

    def write(
        self, step: Step, training: Training, place: int, losses: Tensor | None = None
    ) -> None:
        """Write a checkpoint after `place` steps. losses: the epoch's sum so far, None at its end.

        Raises Paused if the training was asked to stop. If the checkpoint cannot be written, the
        log says so, the training continues, and the last checkpoint stays. Nothing is written if
        another process has meanwhile taken the run over.
        """
        began = time.perf_counter()
        within = None
        if losses is not None:
            cuda = self.device.type == "cuda"
            state = torch.cuda.get_rng_state(self.device) if cuda else None
            within = {"losses": losses, "rng": torch.get_rng_state(), "cuda": state}
        done, per_epoch = len(training.epochs), step.steps // step.recipe.epochs
        head: dict[str, JsonValue] = {
            **self.identity, "epoch": done, "epochs": step.recipe.epochs, "best": self.best,
            "place": place, "step": place - done * per_epoch, "steps_per_epoch": per_epoch,
        }  # fmt: skip
        try:
            content = {
                "step": step.state_dict(), "place": place, "within": within,
                "training": self._course(training, began),
                "kept": self.keeper.top if self.keeper is not None and self.best else None,
            }  # fmt: skip
            if self.pausing.claimed():
                with checkpoints.writing(self.pausing.file, head) as file:
                    torch.save(content, file)
        # Torch's error if its writer is interrupted; TypeError: a wrapper without state_dict.
        except (OSError, RuntimeError, TypeError) as error:
            print(f"the checkpoint could not be written: {error}", file=sys.stderr)
            self.refused = self.leaving
            return
        finally:
            self.last = time.perf_counter()
        if self.leaving:
            raise Paused(done)

    def _course(self, training: Training, now: float) -> dict[str, Any]:
        total = training.seconds["total"] + now - self.made
        before, held = training.memory.get("peak", {}), memory.peak(self.device)
        peak = {name: max(value, before.get(name, 0.0)) for name, value in held.items()}
        return {
            "epochs": training.epochs, "images": training.images, "resumed": training.resumed,
            "first_loss": training.first_loss,
            "revisions": training.by(code_revision()),
            "seconds": {**training.seconds, "total": total},
            "memory": {**training.memory, "peak": peak},
        }  # fmt: skip

    def _read(self) -> dict[str, Any]:
        with checkpoints.reading(self.pausing.file) as (head, file):
            other = [name for name, value in self.identity.items() if head.get(name) != value]
            if other:
                raise Damaged(f"it is of another {other[0]}: {head.get(other[0])}")
            if self.best and not head.get("best"):
                raise Damaged("it lacks the weights of the best epoch")
            # Not to the stored device, which may be another GPU: it would also need memory for a
            # second copy of everything.
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
            return state
