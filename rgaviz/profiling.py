"""What networks and attention modules cost: parameters, multiply-accumulates, time and memory.

Shapes: B images, C channels, H x W positions, N = H W.
"""

from __future__ import annotations

import gc
import itertools
import math
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import psutil
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from rgaviz.attention import build_attention
from rgaviz.attention.direct import DIRECT, direct_form
from rgaviz.devices import memory_told
from rgaviz.models import count_parameters
from rgaviz.models.network import shapes_only

WARM_UP = 2  # rounds that are not counted: libraries choose their algorithms in them
PASSES = 2  # over which the peak of the memory is taken: the optimizer's state is there from the second on
MEMORY_SHARE = 0.5  # of what is available: more is not risked
SIDES = (8, 16, 24, 32, 48, 64, 96)  # of the square maps, where N grows
CHANNELS = (64, 128, 256, 512, 1024)  # where C grows
MAP = (16, 16)  # where C grows

Build = Callable[[], nn.Module]
Shape = tuple[int, int, int, int]  # (B, C, H, W)
Track = Callable[..., Iterable[Any]]
Value = TypeVar("Value")


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


@dataclass(frozen=True)
class Point:
    """The cost of one attention module at one size.

    Attributes:
        name: of the attention.
        x: N or C, whichever grows.
        channels: C.
        size: (H, W).
        cost: as measured.
    """

    name: str
    x: int
    channels: int
    size: tuple[int, int]
    cost: Cost


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


def peak_memory(prepare: Callable[[], Callable[[], object]], device: torch.device) -> int | None:
    """The most bytes in tensors while the work is done: weights, their gradients, inputs and all maps.

    On CUDA by the counter of the caching allocator, which includes the workspaces of the libraries; on the CPU
    by PyTorch's profiler, which counts every tensor but not what libraries allocate for themselves. Unlike the
    size of the process, both are the same in every run with the same number of threads.

    Args:
        prepare: makes the function that does the work; what it allocates and keeps is counted too.
        device: where the tensors are.

    Returns:
        Bytes, or None on a device that has no counter.
    """
    if device.type == "cpu":
        work, kept, _ = _counted(prepare)
        _, _, peak = _counted(partial(_repeat, work))
        return kept + peak
    if device.type != "cuda":
        return None
    small = torch.ones(16, 16, device=device, requires_grad=True)
    (small @ small).sum().backward()  # makes the workspaces of both threads, which stay
    before = torch.cuda.memory_allocated(device)
    work = prepare()
    torch.cuda.reset_peak_memory_stats(device)
    _repeat(work)
    return torch.cuda.max_memory_allocated(device) - before


def _repeat(work: Callable[[], object]) -> None:
    for _ in range(PASSES):
        work()


def _counted(work: Callable[[], Value]) -> tuple[Value, int, int]:
    """What ``work`` returns, the bytes in CPU tensors that it leaves, and the most there were; above those before."""
    profiler = torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True, acc_events=True
    )
    gc.disable()  # what was left behind earlier must not go now
    with _quiet():
        profiler.start()
    try:
        result = work()
    finally:
        with _quiet():
            profiler.stop()
        gc.enable()
    events: Any = profiler.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = sorted((e.start_ns(), e.nbytes()) for e in events if e.name() == "[memory]")
    running = list(itertools.accumulate((size for _, size in changes), initial=0))
    return result, running[-1], max(running)


@contextmanager
def _quiet() -> Iterator[None]:
    """Nothing on descriptor 2: the profiler's C++ logs there when it starts and stops, and that there is no GPU."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


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


def sizes(axis: str, channels: int) -> dict[int, tuple[int, tuple[int, int]]]:
    """N or C -> (C, (H, W)): square maps of ``channels`` where N grows, maps of 16x16 where C does."""
    if axis == "N":
        return {side * side: (channels, (side, side)) for side in SIDES}
    return {channels: (channels, MAP) for channels in CHANNELS}


def growing(attentions: Sequence[str]) -> dict[str, Callable[[int, tuple[int, int]], nn.Module]]:
    """What to compare as maps grow: the modules of these attentions, and the direct form of RGA beside its own.

    Returns:
        name -> builder of (C, (H, W)); direct forms are called e.g. ``"rga-sc (direct)"``.
    """
    found: dict[str, Callable[[int, tuple[int, int]], nn.Module]] = {}
    for name in attentions:
        found[name] = partial(build_attention, name)
        if name in DIRECT:
            found[f"{name} (direct)"] = partial(_build_direct, name)
    return found


def _build_direct(name: str, channels: int, size: tuple[int, int]) -> nn.Module:
    return direct_form(build_attention(name, channels, size))


def measure_growth(
    attentions: Sequence[str],
    axis: str,
    settings: Settings,
    track: Track,
    *,
    channels: int = 64,
    batch_size: int = 1,
) -> tuple[list[Point], list[str]]:
    """The cost of attention modules alone as N or C grows.

    Memory grows with the square of either at most, so what the next size may take is known from the last one.
    A module that may then need more than half of the memory available is left out from there on.

    Args:
        attentions: names, see :func:`growing`.
        axis: ``"N"`` or ``"C"``.
        settings: how to measure.
        track: wraps long loops, for a progress bar.
        channels: C, where N grows.
        batch_size: B.

    Returns:
        The points, and a line for every module that was left out.

    Raises:
        RgavizError: a module cannot be built, or memory does not suffice.
    """
    builders = growing(attentions)
    points: list[Point] = []
    notes: list[str] = []
    for x, (wide, size) in sizes(axis, channels).items():
        for last in _latest(points, builders):
            available = available_memory(settings.device)
            needed = (last.cost.memory or 0) * (x / last.x) ** 2
            if needed > MEMORY_SHARE * available:
                notes.append(
                    f"{last.name} ends at {axis} = {last.x}: {axis} = {x} may take {needed / 2**30:.1f} GiB, "
                    f"more than half of the {available / 2**30:.1f} GiB available."
                )
                del builders[last.name]
        builds = {name: partial(build, wide, size) for name, build in builders.items()}
        shape = (batch_size, wide, *size)
        costs = measure(builds, shape, settings, partial(_described, track, f"{axis} = {x}"), inner=True)
        points += [Point(name, x, wide, size, cost) for name, cost in costs.items()]
    return points, notes


def _latest(points: Sequence[Point], names: Iterable[str]) -> list[Point]:
    """The last point of each of these."""
    last = {point.name: point for point in points}
    return [last[name] for name in names if name in last]


def _described(track: Track, prefix: str, items: Iterable[Any], *, total: int, description: str) -> Any:
    return track(items, total=total, description=f"{prefix}, {description}")


def available_memory(device: torch.device) -> float:
    """Bytes that tensors on this device may still take; on the CPU within the limit of a container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(psutil.virtual_memory().available, _container_limit() - psutil.Process().memory_info().rss)


def _container_limit() -> float:
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # not there, or "max"
            return int(Path(path).read_text())
    return math.inf


def exponent(xs: Sequence[float], ys: Sequence[float | None]) -> float | None:
    """The p of y ~ x^p: least squares on the logarithms, over the larger half of the sizes.

    Args:
        xs: sizes, ascending.
        ys: what grows; None where it was not measured.

    Returns:
        p, or None of fewer than two positive values.
    """
    known = [(math.log(x), math.log(y)) for x, y in zip(xs, ys, strict=True) if y]
    upper = known[min(len(known) // 2, max(len(known) - 2, 0)) :]
    return statistics.linear_regression(*zip(*upper, strict=True)).slope if len(upper) > 1 else None


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
