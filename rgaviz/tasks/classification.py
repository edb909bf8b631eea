"""Which class a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.data.order import shuffled
from rgaviz.data.splits import Split, as_images
from rgaviz.errors import RgavizError, quoted, unknown_name
from rgaviz.explain.targets import ClassTarget, Target, given_classes, one_class, scored, top_classes
from rgaviz.tasks.answers import Confidence, Evaluation, Measure, Table, Told
from rgaviz.tasks.evidence import of_images
from rgaviz.tasks.metrics import class_errors, confusion
from rgaviz.tasks.said import labels_of, probabilities, told_one, told_several, told_value
from rgaviz.tasks.task import LABEL, How, Parts

OUTPUTS = {  # what the outputs of a classifier can be
    "softmax": "logits of classes of which one is true",
    "sigmoid": "logits of classes, each for itself; the most probable one is said",
    "multilabel": "logits of classes of which any number can be true; those above 50% are said",
    "value": "numbers that are no classes, as of a regression",
}
VALUE, MULTILABEL = "value", "multilabel"
UNMEASURED = (VALUE, MULTILABEL)
CONTRAST = "contrast:"  # begins a target of two classes
TOPS = {"top1": 1, "top5": 5}  # target -> how many of the most probable classes


class Classification:
    """One label for each picture: logits (B, classes), measured by how often the largest is not the label's."""

    name = "classification"
    heads: tuple[str, ...] = ("linear", "bnneck")
    measures: tuple[Measure, ...] = (
        Measure("error", "error", least=True, wanted="accuracy"),
        Measure("loss", "loss", unit="", least=True),
    )
    tabulated: tuple[str, ...] = ("error",)
    targets: tuple[str, ...] = ("top1", "top5", "label")
    settings: tuple[str, ...] = ("label_smoothing", "class_weights", "keep_last")
    tested: tuple[str, ...] = ("test",)
    afterwards = ""
    drawn = "confusion"
    open_set = False
    foreign = True
    choices: tuple[str, ...] = ()
    dense = False

    def __init__(self, outputs: str | None = None, squashed: bool = False) -> None:
        self.kind, self.squashed = outputs, squashed
        if outputs == VALUE:
            self.targets = (VALUE,)

    def measuring(self, **choices: Any) -> Classification:
        for name in choices:
            raise RgavizError(f"{name} is no choice of how classifiers are measured; leave it out.")
        if self.kind in UNMEASURED:
            raise RgavizError(
                f"Of classifiers it is measured how often the one true class is said, and these outputs are "
                f"{self.kind}: measure them with your own script, or say --outputs softmax for the largest."
            )
        return self

    def together(self, config: Any) -> int:
        return 1

    def check(self, split: Split, classes: Sequence[str]) -> None:
        labels = as_images(split).labels
        count = len(classes)
        if labels.ndim != 1 or labels.dtype != torch.int64:
            raise RgavizError(
                f"Labels for classification are (n,) int64, an index of a class each, not "
                f"{tuple(labels.shape)} {labels.dtype}; mend the data set."
            )
        if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < count:
            raise RgavizError(
                f"Labels for {count} classes are indices from 0 to {count - 1}, but there are some from "
                f"{int(labels.min())} to {int(labels.max())}; mend the data set."
            )

    def order(self, split: Split, config: Any, draw: torch.Generator) -> list[Tensor]:
        return shuffled(len(split), config.batch_size, draw, keep_last=config.keep_last)

    def outputs(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        return {"logits": model(images)}

    def counted(self, targets: Tensor, config: Any) -> int:
        return len(targets)

    def loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: Any) -> dict[str, Tensor]:
        logits = outputs["logits"]
        wrong = (logits.argmax(1) != targets).sum()
        loss = cross_entropy(logits, targets, config.class_weights, config.label_smoothing)
        return {"loss": loss, "error": 100.0 * wrong}

    @torch.inference_mode()
    def evaluate(self, model: nn.Module, parts: Parts, how: How) -> Evaluation:
        model.eval()
        classes = len(how.classes)
        loss = torch.zeros((), dtype=torch.float64)
        counts = torch.zeros(classes, classes, dtype=torch.int64)
        wrong, split = [], parts("test")
        for images, labels in how.batches(split):
            with how.autocast():
                logits = model(images)
            loss += (
                F.cross_entropy(logits.float(), labels, reduction="sum").cpu().double()
            )  # MPS has no float64
            counts += confusion(labels, logits.argmax(1), classes).cpu()
            wrong.append((logits.argmax(1) != labels).cpu())
        found = summary(how.sum(loss), how.sum(counts), how.classes)
        single = how.processes == 1  # else each has seen its share
        return replace(found, evidence=of_images(torch.cat(wrong), split.names) if single else None)

    def input_size(self, picture: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
        return image_size

    def scored(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        return model

    def target(self, text: str, names: Sequence[str], answer: Callable[[str], Tensor]) -> Target:
        if text == VALUE == self.kind:
            return one_class(0, names)
        if text.startswith(CONTRAST):
            first, second = self._two(text.removeprefix(CONTRAST), names)
            about = f"{names[first]} rather than {names[second]}"
            return scored(lambda output: output[:, first] - output[:, second], about)
        if text in TOPS:
            return top_classes(TOPS[text], names)
        if text == LABEL:
            raise RgavizError(
                "The target label is each picture's true class, which is known with pictures alone."
            )
        kind, _, rest = text.partition(":")
        name, number = (rest if kind == each else text for each in ("name", "number"))
        if list(names).count(name) > 1:
            raise RgavizError(
                f"{quoted(name)} is the name of several classes; give the number of one: number:0."
            )
        found = {list(names).index(name)} if name in names else set()
        if number.isdecimal() and len(number) < 20 and int(number) < len(names):
            found.add(int(number))
        if len(found) > 1:
            raise RgavizError(
                f"{text} is the name of one class and the number of another; write name:{text} or number:{text}."
            )
        if found:
            return one_class(found.pop(), names)
        raise unknown_name(text, [*self.targets, *names], "target class")

    def _two(self, text: str, names: Sequence[str]) -> list[int]:
        """Two classes, by names or numbers, with a comma between; names may have commas themselves."""
        for place in (place for place, sign in enumerate(text) if sign == ","):
            pair = [part.strip() for part in (text[:place], text[place + 1 :])]
            places = [_place(part, names) for part in pair]
            if None not in places and places[0] != places[1]:
                return [place for place in places if place is not None]
        pair = text.split(",")
        wrong = next((part.strip() for part in pair if _place(part.strip(), names) is None), None)
        if wrong is not None:
            raise unknown_name(wrong, names, "target class")
        raise RgavizError(
            f"{quoted(text)} names no two classes to set against each other; write cat,dog, say."
        )

    def labelled(self, truth: Sequence[str | None], names: Sequence[str]) -> Target:
        unknown = next((each for each in truth if each not in names), None) if truth else None
        if unknown is not None or None in truth:
            if unknown is not None:
                raise RgavizError(
                    f"--target label needs the class of every picture, and {quoted(unknown)} is no class of this "
                    "network; name one with --target, or add --label."
                )
            raise RgavizError(
                "--target label needs the class of every picture, but one has no label; add --label."
            )
        return given_classes([list(names).index(str(each)) for each in truth], names)

    def confidence(self, target: Target, output: Tensor) -> Confidence:
        if self.kind == VALUE or not isinstance(target, ClassTarget):
            raise RgavizError(
                "The score that is measured is the probability of a class, and this target has none; choose a class."
            )
        place = int(target.classes(output)[0, 0])

        def scores(outputs: Tensor) -> Tensor:
            return self._shares(outputs)[0][:, place]

        return Confidence(scores, "probability of the class")

    def scores(self, text: str, names: Sequence[str]) -> list[str]:
        return [f"top {place + 1}" for place in range(min(TOPS.get(text, 1), len(names)))]

    def truth(self, text: str, names: Sequence[str], *, folder: bool = False) -> None:
        for each in labels_of(text, names) if self.kind == MULTILABEL else [text]:
            if each not in names:
                raise unknown_name(each, names, "label")

    def told(self, output: Tensor, names: Sequence[str], truth: Sequence[str | None]) -> list[Told]:
        if self.kind == VALUE:
            return [told_value(row, names) for row in output.float().tolist()]
        shares, already = self._shares(output)
        if self.kind == MULTILABEL:
            return [told_several(*each, names) for each in zip(shares.tolist(), truth, strict=True)]
        confidence, index = shares.max(1)  # (B,) each
        rows = zip(confidence.tolist(), index.tolist(), truth, already.tolist(), strict=True)
        return [told_one(str(names[best]), best, sure, true, done) for sure, best, true, done in rows]

    def _shares(self, output: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (B, classes) of an output, and whether it has been them already (B,)."""
        if self.squashed:
            return output.float(), torch.ones(len(output), dtype=torch.bool)
        return probabilities(output.float(), "sigmoid" if self.kind == MULTILABEL else self.kind)


def _place(text: str, names: Sequence[str]) -> int | None:
    """Which class a name or a number stands for."""
    if text in names:
        return list(names).index(text)
    return int(text) if text.isdecimal() and len(text) < 20 and int(text) < len(names) else None


def answering(task: Any, outputs: str | None, squashed: bool = False) -> Any:
    """The task where the outputs of a network are said to be something; ``squashed`` ones have been through a sigmoid.

    Raises:
        RgavizError: they are no classifier's.
    """
    if outputs is None:
        return task
    if not isinstance(task, Classification):
        raise RgavizError(
            f"outputs={outputs} is for classifiers, and this network is for {task.name}: leave it out."
        )
    return Classification(outputs, squashed)


def cross_entropy(
    logits: Tensor, labels: Tensor, weights: Sequence[float] | None, smoothing: float
) -> Tensor:
    """Mean over the images of a batch, each weighted by its class.

    PyTorch divides by the sum of the batch's weights instead, so a batch in parts would not be the same batch.

    Args:
        logits: (b, classes).
        labels: (b,).
        weights: of each class, or None for 1.
        smoothing: the part of the label that is spread over all classes.
    """
    if weights is None:
        return F.cross_entropy(logits, labels, label_smoothing=smoothing)
    weight = torch.tensor(weights, device=logits.device)  # (classes,)
    return F.cross_entropy(logits, labels, weight, label_smoothing=smoothing, reduction="sum") / len(labels)


def summary(loss: Tensor, counts: Tensor, classes: Sequence[str]) -> Evaluation:
    """From the summed cross-entropy and the confusion (classes, classes) of all images."""
    images = int(counts.sum())
    figures = {
        "loss": float(loss) / images,
        "error": 100 * (1 - int(counts.diagonal().sum()) / images),
    }
    names = [str(name) for name in classes]
    tables = {
        "class_error": Table("class", ["error (%)"], names, [[error] for error in class_errors(counts)]),
        "confusion": Table("true \\ predicted", names, names, counts.tolist()),
    }
    return Evaluation(figures, tables)
