"""Ranking a gallery of Market-1501's size and measuring it: ours, and the usual loop over queries.

15,913 pictures of the gallery, 2,798 of them distractors, 750 identities, six cameras, 2,048 values a feature: random,
with something of the identity in them. All contestants start from the same distances, of a tenth of the 3,368 queries,
since the loop is slow; the time of each grows with the number of queries. The loop is what the libraries of the field
have in Python: ``numpy.argsort`` of the whole matrix, then query by query. torchreid's Cython code takes part where it
is installed with its extension. That all give the same mAP is checked before the timing.

Then everything at once, with all queries and from features to figures, and its peak memory beside the features at
MSMT17's size (11,659 queries, 82,161 pictures), by a fresh process (Linux only).
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from measure import Claim, Result, alternate, run, seconds
from rga_module import memory
from torch import Tensor

from rgaviz.tasks.distances import distance_blocks
from rgaviz.tasks.identities import identities_of
from rgaviz.tasks.metrics import rank_metrics
from rgaviz.tasks.ranking import ranked, step

Labels = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
CYTHON = "torchreid's Cython code"
MODULES = ("torchreid.metrics.rank_cylib.rank_cy", "torchreid.reid.metrics.rank_cylib.rank_cy")


class Size(NamedTuple):
    """Of a data set."""

    queries: int
    gallery: int
    distractors: int
    identities: int
    cameras: int
    values: int = 2048


MARKET = Size(3368, 15913, 2798, 750, 6)
MSMT = Size(11659, 82161, 0, 3060, 15)
QUICK = Size(60, 300, 50, 20, 6, 64)


def pictures(size: Size) -> tuple[Tensor, Tensor, Labels]:
    """Features of queries and gallery, and their identities and cameras."""
    random = np.random.default_rng(0)
    query_ids = 1 + np.arange(size.queries) % size.identities
    gallery_ids = random.integers(1, size.identities + 1, size.gallery)
    gallery_ids[: size.distractors] = 0
    query_cameras = random.integers(1, size.cameras + 1, size.queries)
    gallery_cameras = random.integers(1, size.cameras + 1, size.gallery)
    centres = torch.randn(size.identities + 1, size.values)

    def features(ids: np.ndarray) -> Tensor:
        noise = torch.randn(len(ids), size.values).mul_(4)
        for start in range(0, len(ids), 1024):
            noise[start : start + 1024] += centres[torch.from_numpy(ids[start : start + 1024])]
        return noise

    labels = (query_ids, gallery_ids, query_cameras, gallery_cameras)
    return features(query_ids), features(gallery_ids), labels


def ours(distances: Tensor, labels: Labels) -> float:
    """MAP of distances (q, g), and all else that a ranking has."""
    query_ids, gallery_ids, *cameras = labels
    people = identities_of(
        (query_ids, gallery_ids),
        (cameras[0], cameras[1]),
        None,
        counts=(len(query_ids), len(gallery_ids)),
        within_camera=False,
        device=distances.device,
    )
    return ranked([distances], people, 50, step)["average_precision"].nanmean().item()


def usual(distances: np.ndarray, labels: Labels, most: int = 50) -> tuple[np.ndarray, float]:
    """CMC and mAP as the usual loop over queries computes them from distances (q, g)."""
    query_ids, gallery_ids, query_cameras, gallery_cameras = labels
    order = np.argsort(distances, axis=1)
    matches = (gallery_ids[order] == query_ids[:, None]).astype(np.int32)
    curves, precisions = [], []
    for query, (identity, camera) in enumerate(zip(query_ids, query_cameras, strict=True)):
        ranking = order[query]
        own = (gallery_ids[ranking] == identity) & (gallery_cameras[ranking] == camera)
        hits = matches[query][~own]
        if not hits.any():
            continue
        curve = hits.cumsum()
        curve[curve > 1] = 1
        curves.append(curve[:most])
        so_far = [count / (index + 1.0) for index, count in enumerate(hits.cumsum())]
        precisions.append((np.asarray(so_far) * hits).sum() / hits.sum())
    return np.asarray(curves, np.float32).mean(0), float(np.mean(precisions))


def cython() -> Callable[..., tuple[np.ndarray, float]] | None:
    """Torchreid's evaluation in Cython, if there is one."""
    for name in MODULES:
        try:
            return importlib.import_module(name).evaluate_cy
        except ImportError:
            continue
    return None


def peak(name: str, threads: int) -> None:
    """Print the most memory in bytes that ranking takes beside features of a size."""
    torch.set_num_threads(threads)
    query, gallery, labels = pictures({"MSMT17": MSMT, "quick": QUICK}[name])
    few, several, theirs = pictures(QUICK)
    rank_metrics(few, several, *theirs)  # what is loaded at first use
    before = memory("VmRSS")
    rank_metrics(query, gallery, *labels)
    print(memory("VmHWM") - before)


def peak_alone(name: str) -> tuple[float, int]:
    """Seconds of a fresh process that prints its :func:`peak`, and that."""
    code = f"from ranking import peak; peak({name!r}, {torch.get_num_threads()})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    started = time.perf_counter()
    command = [sys.executable, "-P", "-c", code]
    printed = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, int(printed)


def contest(size: Size, repeats: int) -> tuple[list[list[str]], dict[str, float]]:
    """Rows of the table and seconds of every contestant from the same distances; the last row is of the whole."""
    query, gallery, labels = pictures(size)
    tenth = (labels[0][::10], labels[1], labels[2][::10], labels[3])
    distances = torch.cat([block.clone() for block in distance_blocks(query[::10], gallery, "cosine")])
    work: dict[str, Callable[[], float]] = {"usual loop": lambda: usual(distances.numpy(), tenth)[1]}
    compiled = cython()
    if compiled is not None:
        work[CYTHON] = lambda: compiled(distances.numpy(), *tenth, 50)[1]
    work["ours"] = lambda: ours(distances, tenth)
    wanted, *found = [call() for call in work.values()]
    np.testing.assert_allclose(found, wanted, atol=1e-4)  # theirs is a sum in float32
    times = alternate({name: seconds(call) for name, call in work.items()}, repeats)
    rows = [
        [
            f"{name}, from distances of {len(tenth[0])} queries",
            f"{value:.3f} s",
            f"{times['usual loop'] / value:.2f}x",
        ]
        for name, value in times.items()
    ]
    whole = alternate({"all": seconds(lambda: rank_metrics(query, gallery, *labels))}, 1)["all"]
    return [*rows, [f"ours, from features of {size.queries} queries", f"{whole:.2f} s", ""]], times


def measure(quick: bool) -> Result:
    """Time the contestants, then weigh ours."""
    rows, times = contest(QUICK, 1) if quick else contest(MARKET, 3)
    name = "quick" if quick else "MSMT17"
    taken, most = peak_alone(name)
    rows.append([f"ours at {name}'s size, whole process", f"{taken:.0f} s", ""])
    rows.append(["its peak memory beside the features", f"{most / 2**20:.0f} MiB", ""])
    claims = [
        Claim("rank metrics faster than by the usual loop", times["usual loop"] / times["ours"], 20.0),
        Claim("peak memory of ranking at MSMT17's size, of 1 GB", most / 1e9, 1.0, at_most=True),
    ]
    if CYTHON in times:
        faster = times[CYTHON] / times["ours"]
        claims.append(Claim("rank metrics faster than by torchreid's Cython code", faster, 1.0))
    return Result(["ranking a gallery", "time or memory", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")
