"""CUHK03 in the protocol of 767 people to learn from and 700 to measure on: labeled and detected boxes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from rgaviz.data.sets.crops import MARKET, Crop, places_of
from rgaviz.data.sets.cuhk03_mat import Cell, missing_cells, read_cell, read_protocol
from rgaviz.data.sets.market import FOLDERS, read_folders
from rgaviz.data.sets.reid import GALLERY, PARTS, QUERY, TRAIN, Count, reid_dataset
from rgaviz.data.splits import Dataset
from rgaviz.errors import RgavizError, quoted

RELEASE = "cuhk-03.mat"
PICTURE = re.compile(r"([1-9])_([0-9]{3,4})_([12])_([0-9]{2})\.png")  # pair of cameras, person, view, number
PUBLISHED = {
    "labeled": {TRAIN: Count(7368, 767), QUERY: Count(1400, 700), GALLERY: Count(5328, 700)},
    "detected": {TRAIN: Count(7365, 767), QUERY: Count(1400, 700), GALLERY: Count(5332, 700)},
}
ASK = "ask its authors for it, https://www.ee.cuhk.edu.hk/~xgwang/CUHK_identification.html"


def load_cuhk03_labeled(**options: Any) -> Dataset:
    """CUHK03, new protocol, boxes drawn by hand, two cameras, by --data-dir."""
    return _load_cuhk03("labeled", **options)


def load_cuhk03_detected(**options: Any) -> Dataset:
    """CUHK03, new protocol, boxes of a detector, two cameras, by --data-dir."""
    return _load_cuhk03("detected", **options)


def _load_cuhk03(kind: str, *, data_dir: Path | None, held_out: float = 0, **options: Any) -> Dataset:
    """CUHK03 from the re-packaged folders, else from the authors' release and the file of the protocol.

    Args:
        kind: ``labeled`` or ``detected``.
        data_dir: the folder, or the one above, of ``<kind>/bounding_box_train``, ``<kind>/query`` and
            ``<kind>/bounding_box_test``; or of ``cuhk03_release/cuhk-03.mat`` and
            ``cuhk03_new_protocol_config_<kind>.mat``.
        held_out: ignored: what is measured on is fixed.
        options: of :func:`rgaviz.data.sets.reid.reid_dataset`.

    Raises:
        RgavizError: neither is there, or a file is damaged.
    """
    name, protocol = f"cuhk03-{kind}", f"cuhk03_new_protocol_config_{kind}.mat"
    places = places_of(name, data_dir, ASK)
    options |= {"published": PUBLISHED[kind]}
    for root in (*(place / kind for place in places), places[0]):
        if all((root / folder).is_dir() for folder in FOLDERS.values()):
            crops, notes = read_folders(root, FOLDERS, re.compile(MARKET))
            return reid_dataset(name, root, crops, notes, source="image files", **options)
    releases = [path for place in places for path in (place / RELEASE, place / "cuhk03_release" / RELEASE)]
    release = next((path for path in releases if path.is_file()), None)
    if release is None:
        raise RgavizError(
            f"{data_dir} has neither {kind}/bounding_box_train, query and bounding_box_test nor {RELEASE}: give the "
            "folder of CUHK03 with --data-dir."
        )
    beside = [folder / protocol for folder in (release.parent, release.parent.parent)]
    config = next((path for path in beside if path.is_file()), None)
    if config is None:
        raise RgavizError(
            f"{release} says not who is learned from: put {protocol} beside it, from "
            "https://github.com/zhunzhong07/person-re-ranking."
        )
    crops = released_crops(release, config, kind)
    return reid_dataset(name, release.parent, crops, [], source=RELEASE, read=read_cell, **options)


def released_crops(release: Path, config: Path, kind: str) -> dict[str, list[Crop]]:
    """The pictures of each part in the authors' release; identities as the protocol numbers them, cameras 1 and 2.

    Raises:
        RgavizError: a file is damaged, or the protocol names pictures that the release does not have.
    """
    crops = {
        part: [_crop(release, kind, *row) for row in rows] for part, rows in read_protocol(config).items()
    }
    missing = missing_cells(release, kind, [crop.source for part in PARTS for crop in crops[part]])
    if missing:
        raise RgavizError(
            f"{config.name} names {len(missing):,} pictures that {release} does not have, {missing[0].name} first: "
            "copy both again."
        )
    return crops


def _crop(release: Path, kind: str, name: str, identity: int) -> Crop:
    found = PICTURE.fullmatch(name)
    if found is None:
        raise RgavizError(
            f"The protocol of {release} names {quoted(name)}, which is no picture of CUHK03, such as 1_001_1_01.png: "
            "copy it again."
        )
    pair, person, view, number = map(int, found.groups())
    return Crop(Cell(release, kind, pair, person, number, name), identity, view, f"{kind}/{name}")
