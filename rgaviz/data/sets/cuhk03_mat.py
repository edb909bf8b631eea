"""The two files of CUHK03: the authors' pictures (HDF5, MATLAB 7.3) and the new protocol (MATLAB 5)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rgaviz.data.bounds import MAX_PIXELS, too_large
from rgaviz.data.sets.reid import GALLERY, QUERY, TRAIN
from rgaviz.errors import PictureError, RgavizError, one_line
from rgaviz.regular import read_regular

INDICES = {TRAIN: "train_idx", QUERY: "query_idx", GALLERY: "gallery_idx"}
LARGEST_PROTOCOL = 20_000_000  # bytes; it has some 100 thousand
FAULTS = (
    OSError,
    KeyError,
    IndexError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
)  # HDF5's


class Cell(NamedTuple):
    """A picture in the release, which is a table of tables for each kind of boxes.

    Attributes:
        file: the release.
        kind: ``labeled`` or ``detected``.
        pair: of cameras, from 1.
        person: from 1, within the pair.
        number: of the picture, from 1; the second camera's begin with 6.
        name: as the protocol names it, ``<pair>_<person>_<view>_<number>.png``.
    """

    file: Path
    kind: str
    pair: int
    person: int
    number: int
    name: str


def read_cell(cell: Cell) -> np.ndarray:
    """One picture: (H, W, 3) uint8 RGB.

    Raises:
        PictureError: there is none, or the release is damaged.
    """
    name = f"{cell.name} in {cell.file}"
    try:
        with open_release(cell.file) as release:
            stored = release[_table(release, cell.kind, cell.pair)[cell.number - 1, cell.person - 1]]
            if stored.ndim != 3 or stored.shape[0] != 3 or stored.dtype != np.uint8:
                raise PictureError(
                    f"{name} is {stored.dtype} of {stored.shape}, no picture (3, W, H): copy the file again."
                )
            if stored.size > 3 * MAX_PIXELS:
                raise too_large(name)
            return np.ascontiguousarray(stored[()].transpose(2, 1, 0))  # (3, W, H) -> (H, W, 3)
    except FAULTS as error:
        raise PictureError(f"{name} cannot be read ({one_line(error)}): copy the file again.") from error


def missing_cells(file: Path, kind: str, cells: Sequence[Cell]) -> list[Cell]:
    """Those for which the release has no picture.

    Raises:
        RgavizError: it is damaged, or h5py is not installed.
    """
    try:
        with open_release(file) as release:
            pairs = {pair: _table(release, kind, pair)[()] for pair in range(1, release[kind].shape[1] + 1)}
            return [cell for cell in cells if not _has(release, pairs.get(cell.pair), cell)]
    except FAULTS as error:
        raise RgavizError(
            f"{file} is no CUHK03 release, or damaged ({one_line(error)}): copy it again."
        ) from error


def open_release(file: Path) -> Any:
    """The HDF5 file, to read."""
    try:
        import h5py
    except ImportError as error:
        raise RgavizError(f'{file} needs h5py to be read: pip install "rgaviz[cuhk03]"') from error
    return h5py.File(file, "r")


def _table(release: Any, kind: str, pair: int) -> Any:
    """References to the pictures of a pair of cameras: (10, people)."""
    return release[release[kind][0, pair - 1]]  # (1, pairs)


def _has(release: Any, table: np.ndarray | None, cell: Cell) -> bool:
    """Whether there is a picture: an empty place of MATLAB's is an array of two numbers."""
    if table is None or table.ndim != 2 or cell.number > table.shape[0] or cell.person > table.shape[1]:
        return False
    return release[table[cell.number - 1, cell.person - 1]].ndim == 3


def read_protocol(file: Path) -> dict[str, list[tuple[str, int]]]:
    """Name and identity of the pictures of each part.

    Raises:
        RgavizError: it is damaged.
    """
    from scipy.io import loadmat

    try:
        values = loadmat(io.BytesIO(read_regular(file, LARGEST_PROTOCOL)))
        names = [str(np.ravel(each)[0]) for each in np.ravel(values["filelist"])]
        labels = [int(each) for each in np.ravel(values["labels"])]
        rows = list(zip(names, labels, strict=True))
        indices = {
            part: [int(each) for each in np.ravel(values[key])] for part, key in INDICES.items()
        }  # from 1
        if any(not 1 <= index <= len(rows) for part in indices.values() for index in part):
            raise IndexError("an index that is not in the list of files")
    except Exception as error:  # a damaged file can raise nearly anything: zlib.error, struct.error, ...
        raise RgavizError(
            f"{file} is no protocol of CUHK03, or damaged ({one_line(error)}): copy it again."
        ) from error
    return {part: [rows[index - 1] for index in each] for part, each in indices.items()}
