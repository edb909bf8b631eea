"""The training loop: one CPU, one GPU, or many processes; every epoch is saved, and a resumed run is exact.

Files in the output folder, for a network called NAME:

- ``NAME.pt``: the checkpoint, after every epoch.
- ``NAME.resume.pt``: all that a later run needs to go on; gone when the network is finished.
- ``metrics.csv``: a row per network and epoch, rebuilt from the histories.

The state to resume is written first, then the checkpoint, then the row: whatever moment a run is killed at,
the later files can be made again from the earlier ones.
"""

from __future__ import annotations

import csv
import io
import math
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn

from rgaviz.atomic import atomic_write, output_error
from rgaviz.checkpoint import RESUME_SUFFIX, load_checkpoint, save_checkpoint
from rgaviz.data.splits import Dataset, evaluation_batches, steps_per_epoch, train_batches
from rgaviz.devices import choose_precision, keep_freed_memory, memory_told
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model
from rgaviz.models.network import Network, shapes_only
from rgaviz.training.config import Recipe, TrainConfig, learning_rate
from rgaviz.training.metrics import evaluate, summarise

EVALUATION_BATCH = 512
CHECK_EVERY = 20  # steps between looks at the loss: each look waits for the device
COMPILES_RECOMPUTATION = "2.9"  # the first PyTorch whose compiler computes again without side effects
NAMES = {"none": "baseline", "rga-sc": "rga"}  # attention -> file name, where they differ


@dataclass(frozen=True)
class Step:
    """Where a training stands; ``loss`` and ``accuracy`` are means of this epoch so far."""

    network: str
    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float  # percent
    images_per_second: float


class Report(Protocol):
    """Who listens to a training."""

    def start(self, network: str, epoch: int, epochs: int) -> None:
        """A network begins, or goes on, at ``epoch``."""

    def step(self, step: Step) -> None:
        """Some steps were made."""

    def epoch(self, row: dict[str, Any]) -> None:
        """An epoch ended; ``row`` is its line of metrics.csv."""


class Silent(Report):
    """Nobody listens."""


class Interrupted(KeyboardInterrupt):
    """Stopped by a signal, with the state saved."""


def network_name(attention: str) -> str:
    """Name of a network's files: ``baseline``, ``rga``, or the attention's own."""
    return NAMES.get(attention, attention)


def train(
    dataset: Dataset,
    recipe: Recipe,
    attentions: Sequence[str],
    out: Path,
    *,
    device: torch.device,
    seed: int = 0,
    resume: bool = False,
    overwrite: bool = False,
    settings: dict[str, Any] | None = None,
    report: Report | None = None,
) -> list[dict[str, Any]]:
    """Train one network per attention, alike in seed, initial backbone and order of the data.

    Args:
        dataset: the images.
        recipe: all settings.
        attentions: keys of ``ATTENTIONS``.
        out: folder for checkpoints and metrics.
        device: what to compute on; under ``torchrun`` accelerate picks each process's own.
        seed: of weights, order and augmentation.
        resume: go on where an earlier run in ``out`` stopped; with nothing there, start.
        overwrite: replace an earlier run in ``out``.
        settings: more to record in the checkpoints, e.g. the command line.
        report: who listens.

    Returns:
        The last row of each network.

    Raises:
        RgavizError: a loss that is not finite, another recipe than the run to resume, an earlier run in
            the way, an unwritable folder.
        Interrupted: stopped by Ctrl-C or SIGTERM; the state is saved.
    """
    accelerator = Accelerator(cpu=device.type == "cpu", mixed_precision="no")  # autocast is ours, below
    if recipe.train.batch_size % accelerator.num_processes:
        raise RgavizError(
            f"train.batch_size = {recipe.train.batch_size} cannot be shared by {accelerator.num_processes} "
            "processes alike; choose a multiple."
        )
    if accelerator.num_processes > 1 and len(dataset.train) < recipe.train.batch_size:
        raise RgavizError(
            f"{len(dataset.train)} training images are less than one batch of {recipe.train.batch_size}, which "
            "several processes cannot share; use one process, or a smaller train.batch_size."
        )
    if recipe.train.compile and recipe.model.memory_efficient and torch.__version__ < COMPILES_RECOMPUTATION:
        raise RgavizError(
            f"The compiler of PyTorch {torch.__version__} spoils the running statistics of a network that computes "
            f"twice to save memory; take {COMPILES_RECOMPUTATION}, or leave out --compile or model.memory_efficient."
        )
    for attention in attentions:
        with shapes_only():  # a network that cannot be built is refused before the first is trained
            build_model(recipe, attention, len(dataset.classes))
    if accelerator.device.type == "cpu":
        keep_freed_memory()
    networks = [network_name(attention) for attention in attentions]
    if not resume and accelerator.is_main_process:
        if not overwrite:
            refuse_earlier_run(out, attentions)
        _clear(out, networks)
    histories = {**_other_histories(out, networks), **{name: [] for name in networks}}
    for attention, name in zip(attentions, networks, strict=True):
        run = Run(
            accelerator, dataset, recipe, attention, name, out, seed, settings or {}, report or Silent()
        )
        size = recipe.train.batch_size
        with memory_told(
            f"A batch of {size} images of {name}", f"try --set train.batch_size={size // 2 or 1}"
        ):
            for history in run.epochs(resume):
                histories[name] = history
                if accelerator.is_main_process:
                    write_metrics(out / "metrics.csv", histories)
        accelerator.wait_for_everyone()
    return [{"network": name, **histories[name][-1]} for name in networks]


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


def refuse_earlier_run(out: Path, attentions: Sequence[str]) -> None:
    """Refuse to replace networks: hours of training must not go because ``--resume`` was forgotten.

    Raises:
        RgavizError: ``out`` holds one of these networks, or the state of one.
    """
    if _files_of(out, [network_name(attention) for attention in attentions]):
        raise RgavizError(
            f"{out} holds an earlier run. Go on with --resume, choose another --out, or replace it with --overwrite."
        )


def _files_of(out: Path, networks: Sequence[str]) -> list[Path]:
    """What is there of these networks: checkpoints and states."""
    files = (path for name in networks for path in (out / f"{name}.pt", out / f"{name}{RESUME_SUFFIX}"))
    return [path for path in files if path.exists()]


def _clear(out: Path, networks: Sequence[str]) -> None:
    """Make room for new networks.

    Raises:
        RgavizError: a file that is not ours is in the way.
    """
    found = _files_of(out, networks)
    for path in found:
        if not path.name.endswith(RESUME_SUFFIX):
            load_checkpoint(path)  # what is not ours is not removed
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            raise output_error(path, error) from error


def _other_histories(out: Path, networks: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What the folder's other networks were like, trained by earlier commands: metrics.csv has them all."""
    histories = {}
    for path in sorted(out.glob("*.pt")):
        if path.stem not in networks and not path.name.endswith(RESUME_SUFFIX):
            with suppress(CheckpointError):  # not ours
                histories[path.stem] = load_checkpoint(path).history
    return histories


def write_metrics(path: Path, histories: dict[str, list[dict[str, Any]]]) -> None:
    """A row per network and epoch."""
    rows = [{"network": name, **row} for name, history in histories.items() for row in history]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_write(path, text.getvalue().encode())


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
        train_split = self.dataset.train.to(self.device)
        test_split = self.dataset.test.to(self.device)
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
        batches = train_batches(
            split,
            batch_size=self.config.batch_size,
            mean=self.dataset.mean,
            std=self.dataset.std,
            seed=self.seed,
            epoch=epoch,
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
        steps = steps_per_epoch(self.dataset.train, self.config.batch_size)
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
            state = _load_state(self._resume_path)
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
            _flat({**each, "command": None})
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


def weight_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: by default matrices and kernels only."""
    parameters = list(model.parameters())
    decayed = [each for each in parameters if config.decay_all or each.ndim > 1]
    others = [each for each in parameters if not (config.decay_all or each.ndim > 1)]
    return [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


class Stopped:
    """True once a signal came."""

    def __init__(self) -> None:
        self.signalled = False

    def __bool__(self) -> bool:
        return self.signalled


@contextmanager
def stop_signals() -> Iterator[Stopped]:
    """Within the block the first Ctrl-C or SIGTERM sets the flag; a second one acts at once."""
    stopped = Stopped()
    handlers: dict[int, Any] = {}

    def restore() -> None:
        for number, handler in handlers.items():
            signal.signal(number, handler)

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        stopped.signalled = True
        restore()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            handlers[number] = signal.signal(number, stop)
    except ValueError:  # not in the main thread: whoever runs us there handles signals
        handlers.clear()
    try:
        yield stopped
    finally:
        restore()


def _load_state(path: Path) -> dict[str, Any]:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways
        raise CheckpointError(f"{path} is damaged; remove it or choose another --out.") from error


def _flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists and tuples are alike."""
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return flat
