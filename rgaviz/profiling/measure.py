"""What networks and attention modules cost: parameters, multiply-accumulates, time and memory.

Shapes: B images, C channels, H x W positions, N = H W.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rgaviz import devices
from rgaviz.devices import memory_told
from rgaviz.errors import RgavizError
from rgaviz.models import count_parameters
from rgaviz.models.network import shapes_only
from rgaviz.profiling.memory import peak_memory
from rgaviz.progress import Track

WARM_UP = 2  # rounds that are not counted: libraries choose their algorithms in them

Build = Callable[[], nn.Module]
Shape = tuple[int, int, int, int]  # (B, C, H, W)


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        device: what to compute on.
        precision: float32, or bfloat16 by autocast.
        train: a training step (forward, backward, SGD with momentum) instead of inference.
        repeats: timed rounds.
    """

    device: torch.device
    precision: torch.dtype = torch.float32
    train: bool = False
    repeats: int = 11


def choose_settings(device: str, precision: str, repeats: int, *, train: bool) -> Settings:
    """Settings from names; a training step on a CPU is measured as a training runs.

    Raises:
        RgavizError: unknown, not on this machine, or too few rounds.
    """
    if repeats < 2:
        raise RgavizError(f"--repeats {repeats} gives no quartiles; give 2 or more.")
    where = devices.choose_device(device)
    if train and where.type == "cpu":
        devices.keep_freed_memory()
    return Settings(where, devices.choose_precision(precision, where), train, repeats)


def check_batch(size: int) -> None:
    """Refuse a batch of no image.

    Raises:
        RgavizError: it is one.
    """
    if size < 1:
        raise RgavizError(f"--batch-size {size} is no batch; give 1 or more.")


@dataclass(frozen=True)
class Cost:
    """What one network or module costs.

    Attributes:
        parameters: learned values.
        macs: multiply-accumulates of one forward pass over one image, see :func:`multiply_accumulates`.
        memory: peak in bytes, see :func:`peak_memory`.
        seconds: of one pass over the batch, a value per round.
    """

    parameters: int
    macs: int
    memory: int | None
    seconds: tuple[float, ...]

    def row(self) -> dict[str, float | None]:
        """Plain numbers: latency as the median with the quartiles, milliseconds per batch; memory in MiB."""
        first, median, third = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return {
            "parameters": self.parameters,
            "macs": self.macs,
            "latency_ms": 1000 * median,
            "latency_q1_ms": 1000 * first,
            "latency_q3_ms": 1000 * third,
            "memory_mib": None if self.memory is None else self.memory / 2**20,
        }


def parameters(build: Build) -> int:
    """Learned values of what ``build`` makes, which is not allocated for it.

    Raises:
        RgavizError: it cannot be built.
    """
    with shapes_only():
        return count_parameters(build())


@torch.no_grad()
def multiply_accumulates(build: Build, shape: Shape) -> int:
    """Multiply-accumulates of one forward pass over one image.

    Counted are convolutions and matrix products (PyTorch's ``FlopCounterMode`` over 2); not biases,
    normalisation, activations, pooling, or products by element.

    Args:
        build: makes the network.
        shape: (B, C, H, W) of its input; B does not matter.
    """
    network, image = build().eval(), torch.zeros(1, *shape[1:])
    with FlopCounterMode(display=False) as counter:
        network(image)
    return counter.get_total_flops() // 2


def workload(build: Build, shape: Shape, settings: Settings, *, inner: bool = False) -> Callable[[], object]:
    """One pass of a fresh network over a random batch, as a function. Maps are channels_last, as in training.

    Args:
        build: makes the network.
        shape: (B, C, H, W) of its input.
        settings: inference or training step, where and in which precision.
        inner: also the gradient of the input, which a module inside a network has to give.
    """
    device, precision = settings.device, settings.precision
    network: nn.Module = build().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(shape, device=device).contiguous(memory_format=torch.channels_last)

    def forward() -> torch.Tensor:
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            return network(images)

    if not settings.train:
        network.eval()
        return torch.inference_mode()(forward)

    network.train()
    images.requires_grad_(inner)
    # A learning rate of 0 does all the work and leaves every round the same.
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9, nesterov=True)

    def step() -> None:
        output = forward()
        images.grad = None
        optimizer.zero_grad()
        output.backward(torch.ones_like(output))
        optimizer.step()

    return step


def alternate(
    works: Mapping[str, Callable[[], object]],
    repeats: int,
    track: Track,
    *,
    synchronise: Callable[[], object] = lambda: None,
) -> dict[str, tuple[float, ...]]:
    """Seconds that each work takes, ``repeats`` values each, after rounds that are not counted.

    Every round does them all, each second one in reverse order, so that whatever else the machine does or how
    warm it is meets all alike.

    Args:
        works: what to time, by name.
        repeats: rounds that count.
        track: wraps the loop, for a progress bar.
        synchronise: waits until the device has done what it was given.
    """
    order = list(works)
    turns = [
        (turn >= WARM_UP, name)
        for turn in range(WARM_UP + repeats)
        for name in (order if turn % 2 == 0 else reversed(order))
    ]
    found: dict[str, list[float]] = {name: [] for name in works}
    for counts, name in track(turns, total=len(turns), description="time"):
        synchronise()
        started = time.perf_counter()
        works[name]()
        synchronise()
        if counts:
            found[name].append(time.perf_counter() - started)
    return {name: tuple(values) for name, values in found.items()}


def measure(
    builds: Mapping[str, Build], shape: Shape, settings: Settings, track: Track, *, inner: bool = False
) -> dict[str, Cost]:
    """The cost of several networks on the same input, their times taken in turns.

    Args:
        builds: what makes each network, by name.
        shape: (B, C, H, W) of the input.
        settings: how to measure.
        track: wraps long loops, for a progress bar.
        inner: whether they are modules inside a network, see :func:`workload`.

    Raises:
        RgavizError: one of them cannot be built, or memory does not suffice.
    """
    learned = {name: parameters(build) for name, build in builds.items()}
    prepared = {
        name: partial(workload, build, shape, settings, inner=inner) for name, build in builds.items()
    }
    batch, _, height, width = shape
    with memory_told(f"A batch of {batch} at {height}x{width}", "choose a smaller --batch-size."):
        macs, memory = {}, {}
        for name in track(builds, total=len(builds), description="memory"):
            macs[name] = multiply_accumulates(builds[name], shape)
            memory[name] = peak_memory(prepared[name], settings.device)
        works = {name: prepare() for name, prepare in prepared.items()}
        synchronise = partial(_synchronise, settings.device)
        seconds = alternate(works, settings.repeats, track, synchronise=synchronise)
    return {name: Cost(learned[name], macs[name], memory[name], seconds[name]) for name in builds}


def _synchronise(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize()


def machine(settings: Settings) -> dict[str, Any]:
    """What times depend on: device, threads, version of PyTorch, precision, mode."""
    cuda = settings.device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(settings.device) if cuda else _processor(),
        "threads": torch.get_num_threads(),
        "torch": str(torch.__version__),
        "precision": "bf16" if settings.precision == torch.bfloat16 else "fp32",
        "mode": "training step" if settings.train else "inference",
    }


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
