"""RGA-SC on a grid at the head of a dilated network; direct RGA-S and a non-local block, which see the whole map there.

Shapes: maps (1, 512, 97, 97) of crops of 769x769 pixels, forward and backward in training mode with gradients of the
input and of all weights; and (1, 512, 128, 256) of pictures of 1024x2048, forward alone; float32, channels_last. All
stand in the slot ``context``: what they make of the map is put beside it, (1, 1024, h, w). On the grid of 24x24 are
RGA-SC (s1 = s2 = 8), ours and in its direct form, and no attention, which is what the slot itself takes; that ours and
the direct form are equal is checked before the timing. On the whole map are the direct form of RGA-S, whose relation
matrix is N x N, and the non-local block of this package, which does not form such a matrix.

Those on the grid are timed in turn, those on the whole map once, in a process of their own: they are long. Peak memory
is of a fresh process for each, above what the libraries, weights and input take (Linux only). What would take more than
half of the free memory is not run; what it would take is told.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import torch
from direct_rga import check_equal
from measure import Claim, Result, alternate, run, seconds
from rga_module import memory
from torch import Tensor, nn

import rgaviz
from rgaviz.devices import available_memory
from rgaviz.models.context import build_context
from rgaviz.profiling.direct import direct_form

RATIO = 8  # s1 and s2
COPIES = 7  # matrices of N x N that forward + backward of direct RGA-S has at once, as measured


class Case(NamedTuple):
    """A map (1, channels, *size) and the grid."""

    channels: int
    size: tuple[int, int]
    grid: int
    backward: bool

    @property
    def title(self) -> str:
        """For the table."""
        return f"{self.size[0]}x{self.size[1]}, forward{' + backward' if self.backward else ''}"

    @property
    def positions(self) -> int:
        """N."""
        return self.size[0] * self.size[1]


CASES = {"crop": Case(512, (97, 97), 24, True), "picture": Case(512, (128, 256), 24, False)}
QUICK = {"crop": Case(64, (17, 17), 8, True), "picture": Case(64, (16, 32), 8, False)}
TINY = Case(64, (13, 10), 8, True)
OURS, DIRECT, NOTHING = "RGA-SC on a grid, ours", "RGA-SC on a grid, direct form", "a grid without attention"
SPATIAL, NONLOCAL = "RGA-S on the whole map, direct form", "non-local block on the whole map"


class Beside(nn.Module):
    """A map and what a module makes of it: (B, C, H, W) -> (B, 2 C, H, W)."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.module(x)], dim=1)


def on_grid(attention: nn.Module, case: Case) -> nn.Module:
    """The slot with an attention on the grid."""
    return build_context("maps", attention, case.grid)


def attention(name: str, case: Case, size: tuple[int, int]) -> nn.Module:
    """Fresh weights, the same in every form."""
    torch.manual_seed(0)
    return rgaviz.build_attention(name, case.channels, size, RATIO, RATIO)


def relations(case: Case) -> nn.Module:
    """RGA-SC for the grid."""
    return attention("rga-sc", case, (case.grid, case.grid))


FORMS: dict[str, Callable[[Case], nn.Module]] = {
    NOTHING: lambda case: on_grid(nn.Identity(), case),
    OURS: lambda case: on_grid(relations(case), case),
    DIRECT: lambda case: on_grid(direct_form(relations(case)), case),
    SPATIAL: lambda case: Beside(direct_form(attention("rga-s", case, case.size))),
    NONLOCAL: lambda case: Beside(attention("nl", case, case.size)),
}
ON_GRID = (NOTHING, OURS, DIRECT)


def passes(form: str, case: Case) -> Callable[[], object]:
    """One pass over a random map, as a function."""
    layout = torch.channels_last
    module = FORMS[form](case).to(memory_format=layout).train(case.backward)  # type: ignore[call-overload]
    x = torch.randn(1, case.channels, *case.size).contiguous(memory_format=layout)
    if not case.backward:
        return torch.inference_mode()(lambda: module(x))
    x.requires_grad_()
    gradient = torch.randn(1, 2 * case.channels, *case.size).contiguous(memory_format=layout)

    def work() -> None:
        module.zero_grad()
        x.grad = None
        module(x).backward(gradient)

    return work


def alone(form: str, name: str, quick: bool, threads: int) -> None:
    """Print the seconds of a pass and its peak memory (bytes); runs in a process of its own."""
    torch.set_num_threads(threads)
    passes(form, TINY)()  # the libraries load code when first used; that is not the module's memory
    work = passes(form, (QUICK if quick else CASES)[name])
    before = memory("VmRSS")
    taken = seconds(work)()
    print(taken, memory("VmHWM") - before)


def in_process(form: str, name: str, quick: bool) -> tuple[float, float]:
    """:func:`alone` in a fresh process."""
    code = f"from head import alone; alone({form!r}, {name!r}, {quick}, {torch.get_num_threads()})"
    # Freed maps go back to the system at once, so that the peak is of what is alive, not of the allocator's cache.
    allocator = {"MALLOC_MMAP_THRESHOLD_": "131072"}
    environment = {**os.environ, **allocator, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-P", "-c", code]  # -P: the path is complete as it is
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    taken, peak = map(float, found.split())
    return taken, peak


def needed(form: str, case: Case) -> int:
    """Bytes of float32 that a form on the whole map takes, in a pass forward at least, else about."""
    if form == SPATIAL:
        return 4 * case.positions**2 * (COPIES if case.backward else 3)  # R, and its concatenation of 2N x N
    return 4 * case.positions * case.channels * 20


def contest(name: str, case: Case, quick: bool) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds and peak memory of each form that fits."""
    check_equal(FORMS[OURS](TINY), FORMS[DIRECT](TINY), torch.randn(2, TINY.channels, *TINY.size))
    times = alternate({form: seconds(passes(form, case)) for form in ON_GRID}, 2 if quick else 7)
    peaks = {form: in_process(form, name, quick)[1] for form in ON_GRID}
    for form in (SPATIAL, NONLOCAL):
        if needed(form, case) < available_memory(torch.device("cpu")) / 2:
            times[form], peaks[form] = in_process(form, name, quick)
    return times, peaks


def row(form: str, case: Case, times: dict[str, float], peaks: dict[str, float]) -> list[str]:
    """What is told of a form."""
    if form not in times:
        return [f"{case.title}: {form}", "not run", "", f"{needed(form, case) / 2**20:.0f} MiB at least", ""]
    shown = [f"{1000 * times[form]:.0f} ms", f"{times[form] / times[OURS]:.2f}x"]
    return [
        f"{case.title}: {form}",
        *shown,
        f"{peaks[form] / 2**20:.0f} MiB",
        f"{peaks[form] / peaks[OURS]:.2f}x",
    ]


def claims(case: Case, times: dict[str, float], peaks: dict[str, float]) -> list[Claim]:
    """Ours against each of the others that ran."""
    others = {
        DIRECT: ("its direct form", 1.0, 1.0),
        SPATIAL: ("direct RGA-S on the whole map", 10.0, 0.25),
        NONLOCAL: ("a non-local block on the whole map", 2.0, 1.0),
    }
    found = []
    for form, (other, faster, least) in others.items():
        if form in times:
            text = f"RGA-SC at the head, {case.title}"
            found += [
                Claim(f"{text}: faster than {other}", times[form] / times[OURS], faster),
                Claim(f"{text}: peak memory, of {other}", peaks[OURS] / peaks[form], least, at_most=True),
            ]
    return found


def measure(quick: bool) -> Result:
    """Both maps."""
    rows, found = [], []
    for name, case in (QUICK if quick else CASES).items():
        times, peaks = contest(name, case, quick)
        rows += [row(form, case, times, peaks) for form in FORMS]
        found += claims(case, times, peaks)
    return Result(["maps at the head", "time", "of ours", "peak memory", "of ours"], rows, found)


if __name__ == "__main__":
    run(measure, __doc__ or "")
