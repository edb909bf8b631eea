"""What a map is about: numbers that a network's output scores, such as the logit of a class.

Nothing here knows what a network is for. A map shows which positions of a layer raise a score; a target says which
scores, and how they are called.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from rgaviz.errors import RgavizError


@runtime_checkable
class Target(Protocol):
    """T scores for each of B images. Row b of an answer depends on row b of the output alone."""

    def scores(self, output: Tensor) -> Tensor:
        """Scores (B, T) of an output (B, ...), differentiable with respect to it."""
        ...

    def about(self, output: Tensor) -> list[list[str]]:
        """Captions (B, T): what each score is about."""
        ...

    def settled(self, output: Tensor) -> Sequence[Target]:
        """B targets, one for each image, with what depends on this output (the best class, say) chosen for good.

        Each scores any number of outputs of *its* image: a method that perturbs an image asks how the score of one
        and the same choice changes. A target without such a choice gives itself B times.
        """
        ...


@runtime_checkable
class PairTarget(Target, Protocol):
    """A target that compares each image with another picture, so that its scores can be explained on that one, too.

    Attributes:
        picture: path of the other picture.
    """

    picture: str

    def counterpart(self, output: Tensor) -> Target:
        """The same scores seen from the other picture: with T = B scores of *its* output, for B images' (B, ...)."""
        ...


@runtime_checkable
class DoubtfulTarget(Target, Protocol):
    """A target whose scores may say nothing of some images."""

    def doubts(self, output: Tensor) -> list[list[str]]:
        """What to warn of (B, T) for an output (B, ...); "" where there is nothing."""
        ...


Places = tuple[list[tuple[float, float]], list[list[tuple[float, float]]]]


@runtime_checkable
class PlacedTarget(Target, Protocol):
    """A target that may be about a place, told in pixels of the pictures as they are."""

    @property
    def exact(self) -> bool:
        """Whether it is about one pixel, so that pictures are to be read at their full size."""
        ...

    def fault(self, size: tuple[int, int]) -> str:
        """Why a picture (h, w) has no such place; "" where it has."""
        ...

    def placed(self, sizes: Sequence[tuple[int, int]]) -> Target:
        """The target of B pictures (h, w) each, which a network may see at another size."""
        ...

    def places(self, size: tuple[int, int]) -> Places:
        """What to mark on a picture (h, w), as fractions of its width and height: points (x, y), and outlines."""
        ...


@dataclass(frozen=True)
class ClassTarget:
    """Logits of classes; see :func:`top_classes`, :func:`one_class` and :func:`given_classes`.

    Attributes:
        choose: logits (B, classes) -> class indices (B, T).
        names: of the classes; without them a caption is the index.
    """

    choose: Callable[[Tensor], Tensor]
    names: Sequence[str] | None = None

    def classes(self, output: Tensor) -> Tensor:
        """Class indices (B, T) for logits (B, classes).

        Raises:
            RgavizError: no logits, a class that does not exist, or the wrong number of images.
        """
        if output.ndim != 2:
            raise RgavizError(
                f"A class as target needs an output (B, classes), not {tuple(output.shape)}; give another target."
            )
        chosen, (batch, classes) = self.choose(output.detach()).to(output.device), output.shape
        if len(chosen) != batch:
            raise RgavizError(f"{len(chosen)} targets for {batch} images; give one class index per image.")
        if int(chosen.min()) < 0 or int(chosen.max()) >= classes:
            raise RgavizError(f"A target lies outside the {classes} classes (0 to {classes - 1}).")
        return chosen

    def scores(self, output: Tensor) -> Tensor:
        return output.gather(1, self.classes(output))  # (B, classes) -> (B, T)

    def about(self, output: Tensor) -> list[list[str]]:
        names = self.names or [str(index) for index in range(output.shape[1])]
        rows: list[list[int]] = self.classes(output).tolist()
        return [[names[index] for index in row] for row in rows]

    def settled(self, output: Tensor) -> list[ClassTarget]:
        return [ClassTarget(partial(_same, row), self.names) for row in self.classes(output).tolist()]


def check_target(target: object) -> None:
    """Refuse what has not all methods of a target.

    Raises:
        RgavizError: it has not.
    """
    if isinstance(target, type) or not isinstance(target, Target):
        raise no_target(target)


def no_target(given: object) -> RgavizError:
    """The error for what cannot be a target."""
    what = given.__name__ if isinstance(given, type) else f"a {type(given).__name__}"
    return RgavizError(
        f"A target is whole numbers, one class for each image, a function of the output, or an object with the methods "
        f"scores, about and settled, not {what}; give rgaviz.explain.targets.top_classes(1), say."
    )


def top_classes(count: int, names: Sequence[str] | None = None) -> ClassTarget:
    """The most probable classes of each image, best first; all where there are fewer."""
    return ClassTarget(partial(_top, count), names)


def one_class(index: int, names: Sequence[str] | None = None) -> ClassTarget:
    """The same class for every image."""
    return ClassTarget(partial(_same, [index]), names)


def given_classes(indices: Any, names: Sequence[str] | None = None) -> ClassTarget:
    """Classes of each image's own: indices (B,) or (B, T), as a tensor, an array or a sequence; of one image also ().

    Raises:
        RgavizError: they are no whole numbers.
    """
    try:
        rows = torch.as_tensor(indices)
    except (TypeError, ValueError, RuntimeError):
        raise no_target(indices) from None
    if rows.is_complex() or rows.ndim > 2 or bool((rows != rows.long()).any()):
        raise no_target(indices)
    rows = rows.long() if rows.ndim == 2 else rows.long().view(-1, 1)  # (B,) -> (B, 1)
    return ClassTarget(
        partial(_given, rows.tolist()), names
    )  # plain numbers: fit for any device and autograd mode


def _top(count: int, logits: Tensor) -> Tensor:
    return logits.topk(min(count, logits.shape[1]), dim=1).indices


def _same(row: Sequence[int], logits: Tensor) -> Tensor:
    return torch.tensor(row).expand(len(logits), -1)  # (T,) -> (B, T)


def _given(rows: Sequence[Sequence[int]], logits: Tensor) -> Tensor:
    return torch.tensor(rows)


@dataclass(frozen=True)
class Scored:
    """Any function of the output; see :func:`scored`."""

    function: Callable[[Tensor], Tensor]
    names: Sequence[str]

    def scores(self, output: Tensor) -> Tensor:
        found = self.function(output)
        return found[:, None] if found.ndim == 1 else found  # (B,) -> (B, 1)

    def about(self, output: Tensor) -> list[list[str]]:
        numbered = [f"score {n + 1}" for n in range(self.scores(output).shape[1])]
        return [list(self.names) or numbered] * len(output)

    def settled(self, output: Tensor) -> list[Scored]:
        return [self] * len(output)


def scored(function: Callable[[Tensor], Tensor], *names: str) -> Scored:
    """What a function makes of the output, such as its norm, or the difference of two logits.

    Args:
        function: (B, ...) -> (B,) or (B, T), differentiable, each row from the same row of the output.
        names: T captions; by default "score 1" and so on.
    """
    return Scored(function, names)
