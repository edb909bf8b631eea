"""A network from elsewhere as a checkpoint of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import OutputError, RgavizError, clipped, shortened
from rgaviz.outputs import FIGURE_SUFFIXES, OTHER_SUFFIXES, claim_file, given_place

if TYPE_CHECKING:
    from rgaviz.checkpoint import Checkpoint

SHOWN = 3  # names of classes


@dataclass(frozen=True)
class Converted:
    """What was recognised and written.

    Attributes:
        source: the file that was read, or what the network is called in its library.
        origin: what was recognised, in words.
        arch: of the network.
        attention: in it.
        parameters: learned values.
        image_size: (H, W) in pixels.
        mean: per channel, of values in [0, 1].
        std: per channel, of values in [0, 1].
        classes: how many there are.
        first_classes: the names of the first ones.
        notes: what must be known before believing the network, a line each.
        file: the checkpoint.
    """

    source: str
    origin: str
    arch: str
    attention: str
    parameters: int
    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    classes: int
    first_classes: list[str]
    notes: tuple[str, ...]
    file: Path

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "file": str(self.file)}

    def lines(self) -> list[str]:
        """For people."""
        height, width = self.image_size
        more = ", ..." if self.classes > len(self.first_classes) else ""
        attention = "" if self.attention == "none" else f" with {self.attention}"
        mean, std = (" ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        return [
            f"Recognised: {self.origin}, {self.source}",
            f"Network: {self.arch}{attention}, {self.parameters:,} parameters",
            f"Images: {height}x{width}, mean {mean}, std {std}",
            f"Classes: {self.classes} ({', '.join(map(clipped, self.first_classes))}{more})",
            *(shortened(f"Note: {note}") for note in self.notes),
            f"Checkpoint: {self.file}",
        ]


def convert(
    source: Path | str,
    out: Path | str,
    *,
    arch: str | None = None,
    num_classes: int | None = None,
    classes: Path | str | None = None,
    image_size: tuple[int, int] | None = None,
    mean: str | Sequence[float] | None = None,
    std: str | Sequence[float] | None = None,
    output: str | int | None = None,
    outputs: str | None = None,
) -> Converted:
    """Write a network from elsewhere as a checkpoint that needs no further options, as ``rgaviz convert`` does.

    Args:
        source: a file of weights, ``torchvision:NAME`` or ``timm:NAME``.
        out: the checkpoint to write; one of ours is replaced.
        arch: network of a bare state_dict.
        num_classes: outputs of that network; by default those of its head.
        classes: a text file with the names of the classes, one per line.
        image_size: (H, W) in pixels of that network's images; by default what its kind usually takes.
        mean: of the images it was trained with, values in [0, 1] for red, green and blue, also as ``"0.5,0.5,0.5"``;
            by default what was recognised.
        std: their standard deviation, likewise.
        output: which of several outputs is meant.
        outputs: what they are, as :func:`rgaviz.load_checkpoint` takes it.

    Raises:
        RgavizError: it cannot be read or written, or what was said of it is not so; then nothing was written.
    """
    from rgaviz.checkpoint import load_checkpoint, save_checkpoint
    from rgaviz.checkpoint.elsewhere import confirmed
    from rgaviz.checkpoint.given import Given

    out = given_place(out)
    refuse_output(str(source), out)
    given = Given(arch, num_classes, image_size, mean, std, classes, output, outputs)
    checkpoint = load_checkpoint(source, **given.of_file())
    own_mean, own_std = given.channels(checkpoint.channels)
    refuse_contradictions(checkpoint, arch, num_classes, image_size)
    checkpoint = replace(
        checkpoint,  # which may be one that says something else of itself
        classes=given.names(len(checkpoint.classes)) or checkpoint.classes,
        mean=own_mean or checkpoint.mean,
        std=own_std or checkpoint.std,
        notes=confirmed(checkpoint.notes, given),
    )
    origin = {"path": str(checkpoint.path), "sha256": checkpoint.sha256, "origin": checkpoint.origin}
    save_checkpoint(
        out,
        checkpoint.model,
        classes=checkpoint.classes,
        mean=checkpoint.mean,
        std=checkpoint.std,
        metrics=checkpoint.metrics,
        training={**checkpoint.training, "converted": origin},
        seed=checkpoint.seed,
        history=checkpoint.history,
        notes=checkpoint.notes,
        output=checkpoint.output,
        outputs=checkpoint.outputs,
    )
    return summary(checkpoint, out)


def refuse_output(source: str, out: Path) -> None:
    """Refuse to replace the input, or a file that is no checkpoint of ours, and names that say something else.

    Raises:
        OutputError: there is such a file, or the name is that of another kind of file.
    """
    from rgaviz.checkpoint import is_checkpoint
    from rgaviz.checkpoint.own import split_arch
    from rgaviz.data.pictures import PICTURE_SUFFIXES

    others = {*FIGURE_SUFFIXES, *OTHER_SUFFIXES, *PICTURE_SUFFIXES, ".safetensors"}

    claim_file(out, is_checkpoint, inputs=[Path(split_arch(source)[0])])
    if out.suffix.lower() in others:
        raise OutputError(f"{out} is no name for a checkpoint; choose one that ends in .pt with -o.")


def refuse_contradictions(
    checkpoint: Checkpoint, arch: str | None, num_classes: int | None, size: tuple[int, int] | None
) -> None:
    """Refuse what was said of a bare state_dict where the source is none and says otherwise.

    Raises:
        RgavizError: it does; the message names the option.
    """
    from rgaviz.models import foreign

    if foreign.is_foreign(arch):
        arch = foreign.parse(str(arch)).network
    height, width = checkpoint.image_size
    own = {
        "--arch": (arch, checkpoint.config["arch"], f"is a {checkpoint.config['arch']}"),
        "--num-classes": (num_classes, len(checkpoint.classes), f"has {len(checkpoint.classes)} outputs"),
        "--image-size": (size, checkpoint.image_size, f"takes images of {height}x{width}"),
    }
    for option, (given, found, words) in own.items():
        if given not in (None, found):
            raise RgavizError(f"{checkpoint.path} {words}; leave out {option}.")


def summary(checkpoint: Checkpoint, out: Path) -> Converted:
    """What was recognised and written."""
    from rgaviz.models import count_parameters

    return Converted(
        source=str(checkpoint.path),
        origin=checkpoint.origin,
        arch=checkpoint.config["arch"],
        attention=checkpoint.config["attention"],
        parameters=count_parameters(checkpoint.model),
        image_size=checkpoint.image_size,
        mean=checkpoint.mean,
        std=checkpoint.std,
        classes=len(checkpoint.classes),
        first_classes=checkpoint.classes[:SHOWN],
        notes=checkpoint.notes,
        file=out,
    )
