"""Checkpoints that were not written here: libraries' networks, bare weights, the RGA authors' files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from rgaviz.checkpoint.bounds import Budget
from rgaviz.checkpoint.checkpoint import Checkpoint
from rgaviz.checkpoint.given import Given
from rgaviz.checkpoint.reading import file_sha256, weight_fault, weights_sha256
from rgaviz.checkpoint.schema import LARGEST_IMAGE
from rgaviz.data.pictures import IMAGENET_MEAN, IMAGENET_STD
from rgaviz.ends import input_channels
from rgaviz.errors import CheckpointError, RgavizError, one_line
from rgaviz.models import create_model, foreign
from rgaviz.models.foreign import bare, official
from rgaviz.models.network import config_of, set_task, shape_text
from rgaviz.tasks.classification import VALUE

ASSUMED = "assumed, for the file does not say: "  # begins a note


def build_network(path: Path, config: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """The network of a configuration with its weights, in eval mode; draws no random numbers."""
    try:
        arch = config.get("arch")
        # Ours have shapes only while they are built, and a budget would load PyTorch's compiler.
        with foreign.undrawn(arch), Budget(weights) if foreign.is_foreign(arch) else nullcontext():
            model = create_model(**{**config, "image_size": tuple(config["image_size"])})
        _refuse_counters(model, weights)
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


def _refuse_counters(model: nn.Module, weights: Mapping[str, Any]) -> None:
    """Statistics that are whole numbers are taken as they are, and fail when they are used."""
    for name, own in model.state_dict().items():
        if own.is_floating_point() and name in weights and not weights[name].is_floating_point():
            kind = str(weights[name].dtype).removeprefix("torch.")
            raise RgavizError(f"{name} is {kind}, where it must be floating point. Save value.float().")


def from_library(source: str) -> Checkpoint:
    """A network of torchvision or timm with the weights named."""
    loaded = foreign.load(source)
    fresh = foreign.parse(source).weights == foreign.FRESH
    return Checkpoint(
        model=loaded.model.eval(),
        config=dict(config_of(loaded.model)),
        classes=loaded.classes,
        mean=loaded.preset.mean,
        std=loaded.preset.std,
        path=loaded.source,
        sha256=weights_sha256(loaded.model),
        origin=f"{foreign.parse(source).library} network",
        notes=("its weights are untrained: what it predicts means nothing.",) if fresh else (),
    )


def from_weights(
    path: Path,
    state: dict[str, Tensor],
    given: Given,
) -> Checkpoint:
    """A network from the bare weights in a file.

    Raises:
        CheckpointError: not sound, not those of ``arch``, or no ``arch`` to go by.
    """
    if fault := next((fault for each in state.items() if (fault := weight_fault(*each))), None):
        raise CheckpointError(f"{path}: {fault.what}. {fault.step}")
    if given.image_size and max(given.image_size) > LARGEST_IMAGE:
        raise RgavizError(
            f"Images of {shape_text(given.image_size)} are too large; give at most {LARGEST_IMAGE} a side."
        )
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    own_mean, own_std = given.channels(None)
    notes: list[str] = []
    fresh_head = recognised = False
    if recognised := official.recognise(state):
        origin = "checkpoint of the RGA authors' code"
        with _naming(path):
            own, weights = official.convert(state)
            notes = bare.dropped(state, official.weights(state))
        model = build_network(path, own, weights)
        set_task(model, "reid")
    else:
        arch = _named(path, state, given.arch)
        origin = f"bare state_dict of {arch}"
        with _naming(path):
            model, notes, fresh_head = bare.fit(
                state, arch, given.num_classes, given.image_size, given.output
            )
            if foreign.is_foreign(arch):
                _, mean, std = foreign.preset(arch)
    channels = input_channels(model)
    mean, std = (mean, std) if channels == 3 else usual_values(channels, mean, std)
    with _naming(path):
        own_mean, own_std = given.channels(channels)
    config = dict(config_of(model))
    # A fresh head knows no classes, so it must not name any.
    values = given.outputs == VALUE
    names = foreign.numbered_classes if fresh_head else partial(foreign.class_names, values=values)
    mean, std = own_mean or mean, own_std or std
    classes = given.names(config["num_classes"]) or names(config["num_classes"])
    if not recognised and (assumed := _assumed(given, config, mean, std, classes)):
        notes.append(f"{ASSUMED}{'; '.join(assumed)}.")
    return Checkpoint(
        model=model.eval(),
        config=config,
        classes=classes,
        mean=mean,
        std=std,
        path=path,
        sha256=file_sha256(path),
        origin=origin,
        notes=tuple(notes),
        output=given.output,
        outputs=given.outputs,
        shown=given.shown(channels),
    )


def usual_values(
    channels: int, mean: Sequence[float], std: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What is assumed of images of so many channels: of one the means of the usual three, else 0.5 and 0.25."""
    if channels == 1:
        return (sum(mean) / 3,), (sum(std) / 3,)
    return (0.5,) * channels, (0.25,) * channels


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say of which file an error speaks."""
    try:
        yield
    except RgavizError as error:
        raise CheckpointError(f"{path}: {error}") from error


def _assumed(
    given: Given,
    config: Mapping[str, Any],
    mean: Sequence[float],
    std: Sequence[float],
    classes: Sequence[str],
) -> list[str]:
    """What of a bare state_dict nobody said, with the option that says otherwise."""
    told = []
    if given.image_size is None:
        told.append(f"images of {shape_text(config['image_size'])} (--image-size)")
    for said, name, values in ((given.mean, "mean", mean), (given.std, "std", std)):
        if said is None:
            numbers = " ".join(f"{value:.3g}" for value in values)
            told.append(f"{'deviation' if name == 'std' else name} {numbers} (--{name})")
    if given.classes is None:
        named = classes == foreign.class_names(len(classes)) != foreign.numbered_classes(len(classes))
        told.append(f"{'ImageNet' if named else 'numbers'} for names of classes (--classes)")
    if config.get("last_stride") == 1:  # the weights of both are alike
        told.append(f"stride 1 in the last stage, torchvision's has 2 (--arch torchvision:{config['arch']})")
    return told


def confirmed(notes: Sequence[str], given: Given) -> tuple[str, ...]:
    """The notes of a network without what they say was assumed, as far as it is now given."""
    said = {f"(--{name.replace('_', '-')})" for name, value in vars(given).items() if value is not None}
    kept = []
    for note in notes:
        if note.startswith(ASSUMED):
            parts = note.removeprefix(ASSUMED).removesuffix(".").split("; ")
            left = [part for part in parts if not part.endswith(tuple(said))]
            note = f"{ASSUMED}{'; '.join(left)}." if left else ""
        kept += [note] if note else []
    return tuple(kept)


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
            "torchvision:resnet50, timm:NAME, your own net.py:make or one of ours (rgaviz list models)."
        )
    return arch
