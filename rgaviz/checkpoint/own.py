"""Networks of the user's own code in files: the code runs where the user names it, and never because a file does."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from rgaviz.checkpoint.given import Given
from rgaviz.errors import CheckpointError, RgavizError, clipped, kind_of
from rgaviz.models.network import describe, set_task, sides
from rgaviz.own_code import InMemory, is_own_code, name_own_code, named_code

LONGEST_WORD = 300  # letters that are given whole, to be pasted


def split_arch(source: Path | str) -> tuple[Path | str, str | None]:
    """``best.pth@timm:resnet50`` as the file and its network; a file of that very name comes first."""
    text = str(source)
    if "@" not in text or Path(text).exists():
        return source, None
    for place in (place for place, sign in enumerate(text) if sign == "@"):
        if Path(text[:place]).is_file() and text[place + 1 :]:
            return text[:place], text[place + 1 :]
    return source, None


def in_memory(given: Any) -> InMemory:
    """The word for a network in memory, or for what makes one.

    Raises:
        RgavizError: it is neither.
    """
    if not callable(given):
        raise RgavizError(
            f'arch is a name, a function that makes a network, or one, not {kind_of(given)}; write "net.py:make", say.'
        )
    return InMemory(given)


def named_again(path: Path, config: Mapping[str, Any], given: Given) -> dict[str, Any]:
    """The arguments in a checkpoint, of a network of the user's own code with what the user says now.

    Raises:
        CheckpointError: nothing is said of it.
    """
    found = dict(config)
    arch: Any = config.get("arch")
    if is_own_code(arch):
        found["arch"] = given.arch if is_own_code(given.arch) else named_code(arch)
        if found["arch"] is None:
            raise CheckpointError(
                f"{path} is a network of somebody's own code, which does not run because a file says so. If you trust "
                "it, name it:",
                typed=f"--arch {_whole(arch)}",
            )
    attention: Any = config.get("attention")
    if is_own_code(attention):
        name_own_code(*(given.attention or "").split(","))
        found["attention"] = named_code(attention)
        if found["attention"] is None:
            raise CheckpointError(
                f"{path} has attention of somebody's own code, which does not run because a file says so. If you trust "
                "it, name it:",
                typed=f"--attention {_whole(attention)}",
            )
    return found


def _whole(word: str) -> str:
    """A word of a stranger's file to be pasted, unless nobody would paste it."""
    return shlex.quote(word) if len(word) <= LONGEST_WORD else clipped(word)


def with_factory(model: nn.Module, factory: str, num_classes: int, image_size: Any) -> None:
    """Note on any network which function makes it.

    Raises:
        RgavizError: no such text, or no size.
    """
    if not is_own_code(factory):
        raise RgavizError(
            f"factory={clipped(factory)} names no function of yours; write FILE.py:NAME or package.module:NAME."
        )
    if image_size is None:
        raise RgavizError("A network of your own needs the size of its images, too: image_size=(224, 224).")
    size = list(sides(image_size))
    describe(model, {"arch": factory, "attention": "none", "num_classes": num_classes, "image_size": size})
    set_task(model, "classification")
