"""What all functions can be told that ask something of networks: the same words, declared and read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from rgaviz.errors import lookup
from rgaviz.progress import Say, Track, hush, is_main_process, silent

if TYPE_CHECKING:
    from rgaviz.checkpoint.given import Given


class Settings(TypedDict, total=False):
    """What all of them can be told.

    Attributes:
        arch: network of a bare state_dict.
        num_classes: outputs of that network; by default those of its head.
        image_size: (H, W) in pixels of its images.
        mean: of the images it was trained with, values in [0, 1]; also as ``"0.5,0.5,0.5"``.
        std: their standard deviation, likewise.
        classes: names of its outputs, or a text file with a name per line.
        attention: of your own code, ``FILE.py:NAME``, where a checkpoint has such; with commas.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        figure: fields of :class:`rgaviz.figures.style.FigureOptions` that shall not be the default.
        command_line: recorded in the results.
        track: shows a progress bar.
        say: is told what was chosen and what a reader must know.
    """

    arch: str | None
    num_classes: int | None
    image_size: tuple[int, int] | None
    mean: str | Sequence[float] | None
    std: str | Sequence[float] | None
    classes: Path | str | Sequence[str] | None
    output: str | int | None
    outputs: str | None
    show_channels: str | Sequence[int] | None
    attention: str | None
    gates: Mapping[str, str | None] | Sequence[str] | str | None
    device: str
    figure: Mapping[str, Any]
    command_line: str
    track: Track
    say: Say


class LabelledSettings(Settings, total=False):
    """The same, what the pictures show, and whether an earlier command is gone on with.

    Attributes:
        labels: such as a class: one for all pictures, or one each; by default the names of their folders, where these
            say it.
        window: of grey pictures of more than 8 bits: ``auto`` (the least and the largest value of all of them),
            ``full`` (all that their kind of number can hold) or ``LO,HI``.
        pick: in place of pictures those of a data set, by what the networks say of them: a key of
            ``rgaviz.analysis.choosing.PICKS``.
        count: how many of them at most.
        dataset: by default what the first network was trained on.
        data_dir: where it lies.
        part: of scenes: ``train``, ``val`` or ``test``; by default the one that is measured.
        resume: go on with what an earlier command for the same output, stopped among many pictures, has done.
    """

    labels: str | Sequence[str]
    window: str
    pick: str | None
    count: int | None
    dataset: str | None
    data_dir: Path | str | None
    part: str | None
    resume: bool


@dataclass(frozen=True)
class Chosen:
    """The settings, those that were not given by default.

    Attributes:
        given: what is said of networks that are a bare state_dict.
        device: as typed.
        figure: options of the figure.
        command_line: recorded in the results.
        track: shows a progress bar.
        say: is told notes.
    """

    given: Given
    device: str
    figure: Mapping[str, Any]
    command_line: str
    track: Track
    say: Say


def chosen(settings: Mapping[str, Any], kind: Any = Settings) -> Chosen:
    """The settings as they were given, of a kind of them.

    Raises:
        UnknownNameError: there is no such setting.
        RgavizError: what is said of a network cannot be.
    """
    from rgaviz.checkpoint.given import Given

    for name in settings:
        lookup(kind.__annotations__, name, "setting")
    tells = is_main_process()  # of several
    return Chosen(
        Given(**{each.name: settings.get(each.name) for each in fields(Given)}),
        settings.get("device", "auto"),
        {} if settings.get("figure") is None else settings["figure"],
        settings.get("command_line", ""),
        settings.get("track", silent) if tells else silent,
        settings.get("say", hush) if tells else hush,
    )
