"""Ranking, average precision and re-ranking as slow loops, from the definitions; float64, NumPy alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.metrics import auc

# (identity, camera, x): one-dimensional features.
QUERIES = [(1, 1, 0.0), (2, 1, 10.0), (3, 2, 20.0)]
GALLERY = [
    (1, 1, 0.1),
    (0, 3, 0.2),
    (1, 2, 0.3),
    (-1, 2, 0.05),
    (1, 3, 0.9),
    (2, 2, 10.5),
    (0, 1, 10.1),
    (-1, 1, 10.2),
    (2, 3, 11.0),
    (3, 2, 20.1),
    (2, 1, 10.05),
]


def example(queries=QUERIES, gallery=GALLERY):
    """The arguments of ``rank``, as lists."""
    features = [[[x] for _, _, x in each] for each in (queries, gallery)]
    return *features, *([each[index] for each in part] for index in (0, 1) for part in (queries, gallery))


class People(NamedTuple):
    """Identities and cameras of queries and gallery."""

    query_ids: list[int]
    gallery_ids: list[int]
    query_cameras: list[int]
    gallery_cameras: list[int]


def distances(query, gallery, distance):
    """(q, g) from differences and angles, pair by pair."""
    found = np.empty((len(query), len(gallery)))
    for i, a in enumerate(np.asarray(query, np.float64)):
        for j, b in enumerate(np.asarray(gallery, np.float64)):
            if distance == "euclidean":
                found[i, j] = np.sqrt(np.sum((a - b) ** 2))
            else:
                lengths = np.sqrt(np.sum(a * a)) * np.sqrt(np.sum(b * b))
                found[i, j] = 1 - (np.sum(a * b) / lengths if lengths else 0)
    return found


def ranked(row, query, people, within_camera=False):
    """Gallery indices for one query, best first, and whether each is right, by Market-1501's protocol."""
    identity, camera = people.query_ids[query], people.query_cameras[query]
    order, right = [], []
    for index in sorted(range(len(row)), key=lambda each: row[each]):  # stable
        other = people.gallery_ids[index]
        known = identity not in (0, -1)
        own = other == identity and people.gallery_cameras[index] == camera and known and not within_camera
        if other == -1 or own:
            continue
        order.append(index)
        right.append(other == identity and known)
    return order, right


def step(right):
    """Mean over the matches of (matches so far / rank)."""
    precisions = [sum(right[: rank + 1]) / (rank + 1) for rank, hit in enumerate(right) if hit]
    return sum(precisions) / len(precisions)


def trapezoid(right):
    """Area under straight lines between the points (recall, precision), from (0, 1) on."""
    recall = [0.0, *(sum(right[:rank]) / sum(right) for rank in range(1, len(right) + 1))]
    precision = [1.0, *(sum(right[:rank]) / rank for rank in range(1, len(right) + 1))]
    return auc(recall, precision)


def inverse_negative_penalty(right):
    """Matches / rank of the last."""
    return sum(right) / (max(rank for rank, hit in enumerate(right) if hit) + 1)


def reranked(apart, queries, k1, k2, weight):
    """(q, g) of Zhong et al., CVPR 2017, from original distances (n, n) not yet normalised, queries first."""
    count = len(apart)
    original = apart / apart.max(1, keepdims=True)
    ranking = np.argsort(apart, axis=1, kind="stable")

    def reciprocal(picture, k):
        near = ranking[picture, : k + 1]
        return {other for other in near if picture in ranking[other, : k + 1]}

    nearer = [reciprocal(picture, int(np.around(k1 / 2))) for picture in range(count)]
    encoding = np.zeros((count, count))
    for picture in range(count):
        near = reciprocal(picture, k1)
        expanded = set(near)
        for other in near:
            candidates = nearer[other]
            if len(candidates & near) > 2 / 3 * len(candidates):
                expanded |= candidates
        for other in expanded:
            encoding[picture, other] = np.exp(-original[picture, other])
        if expanded:
            encoding[picture] /= encoding[picture].sum()
    if k2 > 1:
        encoding = np.stack([encoding[ranking[picture, :k2]].mean(0) for picture in range(count)])
    found = np.empty((queries, count - queries))
    for i in range(queries):
        for j in range(queries, count):
            least = np.minimum(encoding[i], encoding[j]).sum()
            greatest = np.maximum(encoding[i], encoding[j]).sum()
            jaccard = 1 - least / greatest if greatest else 1
            found[i, j - queries] = (1 - weight) * jaccard + weight * original[i, j]
    return found
