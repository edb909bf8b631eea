"""Whether a network goes by what a map shows: its score while the picture is changed in the order of the map.

One picture and one map at a time, its variants in passes of bounded size: memory grows neither with the pictures nor
with the steps, and no number depends on its neighbours. NaN is what a map without an order says, and a score that is
none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from functools import partial

import cv2
import numpy as np
import torch
from torch import Tensor

from rgaviz.ahead import ahead
from rgaviz.explain.imputation import imputed
from rgaviz.explain.localisation import enlarged
from rgaviz.pngs import WORKERS

VARIANTS = 64  # of a picture in a pass
PIXELS = 2**20  # that these have together, unless one alone has more
PERCENT = tuple(range(10, 100, 10))  # of the pixels that ROAD removes
LARGEST = 2**18  # pixels of a picture of which ROAD solves an equation for each that is removed
BLUR = 0.1  # deviation, in shorter sides, of the picture that insertion begins with

# Variants (b, C, H, W) of a picture -> its score in each of them, (b,).
Scores = Callable[[Tensor], Tensor]


def has_order(values: np.ndarray) -> bool:
    """Whether a map (h, w) says that some place matters more than another."""
    return bool(np.isfinite(values).all() and values.max() > values.min() and values.max() > 0)


def ranks(values: np.ndarray, size: Sequence[int], draw: np.random.Generator) -> np.ndarray:
    """The place (H, W) of every pixel in the order of a map, 0 of the largest value; equal ones in random order.

    Args:
        values: the map (h, w), brought to the picture's size as figures enlarge it.
        size: (H, W) of the picture.
        draw: what to draw from.
    """
    whole = enlarged(values[None], (size[0], size[1]))[0].ravel()  # (H W,)
    order = np.lexsort((draw.permutation(whole.size), -whole))
    places = np.empty(whole.size, np.int64)
    places[order] = np.arange(whole.size)
    return places.reshape(size[0], size[1])


def blurred(image: Tensor) -> Tensor:
    """A picture (C, H, W) without what can be recognised: through a Gaussian of a tenth of its shorter side."""
    deviation = BLUR * min(image.shape[1:])
    values = np.ascontiguousarray(image.cpu().numpy().transpose(1, 2, 0))  # (H, W, C)
    found = cv2.GaussianBlur(values, (0, 0), deviation).reshape(values.shape)  # OpenCV drops a single channel
    return torch.from_numpy(found.transpose(2, 0, 1)).to(image)


def deletion(image: Tensor, places: np.ndarray, scores: Scores, steps: int) -> np.ndarray:
    """Deletion, Petsiuk et al., BMVC 2018: the score (steps + 1,) as pixels become grey, the most relevant first.

    Grey is 0 of the normalised picture, the mean of the training images, as in the authors' program.

    Args:
        image: (C, H, W), normalised.
        places: (H, W) of :func:`ranks`.
        scores: of variants.
        steps: equal shares of the pixels.
    """
    return _exchanged(image, torch.zeros_like(image), places, scores, steps)


def insertion(image: Tensor, places: np.ndarray, scores: Scores, steps: int) -> np.ndarray:
    """Insertion, of the same paper: the score (steps + 1,) as pixels of a blurred picture become sharp."""
    return _exchanged(blurred(image), image, places, scores, steps)


def area(curves: np.ndarray) -> np.ndarray:
    """The area (...,) under curves (..., S + 1) of equal steps from 0 to 1, by trapezoids."""
    return (curves.sum(-1) - (curves[..., 0] + curves[..., -1]) / 2) / (curves.shape[-1] - 1)


def road(image: Tensor, places: np.ndarray, scores: Scores, noise: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """ROAD, Rong et al., ICML 2022: the score as pixels are replaced by what their neighbours tell of them.

    So many pixels go as the percentiles of pytorch-grad-cam's ``ROADMostRelevantFirst`` take where no two are equal.

    Args:
        image: (C, H, W), normalised.
        places: (H, W) of :func:`ranks`.
        scores: of variants.
        noise: (C, H, W), added to what is replaced.

    Returns:
        The scores (9,) without the most relevant 10 % to 90 %, and without the least relevant.
    """
    count = places.size
    removed = [count - -(-(100 - percent) * (count - 1) // 100) for percent in PERCENT]
    missing = [*(places < each for each in removed), *(places >= count - each for each in removed)]
    values = image.cpu().numpy()
    # Ahead of the network, and several at once: most of the time goes into these.
    with closing(ahead(partial(imputed, values), missing, WORKERS)) as found:
        variants = (_filled(image, *each, noise) for each in zip(missing, found, strict=True))
        most, least = np.split(asked(variants, scores), 2)
    return most, least


def _filled(image: Tensor, missing: np.ndarray, values: np.ndarray, noise: Tensor) -> Tensor:
    """A picture (C, H, W) with other values, and noise, where pixels (H, W) are missing."""
    chosen = torch.from_numpy(missing).to(image.device)
    return torch.where(chosen, torch.from_numpy(values).to(image) + noise, image)


def under(image: Tensor, values: np.ndarray) -> Tensor:
    """The picture (C, H, W) as far as a map (h, w) shows it: times the map, scaled to 0 to 1 and enlarged.

    Chattopadhay et al., WACV 2018, and pytorch-grad-cam's ``CamMultImageConfidenceChange``.
    """
    scaled = (values - values.min()) / (values.max() - values.min())
    size = (image.shape[1], image.shape[2])
    return image * torch.from_numpy(enlarged(scaled[None], size)[0]).to(image)


def drop(whole: np.ndarray, seen: np.ndarray | float) -> np.ndarray:
    """By which part the score falls where only what the map shows is seen; NaN where it was not positive.

    The mean over pictures is the average drop of Chattopadhay et al., WACV 2018.
    """
    whole = np.where(whole > 0, whole, np.nan)
    return np.maximum(whole - seen, 0) / whole


def increase(whole: np.ndarray, seen: np.ndarray | float) -> np.ndarray:
    """Whether the score rises; the mean over pictures is the increase in confidence of the same paper."""
    known = ~(np.isnan(whole) | np.isnan(seen))
    return np.where(known, seen > whole, np.nan)


def _exchanged(image: Tensor, other: Tensor, places: np.ndarray, scores: Scores, steps: int) -> np.ndarray:
    """The score as pixels of ``image`` become those of ``other``, in steps."""
    rank = torch.from_numpy(places).to(image.device)
    counts = [round(step * places.size / steps) for step in range(steps + 1)]
    return asked((torch.where(rank < count, other, image) for count in counts), scores)


def asked(variants: Iterable[Tensor], scores: Scores) -> np.ndarray:
    """Scores (n,) float64 of n variants (C, H, W) of a picture, made as they are asked for."""
    found: list[Tensor] = []
    waiting: list[Tensor] = []
    for each in variants:
        waiting.append(each)
        if len(waiting) >= max(1, min(VARIANTS, PIXELS // (each.shape[1] * each.shape[2]))):
            found.append(scores(torch.stack(waiting)).cpu())
            waiting = []
    if waiting:
        found.append(scores(torch.stack(waiting)).cpu())
    return torch.cat(found).double().numpy()
