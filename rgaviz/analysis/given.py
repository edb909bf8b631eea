"""What a caller in Python hands over: networks and pictures, as names or in memory."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rgaviz.errors import PictureError, RgavizError, kind_of, words

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy as np
    from PIL.Image import Image
    from torch import nn

    from rgaviz.checkpoint import Checkpoint

    # As texts: mypy takes an alias that it meets while it is still reading a circle of modules for anything.
    Network: TypeAlias = "Path | str | Checkpoint | nn.Module"
    Networks: TypeAlias = "Network | Sequence[Network] | Mapping[str, Network]"
    Picture: TypeAlias = "Path | str | Image | np.ndarray"
    Pictures: TypeAlias = "Picture | Sequence[Picture]"
    Layer: TypeAlias = "str | nn.Module | None"


def given_networks(networks: Networks) -> tuple[list[Network], tuple[str, ...]]:
    """Networks one by one, and what they are called, where the caller says it.

    Args:
        networks: a path or name, a checkpoint or a module; several of them; or a dictionary of these by what they are
            called.

    Raises:
        RgavizError: something else.
    """
    if isinstance(networks, Mapping):
        return [_network(each) for each in networks.values()], tuple(map(str, networks))
    if _in_memory(networks):
        return [_network(networks)], ()
    if isinstance(networks, Sequence) and not isinstance(networks, str) and any(map(_in_memory, networks)):
        return [_network(each) for each in networks], ()
    return words(networks, "Checkpoints", "rga.pt"), ()


def _network(given: Any) -> Any:
    if not (isinstance(given, str | os.PathLike) or _in_memory(given)):
        raise RgavizError(
            f"A network is a path, a checkpoint or a module, not {kind_of(given)}; give 'rga.pt', say."
        )
    return given


def _in_memory(given: Any) -> bool:
    """Whether something is a module or a checkpoint; neither torch nor the latter is imported for the question."""
    return hasattr(given, "named_modules") or hasattr(getattr(given, "model", None), "named_modules")


@contextmanager
def given_pictures(pictures: Pictures) -> Iterator[list[Path | str]]:
    """Pictures as names; those in memory are files within the block.

    Args:
        pictures: paths, patterns, images of Pillow or arrays, several or one: uint8 RGB (H, W, 3) or grey (H, W), or of
            other channels (H, W, C) or (C, H, W) as :func:`rgaviz.data.channels.read_channels` takes them in files.

    Raises:
        RgavizError: something else.
    """
    alone = (
        isinstance(pictures, str | os.PathLike)
        or hasattr(pictures, "__array__")
        or hasattr(pictures, "convert")
    )
    several: list[Any] = [pictures] if alone else list(pictures) if isinstance(pictures, Sequence) else []
    if not any(hasattr(each, "__array__") or hasattr(each, "convert") for each in several):
        yield words(pictures, "Pictures", "img.jpg")
        return
    with TemporaryDirectory(prefix="rgaviz-") as folder:
        yield [
            _file(each, Path(folder) / f"picture-{place}.png") for place, each in enumerate(several, start=1)
        ]


def _file(given: Any, path: Path) -> Path | str:
    import numpy as np
    from PIL import Image, ImageOps

    from rgaviz.data.channels import ARRAY, as_colour
    from rgaviz.data.pictures import check_array

    if isinstance(given, str | os.PathLike):
        return given if isinstance(given, str) else Path(given)
    if isinstance(given, Image.Image):
        ImageOps.exif_transpose(given).convert("RGB").save(path)
        return path
    if not hasattr(given, "__array__"):
        raise PictureError(
            f"A picture is a path, an image or an array, not {kind_of(given)}; give 'img.jpg', say."
        )
    array = np.asarray(given)
    if array.ndim == 3 and not {1, 3} & {array.shape[0], array.shape[2]}:
        # What it holds is checked when it is read.
        np.save(path.with_suffix(ARRAY), array, allow_pickle=False)
        return path.with_suffix(ARRAY)
    Image.fromarray(as_colour(check_array(array, grey=True))).save(path)
    return path
