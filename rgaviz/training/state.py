"""What a training leaves in its folder, and how a later one takes it up."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rgaviz.checkpoint import KEPT, RESUME_SUFFIX, load_record
from rgaviz.errors import CheckpointError, RgavizError, clipped
from rgaviz.own_code import own_name
from rgaviz.writing import output_error

NAMES = {"none": "baseline", "rga-sc": "rga"}  # attention -> file name, where they differ
FREE = {
    "command",
    "recipe.data.workers",
    "recipe.train.save_minutes",
    "recipe.train.keep_every",
}  # may differ between a run and its resumption


def network_name(attention: str) -> str:
    """Name of a network's files: ``baseline``, ``rga``, or the attention's own."""
    return NAMES.get(attention, own_name(attention))


def checkpoint_path(out: Path, network: str, kept: int = 0) -> Path:
    """A network's checkpoint; with ``kept`` that of an epoch, counted from 1, which stays when training goes on."""
    return out / KEPT / f"{network}-{kept:03d}.pt" if kept else out / f"{network}.pt"


def kept_checkpoints(out: Path, network: str) -> dict[int, Path]:
    """The checkpoints of epochs that are there of a network, by epoch."""
    found = {}
    for path in (out / KEPT).glob(f"{glob.escape(network)}-*.pt"):
        number = path.stem.removeprefix(f"{network}-")
        if number.isdecimal() and int(number) and checkpoint_path(out, network, int(number)) == path:
            found[int(number)] = path
    return dict(sorted(found.items()))


def refuse_earlier_run(out: Path, attentions: Sequence[str]) -> None:
    """Refuse to replace networks: hours of training must not go because ``--resume`` was forgotten.

    Raises:
        RgavizError: ``out`` holds one of these networks, or the state of one.
    """
    if files_of(out, [network_name(attention) for attention in attentions]):
        raise RgavizError(
            f"{out} holds an earlier run. Go on with --resume, choose another --out, or replace it with --overwrite."
        )


def files_of(out: Path, networks: Sequence[str]) -> list[Path]:
    """What is there of these networks: checkpoints, states, and what was kept of epochs."""
    files = (path for name in networks for path in (out / f"{name}.pt", out / f"{name}{RESUME_SUFFIX}"))
    kept = [path for name in networks for path in kept_checkpoints(out, name).values()]
    return [*(path for path in files if path.exists()), *kept]


def clear(out: Path, networks: Sequence[str]) -> None:
    """Make room for new networks.

    Raises:
        RgavizError: a file that is not ours is in the way.
    """
    found = files_of(out, networks)
    for path in found:
        if not path.name.endswith(RESUME_SUFFIX):
            load_record(path)  # what is not ours is not removed
    for path in found:
        try:
            path.unlink()
        except OSError as error:
            raise output_error(path, error) from error


def refuse_gone(out: Path, networks: Sequence[str]) -> None:
    """Make sure that the networks are there when all are trained: the folder may have been removed in between.

    Raises:
        RgavizError: one is not.
    """
    gone = [name for name in networks if not (out / f"{name}.pt").exists()]
    if gone:
        raise RgavizError(
            f"{out / gone[0]}.pt was removed while other networks were trained; train it again with --resume."
        )


def other_histories(out: Path, networks: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """What the folder's other networks were like, trained by earlier commands: metrics.csv has them all."""
    histories = {}
    for path in sorted(out.glob("*.pt")):
        if path.stem not in networks and not path.name.endswith(RESUME_SUFFIX):
            with suppress(CheckpointError):  # not ours
                histories[path.stem] = load_record(path).history
    return histories


def expect_same(before: dict[str, Any], now: dict[str, Any], out: Path) -> None:
    """Refuse to resume with other settings: the run would be neither the one nor the other.

    Args:
        before: what an earlier run says of its training, with its seed.
        now: of this one.
        out: the folder.

    Raises:
        RgavizError: they differ in what decides the result.
    """
    ones, others = flat(before), flat(now)
    # What one of them does not have, another version of this program did not know.
    known = (ones.keys() & others.keys()) - FREE
    changed = sorted(key for key in known if ones[key] != others[key])
    if changed:
        key = changed[0]
        raise RgavizError(
            f"The run in {out} was started with {clipped(key)} = {clipped(ones[key])}, not {clipped(others[key])}. "
            "Resume it with the same settings, or choose another --out."
        )


def flat(tables: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dictionaries as one, keys joined by dots; lists and tuples are alike."""
    found: dict[str, Any] = {}
    for key, value in tables.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = list(value) if isinstance(value, tuple) else value
    return found
