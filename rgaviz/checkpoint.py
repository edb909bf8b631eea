"""One self-describing file per network, safe to load from a stranger."""

from __future__ import annotations

import hashlib
import math
import platform
import subprocess
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from rgaviz import __version__
from rgaviz.atomic import atomic_write
from rgaviz.data.folder import IMAGENET_MEAN, IMAGENET_STD
from rgaviz.errors import CheckpointError, RgavizError, one_line
from rgaviz.models import MODELS, bare, create_model, foreign, official
from rgaviz.models.network import shape_text

if TYPE_CHECKING:
    import numpy as np

FORMAT = 1
RESUME_SUFFIX = ".resume.pt"  # of the state beside a network that is not finished, which is no checkpoint
LARGEST_IMAGE = 4096  # pixels a side; a checkpoint that asks for more is damaged or hostile
# What training scripts leave beside the weights: numpy's numbers and arrays, the options of the command line.
RECORDS = (
    "numpy.dtype",
    "numpy.ndarray",
    "numpy.core.multiarray.scalar",
    "numpy.core.multiarray._reconstruct",
    "numpy._core.multiarray.scalar",
    "numpy._core.multiarray._reconstruct",
    "argparse.Namespace",
)


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
        metrics: what was measured on the test images after the last epoch, e.g. ``test_error`` in percent.
        training: data set, recipe and settings it was trained with.
        seed: of the training.
        versions: of the packages that wrote it.
        history: one row per epoch.
        path: the file it was read from, or the name of a library's weights.
        sha256: of the file; where there is none of :func:`weights_sha256`.
        origin: what was read, in words.
        notes: what must be known before believing it, a line each.
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
    model: nn.Module,
    *,
    classes: Sequence[str],
    mean: Sequence[float],
    std: Sequence[float],
    metrics: Mapping[str, float] | None = None,
    training: Mapping[str, Any] | None = None,
    seed: int = 0,
    history: Sequence[Mapping[str, Any]] = (),
    notes: Sequence[str] = (),
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
        notes: what must be known before believing it, a line each; told whenever it is used.
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
        "notes": list(notes),
        "versions": _versions(),
        "git_commit": _git_commit(),
    }
    atomic_write(Path(path), lambda file: torch.save(document, file))


def load_checkpoint(
    source: Path | str,
    arch: str | None = None,
    num_classes: int | None = None,
    image_size: tuple[int, int] | None = None,
) -> Checkpoint:
    """Read a checkpoint of ours, or a network from elsewhere. Nothing in a file is ever executed.

    Args:
        source: one of

            - a checkpoint of ours, or of the RGA authors' code;
            - a bare state_dict, with ``arch``;
            - ``torchvision:NAME``, ``torchvision:NAME@WEIGHTS`` or ``timm:NAME``, weights of these libraries, from
              their caches or downloaded; ``@none`` for fresh ones. A file of that name comes first.
        arch: the network of a bare state_dict: a key of ``MODELS``, ``torchvision:NAME`` or ``timm:NAME``. Files that
            name their network need none and keep theirs.
        num_classes: outputs of a bare state_dict's network; by default those of the head in the file.
        image_size: (H, W) in pixels of a bare state_dict's network; by default what its kind usually takes.

    Raises:
        CheckpointError: missing, damaged, not ours, from a newer version, of another shape, not finite, or a
            pickle that would run code; weights that are neither here nor can be downloaded.
        UnknownNameError: no such network or weights.
    """
    if foreign.is_foreign(source) and not Path(source).exists():
        return _from_library(str(source))
    path = Path(source)
    document = _read(path)
    state = bare.unwrap(document)
    if state is not None:
        return _from_weights(path, state, arch, num_classes, image_size)
    _check_document(document, path)
    normalisation = document["normalisation"]
    return Checkpoint(
        model=_network(path, document["config"], document["model"]),
        config=document["config"],
        classes=document["classes"],
        mean=tuple(normalisation["mean"]),
        std=tuple(normalisation["std"]),
        metrics=document.get("metrics", {}),
        training=document.get("training", {}),
        seed=document.get("seed", 0),
        versions=document.get("versions", {}),
        history=document.get("history", []),
        path=path,
        sha256=_file_sha256(path),
        notes=tuple(document.get("notes", [])),
    )


def _network(path: Path, config: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """The network of a configuration with its weights, in eval mode; draws no random numbers."""
    try:
        with foreign.undrawn(config.get("arch")):
            model = create_model(**{**config, "image_size": tuple(config["image_size"])})
        model.load_state_dict(weights, assign=True)
        return model.float().eval()  # weights may have been saved in half precision
    except RgavizError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except RuntimeError as error:
        raise CheckpointError(
            f"{path}: its weights do not fit its configuration ({one_line(error)}). Train it again."
        ) from error
    except Exception as error:  # a damaged configuration can raise nearly anything
        raise CheckpointError(
            f"{path}: its configuration is damaged ({one_line(error)}). Train it again."
        ) from error


def _from_library(source: str) -> Checkpoint:
    loaded = foreign.load(source)
    fresh = foreign.parse(source).weights == foreign.FRESH
    return Checkpoint(
        model=loaded.model.eval(),
        config=dict(vars(loaded.model)["config"]),
        classes=loaded.classes,
        mean=loaded.preset.mean,
        std=loaded.preset.std,
        path=loaded.source,
        sha256=weights_sha256(loaded.model),
        origin=f"{foreign.parse(source).library} network",
        notes=("its weights are untrained: what it predicts means nothing.",) if fresh else (),
    )


def _from_weights(
    path: Path,
    state: dict[str, Tensor],
    arch: str | None,
    num_classes: int | None,
    image_size: tuple[int, int] | None,
) -> Checkpoint:
    """A network from the bare weights in a file.

    Raises:
        CheckpointError: not sound, not those of ``arch``, or no ``arch`` to go by.
    """
    if fault := next((fault for each in state.items() if (fault := _weight_fault(*each))), None):
        raise CheckpointError(f"{path}: {fault.what}. {fault.step}")
    if image_size and max(image_size) > LARGEST_IMAGE:
        raise RgavizError(
            f"Images of {shape_text(image_size)} are too large; give at most {LARGEST_IMAGE} a side."
        )
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    notes: list[str] = []
    try:
        if official.recognise(state):
            origin = "checkpoint of the RGA authors' code"
            model = _network(path, *official.convert(state))
        else:
            origin = f"bare state_dict of {_named(path, state, arch)}"
            model, notes = bare.fit(state, str(arch), num_classes, image_size)
            if foreign.is_foreign(arch):
                _, mean, std = foreign.preset(str(arch))
    except RgavizError as error:
        prefix = "" if str(error).startswith(str(path)) else f"{path}: "
        raise CheckpointError(f"{prefix}{error}") from error
    config = dict(vars(model)["config"])
    # A fresh head knows no classes, so it must not name any.
    names = foreign.numbered_classes if notes else foreign.class_names
    return Checkpoint(
        model=model.eval(),
        config=config,
        classes=names(config["num_classes"]),
        mean=mean,
        std=std,
        path=path,
        sha256=_file_sha256(path),
        origin=origin,
        notes=tuple(notes),
    )


def _named(path: Path, state: Mapping[str, Tensor], arch: str | None) -> str:
    """The network of a bare state_dict, where it can be known."""
    if not foreign.is_foreign(arch) and any(name.startswith("attention.") for name in state):
        raise CheckpointError(
            f"{path} is a bare state_dict with attention, of which a name says too little. Build the network with "
            "rgaviz.create_model, load the weights there and write it with rgaviz.save_checkpoint."
        )
    if arch is None:
        raise CheckpointError(
            f"{path} is a bare state_dict: it does not say which network it belongs to. Name that with --arch: "
            f"torchvision:resnet50, timm:NAME or one of {', '.join(MODELS)}."
        )
    return arch


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 of a network's state_dict: of every entry in order the name (UTF-8), then the values (little-endian)."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)  # (bytes,)
    return digest.hexdigest()


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        return _load(path)
    except RgavizError:
        raise
    except Exception as error:  # a damaged file can raise nearly anything: IndexError, struct.error, ...
        if "GLOBAL " in str(error):  # how PyTorch's unpickler calls what is neither a tensor nor plain data
            with suppress(Exception), torch.serialization.safe_globals(_stand_ins()):
                document = _load(path)
                if bare.unwrap(document) is not None:  # all that is wanted of it
                    return document
            raise CheckpointError(
                f"{path} holds Python objects that would run code when loaded; refused. "
                "Ask its author for weights only, saved with rgaviz.save_checkpoint."
            ) from error
        raise CheckpointError(
            f"{path} is not a checkpoint, or it is damaged. Copy it again, or train one: rgaviz train shapes"
        ) from error


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        try:
            from safetensors.torch import load_file
        except ImportError as error:
            raise RgavizError(f"{path} needs safetensors to be read: pip install safetensors") from error
        return load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about odd pickles: we say it in our own words
        return torch.load(path, map_location="cpu", weights_only=True)


class _Record:
    """Read in place of a record that nobody needs: it takes anything and keeps nothing."""

    def __new__(cls, *_: Any) -> _Record:
        return super().__new__(cls)

    def __init__(self, *_: Any) -> None: ...

    def __setstate__(self, state: Any) -> None: ...


def _stand_ins() -> list[Any]:
    """Classes that PyTorch's unpickler takes for ``RECORDS``, so that none of those is called."""
    names = (name.rpartition(".") for name in RECORDS)
    return [type(name, (_Record,), {"__module__": module}) for module, _, name in names]


def _check_document(document: Any, path: Path) -> None:
    """Refuse what is not a checkpoint of ours, and say what it is instead."""
    form = document.get("format") if isinstance(document, dict) else None
    if not isinstance(form, int) or form < 1:
        raise CheckpointError(
            f"{path} is not an rgaviz checkpoint, nor weights: {bare.contents(document)}. Save weights alone, "
            "with torch.save(model.state_dict(), FILE), or train a network with: rgaviz train shapes"
        )
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
        "notes": list,
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
    if not all(isinstance(note, str) and len(note.splitlines()) == 1 for note in document.get("notes", [])):
        return "a note is not a line of text"
    mean, std = (document["normalisation"].get(key) for key in ("mean", "std"))
    if not (_three_numbers(mean) and _three_numbers(std) and min(std) > 0):
        return f"its normalisation is mean {mean}, std {std}"
    faults = (fault.what for each in document["model"].items() if (fault := _weight_fault(*each)))
    return next(faults, None)


class _WeightFault(NamedTuple):
    """What is wrong with an entry of a state_dict, and what its owner can do."""

    what: str
    step: str


def _weight_fault(name: str, value: Any) -> _WeightFault | None:
    """The first thing wrong with an entry of a state_dict, if any."""
    if not isinstance(value, Tensor):
        return _WeightFault(f"{name} is no tensor but {type(value).__name__}", "Remove that entry.")
    if value.layout is not torch.strided:
        kind = str(value.layout).removeprefix("torch.")
        return _WeightFault(f"{name} is a tensor of layout {kind}", "Save it dense: value.to_dense().")
    if value.device.type != "cpu":
        return _WeightFault(f"{name} has no values in the file", "Save the network after it has its weights.")
    if not (value.is_floating_point() or value.dtype is torch.int64):
        kind = str(value.dtype).removeprefix("torch.")
        return _WeightFault(
            f"{name} is {kind}, where weights are floating point, and counters int64",
            "Remove that entry if the network does not need it, else save value.float() or value.long().",
        )
    if value.nbytes > value.untyped_storage().nbytes():  # a few bytes can claim a tensor of terabytes
        return _WeightFault(
            f"{name} has fewer values than its shape claims",
            "Copy the file again, or save value.contiguous().",
        )
    # A sum is much faster, and finite only if every value is; that of large values may overflow.
    if value.is_floating_point() and not (value.float().sum().isfinite() or value.isfinite().all()):
        return _WeightFault(
            f"{name} holds NaN or infinite weights",
            "Take weights from before the training went wrong, or copy the file again.",
        )
    return None


def _three_numbers(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) == 3
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
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
