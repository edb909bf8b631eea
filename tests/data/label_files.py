"""PNGs of labels, written by hand: Pillow writes neither grey of 2 and 4 bits nor interlaced files."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

PALETTE = [0, 0, 0, 128, 0, 0, 0, 128, 0] + [7] * (3 * 253)  # 1 is (128, 0, 0), as PASCAL VOC has it
PASSES = (
    (0, 8, 0, 8),
    (0, 8, 4, 8),
    (4, 8, 0, 4),
    (0, 4, 2, 4),
    (2, 4, 0, 2),
    (0, 2, 1, 2),
    (1, 2, 0, 1),
)  # Adam7


def save_palette(path: Path, values: np.ndarray) -> Path:
    """As numbers of colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.asarray(values, np.uint8)
    image = Image.frombytes("P", values.shape[::-1], values.tobytes())
    image.putpalette(PALETTE)
    image.save(path)
    return path


def save_grey(path: Path, values: np.ndarray, dtype: type = np.uint8) -> Path:
    """As shades of 8 bits, or of 16."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(values).astype(dtype)).save(path)
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _packed(rows: np.ndarray, depth: int) -> bytes:
    """Rows (h, w) of so many bits a pixel, each behind the byte of its filter, which is none."""
    data = b""
    for row in rows:
        bits = (row[:, None] >> np.arange(depth - 1, -1, -1) & 1).astype(np.uint8).ravel()
        data += b"\0" + np.packbits(bits).tobytes()
    return data


def save_bits(path: Path, values: np.ndarray, depth: int, *, interlaced: bool = False) -> Path:
    """Grey of 1, 2, 4 or 8 bits, interlaced or not."""
    values = np.asarray(values, np.uint8)
    header = struct.pack(">IIBBBBB", *values.shape[::-1], depth, 0, 0, 0, int(interlaced))
    parts = [values[top::down, left::right] for top, down, left, right in PASSES] if interlaced else [values]
    data = b"".join(_packed(part, depth) for part in parts if part.size)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(data))
        + _chunk(b"IEND", b"")
    )
    return path
