"""What channel attention does over a set of pictures."""

from __future__ import annotations

from collections.abc import Sequence

from rgaviz.analysis.masks import mask_columns
from rgaviz.analysis.request import INPUT_COLUMN, Request
from rgaviz.analysis.subject import Subject, with_masks
from rgaviz.errors import RgavizError


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
