"""One checkpoint in a figure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from rgaviz.analysis.of_module import of_module
from rgaviz.checkpoint import Checkpoint, load_checkpoint
from rgaviz.checkpoint.given import Given
from rgaviz.checkpoint.own import split_arch
from rgaviz.data.find import usable
from rgaviz.errors import PictureError, RgavizError
from rgaviz.explain.cam import Explanation
from rgaviz.explain.capture import itself
from rgaviz.explain.declared import declare, parse_gates, refuse_unknown_gates, undeclare
from rgaviz.explain.gates import expand_layers, gated_layers, gates
from rgaviz.explain.layers import default_cam_layer, ends_in_sigmoid, layer_name
from rgaviz.explain.making import TOGETHER, USUAL, Making, check_together, made
from rgaviz.explain.places import mask_place
from rgaviz.explain.targets import Target
from rgaviz.models import foreign
from rgaviz.progress import Say
from rgaviz.tasks.task import Task, headline

SIGMOIDS = ("sigmoid", "multilabel")  # kinds of outputs that are logits of a sigmoid each


@dataclass(frozen=True)
class Subject:
    """One checkpoint in a figure.

    Attributes:
        id: its name in the figure, unique.
        checkpoint: the network and what belongs to it.
        cam_layer: where class activation maps are taken, or None for none.
        cam_place: which masks that layer comes before and after.
        mask_layers: the layers whose masks are taken.
    """

    id: str
    checkpoint: Checkpoint
    cam_layer: str | None = None
    cam_place: str | None = None
    mask_layers: tuple[str, ...] = ()

    def gates(self) -> dict[str, Any]:
        """The modules its masks leave, by mask name."""
        model = self.checkpoint.model
        return {key: gate for layer in self.mask_layers for key, gate in gates(model, layer).items()}

    def explain(
        self,
        inputs: torch.Tensor,
        methods: Sequence[str] = (),
        target: Target | None = None,
        *,
        scored: Callable[[torch.Tensor], torch.Tensor] | None = None,
        making: Making = USUAL,
    ) -> Explanation:
        """The masks and maps of this network for inputs (B, 3, H, W), which may be on another device.

        Args:
            inputs: normalised.
            methods: of ``METHODS``; where the network has no layer for them there are no maps.
            target: what the maps are about.
            making: how the maps are made.
            scored: gives what the target scores; by default as the network's task does.

        Raises:
            RgavizError: as :func:`rgaviz.explain.cam.explain`; the message names the checkpoint.
        """
        model = self.checkpoint.model
        with naming(self):
            return made(
                model,
                inputs.to(next(model.parameters()).device),
                forward=scored or self.checkpoint.scored(),
                cam_layer=self.cam_layer,
                methods=methods if self.cam_layer else (),
                target=target,
                watched=self.gates(),
                making=making,
            )

    def record(self) -> dict[str, Any]:
        """Where the network comes from, as a manifest has it."""
        checkpoint = self.checkpoint
        measure = headline(checkpoint.task)
        return {
            "id": self.id,
            "path": str(checkpoint.path),
            "sha256": checkpoint.sha256,
            "arch": checkpoint.config["arch"],
            "attention": checkpoint.config["attention"],
            "image_size": list(checkpoint.image_size),
            "notes": list(checkpoint.notes),
            "cam_layer": self.cam_layer,
            "cam_place": self.cam_place,
            "mask_layers": list(self.mask_layers),
            "dataset": checkpoint.dataset,
            measure.key: checkpoint.metrics.get(f"test_{measure.key}"),
        }


def load_subjects(
    sources: Sequence[Any],
    device: torch.device,
    given: Given | None = None,
    called: Sequence[str] = (),
) -> list[Subject]:
    """The checkpoints, on the device, with short names that are unique.

    A file gives its stem, a library's network its name and weights; equal ones are told apart by folder or library,
    for on some systems files are the same whose names differ in upper and lower case only.

    Args:
        sources: as :func:`rgaviz.load_checkpoint` takes them, and with the same faults; or checkpoints and modules.
        device: where the networks go; those in memory stay where they are.
        given: what is said of those that are a bare state_dict or a module.
        called: names that the user gives them.
    """
    given = given or Given()
    pairs = [("", usable(name)) for name in called] or [_names(source) for source in sources]
    stems = [stem.casefold() for _, stem in pairs]
    subjects: list[Subject] = []
    for source, (group, stem) in zip(sources, pairs, strict=True):
        name = stem if stems.count(stem.casefold()) == 1 else usable(f"{group}-{stem}")
        while any(name.casefold() == other.id.casefold() for other in subjects):
            name += "'"
        checkpoint = _with_sigmoid(_loaded(source, device, given))
        subjects.append(Subject(name, checkpoint))
    return _with_gates(subjects, parse_gates(given.gates))


def _loaded(source: Any, device: torch.device, given: Given) -> Checkpoint:
    if isinstance(source, Checkpoint):
        return source
    if isinstance(source, torch.nn.Module):
        return of_module(itself(source), given)
    checkpoint = load_checkpoint(source, **given.of_file())
    checkpoint.model.to(device)
    return checkpoint


def _with_sigmoid(checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint, noted where what is taken for logits, each through a sigmoid, has been through one already."""
    if checkpoint.outputs not in SIGMOIDS or not ends_in_sigmoid(
        checkpoint.model, checkpoint.image_size, checkpoint.output
    ):
        return checkpoint
    note = (
        "its outputs have been through a sigmoid already and are taken as probabilities, which maps are about, too; "
        "give logits for maps of these."
    )
    return replace(checkpoint, squashed=True, notes=(*checkpoint.notes, note))


def _with_gates(subjects: list[Subject], wanted: Mapping[str, str | None]) -> list[Subject]:
    """The networks with the gates that the user declares; what each pattern has found is a note.

    Raises:
        UnknownNameError: none of the networks has one of them.
    """
    if not wanted:
        return subjects
    refuse_unknown_gates([subject.checkpoint.model for subject in subjects], wanted)
    found = []
    try:
        for subject in subjects:
            with naming(subject):
                kinds = declare(subject.checkpoint.model, wanted, subject.checkpoint.image_size)
            told = (
                f"gates taken as declared: {', '.join(f'{name} ({kind})' for name, kind in kinds.items())}."
            )
            notes = (*subject.checkpoint.notes, *([told] if kinds else []))
            found.append(replace(subject, checkpoint=replace(subject.checkpoint, notes=notes)))
    except BaseException:
        for subject in subjects:  # some are the caller's
            undeclare(subject.checkpoint.model)
        raise
    return found


def _names(source: Any) -> tuple[str, str]:
    """Folder and stem of a file, or library and short name of its network, as parts of a file's name."""
    if isinstance(source, Checkpoint):
        return _names(source.path or "network")
    if isinstance(source, torch.nn.Module):
        return "network", usable(type(itself(source)).__name__)
    path = Path(split_arch(source)[0])
    if foreign.is_library(str(source)) and not path.exists():
        named = foreign.parse(str(source))
        return named.library, usable(named.id)
    return path.absolute().parent.name, usable(path.stem)


def one_task(subjects: Sequence[Subject], otherwise: str) -> Task:
    """What all networks are for.

    Args:
        subjects: the networks.
        otherwise: how the message goes on where it is not the same.

    Raises:
        RgavizError: it is not.
    """
    tasks = {subject.checkpoint.task.name: subject.checkpoint.task for subject in subjects}
    if len(tasks) > 1:
        raise RgavizError(f"These networks are for {' and '.join(tasks)}, {otherwise}")
    return next(iter(tasks.values()))


def tell_notes(subjects: Sequence[Subject], say: Say) -> None:
    """Say what must be known of the networks before believing what they give."""
    for checkpoint in (subject.checkpoint for subject in subjects):
        for note in checkpoint.notes:
            say(f"Note: {checkpoint.path}: {note}")


def with_cam(subject: Subject, layer: str | torch.nn.Module | None) -> Subject:
    """The subject with class activation maps taken at ``layer``, by default its last stage, or its last map.

    Raises:
        UnknownNameError: no such layer.
    """
    model = subject.checkpoint.model
    with naming(subject):
        check_together(layer)
        layer = layer_name(model, layer) if layer else default_cam_layer(model, subject.checkpoint.image_size)
        places = [mask_place(model, each, subject.checkpoint.image_size) for each in layer.split(TOGETHER)]
        place = places[0] if len(places) == 1 else " and ".join(dict.fromkeys(places))
    return replace(subject, cam_layer=layer, cam_place=place)


def with_masks(subject: Subject, layers: str | None, *, required: bool = False) -> Subject:
    """The subject with the masks of ``layers``, by default its deepest gated one.

    Args:
        subject: one checkpoint.
        layers: stages joined by commas, or ``all``.
        required: refuse a network without attention, which otherwise has no masks.

    Raises:
        RgavizError: no such layer, no attention in it, or in the network.
    """
    gated = gated_layers(subject.checkpoint.model)
    if not gated and required:
        raise RgavizError(
            f"{subject.checkpoint.path} has no attention that ends in a gate, so no masks; name a module of yours "
            "that a mask leaves with --gate NAME, or give a network that has, such as rga.pt."
        )
    if not gated:
        return subject
    with naming(subject):
        chosen = gated[-1:] if layers is None else expand_layers(subject.checkpoint.model, layers)
    return replace(subject, mask_layers=tuple(dict.fromkeys(chosen)))


@contextmanager
def naming(subject: Subject) -> Iterator[None]:
    """Say of which checkpoint an error speaks: a layer may exist in one network and not in the other."""
    try:
        yield
    except PictureError:  # of another picture that was named, say
        raise
    except RgavizError as error:
        raise type(error)(f"{subject.checkpoint.path}: {error}") from error
