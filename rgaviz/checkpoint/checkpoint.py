"""A network with all it needs to be used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rgaviz.ends import the_output
from rgaviz.errors import RgavizError
from rgaviz.models.network import count_parameters, task_of
from rgaviz.tasks import TASKS, Task, Told
from rgaviz.tasks.classification import answering
from rgaviz.tasks.task import asked

if TYPE_CHECKING:
    from PIL.Image import Image

    from rgaviz.tasks.task import Target

    Picture = str | Path | np.ndarray | Image
    Pictures = Tensor | Picture | Sequence[Picture]


def _is_byte(value: Any) -> bool:
    return type(value) is int and 0 <= value <= 255


class Prediction(NamedTuple):
    """What a network says of one picture."""

    label: str
    index: int
    confidence: float  # softmax probability, 0..1


@dataclass(frozen=True)
class Checkpoint:
    """A network with all it needs to be used.

    Attributes:
        model: the network, in eval mode, on the CPU; :func:`rgaviz.create_model` tells what it has.
        config: the arguments of :func:`rgaviz.create_model` that build it.
        classes: names of the outputs.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        metrics: what was measured on the test images after the last epoch, by ``test_<key>`` and ``train_<key>``.
        training: data set, recipe and settings it was trained with.
        seed: of the training.
        versions: of the packages that wrote it.
        history: one row per epoch.
        path: the file it was read from, or the name of a library's weights.
        sha256: of the file; where there is none of :func:`weights_sha256`.
        origin: what was read, in words.
        notes: what must be known before believing it, a line each.
        counted: learned values, where the network is not there to be counted.
        of_task: what a network is for that does not say it itself; "" asks the network.
        shown: of a network of more than three channels those that are shown as red, green and blue.
        output: which of several outputs is meant: a key or a place; None where the network gives one tensor.
        outputs: what they are, a key of ``OUTPUTS`` of :mod:`rgaviz.tasks.classification`; None is seen by themselves.
        squashed: whether they have been through a sigmoid already.
    """

    model: nn.Module
    config: dict[str, Any]
    classes: list[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    path: Path | str | None = None
    sha256: str = ""
    origin: str = "checkpoint"
    notes: tuple[str, ...] = ()
    output: str | int | None = None
    outputs: str | None = None
    squashed: bool = False
    shown: tuple[int, ...] = (0, 1, 2)
    of_task: str = ""
    counted: int = 0

    def __repr__(self) -> str:
        height, width = self.image_size
        attention = "" if self.config["attention"] == "none" else f" + {self.config['attention']}"
        what = f"{self.config['arch']}{attention}, {len(self.classes)} classes, {height}x{width}"
        return f"<Checkpoint {self.path or ''}: {what}>"

    @property
    def task(self) -> Task:
        """What the network is for; a module that does not say is a classifier."""
        return answering(TASKS[self.of_task or task_of(self.model)], self.outputs, self.squashed)

    @property
    def parameters(self) -> int:
        """How many values were learned."""
        return count_parameters(self.model) or self.counted

    @property
    def dataset(self) -> str | None:
        """What it was trained on, as far as the file says."""
        name = self.training.get("dataset")
        return name if isinstance(name, str) else None

    @property
    def recipe(self) -> dict[str, dict[str, Any]]:
        """The tables of the recipe it was trained with; a stranger's file may hold anything there."""
        tables = self.training.get("recipe")
        found = tables if isinstance(tables, dict) else {}
        return {name: values for name, values in found.items() if isinstance(values, dict)}

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels of the network's input."""
        height, width = self.config["image_size"]
        return height, width

    @property
    def colours(self) -> list[tuple[int, int, int]] | None:
        """RGB of each class in label maps, as far as the file says."""
        found = self.training.get("colours")
        if not isinstance(found, list) or len(found) != len(self.classes):
            return None
        if not all(isinstance(each, list) and len(each) == 3 and all(map(_is_byte, each)) for each in found):
            return None
        return [(red, green, blue) for red, green, blue in found]

    @property
    def ids(self) -> list[int] | None:
        """The number of each class in the label files of its data set, as far as the file says."""
        found = self.training.get("ids")
        if not isinstance(found, list) or len(found) != len(self.classes):
            return None
        return found if all(map(_is_byte, found)) and len(set(found)) == len(found) else None

    @property
    def channels(self) -> int:
        """How many channels the network's images have."""
        return len(self.mean)

    def input_size(self, picture: np.ndarray) -> tuple[int, int]:
        """(H, W) at which the network sees a picture (h, w, 3)."""
        height, width = picture.shape[:2]
        return self.task.input_size((height, width), self.image_size)

    def inputs(self, images: Pictures) -> Tensor:
        """A normalised batch (B, C, H, W) float32.

        Args:
            images: a tensor (B, C, H, W), taken as already normalised; or one or several paths and uint8 RGB arrays
                (H, W, 3) of any size, resized and normalised with this checkpoint's values. A network that sees
                pictures at their own size takes several of one size. One of a single channel sees their lightness,
                and takes grey arrays (H, W); one of more than three takes arrays (H, W, C) in [0, 1], and files as
                :func:`rgaviz.data.channels.read_channels`.

        Raises:
            RgavizError: no images, arrays of another kind or of several sizes, or a picture that cannot be read.
        """
        from rgaviz.data.pictures import network_input

        if isinstance(images, Tensor):
            if not len(images.shape) or not images.is_floating_point():
                raise RgavizError(
                    "A tensor is a normalised batch of floating point; pass pictures as uint8 arrays."
                )
            own = (images.shape[2], images.shape[3]) if images.ndim == 4 else self.image_size
            size = self.task.input_size(own, self.image_size) if min(own) else self.image_size
            if images.shape[1:] != (self.channels, *size):
                wanted, given = (
                    "x".join(map(str, each)) for each in ((self.channels, *size), images.shape[1:])
                )
                raise RgavizError(
                    f"This network takes images of {wanted}, not {given}; resize them, or pass pictures."
                )
            if not len(images):
                raise RgavizError("No images given; name at least one.")
            return images
        single = (
            isinstance(images, str | Path)
            or hasattr(images, "convert")  # an image of Pillow
            or getattr(images, "ndim", 0) in (2, 3)
            or not isinstance(images, Iterable)
        )
        several: list[Any] = [images] if single else list(images)  # type: ignore[arg-type]
        if not several:
            raise RgavizError("No images given; name at least one.")
        pictures = [self._picture(each) for each in several]
        sizes = [self.input_size(each) for each in pictures]
        if len(set(sizes)) > 1:
            told = " and ".join("x".join(map(str, size)) for size in list(dict.fromkeys(sizes))[:2])
            raise RgavizError(
                f"This network sees pictures at their own size, here {told}, which are no one batch; pass those of one "
                "size together."
            )
        return torch.stack([network_input(each, sizes[0], self.mean, self.std) for each in pictures])

    def _picture(self, given: Any) -> np.ndarray:
        """A picture as the network sees it, (h, w, C) uint8 or in [0, 1], of a path or an array."""
        from PIL import Image, ImageOps

        from rgaviz.data.channels import grey, read_channels
        from rgaviz.data.pictures import check_array, read_picture

        if isinstance(given, Image.Image):
            given = np.asarray(ImageOps.exif_transpose(given).convert("RGB"))
        if self.channels not in (1, 3):
            if isinstance(given, str | Path):
                return read_channels(given, self.channels)
            return check_array(given, self.channels)
        single = self.channels == 1
        picture = read_picture(given) if isinstance(given, str | Path) else check_array(given, grey=single)
        return picture if self.channels == 3 else grey(picture)

    def scored(self, task: Task | None = None) -> Callable[[Tensor], Tensor]:
        """What of the network is explained: normalised images (B, 3, H, W) -> output (B, ...).

        Args:
            task: the network's, measuring in a way of its own.
        """
        whole = (task or self.task).scored(self.model)
        return whole if self.output is None else lambda images: the_output(whole(images), self.output)

    def target(self, text: str | None = None) -> Target:
        """What a map of the network is about, as ``--target`` names it; by default what is usual for its task.

        Raises:
            RgavizError: no such target, or none is usual.
        """
        return self.task.target(asked(self.task, text), self.classes, self._answer)

    @torch.no_grad()  # a target keeps it, and gradients go past it
    def _answer(self, picture: str) -> Tensor:
        """What a target is about a picture: (1, ...) of :meth:`scored`."""
        return self.scored()(self.inputs(picture).to(next(self.model.parameters()).device))

    @torch.inference_mode()
    def told(self, images: Pictures, task: Task | None = None) -> list[Told]:
        """What the network says of every picture, whatever it is for; as in :meth:`inputs` and :meth:`scored`."""
        device = next(self.model.parameters()).device
        output = self.scored(task)(self.inputs(images).to(device))  # (B, ...)
        return self.task.told(output, self.classes, [None] * len(output))

    def predict(self, images: Pictures) -> list[Prediction]:
        """Class and confidence of every picture by a classifier; ``images`` as in :meth:`inputs`.

        Raises:
            RgavizError: the network is for another task.
        """
        told = [each.values for each in self.told(images)]
        if any(not set(Prediction._fields) <= set(each) for each in told):
            raise RgavizError(
                f"A network for {self.task.name} predicts no class; ask what it says: checkpoint.told(images)"
            )
        return [Prediction(**{name: each[name] for name in Prediction._fields}) for each in told]
