"""Figures in a notebook: made in a folder that is gone with them."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Unpack

from rgaviz.analysis.answer import NOTEBOOK_DPI, Answer
from rgaviz.analysis.cam import cam
from rgaviz.analysis.masks import masks
from rgaviz.analysis.settings import LabelledSettings

if TYPE_CHECKING:
    from rgaviz.analysis.given import Layer, Networks, Pictures


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
    screen = _screen(settings)
    return _shown(lambda folder: masks(networks, pictures, folder / "masks", layer=layer, **screen))


def show_cam(
    networks: Networks,
    pictures: Pictures,
    *,
    methods: str | Sequence[str] = ("gradcam",),
    target: str | None = None,
    layer: Layer = None,
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
    screen = _screen(settings)
    return _shown(
        lambda folder: cam(
            networks, pictures, folder / "cam", methods=methods, target=target, layer=layer, **screen
        )
    )


def _screen(settings: Mapping[str, object]) -> LabelledSettings:
    figure = settings.get("figure") or {}
    assert isinstance(figure, Mapping)
    found: LabelledSettings = {**settings, "figure": {"formats": ("png",), "dpi": NOTEBOOK_DPI, **figure}}  # pyright: ignore
    return found


def _shown(drawn_in: Callable[[Path], Answer]) -> Answer:
    """An answer, whose folder is there as long as it is; where there is none nothing is left."""
    with ExitStack() as stay:
        folder = stay.enter_context(TemporaryDirectory(prefix="rgaviz-", ignore_cleanup_errors=True))
        # Without a name for the answer here: a traceback that is kept somewhere may keep this frame.
        return _kept(drawn_in(Path(folder)), stay)


def _kept(answer: Answer, stay: ExitStack) -> Answer:
    weakref.finalize(answer, stay.pop_all().close)
    return answer
