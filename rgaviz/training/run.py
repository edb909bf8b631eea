"""The training of one network."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from rgaviz.checkpoint import RESUME_SUFFIX, load_checkpoint, save_checkpoint
from rgaviz.data.batches import evaluation_batches, train_batches
from rgaviz.data.order import epoch_generator, shuffled, steps_per_epoch
from rgaviz.data.splits import Dataset
from rgaviz.devices import choose_precision
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model
from rgaviz.models.network import Network
from rgaviz.outputs import atomic_write
from rgaviz.training.config import Recipe
from rgaviz.training.metrics import evaluate, summarise
from rgaviz.training.optim import learning_rate, weight_groups
from rgaviz.training.report import Report, Step
from rgaviz.training.signals import Interrupted, Stopped, stop_signals
from rgaviz.training.state import flat, load_state

EVALUATION_BATCH = 512
CHECK_EVERY = 20  # steps between looks at the loss: each look waits for the device


def build_model(recipe: Recipe, attention: str, num_classes: int) -> Network:
    """The network of a recipe with this attention, fresh weights from the global random state."""
    model, (height, width) = recipe.model, recipe.data.image_size
    return create_model(
        model.arch,
        attention,
        num_classes=num_classes,
        image_size=(height, width),
        attention_layers=model.attention_layers,
        width=model.width,
        s1=model.s1,
        s2=model.s2,
        last_stride=model.last_stride,
        memory_efficient=model.memory_efficient,
    )


class Run:
    """The training of one network."""

    def __init__(
        self,
        accelerator: Accelerator,
        dataset: Dataset,
        recipe: Recipe,
        attention: str,
        name: str,
        out: Path,
        seed: int,
        settings: dict[str, Any],
        report: Report,
    ) -> None:
        self.accelerator, self.dataset, self.recipe, self.config = accelerator, dataset, recipe, recipe.train
        self.name, self.out, self.seed, self.report = name, out, seed, report
        self.device = accelerator.device
        self.precision = choose_precision(self.config.precision, self.device)
        self.training = {
            "dataset": dataset.name,
            "source": dataset.source,
            "recipe": replace(recipe, model=replace(recipe.model, attention=(attention,))).to_dict(),
            "precision": "bf16" if self.precision == torch.bfloat16 else "fp32",
            "processes": accelerator.num_processes,
            **settings,
        }
        torch.manual_seed(seed)
        model = build_model(recipe, attention, len(dataset.classes))
        self.model: Network = model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = torch.optim.SGD(
            weight_groups(self.model, self.config),
            lr=self.config.lr,
            momentum=self.config.momentum,
            nesterov=self.config.momentum > 0,
        )
        self.history: list[dict[str, Any]] = []
        self.totals = Totals()  # of the epoch under way

    def epochs(self, resume: bool) -> Iterator[list[dict[str, Any]]]:
        """Train to the end; yields the history after every epoch, each already saved."""
        if resume and self._restore():
            yield self.history
        self.report.start(self.name, len(self.history), self.config.epochs)
        if len(self.history) < self.config.epochs:
            self._save()  # a folder that cannot be written is found now, not after an epoch
            yield from self._remaining_epochs()
        if self.accelerator.is_main_process:
            self._resume_path.unlink(missing_ok=True)

    def _remaining_epochs(self) -> Iterator[list[dict[str, Any]]]:
        wrapped = self.accelerator.prepare_model(self.model)
        network: Any = torch.compile(wrapped) if self.config.compile else wrapped
        train_split = self.dataset.part("train").to(self.device)
        test_split = self.dataset.part("test").to(self.device)
        for epoch in range(len(self.history), self.config.epochs):
            with stop_signals() as stopped:
                self._epoch(network, train_split, epoch, stopped)
                row = self._measure(test_split, epoch)
                self.history = [*self.history, row]
                self.totals = Totals()
                self._save()
                yield self.history
                self.report.epoch({"network": self.name, **row})
                if self._agree(stopped):
                    raise Interrupted

    def _epoch(self, network: nn.Module, split: Any, epoch: int, stopped: Stopped) -> None:
        """Train on every batch once; on a signal save where it stands and raise :class:`Interrupted`."""
        steps = steps_per_epoch(split, self.config.batch_size)
        draw = epoch_generator(self.seed, epoch)
        batches = train_batches(
            split,
            shuffled(len(split), self.config.batch_size, draw),
            draw,
            augmentation="shift-mirror",
            mean=self.dataset.mean,
            std=self.dataset.std,
            start=self.totals.steps,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )
        network.train()
        recent: list[Tensor] = []  # (2,) each: mean loss and number of right answers
        clock = time.perf_counter()
        for step, (images, labels) in enumerate(batches, start=self.totals.steps):
            rate = learning_rate(self.config, epoch + step / steps)
            recent.append(self._step(network, images, labels, rate))
            last = step == steps - 1
            if len(recent) == CHECK_EVERY or last or (stopped and self.accelerator.num_processes == 1):
                self._count(recent, len(labels), epoch, step)
                recent.clear()
                self.totals.seconds += time.perf_counter() - clock
                clock = time.perf_counter()
                self.report.step(self._where(epoch, step + 1, steps))
                if not last and self._agree(stopped):  # after the last step the epoch is measured first
                    self._share_totals()
                    self._save()
                    raise Interrupted

    def _agree(self, stopped: Stopped) -> bool:
        """Whether any process was told to stop; all ask at the same steps, so that they leave together."""
        return bool(self._sum(torch.tensor(float(bool(stopped)))))

    def _share_totals(self) -> None:
        """Give every process the mean of all sums: only one's are saved, and all resume with them."""
        sums = torch.tensor([self.totals.loss, self.totals.right], dtype=torch.float64)
        means = self._sum(sums) / self.accelerator.num_processes
        self.totals.loss, self.totals.right = float(means[0]), float(means[1])

    def _step(self, network: nn.Module, images: Tensor, labels: Tensor, rate: float) -> Tensor:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            logits = network(images)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.config.label_smoothing)
        self.optimizer.zero_grad()
        self.accelerator.backward(loss)
        self.optimizer.step()
        right = (logits.argmax(1) == labels).sum()
        return torch.stack((loss.detach(), right.float()))

    def _count(self, recent: list[Tensor], batch: int, epoch: int, step: int) -> None:
        """Add the last steps to the totals; stop if a loss is not finite."""
        values = torch.stack(recent).cpu().double()  # (recent, 2), this process's share
        losses = values[:, 0].tolist()
        for offset, loss in enumerate(losses):
            self._require_finite(loss, "loss", epoch, step - len(recent) + 1 + offset)
        self.totals.add(sum(losses) * batch, float(values[:, 1].sum()), len(recent) * batch, len(recent))

    def _require_finite(self, loss: float, kind: str, epoch: int, step: int) -> None:
        if math.isfinite(loss):
            return
        steps = steps_per_epoch(self.dataset.part("train"), self.config.batch_size)
        rate = learning_rate(self.config, epoch + step / steps)
        raise RgavizError(
            f"The {kind} of {self.name} is {loss} at epoch {epoch + 1}, step {step + 1}, "
            f"learning rate {rate:.4g}. Try --set train.lr={self.config.lr / 4:.3g}, "
            "a longer train.warmup, or --precision fp32."
        )

    def _where(self, epoch: int, step: int, steps: int) -> Step:
        totals = self.totals
        speed = totals.images * self.accelerator.num_processes / totals.seconds
        accuracy = 100 * totals.right / totals.images
        return Step(
            self.name, epoch, self.config.epochs, step, steps, totals.loss / totals.images, accuracy, speed
        )

    def _measure(self, split: Any, epoch: int) -> dict[str, Any]:
        """The row of an epoch, over all processes."""
        self._share_statistics()
        batches = evaluation_batches(
            split,
            batch_size=EVALUATION_BATCH,
            mean=self.dataset.mean,
            std=self.dataset.std,
            rank=self.accelerator.process_index,
            processes=self.accelerator.num_processes,
        )
        loss, confusion = evaluate(self.model, batches, len(self.dataset.classes), self.precision)
        totals = torch.tensor([self.totals.loss, self.totals.right, self.totals.images], dtype=torch.float64)
        loss, confusion, totals = (self._sum(each) for each in (loss, confusion, totals))
        train_loss, right, images = totals.tolist()
        test = summarise(loss, confusion)
        # The last step may have ruined the weights after its own loss was still finite.
        self._require_finite(test["test_loss"], "test loss", epoch, self.totals.steps - 1)
        return {
            "epoch": epoch + 1,
            "train_loss": train_loss / images,
            "train_error": 100 * (1 - right / images),
            **test,
            "seconds": round(self.totals.seconds, 2),
            "images_per_second": round(images / self.totals.seconds, 1),
        }

    def _share_statistics(self) -> None:
        """Every process measures with the running statistics of the main one, which are those it saves."""
        if self.accelerator.num_processes > 1:
            broadcast(list(self.model.buffers()))

    def _sum(self, value: Tensor) -> Tensor:
        """Over all processes, on the CPU."""
        if self.accelerator.num_processes == 1:
            return value
        dtype = torch.float32 if self.device.type == "mps" else value.dtype
        return self.accelerator.reduce(value.to(self.device, dtype), "sum").cpu()  # type: ignore[union-attr]

    @property
    def _resume_path(self) -> Path:
        return self.out / f"{self.name}{RESUME_SUFFIX}"

    def _save(self) -> None:
        if not self.accelerator.is_main_process:
            return
        state = {
            "training": self.training,
            "seed": self.seed,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "history": self.history,
            "totals": vars(self.totals),
        }
        atomic_write(self._resume_path, lambda file: torch.save(state, file))
        if self.history and self.totals.steps == 0:
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        last = self.history[-1]
        save_checkpoint(
            self.out / f"{self.name}.pt",
            self.model,
            classes=self.dataset.classes,
            mean=self.dataset.mean,
            std=self.dataset.std,
            metrics={name: last[name] for name in ("test_error", "test_loss", "train_error", "train_loss")},
            training=self.training,
            seed=self.seed,
            history=self.history,
        )

    def _restore(self) -> bool:
        """Take up an earlier run, if there is one."""
        checkpoint = self.out / f"{self.name}.pt"
        if self._resume_path.exists():
            state = load_state(self._resume_path)
            self._expect_same(state["training"], state["seed"])
            self.model.load_state_dict(state["model"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.history, self.totals = state["history"], Totals(**state["totals"])
            if self.history and self.totals.steps == 0 and self.accelerator.is_main_process:
                self._save_checkpoint()  # the run may have been killed between the two files
            return bool(self.history)
        if not checkpoint.exists():
            return False
        finished = load_checkpoint(checkpoint)
        self._expect_same(finished.training, finished.seed)
        self.history = finished.history
        if len(self.history) < self.config.epochs:
            raise CheckpointError(
                f"{checkpoint} has no {self._resume_path.name} beside it. Choose another --out."
            )
        return True

    def _expect_same(self, training: dict[str, Any], seed: int) -> None:
        """A run resumed with other settings would be neither the one nor the other."""
        before, now = (
            flat({**each, "command": None})
            for each in ({**training, "seed": seed}, {**self.training, "seed": self.seed})
        )
        # What one of them does not have, another version of this program did not know.
        changed = sorted(key for key in before.keys() & now.keys() if before[key] != now[key])
        if changed:
            key = changed[0]
            raise RgavizError(
                f"The run in {self.out} was started with {key} = {before[key]}, not {now[key]}. "
                "Resume it with the same settings, or choose another --out."
            )


@dataclass
class Totals:
    """Sums over the epoch under way, of this process."""

    loss: float = 0.0
    right: float = 0.0
    images: int = 0
    steps: int = 0
    seconds: float = 0.0

    def add(self, loss: float, right: float, images: int, steps: int) -> None:
        """Add some steps."""
        self.loss, self.right = self.loss + loss, self.right + right
        self.images, self.steps = self.images + images, self.steps + steps
