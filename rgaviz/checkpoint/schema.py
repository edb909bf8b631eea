"""What a checkpoint of ours must hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    ValidationError,
    model_validator,
)

from rgaviz.checkpoint.given import MOST_CHANNELS, SMALLEST_STD
from rgaviz.checkpoint.reading import weight_fault
from rgaviz.errors import CheckpointError, RgavizError, clipped, first_that_fit, quoted
from rgaviz.models import MODELS, foreign, model_heads, model_options
from rgaviz.models.foreign import bare
from rgaviz.tasks import TASKS, Task
from rgaviz.tasks.classification import OUTPUTS

FORMAT = 1
TOLD = 3  # faults in a message,
LETTERS = 160  # as far as they fit into so many letters

LARGEST_IMAGE = 4096  # pixels a side; a checkpoint that asks for more is damaged or hostile
OLD_SMALL_IMAGE = 64  # pixels of the shorter side, up to which the stem was small before it was recorded

LARGEST_WHOLE = 2**64  # a seed
LONGEST_NAME = 1000  # letters
LONGEST_NOTE = 5000
LONGEST_TEXT = 100_000  # the command line of a training
DEEPEST = 20  # levels of a record


def _finite(value: float) -> float:
    if not abs(value) <= sys.float_info.max:  # NaN is not
        raise ValueError
    return value


def _text(value: Any, most: int = LONGEST_TEXT) -> Any:
    """A text that can be written again: names of files may be any bytes, but nothing else may."""
    if not (isinstance(value, str) and len(value) <= most):
        raise ValueError
    value.encode(errors="surrogateescape")  # what this cannot be encodes to is a ValueError
    return value


def _name(text: Any) -> Any:
    return _text(text, LONGEST_NAME)


def _line(text: Any) -> Any:
    if len(_text(text, LONGEST_NOTE).splitlines()) != 1:
        raise ValueError
    return text


def _whole(value: int) -> int:
    if abs(value) > LARGEST_WHOLE:
        raise ValueError
    return value


def plain_values(value: Any, depth: int = 0) -> Any:
    """Plain values, as JSON has them, of a bounded size."""
    if depth > DEEPEST:
        raise ValueError
    if isinstance(value, dict):
        for key, each in value.items():
            _name(key)
            plain_values(each, depth + 1)
    elif isinstance(value, list | tuple):
        for each in value:
            plain_values(each, depth + 1)
    elif type(value) is int:
        _whole(value)
    elif type(value) is str:
        _text(value)
    elif type(value) not in (bool, float, type(None)):
        raise ValueError
    return value


def _numbers(value: dict[Any, Any]) -> dict[str, Any]:
    """Numbers by name; one may be NaN, where a training went wrong."""
    if not all(type(each) in (bool, int, float) for each in value.values()):
        raise ValueError
    return plain_values(value)


def _texts(value: dict[Any, Any]) -> dict[str, str]:
    if not all(type(each) is str for each in value.values()):
        raise ValueError
    return plain_values(value)


def _answer(value: dict[Any, Any]) -> dict[str, Any]:
    """Which of a network's outputs is meant, and what they are."""
    if not set(value) <= {"output", "outputs"} or value.get("outputs", "softmax") not in OUTPUTS:
        raise ValueError
    if not isinstance(value.get("output", 0), int | str):
        raise ValueError
    return plain_values(value)


def _rows(value: list[Any]) -> list[dict[str, Any]]:
    if not all(isinstance(each, dict) for each in value):
        raise ValueError
    return plain_values(value)


# As Python has them: True is also a number, and nothing is copied or converted.
Whole = Annotated[InstanceOf[int], AfterValidator(_whole)]
Number = Annotated[InstanceOf[int] | InstanceOf[float], AfterValidator(_finite)]


class Part(BaseModel):
    """Fields of a checkpoint, each with what it is in words; what else is there belongs to others."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Config(Part):
    """Of the arguments of ``create_model`` those that a checkpoint itself needs; that function checks them all."""

    arch: Any = None
    num_classes: Whole = Field(description="a whole number")
    image_size: list[Annotated[Whole, Field(ge=1, le=LARGEST_IMAGE)]] = Field(
        min_length=2, max_length=2, description=f"two whole numbers from 1 to {LARGEST_IMAGE}"
    )


class Normalisation(Part):
    """Per channel, of values in [0, 1]."""

    mean: list[Annotated[Number, Field(ge=0, le=1)]] = Field(
        min_length=1, max_length=MOST_CHANNELS, description="numbers from 0 to 1, one for each channel"
    )
    std: list[Annotated[Number, Field(ge=SMALLEST_STD, le=1)]] = Field(
        min_length=1,
        max_length=MOST_CHANNELS,
        description=f"numbers from {SMALLEST_STD:g} to 1, one for each channel",
    )

    @model_validator(mode="after")
    def _of_the_same_channels(self) -> Normalisation:
        if len(self.mean) != len(self.std):
            raise ValueError(f"'normalisation' has {len(self.mean)} means and {len(self.std)} deviations")
        return self


class Header(Part):
    """All of a checkpoint but its weights, which are checked one by one."""

    config: Config = Field(description="a dictionary of arguments")
    model: InstanceOf[dict] = Field(description="a dictionary of tensors")
    classes: list[Annotated[str, AfterValidator(_name)]] = Field(description="a list of class names")
    normalisation: Normalisation = Field(description="a dictionary of mean and std")
    task: str = Field(
        "classification", description="a name"
    )  # files without one are as old as classification
    metrics: Annotated[InstanceOf[dict], AfterValidator(_numbers)] = Field(
        {}, description="a dictionary of numbers"
    )
    training: Annotated[InstanceOf[dict], AfterValidator(plain_values)] = Field(
        {}, description="a dictionary of plain values"
    )
    history: Annotated[InstanceOf[list], AfterValidator(_rows)] = Field([], description="a list of epochs")
    seed: Whole = Field(0, description="a whole number")
    notes: list[Annotated[str, AfterValidator(_line)]] = Field([], description="a list of lines of text")
    parameters: Annotated[Whole, Field(ge=0)] = Field(0, description="a whole number, not negative")
    versions: Annotated[InstanceOf[dict], AfterValidator(_texts)] = Field(
        {}, description="a dictionary of texts"
    )
    answer: Annotated[InstanceOf[dict], AfterValidator(_answer)] = Field(
        {}, description="which output is meant, and what it is"
    )

    @model_validator(mode="after")
    def _as_many_names_as_outputs(self) -> Header:
        if len(self.classes) != self.config.num_classes:
            raise ValueError(f"{len(self.classes)} class names for {self.config.num_classes} outputs")
        return self

    @model_validator(mode="after")
    def _a_network_for_its_task(self) -> Header:
        arch = self.config.arch
        if self.task in TASKS and not _serves(arch, TASKS[self.task]):
            raise ValueError(f"{clipped(arch)} cannot be a network for {self.task}")
        return self


def _serves(arch: Any, task: Task) -> bool:
    """Whether a network can be for a task, as far as it is known here; one that is not is refused when it is built."""
    if foreign.is_foreign(arch):
        return task.foreign
    known = isinstance(arch, str) and arch in MODELS
    return not known or not set(model_heads(arch)).isdisjoint(task.heads)


def read_header(document: Any, path: Path) -> Header:
    """The fields of a checkpoint of ours.

    Raises:
        CheckpointError: it is none, it is of a newer version, or a field or a weight is damaged.
    """
    form = document.get("format") if isinstance(document, dict) else None
    if not isinstance(form, int) or form < 1:
        raise CheckpointError(
            f"{path} is not an rgaviz checkpoint, nor weights: {bare.contents(document)}. Save weights alone: "
            "torch.save(model.state_dict(), FILE)"
        )
    if form > FORMAT:
        raise CheckpointError(
            f"{path} has format {quoted(form)}, newer than this version reads ({FORMAT}). Upgrade rgaviz."
        )
    task = document.get("task")
    if isinstance(task, str) and task not in TASKS:
        raise CheckpointError(
            f"{path} is a network for {quoted(task)}, which this version does not know: it reads "
            f"{', '.join(TASKS)}. Upgrade rgaviz."
        )
    header = _checked(document, lambda faults: _damaged(path, faults))
    if fault := next((fault for each in header.model.items() if (fault := weight_fault(*each))), None):
        raise _damaged(path, fault.what)
    return header


def check_written(document: Mapping[str, Any], path: Path) -> None:
    """Make sure that what is going to be written can be read.

    Raises:
        RgavizError: a field that :func:`read_header` would refuse.
    """
    _checked(document, lambda faults: RgavizError(f"{path} was not written: {faults}. Give plain values."))


def _checked(document: Mapping[str, Any], fault: Callable[[str], RgavizError]) -> Header:
    try:
        return Header.model_validate(document)
    except ValidationError as error:
        told = list(dict.fromkeys(_told(each["loc"], each["msg"], document) for each in error.errors()))
        shown = first_that_fit(told[:TOLD], LETTERS, "; ")
        more = [f"and {len(told) - len(shown)} more"] if len(told) > len(shown) else []
        raise fault("; ".join([*shown, *more])) from error


def arguments(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``create_model`` in a configuration.

    Files from before the stem was recorded have the one that their picture's shorter side decided.
    """
    arch: Any = config.get("arch")
    if "stem" in config or foreign.is_foreign(arch) or "stem" not in model_options(arch):
        return config
    stem = "small" if min(config["image_size"]) <= OLD_SMALL_IMAGE else "imagenet"
    return {**config, "stem": stem}


def _damaged(path: Path, faults: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged: {faults}. Copy it again, or train it again.")


def _told(location: tuple[int | str, ...], message: str, document: Mapping[str, Any]) -> str:
    """One of pydantic's faults in our words: of a list the whole list, for one number of it says little."""
    kind, value, names, wanted = Header, document, [], ""
    for name in map(str, location):
        field = getattr(kind, "model_fields", {}).get(name)
        if field is None:
            break
        names.append(name)
        if name not in value:
            return f"{'.'.join(names)!r} is missing"
        kind, value, wanted = field.annotation, value[name], field.description
    if not names:  # of several fields together
        return message.removeprefix("Value error, ")
    return f"{'.'.join(names)!r} is {quoted(value)}, not {wanted}"
