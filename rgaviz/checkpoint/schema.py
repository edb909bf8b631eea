"""What a checkpoint of ours must hold."""

from __future__ import annotations

import sys
from collections.abc import Mapping
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

from rgaviz.checkpoint.given import SMALLEST_STD
from rgaviz.checkpoint.reading import weight_fault
from rgaviz.errors import CheckpointError, quoted
from rgaviz.models import foreign
from rgaviz.models.foreign import bare
from rgaviz.tasks import TASKS

FORMAT = 1

LARGEST_IMAGE = 4096  # pixels a side; a checkpoint that asks for more is damaged or hostile
OLD_SMALL_IMAGE = 64  # pixels of the shorter side, up to which the stem was small before it was recorded


def _finite(value: float) -> float:
    if not abs(value) <= sys.float_info.max:  # NaN is not
        raise ValueError
    return value


def _line(text: str) -> str:
    if len(text.splitlines()) != 1:
        raise ValueError
    return text


# As Python has them: True is also a number, and nothing is copied or converted.
Whole = InstanceOf[int]
Number = Annotated[InstanceOf[int] | InstanceOf[float], AfterValidator(_finite)]
Record = InstanceOf[dict]
Records = InstanceOf[list]


class Part(BaseModel):
    """Fields of a checkpoint, each with what it is in words; what else is there belongs to others."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Config(Part):
    """Of the arguments of ``create_model`` those that a checkpoint itself needs; that function checks them all."""

    num_classes: Whole = Field(description="a whole number")
    image_size: list[Annotated[Whole, Field(ge=1, le=LARGEST_IMAGE)]] = Field(
        min_length=2, max_length=2, description=f"two whole numbers from 1 to {LARGEST_IMAGE}"
    )


class Normalisation(Part):
    """Per channel, of values in [0, 1]."""

    mean: list[Annotated[Number, Field(ge=0, le=1)]] = Field(
        min_length=3, max_length=3, description="three numbers from 0 to 1"
    )
    std: list[Annotated[Number, Field(ge=SMALLEST_STD, le=1)]] = Field(
        min_length=3, max_length=3, description=f"three numbers from {SMALLEST_STD:g} to 1"
    )


class Header(Part):
    """All of a checkpoint but its weights, which are checked one by one."""

    config: Config = Field(description="a dictionary of arguments")
    model: Record = Field(description="a dictionary of tensors")
    classes: list[str] = Field(description="a list of class names")
    normalisation: Normalisation = Field(description="a dictionary of mean and std")
    task: str = Field(
        "classification", description="a name"
    )  # files without one are as old as classification
    metrics: Record = Field({}, description="a dictionary")
    training: Record = Field({}, description="a dictionary")
    history: Records = Field([], description="a list of epochs")
    seed: Whole = Field(0, description="a whole number")
    notes: list[Annotated[str, AfterValidator(_line)]] = Field([], description="a list of lines of text")
    versions: Record = Field({}, description="a dictionary")

    @model_validator(mode="after")
    def _as_many_names_as_outputs(self) -> Header:
        if len(self.classes) != self.config.num_classes:
            raise ValueError(f"{len(self.classes)} class names for {self.config.num_classes} outputs")
        return self


def read_header(document: Any, path: Path) -> Header:
    """The fields of a checkpoint of ours.

    Raises:
        CheckpointError: it is none, it is of a newer version, or a field or a weight is damaged.
    """
    form = document.get("format") if isinstance(document, dict) else None
    if not isinstance(form, int) or form < 1:
        raise CheckpointError(
            f"{path} is not an rgaviz checkpoint, nor weights: {bare.contents(document)}. Save weights alone, "
            "with torch.save(model.state_dict(), FILE), or train a network with: rgaviz train shapes"
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
    try:
        header = Header.model_validate(document)
    except ValidationError as error:
        told = dict.fromkeys(_told(fault["loc"], fault["msg"], document) for fault in error.errors())
        raise _damaged(path, "; ".join(told)) from error
    if fault := next((fault for each in header.model.items() if (fault := weight_fault(*each))), None):
        raise _damaged(path, fault.what)
    return header


def arguments(config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``create_model`` in a configuration.

    Files from before the stem was recorded have the one that their picture's shorter side decided.
    """
    if "stem" in config or foreign.is_foreign(config.get("arch")):
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
