"""A training step for re-identification with its data path, and the same step on data already there.

The network and the settings of the recipe ``market1501-small`` without attention, the cheapest step of its pair, and
with RGA-SC: ResNet-18 at 128x64 pixels, 16 identities with 4 images each, Adam, both losses. The images are noise, and
lie in memory as those of a data set do. The data path is what a training does for an epoch: the identities of its
batches are drawn, then crops, mirroring and random erasing; each batch is cut out, augmented and normalised. The other
contestant is given one batch of such images again and again. Forward, backward and update are in both. An epoch is
timed as a whole, for part of the data path is done once in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count

import torch
from measure import Claim, Result, alternate, run, seconds
from torch import Tensor

from rgaviz.data.batches import train_batches
from rgaviz.data.order import epoch_generator
from rgaviz.data.splits import MemorySplit
from rgaviz.devices import keep_freed_memory
from rgaviz.tasks import TASKS
from rgaviz.training.config import Recipe, load_recipe
from rgaviz.training.network import Outputs, build_model
from rgaviz.training.optim import build_optimizer

TASK = TASKS["reid"]
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
IMAGES_EACH = 8  # of an identity
TARGET = 1 / 0.9
TITLES = {"none": "no attention", "rga-sc": "RGA-SC"}

Batches = Iterable[tuple[Tensor, Tensor]]


def people(recipe: Recipe, identities: int) -> MemorySplit:
    """Noise of the recipe's size, with so many identities."""
    height, width = recipe.data.image_size
    labels = torch.arange(identities).repeat_interleave(IMAGES_EACH)
    return MemorySplit(torch.randint(0, 256, (len(labels), height, width, 3), dtype=torch.uint8), labels)


def data_path(split: MemorySplit, recipe: Recipe, epoch: int) -> Batches:
    """The batches of an epoch as a training makes them."""
    draw = epoch_generator(0, epoch)
    order = TASK.order(split, recipe.train, draw)
    return train_batches(split, order, draw, augmentation=recipe.data.augment, mean=MEAN, std=STD)


def training(recipe: Recipe, attention: str, identities: int) -> Callable[[Batches], None]:
    """What a network of the recipe learns from some batches."""
    torch.manual_seed(0)
    model = build_model(recipe, attention, TASK, identities).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    network, optimizer = Outputs(TASK, model.train()), build_optimizer(model, recipe.train)

    def train(batches: Batches) -> None:
        for images, labels in batches:
            optimizer.zero_grad()
            TASK.loss(network(images), labels, recipe.train)["loss"].backward()
            optimizer.step()

    return train


def contest(recipe: Recipe, attention: str, steps: int, repeats: int) -> dict[str, float]:
    """Seconds of a step: on a batch that is there already, and with the data path; and of the data path alone."""
    identities = steps * recipe.train.batch_size // recipe.train.images_per_identity
    split, train, epoch = people(recipe, identities), training(recipe, attention, identities), count()
    ready = list(data_path(split, recipe, next(epoch)))[:1] * steps
    times = alternate(
        {
            "there": seconds(lambda: train(ready)),
            "with": seconds(lambda: train(data_path(split, recipe, next(epoch)))),
            "alone": seconds(lambda: [None for _ in data_path(split, recipe, next(epoch))]),
        },
        repeats,
    )
    return {name: value / steps for name, value in times.items()}


def measure(quick: bool) -> Result:
    """Time both networks."""
    tiny = ["model.width=8", "data.image_size=[32, 16]", "train.batch_size=8", "train.images_per_identity=2"]
    recipe = load_recipe("market1501-small", [*tiny, "model.s1=2", "model.s2=2"] if quick else [])
    steps, repeats = (2, 1) if quick else (6, 5)
    keep_freed_memory()
    rows, claims = [], []
    for attention, title in TITLES.items():
        times = contest(recipe, attention, steps, repeats)
        there, ratio = times["there"], times["with"] / times["there"]
        rows += [
            [f"{title}, data already there", f"{1000 * there:.0f} ms", "1.00x"],
            [f"{title}, with the data path", f"{1000 * times['with']:.0f} ms", f"{ratio:.2f}x"],
        ]
        claims.append(
            Claim(f"re-ID step with its data path, {title}, of the step alone", ratio, TARGET, True)
        )
        rows.append(
            ["the data path alone", f"{1000 * times['alone']:.1f} ms", f"{times['alone'] / there:.3f}x"]
        )
    return Result([f"{recipe.model.arch} re-ID training step", "time", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")
