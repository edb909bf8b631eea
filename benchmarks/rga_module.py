"""RGA-SC forward and backward: the factored form against the direct form.

Shapes: ResNet-50's four stages at 256x128, batch 8, s1 = s2 = 8, that is (8, 256, 64, 32), (8, 512, 32,
16), (8, 1024, 16, 8) and (8, 2048, 16, 8); and CIFAR's (32, 16, 32, 32), s1 = s2 = 4. float32, training
mode, gradients of the input and of all weights. Ours gets channels_last maps, as training gives them; the
direct form is timed with both memory layouts and its faster one counts. Peak memory at conv2: each form
alone in a fresh process, above what the libraries, weights and input take (Linux only).
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from direct_rga import check_equal
from measure import Claim, Result, alternate, run, seconds
from torch import Tensor, nn

import rgaviz
from rgaviz.profiling.direct import direct_form


@dataclass(frozen=True)
class Case:
    """Where a module sits."""

    batch: int
    channels: int
    size: tuple[int, int]
    ratio: int

    def ours(self) -> nn.Module:
        """Our module, fresh weights."""
        return rgaviz.build_attention("rga-sc", self.channels, self.size, self.ratio, self.ratio)

    def maps(self, batch: int | None = None) -> Tensor:
        """Random maps (B, C, H, W)."""
        return torch.randn(batch or self.batch, self.channels, *self.size)


CASES = {
    "conv2": Case(8, 256, (64, 32), 8),
    "conv3": Case(8, 512, (32, 16), 8),
    "conv4": Case(8, 1024, (16, 8), 8),
    "conv5": Case(8, 2048, (16, 8), 8),
    "CIFAR": Case(32, 16, (32, 32), 4),
}
QUICK = {"small": Case(4, 64, (32, 16), 8), "smaller": Case(2, 16, (8, 8), 4)}
TINY = Case(2, 32, (8, 4), 4)


def forward_backward(module: nn.Module, maps: Tensor, layout: torch.memory_format) -> Callable[[], object]:
    """One training pass of ``module`` over ``maps`` in the given memory layout, as a function."""
    module = module.to(memory_format=layout).train()  # type: ignore[call-overload]
    x = maps.contiguous(memory_format=layout).requires_grad_()
    gradient = torch.randn_like(x)

    def work() -> None:
        module.zero_grad()
        x.grad = None
        module(x).backward(gradient)

    return work


def compare(case: Case, repeats: int) -> dict[str, float]:
    """Seconds of ours and of the direct form in both layouts."""
    ours = case.ours()
    check_equal(ours, direct_form(ours), case.maps(batch=2))
    maps = case.maps()
    contestants = {
        "ours": forward_backward(ours, maps, torch.channels_last),
        "direct NCHW": forward_backward(direct_form(ours), maps, torch.contiguous_format),
        "direct channels_last": forward_backward(direct_form(ours), maps, torch.channels_last),
    }
    return alternate({name: seconds(work) for name, work in contestants.items()}, repeats)


def peak(form: str, name: str, threads: int) -> None:
    """Print the peak memory (bytes) of three passes; runs in a process of its own."""
    torch.set_num_threads(threads)

    def passes(case: Case) -> Callable[[], object]:
        if form == "ours":
            return forward_backward(case.ours(), case.maps(), torch.channels_last)
        return forward_backward(direct_form(case.ours()), case.maps(), torch.contiguous_format)

    passes(TINY)()  # the libraries load code when first used; that is not the module's memory
    work = passes({**CASES, **QUICK}[name])
    before = memory("VmRSS")
    for _ in range(3):
        work()
    print(memory("VmHWM") - before)


def memory(field: str) -> int:
    """Bytes now (VmRSS) or at most so far (VmHWM).

    Not ``ru_maxrss``: Linux hands a parent's maximum down to the processes it starts.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def peak_alone(form: str, name: str) -> int:
    """:func:`peak` in a fresh process."""
    code = f"from rga_module import peak; peak({form!r}, {name!r}, {torch.get_num_threads()})"
    # Freed maps go back to the system at once, so that the peak is of what is alive, not of the allocator's cache.
    allocator = {"MALLOC_MMAP_THRESHOLD_": "131072"}
    environment = {**os.environ, **allocator, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-c", code]  # -P: the path is complete as it is
    return int(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def measure(quick: bool) -> Result:
    """Time every case, weigh the first."""
    cases, repeats = (QUICK, 2) if quick else (CASES, 11)
    rows, ratios = [], []
    for name, case in cases.items():
        times = compare(case, repeats)
        fastest = min(times["direct NCHW"], times["direct channels_last"])
        ratios.append(fastest / times["ours"])
        rows.append([name, *(f"{1000 * value:.1f} ms" for value in times.values()), f"{ratios[-1]:.2f}x"])
    first = next(iter(cases))
    ours, direct = (
        statistics.median(peak_alone(form, first) for _ in range(3)) for form in ("ours", "direct")
    )
    rows.append(
        [
            f"peak memory, {first}",
            f"{ours / 2**20:.0f} MiB",
            f"{direct / 2**20:.0f} MiB",
            "",
            f"{direct / ours:.2f}x",
        ]
    )
    claims = [
        Claim("RGA-SC faster than the direct form, geometric mean", statistics.geometric_mean(ratios), 5.5),
        Claim("RGA-SC peak memory at conv2, of the direct form's", ours / direct, 0.25, at_most=True),
    ]
    return Result(
        ["RGA-SC, forward + backward", "ours", "direct, NCHW", "direct, channels_last", "ratio"], rows, claims
    )


if __name__ == "__main__":
    run(measure, __doc__ or "")
