"""Which device and which precision to compute with, and how much memory there is."""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from rgaviz.errors import RgavizError, lookup
from rgaviz.progress import process_count

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4  # glibc's malloc.h
CONTAINER_LIMITS = (  # bytes, of cgroups 2 and 1
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)

DEVICES = {
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name, or for ``auto`` the fastest there is.

    Raises:
        RgavizError: unknown, or not on this machine.
    """
    if name == "auto":
        name = next((each for each in ("cuda", "mps") if DEVICES[each]()), "cpu")
    available = lookup({**DEVICES, "auto": None}, name, "device")
    if available is not None and not available():
        raise RgavizError(f"This machine has no {name} device. Use --device auto or --device cpu.")
    if name == "cuda" and process_count() > 1:
        return torch.device(name, int(os.environ.get("LOCAL_RANK", "0")))  # each process has its own
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """``fp32``, ``bf16``, or for ``auto`` bf16 where the hardware multiplies in it.

    Raises:
        RgavizError: unknown precision.
    """
    if name == "auto":
        name = "bf16" if _has_bf16(device) else "fp32"
    return lookup({"fp32": torch.float32, "bf16": torch.bfloat16}, name, "precision")


def _has_bf16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    # Private, but the only way PyTorch offers to ask; without it, bf16 on a CPU is emulated and slow.
    return device.type == "cpu" and getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()


def keep_freed_memory() -> None:
    """Have this process keep the memory that its main thread frees; without glibc nothing happens.

    A training step on a CPU asks for the same large tensors again and again. glibc maps each above 32 MiB anew, and
    the kernel clears it page by page, which can take as long as all the rest (docs/benchmarks.md).
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, -1)  # never hand the top of the heap back


def available_memory(device: torch.device) -> float:
    """Bytes that tensors on this device may still take; on the CPU within the limit of a container."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(psutil.virtual_memory().available, _container_limit() - psutil.Process().memory_info().rss)


def memory_for_images() -> float:
    """Bytes: half of the memory available, divided among the processes that train on this machine."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))  # torchrun's
    return available_memory(torch.device("cpu")) / 2 / processes


def _container_limit() -> float:
    for path in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # not there, or "max"
            return int(path.read_text())
    return math.inf


@contextmanager
def memory_told(what: str, advice: str) -> Iterator[None]:
    """Turns PyTorch's errors about memory into one line.

    Args:
        what: what does not fit, e.g. ``"A batch of 8 at 256x128"``.
        advice: the next step.
    """
    try:
        yield
    except RuntimeError as error:
        if isinstance(error, torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise RgavizError(f"{what} does not fit into memory: {advice}") from error
        raise
