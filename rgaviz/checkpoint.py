"""One self-describing file per network, safe to load from a stranger."""

from __future__ import annotations

import hashlib
import math
import platform
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from rgaviz import __version__
from rgaviz.atomic import atomic_write
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model
from rgaviz.models.resnet import ResNet

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
LARGEST_IMAGE = 4096  # pixels a side; a checkpoint that asks for more is damaged or hostile


class Prediction(NamedTuple):
    """What a network says of one picture."""

    label: str
    index: int
    confidence: float  # softmax probability, 0..1


@dataclass(frozen=True)
class Checkpoint:
    """A network with all it needs to be used.

    Attributes:
        model: the network, in eval mode, on the CPU.
        config: the arguments of :func:`rgaviz.create_model` that build it.
        classes: names of the outputs.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        metrics: what was measured on the test images after the last epoch, e.g. ``test_error`` in percent.
        training: data set, recipe and settings it was trained with.
        seed: of the training.
        versions: of the packages that wrote it.
        history: one row per epoch.
        path: where it was read.
        sha256: of the file.
    """

    model: ResNet
    config: dict[str, Any]
    classes: list[str]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    metrics: dict[str, float] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    versions: dict[str, str] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    path: Path | None = None
    sha256: str = ""

    @property
    def image_size(self) -> tuple[int, int]:
        """(H, W) in pixels of the network's input."""
        height, width = self.config["image_size"]
        return height, width

    def inputs(self, images: Tensor | str | Path | Sequence[str | Path | np.ndarray]) -> Tensor:
        """A normalised batch (B, 3, H, W) float32.

        Args:
            images: a tensor (B, 3, H, W), taken as already normalised; or one or several paths and uint8 RGB arrays
                (H, W, 3) of any size, resized and normalised with this checkpoint's values.

        Raises:
            RgavizError: no images, or a picture that cannot be read.
        """
        from rgaviz.data.images import network_input, read_picture

        if isinstance(images, Tensor):
            if images.shape[1:] != (3, *self.image_size):
                wanted, given = (
                    "x".join(map(str, each)) for each in ((3, *self.image_size), images.shape[1:])
                )
                raise RgavizError(
                    f"This network takes images of {wanted}, not {given}; resize them, or pass pictures."
                )
            return images
        single = isinstance(images, str | Path) or getattr(images, "ndim", 0) == 3
        several: list[Any] = [images] if single else list(images)  # type: ignore[arg-type]
        if not several:
            raise RgavizError("No images given; name at least one.")
        pictures = [read_picture(each) if isinstance(each, str | Path) else each for each in several]
        return torch.stack([network_input(each, self.image_size, self.mean, self.std) for each in pictures])

    @torch.inference_mode()
    def predict(self, images: Tensor | str | Path | Sequence[str | Path | np.ndarray]) -> list[Prediction]:
        """Class and confidence of every picture; ``images`` as in :meth:`inputs`."""
        device = next(self.model.parameters()).device
        return predictions(self.model(self.inputs(images).to(device)), self.classes)


def predictions(logits: Tensor, classes: Sequence[str]) -> list[Prediction]:
    """The most probable class of each row of ``logits`` (B, classes)."""
    confidence, index = logits.float().softmax(1).max(1)  # (B,) each
    rows = zip(confidence.tolist(), index.tolist(), strict=True)
    return [Prediction(str(classes[i]), i, c) for c, i in rows]


def save_checkpoint(
    path: Path | str,
    model: ResNet,
    *,
    classes: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    metrics: Mapping[str, float] | None = None,
    training: Mapping[str, Any] | None = None,
    seed: int = 0,
    history: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write ``model`` so that :func:`load_checkpoint` needs nothing else.

    Args:
        path: where; written under a temporary name, then renamed.
        model: from :func:`rgaviz.create_model`.
        classes: names of the outputs.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        metrics: what was measured.
        training: data set, recipe and settings, plain values only.
        seed: of the training.
        history: one row per epoch.
    """
    document = {
        "format": FORMAT,
        "config": model.config,
        "model": {name: value.cpu() for name, value in model.state_dict().items()},
        "classes": list(classes),
        "normalisation": {"mean": [float(v) for v in mean], "std": [float(v) for v in std]},
        "task": model.task,
        "metrics": dict(metrics or {}),
        "training": dict(training or {}),
        "history": [dict(row) for row in history],
        "seed": seed,
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    atomic_write(Path(path), lambda file: torch.save(document, file))


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint of ours. Nothing in the file is ever executed.

    Raises:
        CheckpointError: missing, damaged, not ours, from a newer version, of another shape, not finite, or a
            pickle that would run code.
    """
    path = Path(path)
    document = _read(path)
    _check_document(document, path)
    config = document["config"]
    try:
        # On the meta device nothing is allocated or drawn: the weights are assigned below.
        with torch.device("meta"):
            model = create_model(**{**config, "image_size": tuple(config["image_size"])})
        model.load_state_dict(document["model"], assign=True)
        model.float()  # weights may have been saved in half precision
    except RgavizError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: its weights do not fit its configuration ({_one_line(error)}). Train it again."
        ) from error
    except Exception as error:  # a damaged configuration can raise nearly anything
        raise CheckpointError(
            f"{path}: its configuration is damaged ({_one_line(error)}). Train it again."
        ) from error
    normalisation = document["normalisation"]
    return Checkpoint(
        model=model.eval(),
        config=config,
        classes=document["classes"],
        mean=tuple(normalisation["mean"]),
        std=tuple(normalisation["std"]),
        metrics=document.get("metrics", {}),
        training=document.get("training", {}),
        seed=document.get("seed", 0),
        versions=document.get("versions", {}),
        history=document.get("history", []),
        path=path,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def _read(path: Path) -> Any:
    try:
        if path.is_dir():
            raise CheckpointError(f"{path} is a folder, not a checkpoint. Give the .pt file in it.")
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist. Train one with: rgaviz train shapes")
        if path.stat().st_size == 0:
            raise CheckpointError(f"{path} is empty. Copy or train it again.")
        path.open("rb").close()
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be read ({error.strerror}). Check its name and permissions."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's about odd pickles: we say it in our own words
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise nearly anything: IndexError, struct.error, ...
        if "GLOBAL " in str(error):  # how PyTorch's unpickler calls what is neither a tensor nor plain data
            raise CheckpointError(
                f"{path} holds Python objects that would run code when loaded; refused. "
                "Ask its author for weights only, saved with rgaviz.save_checkpoint."
            ) from error
        raise CheckpointError(
            f"{path} is not a checkpoint, or it is damaged. Copy it again, or train one: rgaviz train shapes"
        ) from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _check_document(document: Any, path: Path) -> None:
    """Refuse what is not a checkpoint of ours, and say what it is instead."""
    if not isinstance(document, dict) or not document:
        raise CheckpointError(f"{path} is not an rgaviz checkpoint. Train one with: rgaviz train shapes")
    if all(isinstance(value, Tensor) for value in document.values()):
        raise CheckpointError(
            f"{path} is a bare state_dict: it does not say which network it belongs to. Build that with "
            "rgaviz.create_model, load it there and write it with rgaviz.save_checkpoint."
        )
    form = document.get("format")
    if not isinstance(form, int) or form < 1:
        raise CheckpointError(f"{path} is not an rgaviz checkpoint. Train one with: rgaviz train shapes")
    if form > FORMAT:
        raise CheckpointError(
            f"{path} has format {form}, newer than this version reads ({FORMAT}). Upgrade rgaviz."
        )
    if fault := _fault(document):
        raise CheckpointError(f"{path} is damaged: {fault}. Copy it again, or train it again.")


def _fault(document: dict[str, Any]) -> str | None:
    """The first thing wrong with a checkpoint's fields, if any."""
    kinds = {"config": dict, "model": dict, "classes": list, "normalisation": dict}
    for name, kind in kinds.items():
        if not isinstance(document.get(name), kind):
            return f"{name!r} is missing"
    for name, kind in {
        "metrics": dict,
        "training": dict,
        "versions": dict,
        "history": list,
        "seed": int,
    }.items():
        if not isinstance(document.get(name, kind()), kind):
            return f"{name!r} is no {kind.__name__}"
    size = document["config"].get("image_size")
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(isinstance(n, int) and 1 <= n <= LARGEST_IMAGE for n in size)
    ):
        return f"image_size is {size}"
    if len(document["classes"]) != document["config"].get("num_classes"):
        return f"{len(document['classes'])} class names for {document['config'].get('num_classes')} outputs"
    if not all(isinstance(name, str) for name in document["classes"]):
        return "a class name is not text"
    mean, std = (document["normalisation"].get(key) for key in ("mean", "std"))
    if not (_three_numbers(mean) and _three_numbers(std) and min(std) > 0):
        return f"its normalisation is mean {mean}, std {std}"
    for name, value in document["model"].items():
        if not (isinstance(value, Tensor) and _plain(value)):
            return f"{name} is not a plain tensor"
        if value.is_floating_point() and not torch.isfinite(value).all():
            return f"{name} holds NaN or infinite weights"
    return None


def _three_numbers(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) == 3
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
    )


def _plain(value: Tensor) -> bool:
    """Dense numbers that are all in the file: a few bytes can claim a tensor of terabytes."""
    return (
        value.layout is torch.strided
        and value.device.type == "cpu"
        and (value.is_floating_point() or value.dtype is torch.int64)
        and value.nbytes <= value.untyped_storage().nbytes()
    )


def _versions() -> dict[str, str]:
    return {"rgaviz": __version__, "torch": str(torch.__version__), "python": platform.python_version()}


def _git_commit() -> str | None:
    """Commit of the working folder, if it is a repository."""
    try:
        answer = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
