"""A training and the size of its data set: a batch that fits, what is said before the first epoch, and doubts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import torch
from torch import Tensor

from rgaviz.data.augment import FITTED, FOR_FEW, USUAL
from rgaviz.data.splits import Dataset, as_images
from rgaviz.tasks import Task
from rgaviz.training.config import Recipe
from rgaviz.training.report import Report

FITTED_BATCH = 0  # train.batch_size that is chosen by the number of images
LARGEST_BATCH, SMALLEST_BATCH = 64, 8
FEWEST_STEPS = 12  # of an epoch, where the smallest batch leaves so many
FEW_OF_A_CLASS = 20
FEW_IMAGES = 1000  # a network with fresh weights learns little from less
FEW_STEPS = 200  # of a whole training
TOLD_SECONDS = 10
BUSY = 1.0  # processes that wait, per core


def fitted(recipe: Recipe, images: int, processes: int = 1) -> Recipe:
    """The recipe with a batch and an augmentation that fit so many images, where it leaves them open.

    The batch is the largest power of two, from 8 to 64, of which an epoch has 12. The recipe's learning rate is for 64:
    a smaller batch, whose gradients vary more, gets less of it, by the square root. Few images are varied more than
    many.

    Args:
        recipe: all settings.
        images: to train on.
        processes: that share a batch.
    """
    if recipe.data.augment == FITTED:
        augment = FOR_FEW if images < FEW_IMAGES else USUAL
        recipe = recipe.changed(data=recipe.data.changed(augment=augment))
    if recipe.train.batch_size != FITTED_BATCH:
        return recipe
    most = max(SMALLEST_BATCH, min(LARGEST_BATCH, images // FEWEST_STEPS))
    size = 2 ** int(math.log2(most))
    size = max(1, size // processes) * processes
    rate = recipe.train.lr * math.sqrt(size / LARGEST_BATCH)
    return recipe.changed(train=recipe.train.changed(batch_size=size, lr=rate))


def announced(recipe: Recipe, dataset: Dataset, task: Task, order: Sequence[Tensor], networks: int) -> str:
    """What is trained, in a line: images, classes, steps, and what is left out.

    Args:
        recipe: all settings, the batch fitted.
        dataset: the images.
        task: what the networks are for.
        order: the batches of an epoch.
        networks: how many are trained.
    """
    count = len(dataset.part("train"))
    tested = " and ".join(f"{len(dataset.part(part)):,}" for part in task.tested)
    classes = f" of {len(dataset.classes):,} classes" if task.name == "classification" else ""
    sizes = [len(batch) for batch in order]
    last = f", the last of {sizes[-1]}" if sizes[-1] != sizes[0] else ""
    out = count - sum(sizes)
    left = f" ({out:,} left out, others each time)" if 0 < out < count else ""
    train = recipe.train
    return (
        f"{count:,} images{classes} to train on, {tested} to test; an epoch is {_counted(len(sizes), 'step')} of "
        f"{sizes[0]}{last}{left}; {_counted(train.epochs, 'epoch')}, learning rate up to {train.lr:.3g}, "
        f"augmentation {recipe.data.augment}, {_counted(networks, 'network')}."
    )


def doubts(recipe: Recipe, dataset: Dataset, task: Task, steps: int) -> list[str]:
    """What makes it unlikely that a classifier learns, a line each.

    Args:
        recipe: all settings.
        dataset: the images.
        task: what the networks are for.
        steps: of an epoch.
    """
    if task.name != "classification":
        return []
    labels = as_images(dataset.part("train")).labels
    counts = torch.bincount(labels.cpu(), minlength=len(dataset.classes))
    fewest, images = int(counts.min()), len(labels)
    found = []
    begun = recipe.model.pretrained != "none"
    if fewest < FEW_OF_A_CLASS:
        name = dataset.classes[int(counts.argmin())]
        found.append(
            f"{name} has {fewest} images to train on, too few to learn from; take {FEW_OF_A_CLASS} or more."
        )
    if images < FEW_IMAGES and not begun:
        found.append(
            f"{images} images are few for networks with fresh weights, those with attention above all; begin with "
            "trained ones if you have any: --init torchvision:resnet18"
        )
    if (total := steps * recipe.train.epochs) < FEW_STEPS:
        wanted = -(-FEW_STEPS // steps)
        found.append(f"{total} steps in all are few to learn in; try --epochs {wanted}.")
    return found


def busy(device: torch.device) -> str | None:
    """A hint where the machine has more to do than cores: threads that wait for each other slow all down."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if device.type != "cpu" or torch.get_num_threads() < 2 or not hasattr(os, "getloadavg"):
        return None
    load = os.getloadavg()[0]
    if load <= BUSY * cores:
        return None
    return (
        f"this machine is busy (load {load:.1f} on {cores} cores), and threads that wait for each other make training "
        "many times slower; stop it and set OMP_NUM_THREADS=1."
    )


def tell_duration(report: Report, network: str, seconds: float) -> None:
    """Say how long training a network goes on, where that is worth saying."""
    if seconds >= TOLD_SECONDS:
        report.say(f"{network}: about {duration(seconds)} to go.")


def duration(seconds: float) -> str:
    """``"50 s"``, ``"12 min"``, ``"3.5 h"``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
