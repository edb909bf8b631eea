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
from rgaviz.data.sets.crops import EXAMPLE, MARKET_EXAMPLE
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
        gallery, where = people_of_part(opened, GALLERY, failures), first.name
    if found:
        queries = people_of_files(found, sizes, pattern, failures, track, "reading queries")
    else:
        assert not isinstance(opened, Path)
        queries = people_of_part(opened, QUERY, failures)
    _tell_unknown(queries, gallery, pattern, say)
    return Search(overlays, queries, gallery, where)


def _tell_unknown(queries: People, gallery: People, pattern: str | None, say: Say) -> None:
    """Say whose names tell no identity, how that is mended, and who is nobody by name."""
    rule, step = f"Market-1501's pattern, {MARKET_EXAMPLE}", f"say how they are named by {EXAMPLE}"
    if pattern is not None:
        rule, step = f"--pattern {clipped(pattern, 30)}", "mend the pattern, or the names"
    for people, what, so in (
        (queries, "queries", "nothing is right or wrong for them"),
        (gallery, "pictures of the gallery", "they are neither right nor wrong"),
    ):
        unnamed = [n for n, who in zip(people.names, people.identities, strict=True) if who is None]
        if unnamed:
            say(
                f"Note: names that tell no identity by {rule}: {len(unnamed)} of {len(people)} {what}, "
                f"{clipped(unnamed[0], 40)} first; {so}. If they show known people, {step}."
            )
    nobody = [
        n for n, who in zip(queries.names, queries.identities, strict=True) if who is not None and who < 1
    ]
    if nobody:
        say(
            f"Note: {len(nobody)} of {len(queries)} queries are of nobody by name (0 is a distractor, below it junk), "
            f"{clipped(nobody[0], 60)} first: they match nothing, so nothing is right or wrong for them."
        )


def tell_unmatched(search: Search, ranking: Ranking, *, shown: bool, say: Say) -> None:
    """Say how many of the queries whose identity is known have no match in the gallery.

    Args:
        search: networks, queries and gallery.
        ranking: by any of the networks: matches are the same for all.
        shown: whether they are shown all the same, as the user named them.
        say: is told.
    """
    known = [number for number, who in enumerate(search.queries.identities) if known_identity(who)]
    lacking = [number for number in known if not ranking.valid[number]]
    if lacking:
        where = "" if ranking.within_camera else " by another camera"
        then = "AP is told for none of them" if shown else "they are left out"
        say(
            f"Note: {len(lacking)} of {len(search.queries)} queries have no match{where} in the gallery, "
            f"{clipped(search.queries.names[lacking[0]], 60)} first: {then}."
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
