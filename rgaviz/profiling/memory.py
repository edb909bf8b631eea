"""How much memory work takes."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

import torch

PASSES = 2  # over which the peak of the memory is taken: the optimizer's state is there from the second on

Value = TypeVar("Value")


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
