"""A task that no class belongs to, for the tests: numbers for each picture, such as where a dot is."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
import torch.nn.functional as F

from rgaviz.data.order import shuffled
from rgaviz.data.splits import Dataset, MemorySplit, as_images
from rgaviz.errors import RgavizError, unknown_name
from rgaviz.explain.targets import scored
from rgaviz.tasks import Evaluation, Line, Measure, Table, Told
from rgaviz.tasks.evidence import Evidence

NEAR = 0.5  # a number told is right within


class Regression:
    """Outputs (B, K), labels (n, K) float32."""

    name = "regression"
    heads = ("linear",)
    measures = (
        Measure("mae", "mean absolute error", unit="", least=True),
        Measure("r2", "R2", unit=""),
    )
    tabulated: tuple[str, ...] = ("mae",)
    targets: tuple[str, ...] = ("all",)
    settings: tuple[str, ...] = ()
    tested: tuple[str, ...] = ("test",)
    afterwards = ""
    drawn = ""
    open_set = False
    foreign = True
    choices: tuple[str, ...] = ()
    dense = False

    def measuring(self, **choices):
        if choices:
            raise RgavizError("A regression is measured in one way.")
        return self

    def together(self, config):
        return 1

    def check(self, split, classes):
        labels = as_images(split).labels
        if labels.dtype != torch.float32 or labels.shape[1:] != (len(classes),):
            raise RgavizError(f"Labels for regression are (n, {len(classes)}) float32; mend the data set.")

    def order(self, split, config, draw):
        return shuffled(len(split), config.batch_size, draw)

    def outputs(self, model, images):
        return {"numbers": model(images)}

    def counted(self, targets, config):
        return len(targets)

    def loss(self, outputs, targets, config):
        numbers = outputs["numbers"]
        error = (numbers.detach() - targets).abs().mean(1).sum()
        return {"loss": F.smooth_l1_loss(numbers, targets), "mae": error}

    @torch.inference_mode()
    def evaluate(self, model, parts, how):
        model.eval()
        sums = torch.zeros(5, len(how.classes), dtype=torch.float64)  # of 1, |e|, e^2, y, y^2
        single = []  # of each picture |e|
        for images, truth in how.batches(parts("test")):
            error, truth = (model(images).float() - truth).cpu().double(), truth.cpu().double()
            single += error.abs().mean(1).tolist()
            rows = (torch.ones_like(error), error.abs(), error**2, truth, truth**2)
            sums += torch.stack([row.sum(0) for row in rows])
        count, absolute, squared, total, squares = how.sum(sums)  # (K,) each
        spread = squares - total**2 / count
        errors = absolute / count
        figures = {"mae": float(errors.mean()), "r2": float((1 - squared / spread).mean())}
        rows = [[value] for value in errors.tolist()]
        table = Table("number", ["mean absolute error"], list(how.classes), rows, decimals=3)
        parts = np.stack([single, np.ones(len(single))], 1)
        names = [str(number) for number in range(len(single))]
        evidence = Evidence(parts, {"mae": lambda sums: sums[..., 0] / sums[..., 1]}, names)
        return Evaluation(figures, {"number_mae": table}, evidence=evidence)

    def input_size(self, picture, image_size):
        return image_size

    def scored(self, model):
        return model

    def target(self, text, names, answer):
        if text == "all":
            return scored(lambda output: output, *names)
        if text in names:
            return scored(lambda output: output[:, list(names).index(text)], text)
        raise unknown_name(text, ["all", *names], "target number")

    def labelled(self, truth, names):
        raise RgavizError("A number is no target of a regression; name one with --target.")

    def confidence(self, target, output):
        raise RgavizError("A number is no confidence; measure a network that has one.")

    def scores(self, text, names):
        return names if text == "all" else [text]

    def truth(self, text, names, *, folder=False):
        if folder or _numbers(text) is None:
            raise RgavizError(f"Label {text!r} is not {len(names)} numbers with blanks between them.")

    def told(self, output, names, truth):
        return [
            Told(
                [
                    Line(f"{n} {v:.2f}", _right(t, place, v))
                    for place, (n, v) in enumerate(zip(names, row, strict=True))
                ],
                dict(zip(names, row, strict=True)),
            )
            for row, t in zip(output.float().tolist(), truth, strict=True)
        ]


def _numbers(text):
    try:
        return [float(each) for each in text.split()]
    except ValueError:
        return None


def _right(truth, place, value):
    numbers = None if truth is None else _numbers(truth)
    return None if numbers is None else abs(numbers[place] - value) <= NEAR


def _split(part, size, image_size):
    rng = np.random.default_rng(part == "test")
    height, width = image_size
    images = rng.integers(0, 80, (size, height, width, 3)).astype(np.uint8)
    places = rng.uniform(0.2, 0.8, (size, 2))
    for image, (x, y) in zip(images, places, strict=True):
        top, left = int(y * height), int(x * width)
        image[top - 2 : top + 2, left - 2 : left + 2] = 255
    return MemorySplit(torch.from_numpy(images), torch.tensor(places, dtype=torch.float32))


def load_dots(*, image_size, train_size, test_size, **_):
    """Dots whose places are to be told, x and y as fractions of the picture's sides."""
    sizes = {"train": train_size or 70, "test": test_size or 21}
    parts = {part: partial(_split, part, size, image_size) for part, size in sizes.items()}
    mean = std = (0.2, 0.2, 0.2)
    return Dataset("dots", "regression", ("x", "y"), parts, mean, std, "generated", augmentations=("none",))
