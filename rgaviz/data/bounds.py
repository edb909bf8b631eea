"""What reading a picture may cost, known before a pixel is decoded: pixels by decoder, pieces, scans of a JPEG."""

from __future__ import annotations

import io
import mmap
import re
from pathlib import Path
from typing import Literal

from PIL import Image

from rgaviz.errors import PictureError

MAX_PIXELS = (
    64_000_000  # 7 bytes each at the peak: 4 of Pillow's and 3 of ours; with PyTorch about a gigabyte
)
MAX_SIDE = 100_000  # Pillow keeps a pointer for each row
MAX_SCANS = 100  # a progressive JPEG has about ten; each costs as much time as a whole picture
MAX_READS = 1_000_000  # Pillow reads each piece of a file in Python; a large PNG has some ten thousand
MAX_TILES = 500_000  # of a TIFF: strips of one row or tiles of 16x16 pixels are fewer
# Measured: WebP needs 24 bytes a pixel, and Pillow decodes the others in Python, up to 4 microseconds a pixel.
PIXELS_OF_DECODER = {
    "webp": 40_000_000,
    "bmp_rle": 10_000_000,
    "ppm": 2_000_000,
    "ppm_plain": 2_000_000,
}
# A JPEG whose longest side is twice the first and whose shortest is twice the second is decoded at a half, a quarter
# or an eighth: nothing that is shown or that a network sees is as large.
DRAFT_LONGEST, DRAFT_SHORTEST = 4096, 1024

_AFTER_SCAN = re.compile(rb"\xff+[\x01-\xcf\xd8-\xfe]")  # what is no zero after a 255, and no restart
_TILES = (273, 279, 324, 325)  # where strips or tiles of a TIFF begin, and their lengths
_SCAN, _END, _BARE = 0xDA, 0xD9, (0x01, *range(0xD0, 0xD9))


class Bounded(io.BufferedReader):
    """The file of a picture, for Pillow: refuses to be read in millions of pieces."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(io.FileIO(path))
        self._left, self._path = MAX_READS, name

    def read(self, size: int | None = -1, /) -> bytes:
        """As of any file.

        Raises:
            PictureError: once too often.
        """
        self._left -= 1
        if self._left < 0:
            raise PictureError(f"{self._path} consists of too many pieces: save it anew, as PNG.")
        return super().read(size)


def check_file(file: io.BufferedReader, name: str) -> None:
    """Refuse, before Pillow sees it, a TIFF that lists millions of tiles: Pillow makes objects of each.

    Raises:
        PictureError: it does.
    """
    head = file.read(16)
    orders: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
    order = orders.get(head[:2])
    if order is not None:
        large = int.from_bytes(head[2:4], order) == 43  # BigTIFF: 20 bytes an entry, else 12
        start, counter, size = (slice(8, 16), 8, 20) if large else (slice(4, 8), 2, 12)
        file.seek(min(int.from_bytes(head[start], order), 2**62))
        entries = file.read(min(int.from_bytes(file.read(counter), order), 65535) * size)
        for entry in (entries[at : at + size] for at in range(0, len(entries), size)):
            tag, count = (int.from_bytes(part, order) for part in (entry[:2], entry[4 : size // 2 + 2]))
            if tag in _TILES and count > MAX_TILES:
                raise PictureError(f"{name} consists of too many pieces: save it anew, as PNG.")
    file.seek(0)


def check_cost(image: Image.Image, path: Path, name: str) -> None:
    """Refuse what would take gigabytes or minutes: a file of a few bytes can claim it.

    Raises:
        PictureError: it would.
    """
    pixels = image.size[0] * image.size[1]
    if pixels > MAX_PIXELS:
        raise too_large(name)
    if max(image.size) > MAX_SIDE:
        raise PictureError(f"{name} has a side of more than {MAX_SIDE:,} pixels: cut it first.")
    decoder = _decoder(image)
    limit = PIXELS_OF_DECODER.get(decoder, MAX_PIXELS)
    if pixels > limit:
        raise PictureError(
            f"{name} has more than {limit // 10**6} million pixels, the most for this format ({decoder}): "
            "convert it to PNG."
        )
    if decoder == "jpeg" and _has_many_scans(path):
        raise PictureError(f"{name} is a JPEG of more than {MAX_SCANS} scans: save it anew, as PNG.")


def too_large(name: str) -> PictureError:
    """The one line for a picture of too many pixels."""
    return PictureError(f"{name} has more than {MAX_PIXELS // 10**6} million pixels: make it smaller first.")


def draft(image: Image.Image) -> None:
    """Have a very large JPEG decoded smaller, which takes less time and memory; any other picture as it is."""
    factor = min(max(image.size) // DRAFT_LONGEST, min(image.size) // DRAFT_SHORTEST)
    if factor > 1 and _decoder(image) == "jpeg":
        image.draft(None, (image.size[0] // factor, image.size[1] // factor))  # pyright: ignore[reportArgumentType]


def _decoder(image: Image.Image) -> str:
    """Pillow's name of what decodes it; WebP is decoded before there is one."""
    tiles = getattr(image, "tile", None)
    return "webp" if image.format == "WEBP" else tiles[0][0] if tiles else ""


def _has_many_scans(path: Path) -> bool:
    """Whether a JPEG has more scans than any program writes, by its markers; those in its metadata do not count."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        scans, found = 0, _AFTER_SCAN.search(data)
        while found and scans <= MAX_SCANS:
            marker, place = data[found.end() - 1], found.end()
            if marker == _END:
                break
            if marker not in _BARE:
                place += int.from_bytes(data[place : place + 2])
            scans += marker == _SCAN
            found = _AFTER_SCAN.search(data, place)
    return scans > MAX_SCANS
