"""What is said of weights that say nothing of themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rgaviz.data.channels import USUAL
from rgaviz.errors import RgavizError, clipped, lookup, quoted
from rgaviz.models.network import sides
from rgaviz.own_code import is_own_code
from rgaviz.regular import IrregularFileError, read_regular
from rgaviz.tasks.classification import OUTPUTS

LARGEST_LIST = 2**24  # bytes of a file of names
MOST_CHANNELS = 1024  # of an image
SMALLEST_STD = 1e-3  # less is no deviation of pictures, and inputs would overflow


@dataclass(frozen=True)
class Given:
    """What is said of a bare state_dict; None is assumed, and then told.

    Attributes:
        arch: its network: a key of ``MODELS``, ``torchvision:NAME``, ``timm:NAME``, or of the user's own code:
            ``FILE.py:NAME``, also for a checkpoint of such a network, whose code does not run because a file says so.
        num_classes: outputs; None stands for those of the head in the file.
        image_size: (H, W) in pixels of its images.
        mean: of the images it was trained with, values in [0, 1] for red, green and blue; also as ``"0.5,0.5,0.5"``.
        std: their standard deviation, likewise.
        classes: names of the outputs, or a text file with a name per line.
        output: which of several outputs is explained: a key or a place.
        outputs: what they are: ``softmax``, ``sigmoid``, ``multilabel`` or ``value``.
        show_channels: of pictures with more than three channels those shown as red, green and blue: ``3,2,1``,
            counted from 1.
        attention: of the user's own code, ``FILE.py:NAME``, several with commas, for checkpoints that have such.
        gates: modules that masks leave, by :func:`rgaviz.explain.declared.parse_gates`.
    """

    arch: str | None = None
    num_classes: int | None = None
    image_size: tuple[int, int] | None = None
    mean: str | Sequence[float] | None = None
    std: str | Sequence[float] | None = None
    classes: Path | str | Sequence[str] | None = None
    output: str | int | None = None
    outputs: str | None = None
    show_channels: str | Sequence[int] | None = None
    attention: str | None = None
    gates: Mapping[str, str | None] | Sequence[str] | str | None = None

    def __post_init__(self) -> None:
        if self.image_size is not None:
            object.__setattr__(self, "image_size", sides(self.image_size))
        if self.outputs is not None:
            lookup(OUTPUTS, self.outputs, "kind of outputs")
        for word in self.attention.split(",") if self.attention else ():
            if not is_own_code(word):
                raise RgavizError(
                    f"--attention {clipped(word)} names no code of yours: write FILE.py:NAME or package.module:NAME. "
                    "Checkpoints say by themselves which attention of rgaviz they have."
                )

    def of_file(self) -> dict[str, Any]:
        """What :func:`rgaviz.load_checkpoint` takes."""
        return {name: value for name, value in vars(self).items() if name != "gates"}

    def channels(self, count: int | None = 3) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
        """Mean and deviation as numbers, so many of each.

        Raises:
            RgavizError: they cannot be.
        """
        mean = None if self.mean is None else parse_channels("--mean", self.mean, 0, count)
        return mean, None if self.std is None else parse_channels("--std", self.std, SMALLEST_STD, count)

    def shown(self, channels: int) -> tuple[int, ...]:
        """The channels that are shown, counted from 0, of so many.

        Only pictures of other than one or three channels are asked, so those of usual ones can have any.

        Raises:
            RgavizError: not one or three places, or one that there is not.
        """
        given = self.show_channels
        if given is None:
            return (0, 1, 2) if channels >= 3 else (0,)
        try:
            places = tuple(int(each) - 1 for each in (given.split(",") if isinstance(given, str) else given))
        except (TypeError, ValueError):
            places = ()
        if len(places) not in (1, 3) or min(places) < 0:
            raise RgavizError(
                f"--show-channels {clipped(given)} is not one or three places from 1; write 3,2,1, say."
            )
        if channels not in USUAL and max(places) >= channels:
            raise RgavizError(
                f"--show-channels {clipped(given)} asks for channel {max(places) + 1}, and this network's pictures "
                f"have {channels}; name others."
            )
        return places

    def names(self, count: int) -> list[str] | None:
        """The names of the outputs, if any were given.

        Raises:
            RgavizError: not as many as outputs, one of them twice, or a file that cannot be read.
        """
        if self.classes is None:
            return None
        if isinstance(self.classes, Path | str):
            return read_classes(Path(self.classes), count)
        return _checked([str(name) for name in self.classes], "classes", count)


def parse_channels(
    option: str, given: str | Sequence[float], smallest: float, channels: int | None = 3
) -> tuple[float, ...]:
    """``0.5,0.5,0.5`` as numbers, or numbers as they are.

    Raises:
        RgavizError: not as many numbers as channels, or not from ``smallest`` to 1.
    """
    try:
        values = tuple(float(each) for each in (given.split(",") if isinstance(given, str) else given))
    except (TypeError, ValueError):
        values = ()
    if (
        len(values) != (channels or len(values))
        or not values
        or not all(smallest <= value <= 1 for value in values)
    ):
        count = {None: "numbers", 1: "one number", 3: "three numbers"}.get(channels, f"{channels} numbers")
        each = "one for its one channel" if channels == 1 else "one each for R,G,B, or each channel,"
        example = "0.5" if channels == 1 else "0.5,0.5,0.5"
        raise RgavizError(
            f"{option} {clipped(given)} is not {count} from {smallest:g} to 1; write {each} of images in [0, 1]: "
            f"{example} (those of 0 to 255 divided by 255)."
        )
    return values


def read_classes(path: Path, count: int) -> list[str]:
    """The names of the classes, one per line.

    Raises:
        RgavizError: not a text file, not as many names as the network has outputs, or one of them twice.
    """
    try:
        names = [line.strip() for line in read_regular(path, LARGEST_LIST).decode().splitlines()]
    except (OSError, ValueError) as error:
        known = error if isinstance(error, IrregularFileError) else "it is not UTF-8 text"
        reason = getattr(error, "strerror", None) or known
        raise RgavizError(
            f"--classes {path} cannot be read ({reason}); give a text file, a name per line."
        ) from error
    return _checked([name for name in names if name], f"--classes {path}", count)


def _checked(names: list[str], source: str, count: int) -> list[str]:
    if len(names) != count:
        raise RgavizError(f"{source} has {len(names)} names for {count} outputs; give one per output.")
    if twice := next((name for name, times in Counter(names).items() if times > 1), None):
        raise RgavizError(f"{source} has {quoted(twice)} more than once; give every output its own name.")
    return names
