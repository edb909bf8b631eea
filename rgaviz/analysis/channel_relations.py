"""The relations of all channels with all, as a matrix in the order of a clustering."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rgaviz.analysis.captions import flag
from rgaviz.analysis.loading import batches, read_all
from rgaviz.analysis.settings import Chosen
from rgaviz.analysis.subject import Subject, naming
from rgaviz.data.find import PicturePath
from rgaviz.data.intensities import Window
from rgaviz.errors import PictureError, RgavizError, first_of
from rgaviz.explain.relations import channel_relations, relation_doubts
from rgaviz.results.manifest import Line, MapRef, Panel, Picture, Point
from rgaviz.results.writer import ResultsWriter

MARKED = 0.05  # of the channels, those of highest attention


class Looked(NamedTuple):
    """A network and the layer whose relations are shown."""

    subject: Subject
    layer: str


def write_channels(
    looked: Sequence[Looked],
    pictures: Sequence[PicturePath],
    folder: Path,
    head: dict[str, Any],
    said: Chosen,
    window: Window | None = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """The matrices of all networks, means over the pictures, in the order of the first one's clustering.

    Returns:
        Of each network the order of its channels and their attention; a line for each picture that was left out.

    Raises:
        RgavizError: no picture can be read, or layers of other numbers of channels, which have no order in common.
    """
    failures: list[str] = []
    sums: list[Any] = [None] * len(looked)
    masks: list[Any] = [None] * len(looked)
    first, count = None, 0
    numbered = said.track(list(enumerate(pictures)), total=len(pictures), description="relating")
    for batch in batches(read_all(numbered, [each.subject for each in looked], failures, window=window)):
        first, count = first or batch[0], count + len(batch)
        for place, (subject, layer) in enumerate(looked):
            model = subject.checkpoint.model
            for each in batch:  # one by one: of many channels a matrix is large
                inputs = each.inputs[subject.id][None].to(next(model.parameters()).device)
                with naming(subject):
                    found, mask = channel_relations(model, inputs, layer)
                sums[place] = found[0].astype(np.float64) + (0 if sums[place] is None else sums[place])
                masks[place] = mask[0].astype(np.float64) + (0 if masks[place] is None else masks[place])
    if first is None:
        raise PictureError(first_of(failures))
    if len({each.shape for each in sums}) > 1:
        shown = ", ".join(
            f"{each.subject.id} {each.layer} {len(matrix)}" for each, matrix in zip(looked, sums, strict=True)
        )
        raise RgavizError(
            f"These layers have other numbers of channels ({shown}): name one --layer that is alike."
        )
    means = [(matrix / count, mask / count) for matrix, mask in zip(sums, masks, strict=True)]
    order = clustered(means[0][0])
    entry = Picture(
        id=str(first.number), path=first.picture.relative.as_posix(), size=list(first.shown.shape[:2])
    )
    maps, panels, numbers = {}, [], []
    for each, (matrix, mask) in zip(looked, means, strict=True):
        top = np.argsort(-mask, kind="stable")[: max(1, round(MARKED * len(mask)))]
        maps[f"{each.subject.id}/{each.layer}/channels"] = matrix[np.ix_(order, order)]  # (C, C)
        places = np.flatnonzero(np.isin(order, top))
        lines = [Line(text=f"{len(order)} channels, {count} picture{'s' if count > 1 else ''}")]
        lines += map(flag, relation_doubts(matrix))
        own = MapRef(checkpoint=each.subject.id, name=f"{each.layer}/channels", group="relation")
        marks = [Point(x=float(place + 0.5) / len(order), y=0.0) for place in places]
        panels.append(Panel(kind="matrix", picture=entry.id, map=own, lines=lines, marks=marks))
        numbers.append(
            {
                "network": each.subject.id,
                "layer": each.layer,
                "pictures": count,
                "order": order.tolist(),
                "attention": mask[order].tolist(),
                "highest": sorted(top.tolist()),
            }
        )
    titles = [f"{each.subject.id} {each.layer}" for each in looked]
    with ResultsWriter(folder, {**head, "titles": titles}) as writer:
        writer.picture(entry, first.shown, maps)
        writer.row(panels)
        header = ["place", "channel", *(f"attention of {each.subject.id}" for each in looked)]
        rows = zip(
            range(len(order)), order.tolist(), *(mask[order].tolist() for _, mask in means), strict=True
        )
        writer.table("channels", [header, *map(list, rows)])
    return numbers, failures


def clustered(matrix: np.ndarray) -> np.ndarray:
    """An order of channels in which those that relate alike stand together.

    By average linkage of the correlation distance between what two channels look at and what looks at them
    (``scipy.cluster.hierarchy``). Channels with the same relations to all, dead ones say, are at distance 1 of all.

    Args:
        matrix: R (C, C).

    Returns:
        The channels in their order (C,).
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(matrix) < 3:
        return np.arange(len(matrix))
    profile = np.concatenate([matrix, matrix.T], axis=1)  # (C, 2C)
    profile = profile - profile.mean(1, keepdims=True)
    length = np.linalg.norm(profile, axis=1, keepdims=True)
    unit = np.divide(profile, length, out=np.zeros_like(profile), where=length > 0)
    distance = 1 - unit @ unit.T  # (C, C)
    upper = np.triu_indices(len(matrix), 1)
    return leaves_list(linkage(np.clip(distance[upper], 0, 2), method="average"))
