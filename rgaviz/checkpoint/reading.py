"""Files from strangers: nothing in them is executed, and what is wrong with them is told."""

from __future__ import annotations

import hashlib
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from rgaviz.checkpoint.bounds import check_document, check_file
from rgaviz.errors import CheckpointError, RgavizError, clipped
from rgaviz.models.foreign import bare

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


def weights_sha256(model: nn.Module) -> str:
    """SHA-256 of a network's state_dict: of every entry in order the name (UTF-8), then the values (little-endian)."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)  # (bytes,)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path) -> Any:
    """What a file of weights holds, plain data and tensors only.

    Raises:
        CheckpointError: missing, damaged, or a pickle that would run code.
    """
    try:
        if path.is_dir():
            raise CheckpointError(f"{path} is a folder, not a checkpoint. Give the .pt file in it.")
        if not path.exists():
            raise CheckpointError(f"{path} does not exist. Train one with: rgaviz train shapes")
        if not path.is_file():
            raise CheckpointError(f"{path} is not a regular file. Copy what it gives to one.")
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
    check_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's about odd pickles: we say it in our own words
        return check_document(torch.load(path, map_location="cpu", weights_only=True), path)


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


class WeightFault(NamedTuple):
    """What is wrong with an entry of a state_dict, and what its owner can do."""

    what: str
    step: str


def weight_fault(name: str, value: Any) -> WeightFault | None:
    """The first thing wrong with an entry of a state_dict, if any."""
    if not isinstance(name, str):
        return WeightFault(
            f"{clipped(name)} is no name of an entry but {type(name).__name__}", "Remove that entry."
        )
    name = clipped(name)
    if not isinstance(value, Tensor):
        return WeightFault(f"{name} is no tensor but {type(value).__name__}", "Remove that entry.")
    if value.is_nested:
        return WeightFault(f"{name} is a nested tensor", "Save it dense: value.to_padded_tensor(0).")
    if value.layout is not torch.strided:
        kind = str(value.layout).removeprefix("torch.")
        return WeightFault(f"{name} is a tensor of layout {kind}", "Save it dense: value.to_dense().")
    if value.device.type != "cpu":
        return WeightFault(f"{name} has no values in the file", "Save the network after it has its weights.")
    if not (value.is_floating_point() or value.dtype is torch.int64):
        kind = str(value.dtype).removeprefix("torch.")
        return WeightFault(
            f"{name} is {kind}, where weights are floating point, and counters int64",
            "Remove that entry if the network does not need it, else save value.float() or value.long().",
        )
    if value.nbytes > value.untyped_storage().nbytes():  # a few bytes can claim a tensor of terabytes
        return WeightFault(
            f"{name} has fewer values than its shape claims",
            "Copy the file again, or save value.contiguous().",
        )
    # A sum is much faster, and finite only if every value is; that of large values may overflow.
    if value.is_floating_point() and not (value.float().sum().isfinite() or value.isfinite().all()):
        return WeightFault(
            f"{name} holds NaN or infinite weights",
            "Take weights from before the training went wrong, or copy the file again.",
        )
    return None
