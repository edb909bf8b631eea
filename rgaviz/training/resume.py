"""The state beside a network that is not finished: read back whole, or refused."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
from pydantic import AfterValidator, BaseModel, ConfigDict, InstanceOf, ValidationError
from torch import Tensor, nn
from torch.optim import Optimizer

from rgaviz.checkpoint.reading import read, weight_fault
from rgaviz.checkpoint.schema import plain_values
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.training.totals import Totals

Plain = str | bool | int | float | None


class _Stored(BaseModel):
    """What the file holds; keys of later versions are let be."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    training: Annotated[dict[str, Any], AfterValidator(plain_values)]
    seed: int
    model: dict[str, InstanceOf[Tensor]]
    optimizer: dict[str, Any]
    history: list[dict[str, Plain]]
    totals: dict[str, Any]


@dataclass(frozen=True)
class State:
    """All that a later run needs to go on.

    Attributes:
        path: of the file.
        training: data set, recipe and settings.
        seed: of the training.
        model: state_dict of the network.
        optimizer: of the optimizer.
        history: a row per epoch.
        totals: of the epoch under way.
    """

    path: Path
    training: dict[str, Any]
    seed: int
    model: dict[str, Tensor]
    optimizer: dict[str, Any]
    history: list[dict[str, Any]]
    totals: Totals

    def restore(self, model: nn.Module, optimizer: Optimizer) -> None:
        """Give a network and its optimizer the values they had.

        Raises:
            CheckpointError: they are of others.
        """
        groups = optimizer.state_dict()["param_groups"]  # as the recipe says, which is the same
        try:
            expect_sums(optimizer, self.optimizer["state"])
            model.load_state_dict(self.model)
            optimizer.load_state_dict({"state": self.optimizer["state"], "param_groups": groups})
        except Exception as error:  # whatever stands there instead
            raise damaged(self.path) from error


def expect_sums(optimizer: Optimizer, sums: Mapping[int, Mapping[str, Any]]) -> None:
    """Refuse sums that are not those which an optimizer keeps: it would fail in its next step.

    Args:
        optimizer: of the network.
        sums: for a weight, by its number, name -> what is kept, as in a state_dict of such an optimizer.

    Raises:
        ValueError: they are of others.
    """
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    kept = _kept(optimizer)
    for number, stored in sums.items():
        found = {name: value for name, value in stored.items() if value is not None}
        shape = weights[range(len(weights))[number]].shape
        if found.keys() != kept.keys():
            raise ValueError("other names")
        for name, value in found.items():
            alone = kept[name].ndim == 0  # a count of steps
            if weight_fault(name, value) or value.shape != (kept[name].shape if alone else shape):
                raise ValueError("other sums")
            if alone and value < 0:
                raise ValueError("no count")


def _kept(optimizer: Optimizer) -> dict[str, Tensor]:
    """What such an optimizer keeps of a weight, which it does from its first step on."""
    weight = nn.Parameter(torch.zeros(2, 3))
    weight.grad = torch.zeros(2, 3)
    twin = type(optimizer)([{**optimizer.param_groups[0], "params": [weight]}])  # pyright: ignore[reportCallIssue]
    twin.step()
    return {name: value for name, value in twin.state[weight].items() if value is not None}


def load_state(path: Path) -> State:
    """The state beside a network that is not finished.

    Raises:
        CheckpointError: it is damaged, in a single bit even, or it is none.
    """
    if not path.is_file():  # opening a pipe would wait for ever
        raise damaged(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:  # PyTorch writes checksums, and does not look at them
                raise damaged(path)
        stored = _Stored.model_validate(read(path))
        if any(weight_fault(*each) for each in stored.model.items()):
            raise damaged(path)
        return State(path=path, **{**dict(stored), "totals": Totals(**_renewed(stored.totals)).checked()})
    except (
        OSError,
        zipfile.BadZipFile,
        ValidationError,
        RgavizError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        raise damaged(path) from error


def damaged(path: Path) -> CheckpointError:
    """The one line for a state that cannot be gone on with."""
    return CheckpointError(f"{path} is damaged, or of another version; remove it or choose another --out.")


def _renewed(totals: Mapping[str, Any]) -> dict[str, Any]:
    """The totals of a state as of now; before there were tasks they told the loss and how many images were right."""
    if "sums" in totals:
        return dict(totals)
    wrong = totals["images"] - totals["right"]
    kept = {key: totals[key] for key in ("images", "steps", "seconds")}
    return {"sums": {"loss": totals["loss"], "error": 100.0 * wrong}, **kept}
