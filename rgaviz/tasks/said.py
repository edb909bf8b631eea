"""What a classifier says of a picture: its outputs as probabilities, and the lines under a panel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rgaviz.tasks.answers import Line, Told

SUMS_TO_1 = 1e-3  # as far as rounding in half precision may lead away
BETWEEN = "+"  # labels of one picture
NOTHING = "none"  # of several labels not one, unless a class is called so
TRUE = 0.5  # probability above which a label of several is said
SAID = 3  # labels of several that are said


def probabilities(output: Tensor, kind: str | None = None) -> tuple[Tensor, Tensor]:
    """Probabilities (B, classes) of an output, and whether it has been them already (B,).

    One logit is that of one class against none, by a sigmoid. What sums to 1 has been through a softmax.
    """
    if kind == "sigmoid" or (output.shape[1] == 1 and kind is None):
        return output.sigmoid(), torch.zeros(len(output), dtype=torch.bool)
    already = (output >= 0).all(1) & ((output.sum(1) - 1).abs() < SUMS_TO_1)  # (B,): none asks its neighbours
    return torch.where(already[:, None], output, output.softmax(1)), already


def told_value(row: Sequence[float], names: Sequence[str]) -> Told:
    """Of a network whose outputs are numbers: each by its name."""
    said = [f"{name} {f'{value:.3g}'.replace('-', '−')}" for name, value in zip(names, row, strict=True)]
    lines = [Line(text) for text in said[:SAID]]
    return Told(lines, dict(zip(map(str, names), row, strict=True)))


def labels_of(text: str, names: Sequence[str]) -> list[str]:
    """``cat+dog`` as the labels of one picture, ``none`` as none of them; a name may have a plus, too."""
    if text in names:
        return [text]
    return [] if text == NOTHING else [each.strip() for each in text.split(BETWEEN)]


def told_several(shares: Sequence[float], truth: str | None, names: Sequence[str]) -> Told:
    """Of a network whose labels exclude nothing: those above one half, each right or wrong, and those that it misses.

    A map is about the most probable label, so what the network says is that label's only where it says no other.
    """
    true = None if truth is None else labels_of(truth, names)
    order = sorted(range(len(shares)), key=lambda place: -shares[place])
    said = [place for place in order if shares[place] > TRUE]
    lines = [
        Line(
            f"{names[place]} {100 * shares[place]:.0f}%",
            None if true is None else str(names[place]) in true,
        )
        for place in said[:SAID]
    ]
    if not said:
        nearest = f"none above {100 * TRUE:.0f}% ({names[order[0]]} {100 * shares[order[0]]:.0f}%)"
        lines = [Line(nearest, None if true is None else not true)]
    told = {str(names[place]) for place in said}
    if missed := [each for each in true or [] if each not in told]:
        lines.append(Line(f"missed: {', '.join(missed)}", False))
    best = order[0]
    values = {"label": str(names[best]), "index": best, "confidence": shares[best]}
    several = {"labels": BETWEEN.join(str(names[place]) for place in said)}
    return Told(lines, {**values, **several}, says=str(names[best]) if said == [best] else "")


def told_one(label: str, index: int, confidence: float, truth: str | None, already: bool) -> Told:
    """Of a network that says one class."""
    lines = [Line(f"{label} {100 * confidence:.0f}%", None if truth is None else label == truth)]
    lines += [Line("the network's outputs are probabilities already")] if already else []
    return Told(lines, {"label": label, "index": index, "confidence": confidence}, says=label)
