"""What all benchmarks share: alternating timings, claims with their targets, the tables, the machine."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Claim:
    """One ratio, its target, and on which side of the target it should be."""

    text: str
    measured: float
    target: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        """Whether the target is met."""
        return self.measured <= self.target if self.at_most else self.measured >= self.target


@dataclass(frozen=True)
class Result:
    """A table of medians and the claims drawn from it."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    claims: Sequence[Claim]


def alternate(contestants: Mapping[str, Callable[[], float]], repeats: int) -> dict[str, float]:
    """Median of what each contestant returns, over ``repeats`` rounds after one that is dropped.

    Every round runs them all, each second one in reverse order, so that whatever else the machine does or
    how warm it is meets all alike.
    """
    found: dict[str, list[float]] = {name: [] for name in contestants}
    order = list(contestants)
    for _ in range(repeats + 1):
        for name in order:
            found[name].append(contestants[name]())
        order.reverse()
    return {name: statistics.median(values[1:]) for name, values in found.items()}


def seconds(work: Callable[[], object]) -> Callable[[], float]:
    """``work`` as a contestant that returns how long it took."""

    def timed() -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    return timed


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def claim_table(claims: Sequence[Claim]) -> str:
    """Measured against target, a row per claim."""
    rows = [
        [
            claim.text,
            f"{'at most' if claim.at_most else 'at least'} {claim.target:.2f}x",
            f"{claim.measured:.2f}x",
            "yes" if claim.holds else "no",
        ]
        for claim in claims
    ]
    return table(["claim", "target", "measured", "holds"], rows)


def machine() -> str:
    """CPU, cores, load, torch and its threads, in one line."""
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return (
        f"{names[0] if names else 'unknown CPU'}, {cores} cores, load {load:.1f} "
        f"at the start; torch {torch.__version__}, {torch.get_num_threads()} threads"
    )


def heading(found: str, quick: bool) -> str:
    """The line above the tables; ``found`` is :func:`machine` before anything ran."""
    return f"Machine: {found}.{' Quick run: the ratios mean nothing.' if quick else ''}"


def arguments(description: str) -> argparse.ArgumentParser:
    """The options of every benchmark."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="see that it works; the ratios mean nothing")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch (default 2)")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    return parser


def run(measure: Callable[[bool], Result], description: str) -> None:
    """Parse the options, measure, print."""
    options = arguments(description).parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    before = machine()
    result = measure(options.quick)
    if options.json:
        print(json.dumps(asdict(result)))
        return
    print(
        heading(before, options.quick),
        table(result.header, result.rows),
        claim_table(result.claims),
        sep="\n\n",
    )
