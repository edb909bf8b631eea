"""The training of one network."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.checkpoint import RESUME_SUFFIX, initialise, load_record, save_checkpoint
from rgaviz.data.batches import train_batches
from rgaviz.data.order import epoch_generator, even_shares
from rgaviz.data.splits import Split
from rgaviz.devices import choose_precision
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models.network import Network
from rgaviz.training.fitting import tell_duration
from rgaviz.training.measure import figures
from rgaviz.training.network import Outputs, build_model
from rgaviz.training.optim import build_optimizer, learning_rate
from rgaviz.training.parts import part_weights
from rgaviz.training.plan import Plan
from rgaviz.training.report import Step
from rgaviz.training.resume import load_state
from rgaviz.training.signals import Interrupted
from rgaviz.training.state import checkpoint_path, expect_same, network_name
from rgaviz.training.totals import Totals
from rgaviz.writing import atomic_write


class Run:
    """The training of one network."""

    def __init__(self, plan: Plan, attention: str) -> None:
        self.plan, self.processes, self.task = plan, plan.processes, plan.task
        self.dataset, self.config, self.report = plan.dataset, plan.recipe.train, plan.report
        self.name, self.device, self.timed = network_name(attention), plan.processes.device, False
        self.precision = choose_precision(self.config.precision, self.device)
        recipe = plan.recipe.changed(model=plan.recipe.model.changed(attention=(attention,)))
        self.training = plan.recorded(recipe, self.precision)
        torch.manual_seed(plan.seed)
        model = build_model(recipe, attention, self.task, len(self.dataset.classes))
        self.model: Network = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = build_optimizer(self.model, self.config)
        self.parts: dict[str, Split] = {}  # on the device
        self.history: list[dict[str, Any]] = []
        self.totals = Totals()  # of the epoch under way
        # When the state was written, and when at the end of an epoch.
        self.saved, self.settled = plan.clock(), -math.inf  # the first epoch always leaves a checkpoint

    def epochs(self, resume: bool) -> Iterator[list[dict[str, Any]]]:
        """Train to the end; yields the history whenever a checkpoint was written."""
        if not (resume and self._restore()):
            with self.processes.one_first():  # it may download
                for note in initialise(self.model, self.plan.recipe.model.pretrained):
                    self.report.say(f"Note: {self.name}: {note}")
        if self.history and self.totals.steps == 0:  # else its checkpoint may be of an earlier epoch
            yield self.history
        self.report.start(self.name, len(self.history), self.config.epochs, self.task)
        if len(self.history) < self.config.epochs:
            self._save(self.totals)  # a folder that cannot be written is found now, not after an epoch
            if self._told_to_stop():
                raise Interrupted(self.plan.stopped.number)
            yield from self._remaining_epochs()
        if self.processes.writes:
            self._resume_path.unlink(missing_ok=True)

    def _remaining_epochs(self) -> Iterator[list[dict[str, Any]]]:
        wrapped = self.processes.prepare(Outputs(self.task, self.model), self.config.sync_batchnorm)
        network: Any = torch.compile(wrapped) if self.config.compile else wrapped
        for epoch in range(len(self.history), self.config.epochs):
            self._epoch(network, self._part("train"), epoch)
            row = self._measure(epoch)
            self.history, self.totals = [*self.history, row], Totals()
            if self.plan.keeps(epoch + 1):  # before the state: whoever resumes from it has it
                self._save_checkpoint(epoch + 1)
            (kept,) = self.processes.any(epoch == self.config.epochs - 1 or self._due(self.settled))
            if kept:
                yield self._settle()
            self.report.epoch({"network": self.name, **row})
            if self._told_to_stop():
                if not kept:
                    yield self._settle()
                raise Interrupted(self.plan.stopped.number)

    def _told_to_stop(self) -> bool:
        """Whether any process was; all of them ask at the same moments."""
        return self.processes.any(bool(self.plan.stopped))[0]

    def _epoch(self, network: nn.Module, split: Split, epoch: int) -> None:
        """Train on every batch once; on a signal save where it stands and raise :class:`Interrupted`."""
        draw = epoch_generator(self.plan.seed, epoch)
        shares = self.processes.count * self.config.accumulate
        order = even_shares(self.task.order(split, self.config, draw), shares)
        batches = train_batches(
            split,
            order,
            draw,
            augmentation=self.plan.recipe.data.augment,
            mean=self.dataset.mean,
            std=self.dataset.std,
            start=self.totals.steps,
            rank=self.processes.rank,
            processes=self.processes.count,
        )
        network.train()
        recent: list[dict[str, Tensor]] = []  # of this process's share of a batch
        counts: list[int] = []  # of its images
        clock = time.perf_counter()
        for step, (images, targets) in enumerate(batches, start=self.totals.steps):
            self._seed_dropout(epoch, step)
            recent.append(self._step(network, images, targets, epoch + step / len(order)))
            counts.append(len(targets))
            last = step == len(order) - 1
            if (
                len(recent) == self.plan.check_every
                or last
                or (self.plan.stopped and self.processes.count == 1)
            ):
                self._count(recent, counts, epoch, step, len(order))
                recent.clear()
                counts.clear()
                self.totals.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                if not self.timed:  # after the first steps
                    left = len(order) * (self.config.epochs - epoch) - step - 1
                    tell_duration(self.report, self.name, left * self.totals.seconds / self.totals.steps)
                self.timed = True
                self.report.step(self._where(epoch, step + 1, len(order)))
                if not last:  # after the last step the epoch is measured first
                    self._pause()

    def _seed_dropout(self, epoch: int, step: int) -> None:
        """So that a step drops the same whether or not a run was interrupted before, and no two processes do."""
        torch.manual_seed(zlib.crc32(f"{self.plan.seed}/{epoch}/{step}/{self.processes.rank}".encode()))

    def _pause(self) -> None:
        """In the middle of an epoch: save if it is time to, and leave if any process was told to."""
        stop, due = self.processes.any(bool(self.plan.stopped), self._due(self.saved))
        if stop or due:
            self._save(self._shared_totals())
        if stop:
            raise Interrupted(self.plan.stopped.number)

    def _due(self, since: float) -> bool:
        return self.plan.clock() - since >= 60 * self.config.save_minutes

    def _shared_totals(self) -> Totals:
        """The mean over the processes: only one's sums are saved, and all resume with them."""
        sums = torch.tensor(list(self.totals.sums.values()), dtype=torch.float64)
        means: list[Any] = (self.processes.sum(sums) / self.processes.count).tolist()
        return Totals(**{**vars(self.totals), "sums": dict(zip(self.totals.sums, means, strict=True))})

    def _step(self, network: nn.Module, images: Tensor, targets: Tensor, epoch: float) -> dict[str, Tensor]:
        """One step of the optimizer, its batch (b, 3, H, W) in one part or several; what the task tells of it all."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, epoch)
        self.optimizer.zero_grad()
        told: dict[str, Tensor] = {}
        parts = list(zip(*(each.chunk(self.config.accumulate) for each in (images, targets)), strict=True))
        weights = part_weights(self.task, [own for _, own in parts], self.config, self.processes)
        for number, ((some, own), weight) in enumerate(zip(parts, weights, strict=True), start=1):
            with self.processes.unshared(network) if number < len(parts) else nullcontext():
                with torch.autocast(
                    self.device.type, self.precision, enabled=self.precision != torch.float32
                ):
                    outputs = network(some)
                outputs = {key: value.float() for key, value in outputs.items()}
                losses = self.task.loss(outputs, own, self.config)
                losses["loss"] = losses["loss"] * weight  # of the mean over the whole batch
                self.processes.backward(losses["loss"])
            for key, value in losses.items():
                told[key] = told.get(key, 0.0) + value.detach()
        if self.config.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizer.step()
        return told

    def _count(
        self, recent: list[dict[str, Tensor]], images: Sequence[int], epoch: int, step: int, steps: int
    ) -> None:
        """Add the last steps to the totals; stop if a loss is not finite."""
        for offset, loss in enumerate(self.totals.add(recent, images)):
            self._require_finite(loss, "loss", epoch, step - len(recent) + 1 + offset, steps)

    def _require_finite(self, value: float, kind: str, epoch: int, step: int, steps: int) -> None:
        if math.isfinite(value):
            return
        rate = learning_rate(self.config, epoch + step / steps)
        raise RgavizError(
            f"The {kind} of {self.name} is {value} at epoch {epoch + 1}, step {step + 1}, "
            f"learning rate {rate:.4g}. Try --overwrite --set train.lr={self.config.lr / 4:.3g}, "
            "a longer train.warmup, or --precision fp32."
        )

    def _where(self, epoch: int, step: int, steps: int) -> Step:
        speed = self.totals.images * self.processes.count / self.totals.seconds
        return Step(self.name, epoch, self.config.epochs, step, steps, self.totals.means(), speed)

    def _measure(self, epoch: int) -> dict[str, Any]:
        """The row of an epoch, over all processes; without test figures where it is not evaluated."""
        totals = torch.tensor([*self.totals.sums.values(), self.totals.images], dtype=torch.float64)
        *sums, images = self.processes.sum(totals).tolist()
        test = self._evaluate(epoch) if self._evaluated(epoch) else {}
        return {
            "epoch": epoch + 1,
            **{f"train_{key}": value / images for key, value in zip(self.totals.sums, sums, strict=True)},
            **test,
            "seconds": round(self.totals.seconds, 2),
            "images_per_second": round(images / self.totals.seconds, 1),
        }

    def _evaluated(self, epoch: int) -> bool:
        return (epoch + 1) % self.config.evaluate_every == 0 or epoch == self.config.epochs - 1

    def _evaluate(self, epoch: int) -> Mapping[str, float]:
        self.processes.share_buffers(self.model)
        last = epoch == self.config.epochs - 1
        found = figures(
            self.task, self.model, self.dataset, self._part, self.processes, self.precision, last=last
        )
        for key, value in found.items():
            # The last step may have ruined the weights after its own loss was still finite.
            what = key.replace("_", " ", 1)
            self._require_finite(value, what, epoch, self.totals.steps - 1, self.totals.steps)
        return found

    def _part(self, name: str) -> Split:
        """The images of a part, moved to the device once."""
        if name not in self.parts:
            self.parts[name] = self.dataset.part(name).to(self.device)
        return self.parts[name]

    @property
    def _resume_path(self) -> Path:
        return self.plan.out / f"{self.name}{RESUME_SUFFIX}"

    def _settle(self) -> list[dict[str, Any]]:
        """Save the end of an epoch; gives the history."""
        self._save(self.totals)
        if self.processes.writes:
            self._save_checkpoint()
        self.settled = self.saved
        return self.history

    def _save(self, totals: Totals) -> None:
        self.saved = self.plan.clock()
        if not self.processes.writes:
            return
        state = {
            "training": self.training,
            "seed": self.plan.seed,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "totals": vars(totals),
        }
        atomic_write(self._resume_path, lambda file: torch.save(state, file))

    def _save_checkpoint(self, kept: int = 0) -> None:
        last = self.history[-1]
        save_checkpoint(
            checkpoint_path(self.plan.out, self.name, kept),
            self.model,
            classes=self.dataset.classes,
            mean=self.dataset.mean,
            std=self.dataset.std,
            metrics={key: last[key] for key in sorted(last) if key.startswith(("test_", "train_"))},
            training=self.training,
            seed=self.plan.seed,
            history=self.history,
        )

    def _restore(self) -> bool:
        """Take up an earlier run, if there is one."""
        checkpoint, now = checkpoint_path(self.plan.out, self.name), {**self.training, "seed": self.plan.seed}
        if self._resume_path.exists():
            state = load_state(self._resume_path)
            expect_same({**state.training, "seed": state.seed}, now, self.plan.out)
            state.restore(self.model, self.optimizer)
            self.history, self.totals = state.history, state.totals
            if self.history and self.totals.steps == 0 and self.processes.writes:
                self._save_checkpoint()  # the run may have been killed between the two files
            return True
        if not checkpoint.exists():
            return False
        finished = load_record(checkpoint)
        expect_same({**finished.training, "seed": finished.seed}, now, self.plan.out)
        self.history = finished.history
        if len(self.history) < self.config.epochs:
            raise CheckpointError(
                f"{checkpoint} has no {self._resume_path.name} beside it. Choose another --out."
            )
        return True
