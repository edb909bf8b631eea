"""Networks that look for people in a gallery: whom, where, and what each finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from rgaviz.analysis.gallery import (
    People,
    files_of_gallery,
    opened_gallery,
    people_of_files,
    people_of_part,
    places_in,
    sizes_of,
    takes_pattern,
)
from rgaviz.analysis.overlays import CAM, Overlay
from rgaviz.analysis.ranked import Found, found_by, known_identity
from rgaviz.analysis.subject import Subject
from rgaviz.data.find import PicturePath
from rgaviz.data.sets.reid import GALLERY, QUERY
from rgaviz.errors import RgavizError, clipped
from rgaviz.progress import Say, Track
from rgaviz.tasks import How
from rgaviz.tasks.ranking import Ranking
from rgaviz.tasks.reid import ReIdentification


@dataclass(frozen=True)
class Search:
    """Networks, whom they look for, and where.

    Attributes:
        overlays: the networks, with what lies over their pictures.
        queries: whom.
        gallery: where.
        where: the same in words.
    """

    overlays: Sequence[Overlay]
    queries: People
    gallery: People
    where: str

    @property
    def subjects(self) -> list[Subject]:
        """The networks."""
        return [each.subject for each in self.overlays]


def searched(
    overlays: Sequence[Overlay],
    found: Sequence[PicturePath],
    name: str | None,
    data_dir: Path | None,
    pattern: str | None,
    failures: list[str],
    track: Track,
    say: Say,
) -> Search:
    """Queries and gallery, as the words say; and what must be known of them is told.

    Args:
        overlays: the networks.
        found: pictures of whom to look for; none are queries of the data set.
        name: of the gallery, a data set or a folder; None is what the networks were trained on.
        data_dir: where the pictures of the data set are.
        pattern: of names of files.
        failures: a line is added for each picture that cannot be read.
        track: wraps long loops, for a progress bar.
        say: is told the notes.

    Raises:
        RgavizError: no queries, no gallery, or one of another task.
    """
    subjects = [each.subject for each in overlays]
    sizes = sizes_of(subjects)
    for_set = takes_pattern(name, subjects) or not found  # else it is for the names of the queries
    opened = opened_gallery(subjects, name, data_dir, pattern if for_set else None, track)
    if isinstance(opened, Path):
        if not found:
            raise RgavizError(
                f"{opened} is a folder without queries: name pictures of whom to look for, too."
            )
        listed = files_of_gallery(opened, say)
        gallery = people_of_files(listed, sizes, pattern, failures, track, "reading the gallery")
        where = clipped(opened, 60)
    else:
        first = next(iter(opened.values()))
        for note in first.notes:
            say(f"Note: {note}")
        gallery, where = people_of_part(opened, GALLERY), first.name
    if found:
        queries = people_of_files(found, sizes, pattern, failures, track, "reading queries")
    else:
        assert not isinstance(opened, Path)
        queries = people_of_part(opened, QUERY)
    _tell_unknown(queries, gallery, pattern, say)
    return Search(overlays, queries, gallery, where)


def _tell_unknown(queries: People, gallery: People, pattern: str | None, say: Say) -> None:
    rule = "--pattern" if pattern else "Market-1501's pattern, 0002_c1..."
    nobody = [n for n, who in zip(queries.names, queries.identities, strict=True) if not known_identity(who)]
    if nobody:
        say(
            f"Note: {len(nobody)} of {len(queries)} queries have names that do not say who they show by {rule}, "
            f"{clipped(nobody[0], 60)} first: for them nothing is right or wrong, and no camera is left out."
        )
    unnamed = gallery.identities.count(None)
    if unnamed:
        say(
            f"Note: {unnamed} of {len(gallery)} pictures of the gallery have names that do not say who they show by "
            f"{rule}: they are ranked, and neither right nor wrong."
        )


class Order(NamedTuple):
    """What a network makes of a search.

    Attributes:
        ranking: of the gallery for each query.
        queries: their embeddings (q, C), where maps are about them; else none.
        gallery: its embeddings (g, C), likewise.
    """

    ranking: Ranking
    queries: Tensor
    gallery: Tensor


@torch.no_grad()  # maps are made of embeddings, so no inference mode
def orders(
    search: Search, task: ReIdentification, top: int, data_dir: Path | None, track: Track
) -> list[Order]:
    """The gallery ranked for every query by each network.

    Args:
        search: networks, queries and gallery.
        task: how pictures are compared.
        top: how many of the best to keep.
        data_dir: where the pictures of the data set are, in which a query may be.
        track: wraps long loops, for a progress bar.
    """
    itself = torch.tensor(places_in(search.queries, search.gallery, data_dir))
    found = []
    for overlay in search.overlays:
        checkpoint = overlay.subject.checkpoint
        device = next(checkpoint.model.parameters()).device
        title = overlay.subject.id
        how = How(checkpoint.classes, checkpoint.mean, checkpoint.std, device, track=track, title=title)
        splits = [each.splits[checkpoint.image_size].to(device) for each in (search.queries, search.gallery)]
        embedded = [task.features(checkpoint.model.eval(), split, how).to(device) for split in splits]
        ranking = task.ranking(embedded[0], embedded[1], splits[0], splits[1], top=top, itself=itself)
        kept = slice(None if overlay.map is not None and overlay.map.group == CAM else 0)
        found.append(Order(ranking, embedded[0][kept].cpu(), embedded[1][kept].cpu()))
    return found


def found_for(query: int, search: Search, made: Sequence[Order]) -> list[Found]:
    """What each network finds for the query of an index."""
    people = search.queries, search.gallery
    pairs = zip(search.subjects, made, strict=True)
    return [found_by(subject.id, order.ranking, query, *people) for subject, order in pairs]
