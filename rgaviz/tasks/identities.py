"""Who is on the pictures that are ranked, and which of them a query is compared with; what is given, checked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rgaviz.errors import RgavizError, one_line

DISTRACTOR = 0  # and junk is all below
Pair = tuple[Any, Any]


@dataclass(frozen=True)
class Identities:
    """Who is on each picture and which camera took it, int64 on one device.

    Attributes:
        query_ids: (q,).
        gallery_ids: (g,).
        query_cameras: (q,).
        gallery_cameras: (g,).
        itself: (q,) index in the gallery of the query's very picture, -1 where it is not there.
        within_camera: whether a query is compared with its identity by its own camera, too.
    """

    query_ids: Tensor
    gallery_ids: Tensor
    query_cameras: Tensor
    gallery_cameras: Tensor
    itself: Tensor
    within_camera: bool

    @cached_property
    def _alike(self) -> tuple[Tensor, Tensor, Tensor]:
        """The gallery (g,) sorted by identity; of each query (q,) where there its own begins, and its length."""
        ids, index = self.gallery_ids.sort(stable=True)
        first = torch.searchsorted(ids, self.query_ids)
        count = torch.searchsorted(ids, self.query_ids, right=True) - first
        count[self.query_ids <= DISTRACTOR] = 0
        return index, first, count

    @cached_property
    def _junk(self) -> Tensor:
        return (self.gallery_ids < DISTRACTOR).nonzero()[:, 0]  # (n, 1) -> (n,)

    def alike(self, start: int, stop: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gallery pictures of the identities of queries ``start`` to ``stop``.

        Returns:
            (n,) each: the query, from 0 for ``start``; the picture; how many of the query's come before it; and whether
            the camera rule leaves it out.
        """
        index, *ranges = self._alike
        first, count = (each[start:stop] for each in ranges)
        row = torch.arange(len(count), device=count.device).repeat_interleave(count)  # (b,) -> (n,)
        place = torch.arange(len(row), device=row.device) - (count.cumsum(0) - count)[row]
        column = index[first[row] + place]
        own = self.query_cameras[start:stop][row] == self.gallery_cameras[column]
        return row, column, place, own & (not self.within_camera)

    def left_out(self, start: int, stop: int) -> Iterator[tuple[Any, Tensor]]:
        """What queries ``start`` to ``stop`` are not compared with whoever it shows: indices into (stop - start, g)."""
        yield slice(None), self._junk
        there = (self.itself[start:stop] >= 0).nonzero()[:, 0]  # (n, 1) -> (n,)
        yield there, self.itself[start:stop][there]

    def match(self, start: int, order: Tensor) -> Tensor:
        """Whether gallery pictures (b, n) are of the identity of queries ``start`` to ``start + b``: (b, n) bool."""
        wanted = self.query_ids[start : start + len(order), None]  # (b,) -> (b, 1)
        return (self.gallery_ids[order] == wanted) & (wanted > DISTRACTOR)


def features_of(query: Any, gallery: Any) -> tuple[Tensor, Tensor]:
    """Features of queries and gallery as float32, (q, d) and (g, d), where float64 can be computed with.

    Raises:
        RgavizError: of another shape, none at all, or with values that are no numbers.
    """
    features = _features(query, "queries"), _features(gallery, "gallery")
    widths = [each.shape[1] for each in features]
    if widths[0] != widths[1]:
        raise RgavizError(
            f"Features of queries have {widths[0]} values and those of the gallery {widths[1]}; "
            "give features of one network."
        )
    return features


def _features(values: Any, whose: str) -> Tensor:
    features = _tensor(values, f"Features of the {whose}")
    if features.ndim != 2 or 0 in features.shape or features.is_complex():
        raise RgavizError(
            f"Features of the {whose} must be numbers (pictures, values), at least one of each, not {_said(features)}."
        )
    features = features.float()
    if features.device.type == "mps":  # has no float64
        features = features.cpu()
    if not torch.stack(features.aminmax()).isfinite().all():
        raise RgavizError(
            f"Features of the {whose} have values that are NaN or infinite; check the network that gave them."
        )
    return features


def identities_of(
    ids: Pair,
    cameras: Pair,
    itself: Any,
    *,
    counts: tuple[int, int],
    within_camera: bool,
    device: torch.device,
) -> Identities:
    """Identities and cameras as given, each of queries and gallery.

    Raises:
        RgavizError: not a whole number for each picture.
    """

    def numbers(values: Any, what: str, count: int) -> Tensor:
        return _numbers(values, what, count).to(device)

    queries, gallery = counts
    places = numbers(
        torch.full((queries,), -1) if itself is None else itself, "places of the queries", queries
    )
    if int(places.max()) >= gallery:
        raise RgavizError(
            f"Place {int(places.max())} is not in a gallery of {gallery} pictures; count from 0."
        )
    return Identities(
        numbers(ids[0], "identities of the queries", queries),
        numbers(ids[1], "identities of the gallery", gallery),
        numbers(cameras[0], "cameras of the queries", queries),
        numbers(cameras[1], "cameras of the gallery", gallery),
        places,
        within_camera,
    )


def _numbers(values: Any, what: str, count: int) -> Tensor:
    numbers = _tensor(values, what.capitalize())
    if numbers.shape != (count,):
        raise RgavizError(f"There are {count} features and as {what} {_said(numbers)}; give one of each.")
    whole = numbers.long() if not numbers.is_complex() else None
    if whole is None or not torch.equal(whole.to(numbers.dtype), numbers):
        raise RgavizError(f"The {what} must be whole numbers; give numbers for names.")
    return whole


def _tensor(values: Any, what: str) -> Tensor:
    if isinstance(values, Tensor):
        return values.detach()
    try:
        array = np.ascontiguousarray(values)
        return torch.from_numpy(array if array.flags.writeable else array.copy())
    except (TypeError, ValueError, RuntimeError) as error:
        raise RgavizError(
            f"{what} are no table of numbers ({one_line(error)}); give a tensor, an array or a list."
        ) from error


def _said(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} of shape {tuple(tensor.shape)}"
