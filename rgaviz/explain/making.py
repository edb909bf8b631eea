"""Maps of several layers together, smoothed over changed pictures, or with their sign.

A map of layers A and B is the mean of both, each divided by its own largest value and enlarged to the finer grid (as
pytorch-grad-cam puts several target layers together, Gildenblat et al., 2021, but without taking the least value off).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from rgaviz.errors import RgavizError, clipped, lookup
from rgaviz.explain.cam import Explanation, explain
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import ClassTarget, Target, given_classes

TOGETHER = "+"  # between layers
EIGEN = "eigen"
FACTORS = (0.9, 1.0, 1.1)  # as pytorch-grad-cam's ``aug_smooth``
SMOOTH = {
    "flip": "mean of the maps of the picture and of its mirror image",
    "scales": "mean of the maps of the picture times 0.9, 1 and 1.1, as the network sees it",
    EIGEN: "first principal component of what would be summed over channels",
}


@dataclass(frozen=True)
class Making:
    """How maps are made beyond the usual way.

    Attributes:
        smooth: a key of :data:`SMOOTH`, or "".
        signed: without the ReLU, so that what speaks against the target is negative.

    Raises:
        UnknownNameError: no such smoothing.
    """

    smooth: str = ""
    signed: bool = False

    def __post_init__(self) -> None:
        if self.smooth:
            lookup(SMOOTH, self.smooth, "smoothing")

    @property
    def words(self) -> list[str]:
        """As titles have it."""
        return [*([self.smooth] if self.smooth else []), *(["signed"] if self.signed else [])]

    def check(self, methods: Sequence[str]) -> None:
        """Refuse methods that cannot be made so.

        Raises:
            RgavizError: the message names them.
        """
        for name in methods:
            method = lookup(METHODS, name, "CAM method")
            if self.signed and (method.library or method.arbitrary_sign):
                raise RgavizError(
                    f"--signed: {name} has no sign that means something; choose others, such as gradcam."
                )
            if self.smooth == EIGEN and not method.summed:
                raise RgavizError(
                    f"--smooth eigen: {name} sums no channels; choose gradcam or layercam, say."
                )


USUAL = Making()


@dataclass(frozen=True)
class _Same:
    """For each image of a batch the target that was settled on another one of it."""

    targets: Sequence[Target]

    def scores(self, output: Tensor) -> Tensor:
        rows = zip(self.targets, output.split(1), strict=True)
        return torch.cat([target.scores(row) for target, row in rows])

    def about(self, output: Tensor) -> list[list[str]]:
        return [target.about(row)[0] for target, row in zip(self.targets, output.split(1), strict=True)]

    def settled(self, output: Tensor) -> Sequence[Target]:
        return self.targets


@dataclass(frozen=True)
class _Mirrored:
    """A target with places, of mirror images: their outputs (B, K, H, W) are mirrored back."""

    target: Target

    def scores(self, output: Tensor) -> Tensor:
        return self.target.scores(output.flip(3))

    def about(self, output: Tensor) -> list[list[str]]:
        return self.target.about(output.flip(3))

    def settled(self, output: Tensor) -> Sequence[Target]:
        return [_Mirrored(each) for each in self.target.settled(output.flip(3))]


def settled(target: Target, output: Tensor) -> Target:
    """The target with what depends on this output chosen for good, for other outputs of the same images."""
    if isinstance(target, ClassTarget):  # as some methods take no other
        return given_classes(target.classes(output), target.names)
    return _Same(target.settled(output))


def check_together(layer: object) -> None:
    """Refuse names of layers that cannot be put together: none, or one twice.

    Raises:
        RgavizError: it is one.
    """
    names = layer.split(TOGETHER) if isinstance(layer, str) and layer else []
    if "" in names or len(set(names)) < len(names):
        raise RgavizError(f"--layer {clipped(layer)} names no layer, or one twice: write conv4+conv5, say.")


def made(
    model: nn.Module,
    images: Tensor,
    *,
    forward: Callable[[Tensor], Tensor] | None = None,
    cam_layer: str | None = None,
    methods: Sequence[str] = (),
    target: Target | None = None,
    watched: Mapping[str, nn.Module] | None = None,
    making: Making = USUAL,
) -> Explanation:
    """:func:`rgaviz.explain.cam.explain`, of several layers (``"conv4+conv5"``) and by a way of making.

    Raises:
        RgavizError: as that function, or a method that cannot be made so.
    """
    making.check(methods)
    layers = cam_layer.split(TOGETHER) if cam_layer else [None]

    def maps(
        pictures: Tensor, layer: str | None, about: Target | None, watch: Mapping[str, nn.Module]
    ) -> Explanation:
        return explain(
            model,
            pictures,
            forward=forward,
            cam_layer=layer,
            methods=methods,
            target=about,
            watched=watch,
            signed=making.signed,
            component=making.smooth == EIGEN,
        )

    first = maps(images, layers[0], target, watched or {})
    if not first.cams or target is None or (len(layers) == 1 and making.smooth not in ("flip", "scales")):
        return first
    same = settled(target, first.output.to(images.device))
    mirrored = _Mirrored(same) if first.output.ndim == 4 else same

    def of_layer(layer: str | None, known: dict[str, np.ndarray] | None) -> dict[str, np.ndarray]:
        def again(pictures: Tensor, about: Target = same) -> dict[str, np.ndarray]:
            return maps(pictures, layer, about, {}).cams

        return _smoothed(making.smooth, images, known, again, mirrored)

    found = [of_layer(layer, None if place else first.cams) for place, layer in enumerate(layers)]
    return replace(first, cams={name: fused([each[name] for each in found]) for name in methods})


def _smoothed(
    smooth: str,
    images: Tensor,
    known: dict[str, np.ndarray] | None,
    maps: Callable[..., dict[str, np.ndarray]],
    mirrored: Target,
) -> dict[str, np.ndarray]:
    """Maps of a layer by method.

    Args:
        smooth: a key of :data:`SMOOTH`, or "".
        images: (B, 3, H, W).
        known: maps of the images as they are, where these are there already.
        maps: of other images, about the same target or another one.
        mirrored: the target of the mirror images.
    """
    plain = maps(images) if known is None else known
    if smooth == "flip":
        other = maps(images.flip(3), mirrored)
        return {name: (each + other[name][..., ::-1]) / 2 for name, each in plain.items()}
    if smooth == "scales":
        others = [maps(images * factor) if factor != 1 else plain for factor in FACTORS]
        return {name: np.stack([each[name] for each in others]).mean(0) for name in plain}
    return plain


def fused(maps: Sequence[np.ndarray]) -> np.ndarray:
    """Maps (B, T, h, w) of several layers as one, (B, T, H, W) of the finest grid; a single one as it is.

    Each is divided by its largest absolute value, a map without any left as it is.
    """
    if len(maps) == 1:
        return maps[0]
    height, width = (max(each.shape[axis] for each in maps) for axis in (2, 3))
    total = np.zeros((*maps[0].shape[:2], height, width), np.float32)
    for each in maps:
        largest = np.abs(each).max((2, 3), keepdims=True)
        scaled = np.divide(each, largest, out=np.zeros_like(each), where=largest > 0)
        for place in np.ndindex(*each.shape[:2]):
            total[place] += cv2.resize(scaled[place], (width, height), interpolation=cv2.INTER_LINEAR)
    return total / len(maps)


def box_above(values: np.ndarray, size: Sequence[int], quantile: float) -> tuple[int, int, int, int] | None:
    """The box around the largest connected part of a map above a quantile of it, as figures enlarge the map.

    Args:
        values: the map (h, w).
        size: (H, W) of the picture.
        quantile: 0 to 1; positions above that share of all positions count.

    Returns:
        (left, top, right, bottom) in pixels, the last two exclusive; None of a map without evidence.
    """
    if not np.isfinite(values).all() or float(values.max(initial=0)) <= 0:
        return None
    wide = cv2.resize(values.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_LINEAR)  # (H, W)
    above = (wide > np.quantile(wide, quantile)).astype(np.uint8)
    count, _, parts, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
    if count < 2:  # a flat map
        return None
    left, top, width, height, _ = parts[1 + int(parts[1:, cv2.CC_STAT_AREA].argmax())].tolist()
    return left, top, left + width, top + height
