"""The state beside a network that is not finished: read back whole, or refused."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

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
        try:
            model.load_state_dict(self.model)
            optimizer.load_state_dict(self.optimizer)
        except Exception as error:  # whatever stands there instead
            raise damaged(self.path) from error


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
