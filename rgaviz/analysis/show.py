"""Figures in a notebook: made in a folder that is gone with them."""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Unpack

from rgaviz.analysis.answer import Answer
from rgaviz.analysis.cam import cam
from rgaviz.analysis.masks import masks
from rgaviz.analysis.settings import LabelledSettings

if TYPE_CHECKING:
    from rgaviz.analysis.given import Networks, Pictures


def show_masks(
    networks: Networks, pictures: Pictures, *, layer: str | None = None, **settings: Unpack[LabelledSettings]
) -> Answer:
    """The attention masks of networks over pictures, as a figure that a notebook displays.

    Args:
        networks: a path, a checkpoint or any module, several, or a dictionary of these by what they are called.
        pictures: paths, images of Pillow or uint8 RGB arrays.
        layer: as :func:`rgaviz.analysis.masks.masks` takes it.
        settings: likewise, among them ``gates`` of your own modules.

    Raises:
        RgavizError: as that function.
    """
    folder = Path(mkdtemp(prefix="rgaviz-"))
    return _kept(folder, masks(networks, pictures, folder / "masks", layer=layer, **_screen(settings)))


def show_cam(
    networks: Networks,
    pictures: Pictures,
    *,
    methods: str | Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: str | None = None,
    **settings: Unpack[LabelledSettings],
) -> Answer:
    """Class activation maps of networks over pictures, as a figure that a notebook displays.

    Args:
        networks: a path, a checkpoint or any module, several, or a dictionary of these by what they are called.
        pictures: paths, images of Pillow or uint8 RGB arrays.
        methods: as :func:`rgaviz.analysis.cam.cam` takes them.
        target: likewise, such as a class's name.
        layer: a stage, a dotted name, or the module itself.
        settings: likewise.

    Raises:
        RgavizError: as that function.
    """
    folder = Path(mkdtemp(prefix="rgaviz-"))
    drawn = cam(
        networks, pictures, folder / "cam", methods=methods, target=target, layer=layer, **_screen(settings)
    )
    return _kept(folder, drawn)


def _screen(settings: Mapping[str, object]) -> LabelledSettings:
    figure = settings.get("figure") or {}
    assert isinstance(figure, Mapping)
    found: LabelledSettings = {**settings, "figure": {"formats": ("png",), "dpi": 150, **figure}}  # pyright: ignore
    return found


def _kept(folder: Path, answer: Answer) -> Answer:
    """The answer, whose folder is there as long as it is."""
    weakref.finalize(answer, shutil.rmtree, folder, ignore_errors=True)
    return answer
