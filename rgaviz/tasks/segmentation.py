"""What every pixel of a picture shows: scene segmentation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.data.batches import normalise
from rgaviz.data.labels import read_mask
from rgaviz.data.order import share, shuffled
from rgaviz.data.scenes import Scene, SceneSplit
from rgaviz.data.splits import Split
from rgaviz.errors import RgavizError, unknown_name
from rgaviz.explain.targets import Target
from rgaviz.tasks.answers import Confidence, Evaluation, Line, Measure, Table, Told
from rgaviz.tasks.evidence import of_scenes
from rgaviz.tasks.metrics import confusion_matrix, segmentation_metrics
from rgaviz.tasks.pixels import IGNORED, pixel_labels, pixel_loss, pixel_weight
from rgaviz.tasks.regions import ALL, RegionTarget
from rgaviz.tasks.task import How, Parts
from rgaviz.tasks.whole import Covering

LARGEST = "largest"  # the target that is the class predicted for most pixels
LONGEST = 2048  # pixels of a side: a user's picture beyond is scaled down
SAID = 3  # classes told under a picture
SINGLE = ("mIoU", "pixel_accuracy")  # told of every picture


class Segmentation:
    """A class for each pixel: logits (B, K, H, W), measured by how far predicted and true regions overlap.

    Args:
        covering: how whole pictures are measured.
    """

    name = "segmentation"
    heads: tuple[str, ...] = ("fcn", "ppm", "aspp")
    measures: tuple[Measure, ...] = (
        Measure("mIoU", "mIoU"),
        Measure("pixel_accuracy", "pixel accuracy"),
        Measure("loss", "loss", unit="", least=True),
    )
    tabulated: tuple[str, ...] = ("mIoU",)
    targets: tuple[str, ...] = ("largest",)
    settings: tuple[str, ...] = (
        "class_weights",
        "auxiliary_weight",
        "ohem_keep",
        "ohem_threshold",
        "keep_last",
    )
    afterwards = "train"  # beside the other in Table 6
    drawn = "class_iou"
    open_set = False
    foreign = False  # their networks classify
    choices: tuple[str, ...] = tuple(each.name for each in fields(Covering))
    dense = True

    def __init__(self, covering: Covering | None = None) -> None:
        self.covering = covering or Covering()
        self.tested: tuple[str, ...] = (self.covering.part,)

    def measuring(self, **choices: Any) -> Segmentation:
        for name in choices:
            if name not in self.choices:
                raise unknown_name(name, self.choices, "choice of a measurement")
        return Segmentation(replace(self.covering, **choices))

    def together(self, config: Any) -> int:
        return 1

    def check(self, split: Split, classes: Sequence[str]) -> None:
        if not isinstance(split, SceneSplit):
            raise RgavizError(
                "Labels for segmentation are a class for every pixel; take a data set of scenes."
            )

    def order(self, split: Split, config: Any, draw: torch.Generator) -> list[Tensor]:
        return shuffled(len(split), config.batch_size, draw, keep_last=config.keep_last)

    def outputs(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        network: Any = model
        return network.dense(images)

    def counted(self, targets: Tensor, config: Any) -> Tensor:
        return pixel_weight(targets, config.class_weights)

    def loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: Any) -> dict[str, Tensor]:
        hard = {"keep": config.ohem_keep, "threshold": config.ohem_threshold}
        loss = pixel_loss(outputs["logits"], targets, config.class_weights, **hard)
        if "auxiliary" in outputs:
            beside = pixel_loss(outputs["auxiliary"], targets, config.class_weights)
            loss = loss + config.auxiliary_weight * beside
        right = (pixel_labels(outputs["logits"]) == targets).sum() / (targets != IGNORED).sum().clamp(min=1)
        return {"loss": loss, "pixel_accuracy": 100.0 * len(targets) * right}

    @torch.inference_mode()
    def evaluate(self, model: nn.Module, parts: Parts, how: How) -> Evaluation:
        model.eval()
        split = parts(self.covering.part)
        if not isinstance(split, SceneSplit):
            raise RgavizError(
                "Labels for segmentation are a class for every pixel; take a data set of scenes."
            )
        own = share(torch.arange(len(split)), how.rank, how.processes).tolist()
        classes = len(how.classes)
        counts = torch.zeros(classes, classes, dtype=torch.int64)
        loss = torch.zeros((), dtype=torch.float64)
        single = torch.zeros(
            len(split), 2, dtype=torch.float64
        )  # of each picture its mIoU and pixel accuracy
        pixels = torch.zeros(len(split), 3, classes, dtype=torch.int64)  # right, true and predicted
        scenes = how.track(split.whole(own), total=len(own), description=how.title)
        for number, scene in zip(own, scenes, strict=True):
            logits, labels = self._answer(model, scene, how)
            missed = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
            loss += missed.cpu().double()  # MPS has no float64
            found = confusion_matrix(labels, pixel_labels(logits), classes).cpu()
            counts += found
            pixels[number] = torch.stack([found.diagonal(), found.sum(1), found.sum(0)])
            own_figures = segmentation_metrics(found)
            single[number] = torch.tensor(
                [torch.nan if own_figures[key] is None else own_figures[key] for key in SINGLE],
                dtype=torch.float64,
            )
        loss, counts, single, pixels = (how.sum(each) for each in (loss, counts, single, pixels))
        found = summary(loss, counts, single, how.classes, split.names, self.covering.part)
        return replace(found, evidence=of_scenes(pixels, split.names))

    def _answer(self, model: nn.Module, scene: Scene, how: How) -> tuple[Tensor, Tensor]:
        """Logits (1, K, H, W) float32 and labels (1, H, W), on the device."""
        if scene.labels is None:
            raise RgavizError(
                f"{scene.name} has no labels, so nothing can be measured on it: predict it, or measure another part."
            )
        image = torch.from_numpy(scene.picture).to(how.device)[None]  # (1, H, W, 3)
        labels = torch.from_numpy(scene.labels).to(how.device)[None].long()
        with how.autocast():
            logits = self.covering.logits(model, normalise(image, how.mean, how.std))
        return logits.float(), labels

    def input_size(self, picture: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
        """The picture's own, with ``LONGEST`` pixels a side at most."""
        scale = min(1.0, LONGEST / max(picture))
        height, width = (max(1, round(side * scale)) for side in picture)
        return height, width

    def scored(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        return model if self.covering.usual else partial(self.covering.logits, model)

    def target(self, text: str, names: Sequence[str], answer: Callable[[str], Tensor]) -> Target:
        if text == LARGEST:
            return RegionTarget(names)
        if text in names:
            return RegionTarget(names, list(names).index(text))
        name = max((each for each in names if text.startswith(f"{each}@")), key=len, default=None)
        if name is None:
            raise unknown_name(text.partition("@")[0], [*self.targets, *names], "target class")
        return RegionTarget(names, list(names).index(name), _pixels(text[len(name) + 1 :], name))

    def labelled(self, truth: Sequence[str | None], names: Sequence[str]) -> Target:
        raise RgavizError(
            f"A segmentation network has no class of a whole picture to explain; name one with --target {names[0]}."
        )

    def confidence(self, target: Target, output: Tensor) -> Confidence:
        if not isinstance(target, RegionTarget):
            raise RgavizError(
                "The score that is measured is a class's probability at pixels; choose a class."
            )
        return Confidence(target.probability, "mean probability at the target's pixels")

    def scores(self, text: str, names: Sequence[str]) -> list[str]:
        return [text.replace("@", " ")]

    def truth(self, text: str, names: Sequence[str], *, folder: bool = False) -> None:
        raise RgavizError("What a whole picture shows is no label for segmentation; leave out --label.")

    def told(self, output: Tensor, names: Sequence[str], truth: Sequence[str | None]) -> list[Told]:
        return [_told(each, names) for each in pixel_labels(output)]  # (H, W) each


def summary(
    loss: Tensor, counts: Tensor, single: Tensor, classes: Sequence[str], pictures: Sequence[str], part: str
) -> Evaluation:
    """Figures and tables of a whole set.

    Args:
        loss: summed over the pixels that are not ignored.
        counts: their confusion (K, K).
        single: of each picture ``SINGLE`` as fractions, NaN where all of it is ignored: (n, 2).
        classes: names.
        pictures: names.
        part: that was measured.

    Raises:
        RgavizError: all pixels are ignored.
    """
    found = segmentation_metrics(counts)
    if found["mIoU"] is None:
        raise RgavizError(f"The part {part} has no pixel of a known class; measure another part.")
    figures = {
        "mIoU": 100 * found["mIoU"],
        "pixel_accuracy": 100 * found["pixel_accuracy"],
        "loss": float(loss) / int(counts.sum()),
    }
    names = [str(name) for name in classes]
    shares = [[None if each is None else 100 * each] for each in found["IoU"]]
    rows = [[None if math.isnan(each) else 100 * each for each in row] for row in single.tolist()]
    own = list(pictures) or [str(number) for number in range(len(rows))]
    tables = {
        "class_iou": Table("class", ["IoU (%)"], names, shares),
        "confusion": Table("true \\ predicted", names, names, counts.tolist()),
        "pictures": Table("picture", ["mIoU (%)", "pixel accuracy (%)"], own, rows),
    }
    lacking = len(names) - found["counted"]
    of = f"{found['counted']} of {len(names)} classes"
    note = f"mIoU is the mean of {of}: the others are neither there nor predicted."
    return Evaluation(figures, tables, notes=[note] if lacking else [])


def _pixels(place: str, name: str) -> Any:
    """What stands behind the @ of a target."""
    if place == ALL:
        return ALL
    kind, colon, path = place.partition(":")
    if kind == "mask" and colon and path:
        return torch.from_numpy(read_mask(Path(path)))
    numbers = place.split(",")
    if len(numbers) == 2 and all(each.isdecimal() and len(each) < 9 for each in numbers):
        return int(numbers[0]), int(numbers[1])
    raise unknown_name(f"{name}@{place}", [f"{name}@all", f"{name}@X,Y", f"{name}@mask:FILE"], "target")


def _told(labels: Tensor, names: Sequence[str]) -> Told:
    """What is predicted for a picture: how much of it each class takes."""
    counts = torch.bincount(labels.flatten().cpu(), minlength=len(names)).double()  # (K,)
    shares = (counts / counts.sum()).tolist()
    order = sorted(range(len(names)), key=lambda index: -shares[index])
    told = [f"{names[index]} {100 * shares[index]:.0f}%" for index in order[:SAID] if shares[index] > 0]
    values = {str(names[index]): shares[index] for index in order if shares[index] > 0}
    mapped = labels.to(torch.uint8).cpu().numpy()
    return Told([Line(text) for text in told], values, says=str(names[order[0]]), labels=mapped)
