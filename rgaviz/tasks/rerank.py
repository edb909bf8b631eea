"""Re-ranking with k-reciprocal encoding (Zhong et al., CVPR 2017), without any matrix of all pictures by all.

As the authors' code does it: queries and gallery are one set; a picture's neighbours are the first k1 + 1 entries of
its ranking, itself among them. Original distances are squared Euclidean ones (for cosine: 1 - cos, which of features of
length 1 is half of that), each picture's divided by its greatest. Unlike theirs, encodings are sparse and in float32,
not float16, and at equal distances the order of the pictures decides, queries first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from rgaviz.devices import available_memory
from rgaviz.errors import RgavizError
from rgaviz.progress import Track, silent
from rgaviz.tasks.distances import BLOCK, ROWS, distance_blocks, pair_distances
from rgaviz.tasks.ordering import in_order, indices, keys_of, slices

if TYPE_CHECKING:
    from scipy.sparse import csc_array, csr_array

K1, K2, ORIGINAL = 20, 6, 0.3  # as published
POWER = {"cosine": 1, "euclidean": 2}  # of a distance, in the original distances
PAIRS = 2**22  # values of features of pairs that are read at once
ENTRY = 8  # bytes of an entry of a sparse matrix: int32 and float32
TWICE = 2  # entries by rows and by columns


def reranked_blocks(
    query: Tensor,
    gallery: Tensor,
    distance: str,
    track: Track = silent,
    title: str = "",
    *,
    k1: int = K1,
    k2: int = K2,
    original: float = ORIGINAL,
) -> Iterator[Tensor]:
    """Distances of queries (q, d) to the gallery (g, d) after re-ranking, in blocks (b, g) as of ``distance_blocks``.

    Args:
        query: features, finite.
        gallery: features, finite.
        distance: a key of ``DISTANCES``.
        track: wraps the loops, for progress bars.
        title: of the last progress bar.
        k1: neighbours that may be reciprocal.
        k2: neighbours whose encodings are averaged.
        original: weight of the original distance, from 0 to 1.

    Raises:
        RgavizError: it does not fit into memory.
    """
    count = len(query) + len(gallery)
    _check_memory(count, _before(count, query, k1), gallery.device)
    together = torch.cat([query.to(gallery.device), gallery])  # (q + g, d)
    nearest, farthest = _neighbours(together, distance, k1 + 1, track)
    pairs = _expanded(nearest, k1)
    own = _encoded(pairs, _original(together, pairs, distance, farthest))
    del together, pairs
    _check_memory(count, _averaging(own, nearest[:, :k2]), torch.device("cpu"))
    encoded = _averaged(own, nearest[:, :k2]) if k2 > 1 else own
    by_column = encoded.tocsc()
    start = 0
    for block in distance_blocks(query, gallery, distance, track, title):
        block.div_(farthest[start : start + len(block), None].to(block)).pow_(POWER[distance]).mul_(original)
        for row in range(len(block)):
            apart = _jaccard(encoded, by_column, start + row)[len(query) :]
            block[row].add_(torch.from_numpy(apart).to(block), alpha=1 - original)
        start += len(block)
        yield block


def _before(count: int, query: Tensor, k1: int) -> int:
    """Bytes that are needed whatever the features are: their copy, blocks, rankings, the entries of an encoding."""
    return 4 * count * query.shape[1] + 2 * BLOCK + count * (k1 + 1) * (8 + 2 * TWICE * ENTRY)


def _averaging(encoded: csr_array, nearest: np.ndarray) -> int:
    """Bytes that averaged encodings take at most."""
    return int(np.diff(encoded.indptr)[nearest].sum()) * TWICE * ENTRY


def _check_memory(count: int, wanted: int, device: torch.device) -> None:
    there = int(available_memory(device))
    if wanted > there:
        raise RgavizError(
            f"Re-ranking {count} pictures takes {wanted} bytes of memory, of which {there} are free; leave out "
            "--rerank or rank fewer pictures."
        )


def _neighbours(features: Tensor, distance: str, most: int, track: Track) -> tuple[np.ndarray, Tensor]:
    """The nearest pictures of each, (n, d) -> (n, at most ``most``) in order, and its greatest distance (n,), not 0."""
    nearest, farthest = [], []
    for block in distance_blocks(features, features, distance, track, "Neighbours"):
        farthest.append(block.amax(1))
        nearest += [indices(in_order(keys_of(part))[:, :most]).cpu() for part in slices(block)]
    return torch.cat(nearest).numpy(), torch.cat(farthest).clamp(min=torch.finfo(torch.float32).tiny)


def _reciprocal(nearest: np.ndarray) -> csr_array:
    """Ones (n, n) where each of two pictures is among the nearest (n, k) of the other."""
    from scipy.sparse import csr_array

    count, most = nearest.shape
    ones = np.ones(count * most, np.int32)
    forward = csr_array((ones, nearest.ravel(), np.arange(0, count * most + 1, most)), shape=(count, count))
    return csr_array(forward.multiply(forward.T))


def _expanded(nearest: np.ndarray, k1: int) -> csr_array:
    """Ones (n, n) where a picture's encoding is not 0, from the nearest (n, k1 + 1) of each.

    Its reciprocal neighbours, and those by half as many neighbours of each such that shares two thirds of them.
    """
    from scipy.sparse import csr_array, vstack

    near, nearer = _reciprocal(nearest), _reciprocal(nearest[:, : round(k1 / 2) + 1])
    sizes = np.diff(nearer.indptr)
    parts = []
    for start in range(0, len(nearest), ROWS):
        own = near[start : start + ROWS]
        shared = csr_array((own @ nearer).multiply(own))
        shared.data = (3 * shared.data > 2 * sizes[shared.indices]).astype(np.int32)
        parts.append(own + shared @ nearer)
        parts[-1].eliminate_zeros()
    pattern = csr_array(vstack(parts))
    pattern.data[:] = 1
    return pattern


def _original(features: Tensor, pairs: csr_array, distance: str, farthest: Tensor) -> np.ndarray:
    """Original distances of features (n, d) between ``pairs`` (n, n), as their entries are in order."""
    row = np.repeat(np.arange(len(pairs.indptr) - 1), np.diff(pairs.indptr))
    found = []
    for start in range(0, len(row), max(1, PAIRS // features.shape[1])):
        stop = start + max(1, PAIRS // features.shape[1])
        first, second = (
            torch.from_numpy(each[start:stop]).long().to(features.device) for each in (row, pairs.indices)
        )
        apart = pair_distances(features[first], features[second], distance)
        found.append(apart.div_(farthest[first]).pow_(POWER[distance]).cpu())
    return torch.cat(found).double().numpy()


def _encoded(pairs: csr_array, original: np.ndarray) -> csr_array:
    """Weights (n, n) float32 that fall with the distance, of each picture with sum 1, from the entries of ``pairs``."""
    from scipy.sparse import csr_array

    weights = csr_array((np.exp(-original), pairs.indices, pairs.indptr), shape=pairs.shape)
    weights.data /= np.repeat(weights.sum(axis=1), np.diff(weights.indptr))
    return csr_array(weights.astype(np.float32))


def _averaged(encoded: csr_array, nearest: np.ndarray) -> csr_array:
    """Mean encodings (n, n) of the nearest (n, k) of each picture."""
    from scipy.sparse import csr_array

    count, most = nearest.shape
    shares = np.full(count * most, 1 / most, np.float32)
    mean = csr_array((shares, nearest.ravel(), np.arange(0, count * most + 1, most)), shape=encoded.shape)
    return csr_array(mean @ encoded)


def _jaccard(encoded: csr_array, by_column: csc_array, row: int) -> np.ndarray:
    """Jaccard distances (n,) of a picture's encoding to all others: 1 - intersection / union."""
    entries = slice(encoded.indptr[row], encoded.indptr[row + 1])
    column, weight = encoded.indices[entries], encoded.data[entries]  # (e,)
    start = by_column.indptr[column]
    count = by_column.indptr[column + 1] - start
    # Where the entries of these columns are: from each start on, one column after the other.
    place = np.repeat(start - (count.cumsum() - count), count) + np.arange(count.sum())
    least = np.minimum(np.repeat(weight, count), by_column.data[place])
    shared = np.bincount(by_column.indices[place], weights=least, minlength=len(encoded.indptr) - 1).clip(
        max=1
    )
    return 1 - shared / (2 - shared)
