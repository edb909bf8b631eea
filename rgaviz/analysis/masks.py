"""Where the attention of networks lies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rgaviz.analysis.request import INPUT_COLUMN, Request
from rgaviz.analysis.subject import Subject, with_masks


def mask_columns(subject: Subject, kinds: Sequence[str] = ("spatial", "channel")) -> list[dict[str, Any]]:
    """A panel for every mask of these kinds; a joint mask has one of each, its means."""
    panels = {  # map name -> its kind, how it is drawn, what the title calls it
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
                columns.append(
                    {
                        "kind": panel,
                        "title": f"{subject.id} {words.format(layer)}",
                        "checkpoint": subject.id,
                        "map": f"{layer}/{name}",
                        "group": "mask",
                    }
                )
    return columns


def masks_request(subjects: Sequence[Subject], layer: str | None = None) -> Request:
    """Every mask of every network, as ``rgaviz masks`` draws them."""
    shown = [with_masks(subject, layer, required=True) for subject in subjects]
    columns = [column for subject in shown for column in mask_columns(subject)]
    return Request("masks", shown, [INPUT_COLUMN, *columns])
