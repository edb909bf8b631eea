"""Where the attention of networks lies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from rgaviz.analysis.answer import Answer, answer
from rgaviz.analysis.request import INPUT_COLUMN, Column, Request
from rgaviz.analysis.settings import LabelledSettings
from rgaviz.analysis.subject import Subject, with_masks
from rgaviz.results.manifest import MapRef

if TYPE_CHECKING:
    from rgaviz.analysis.given import Networks, Pictures


def masks(
    checkpoints: Networks = (),
    pictures: Pictures = (),
    out: Path | str | None = None,
    *,
    layer: str | None = None,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Draw the spatial and channel masks of attention networks, as ``rgaviz masks`` does.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; by default the newest attention network under
            ``runs/``, else the bundled one.
        pictures: files, folders or patterns; by default the bundled photographs.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-masks/``.
        layer: stages with attention joined by commas, or ``all``; by default the deepest.
        settings: of :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    return answer(partial(masks_request, layer=layer), "masks", checkpoints, pictures, out, **settings)


def mask_columns(subject: Subject, kinds: Sequence[str] = ("spatial", "channel")) -> list[Column]:
    """A panel for every mask of these kinds; a joint mask has one of each, its means."""
    panels: dict[
        str, tuple[str, Literal["map", "bars"], str]
    ] = {  # map name -> its kind, how it is drawn, what the title calls it
        "spatial": ("spatial", "map", "mask ({})"),
        "channel": ("channel", "bars", "channels ({})"),
        "joint-spatial": ("spatial", "map", "joint mask ({}, mean over channels)"),
        "joint-channel": ("channel", "bars", "joint mask ({}, mean over positions)"),
    }
    columns = []
    for key in subject.gates():
        layer, _, kind = key.rpartition("/")
        for name, (shown, panel, words) in panels.items():
            if name.partition("-")[0] == kind and shown in kinds:
                ref = MapRef(checkpoint=subject.id, name=f"{layer}/{name}", group="mask")
                columns.append(Column(f"{subject.id} {words.format(layer)}", panel, ref))
    return columns


def masks_request(subjects: Sequence[Subject], layer: str | None = None) -> Request:
    """Every mask of every network, as ``rgaviz masks`` draws them."""
    shown = [with_masks(subject, layer, required=True) for subject in subjects]
    columns = [column for subject in shown for column in mask_columns(subject)]
    return Request("masks", shown, [INPUT_COLUMN, *columns])
