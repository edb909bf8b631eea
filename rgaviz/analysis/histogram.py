"""What channel attention does over a set of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from rgaviz.analysis.answer import Answer, answer
from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.request import INPUT_COLUMN, Request
from rgaviz.analysis.settings import LabelledSettings
from rgaviz.analysis.subject import Subject, with_masks
from rgaviz.errors import RgavizError

if TYPE_CHECKING:
    from rgaviz.analysis.given import Networks, Pictures


def histogram(
    checkpoints: Networks = (),
    pictures: Pictures = (),
    out: Path | str | None = None,
    *,
    layer: str | None = None,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Draw the distribution of channel attention over pictures, as ``rgaviz histogram`` does.

    Args:
        checkpoints: as :func:`rgaviz.analysis.masks.masks` takes them.
        pictures: likewise.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-histogram/``.
        layer: stages with attention joined by commas, or ``all``; by default the deepest.
        settings: of :class:`rgaviz.analysis.settings.LabelledSettings`.

    Raises:
        RgavizError: something is missing, unreadable or in the way; then nothing was written.
    """
    return answer(
        partial(histogram_request, layer=layer), "histogram", checkpoints, pictures, out, **settings
    )


def histogram_request(subjects: Sequence[Subject], layer: str | None = None) -> Request:
    """The channel masks of every network, as ``rgaviz histogram`` draws them."""
    shown = [with_masks(subject, layer, required=True) for subject in subjects]
    columns = []
    for subject in shown:
        own = mask_columns(subject, ("channel",))
        if not own:
            raise RgavizError(
                f"{subject.checkpoint.path} has no channel attention at {', '.join(subject.mask_layers)}; "
                "give a network that has, such as rga-sc or rga-c."
            )
        columns += own
    return Request("histogram", shown, [INPUT_COLUMN, *columns])
