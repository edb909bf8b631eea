"""Which networks and pictures the user's words stand for."""

from __future__ import annotations

import glob
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rgaviz.errors import CheckpointError, PictureError, RgavizError, printable
from rgaviz.progress import Say, hush

if TYPE_CHECKING:
    from rgaviz.checkpoint.given import Given
    from rgaviz.data.find import PicturePath

CHECKPOINT_SUFFIXES = (".pt", ".pth", ".ckpt", ".tar", ".safetensors")


def split_inputs(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Checkpoints and pictures, told apart by what they are."""
    checkpoints, pictures = [], []
    for word in words:
        check_name(word)
        for name in expand_checkpoints(word):
            (checkpoints if is_checkpoint(name) else pictures).append(name)
    return checkpoints, pictures


def check_name(word: str | Path) -> None:
    """Refuse what the system cannot even look up, such as a name too long; that nothing has the name is no fault.

    Raises:
        RgavizError: it cannot.
    """
    try:
        Path(word).exists()
    except OSError as error:
        raise RgavizError(f"{str(word)[:100]!r}: {error.strerror}. Check the name.") from error


def expand_checkpoints(word: str) -> list[str]:
    """A quoted pattern of checkpoints as files; anything else as it is."""
    if word.endswith(CHECKPOINT_SUFFIXES) and not Path(word).exists() and glob.has_magic(word):
        from rgaviz.checkpoint import RESUME_SUFFIX

        found = sorted(glob.glob(word))  # noqa: PTH207  (Path.glob takes no absolute pattern)
        return [name for name in found if not name.endswith(RESUME_SUFFIX)] or [word]
    return [word]


def is_checkpoint(word: str) -> bool:
    """A network of a library, or a file; by its suffix, or where that says nothing by being a zip archive of torch."""
    from rgaviz.checkpoint.own import split_arch
    from rgaviz.models.foreign import is_library

    path = Path(split_arch(word)[0])
    if is_library(word) and not path.exists():
        return True
    if path.suffix.lower() in CHECKPOINT_SUFFIXES:
        return True
    return path.is_file() and zipfile.is_zipfile(path)


def newest_checkpoint(say: Say) -> str:
    """The newest attention checkpoint under ``runs/``, else the bundled one; says which."""
    from rgaviz.bundled import bundled
    from rgaviz.checkpoint import KEPT, RESUME_SUFFIX, load_checkpoint

    every = (path for path in Path("runs").rglob("*.pt") if not path.name.endswith(RESUME_SUFFIX))
    found = [path for path in every if path.parent.name != KEPT]  # of networks on their way
    for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True):
        with suppress(CheckpointError):  # other programs keep their own files under runs/
            if load_checkpoint(path).config["attention"] != "none":
                say(f"No checkpoint given: using the newest under runs/, {path}")
                return str(path)
    say("No checkpoint given and none under runs/: using the bundled rga.pt")
    return str(bundled("weights/rga.pt"))


def chosen_networks(
    checkpoints: Sequence[Any], command: str, networks: int, given: Given, say: Say = hush
) -> list[Any]:
    """The checkpoints to use: those given, else ones chosen here, which it says.

    Raises:
        RgavizError: fewer checkpoints than the command needs, or a wrong one among them.
    """
    from rgaviz.bundled import bundled
    from rgaviz.checkpoint import load_checkpoint

    checkpoints = [str(each) if isinstance(each, str | Path) else each for each in checkpoints]
    if not checkpoints and networks == 1:
        checkpoints = [newest_checkpoint(say)]
    elif not checkpoints:
        say("No checkpoints given: using the bundled baseline.pt and rga.pt")
        checkpoints = [str(bundled(f"weights/{name}.pt")) for name in ("baseline", "rga")]
    elif len(checkpoints) < networks:
        # A wrong one is the more likely mistake.
        for source in (each for each in checkpoints if isinstance(each, str)):
            load_checkpoint(source, **given.of_file())
        raise RgavizError(
            f"rgaviz {command} needs {networks} checkpoints: rgaviz {command} baseline.pt rga.pt img.jpg"
        )
    return checkpoints


def chosen_pictures(pictures: Sequence[Path | str], say: Say = hush) -> list[str]:
    """The pictures to use: those given, else the bundled ones, which it says."""
    from rgaviz.bundled import sample_pictures

    if pictures:
        return [str(each) for each in pictures]
    found = [str(path) for path in sample_pictures()]
    say(f"No pictures given: using the {len(found)} bundled photographs")
    return found


def pictures_to_explain(words: Sequence[str], folder: Path, say: Say = hush) -> list[PicturePath]:
    """The pictures that the words stand for, without our own earlier output, which this run replaces.

    Raises:
        PictureError: there are none.
    """
    from rgaviz.data.beside import without_labels
    from rgaviz.data.find import find_pictures
    from rgaviz.outputs import own_files, real

    for word in map(Path, words):
        check_name(word)
        if (word / "metrics.csv").is_file() and any(word.glob("*.pt")):
            raise PictureError(
                f"{word} is the folder of a training, not of pictures; name its networks: {word}/*.pt"
            )
    ours = {real(folder / name) for name in own_files(folder)}
    found = [picture for picture in find_pictures(words, say) if real(picture.path) not in ours]
    if any(Path(word).is_dir() for word in words):  # what is named by itself is meant
        found, labels = without_labels(found)
        if labels:
            say(
                f"Note: {len(labels)} files of labels are no pictures and left out, first {printable(labels[0])}"
            )
    if not found:
        raise PictureError(
            f"All these pictures are earlier output in {folder}; choose another folder with -o."
        )
    return found
