"""The arrays of ``maps.npz``: what each will take is known, and bounded, before it is read."""

from __future__ import annotations

import ast
import io
import math
import struct
import zipfile
import zlib
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np

from rgaviz.outputs import MAPS
from rgaviz.regular import open_regular
from rgaviz.results.manifest import ResultsError

LARGEST_ARCHIVE = 2**40  # bytes: it stays on the disk
LARGEST_DIRECTORY = 2**25  # bytes of its table of contents: of some 300,000 maps
LARGEST_MAP = 2**22  # values, of 8 bytes at most: far more than a layer has positions or channels
LARGEST_TOTAL = 2**30  # bytes of all maps unpacked, or the archive's own size and a few times more
UNPACKED = 20  # times
MAGIC = b"\x93NUMPY"
HEADER = 2**10  # bytes of an array's head; numpy writes 128
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
END, END_64 = b"PK\5\6", b"PK\6\6"  # how the last records of an archive begin

# What a damaged or hostile archive can raise: an encrypted one a RuntimeError, another version a NotImplementedError.
FAULTS = (
    OSError,
    ValueError,
    EOFError,
    OverflowError,
    RuntimeError,
    FloatingPointError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def open_maps(folder: Path) -> zipfile.ZipFile:
    """The archive of a results folder.

    Raises:
        ResultsError: none, a damaged one, or one that would take too much memory.
    """
    path = folder / MAPS
    try:
        with open_regular(path, LARGEST_ARCHIVE, within=folder) as file:
            size = file.seek(0, io.SEEK_END)
            if _directory_size(file, size) > LARGEST_DIRECTORY:
                raise ValueError("too many members")
        archive = zipfile.ZipFile(path)
        with ExitStack() as undo:
            undo.callback(archive.close)
            if sum(each.file_size for each in archive.infolist()) > max(LARGEST_TOTAL, UNPACKED * size):
                raise ValueError("unpacks to more than any maps take")
            undo.pop_all()
    except FAULTS as error:
        raise ResultsError(f"{path} is missing or damaged: run the command that made it again.") from error
    return archive


def _directory_size(file: BinaryIO, size: int) -> int:
    """How many bytes the table of contents takes, as the archive's last record says."""
    start = max(size - 2**16 - 100, 0)  # behind that record may be a comment
    file.seek(start)
    tail = file.read(2**17)
    place = tail.rfind(END)
    if place < 0:
        raise ValueError("no archive")
    (told,) = struct.unpack_from("<L", tail, place + 12)
    place_64 = tail.rfind(END_64, 0, place)
    return (
        max(told if told < 2**32 - 1 else 0, *struct.unpack_from("<Q", tail, place_64 + 40))
        if place_64 >= 0
        else told
    )


def read_map(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """An array of real numbers as float32.

    Raises:
        KeyError: no such map.
        ValueError: none that can be a map, or another one of FAULTS.
    """
    values = _array(archive, key)
    with np.errstate(over="raise", invalid="ignore"):
        return np.array(values, dtype=np.float32, order="C")


def read_numbers(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """An array of whole numbers from 0 to 255, uint8.

    Raises:
        KeyError: no such map.
        ValueError: none that can be a map, one of another type, or another one of FAULTS.
    """
    values = _array(archive, key)
    if values.dtype != np.uint8:
        raise ValueError(values.dtype)
    return np.array(values, order="C")


def _array(archive: zipfile.ZipFile, key: str) -> np.ndarray:
    """An array as it is stored, of real numbers of any type."""
    member = archive.getinfo(f"{key}.npy")
    if member.compress_type not in PACKED or member.file_size > 8 * LARGEST_MAP + HEADER:
        raise ValueError(member.file_size)
    with archive.open(member) as file:
        content = file.read(member.file_size)
        if file.read(1):
            raise ValueError("longer than told")
    start, shape, dtype, by_column = _head(content[:HEADER])
    if len(content) - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(shape)
    return np.frombuffer(content, dtype, offset=start).reshape(shape, order="F" if by_column else "C")


def _head(content: bytes) -> tuple[int, tuple[int, ...], np.dtype, bool]:
    """Where an array's values begin, their shape and type, and whether columns come first."""
    if content[:6] != MAGIC or content[6] not in (1, 2):
        raise ValueError("no array")
    length, where = (2, 8) if content[6] == 1 else (4, 8)
    start = where + length + int.from_bytes(content[where : where + length], "little")
    if start > len(content):
        raise ValueError("no array")
    return start, *_parsed(content[where + length : start])


@lru_cache
def _parsed(head: bytes) -> tuple[tuple[int, ...], np.dtype, bool]:
    """Shape, type and order, of the little dictionary that is an array's head."""
    try:
        told = ast.literal_eval(head.decode("latin1").strip())
        shape, dtype, by_column = tuple(told["shape"]), np.dtype(told["descr"]), told["fortran_order"]
    except (SyntaxError, TypeError, KeyError, MemoryError, RecursionError) as error:
        raise ValueError(head) from error
    whole = all(type(length) is int and length > 0 for length in shape)
    if not whole or math.prod(shape) > LARGEST_MAP or dtype.kind not in "fiub" or dtype.itemsize > 8:
        raise ValueError(head)
    return shape, dtype, by_column is True
