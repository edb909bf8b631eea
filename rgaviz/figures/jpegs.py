"""Rasters inside a PDF as JPEG: a fifth of the size, at the price of small errors."""

from __future__ import annotations

import io
import re
import struct
import zlib

from PIL import Image

_RASTER = re.compile(
    rb"/Subtype\s+/Image\b(?=.*/Predictor\s+1\d\b)(?=.*/ColorSpace\s+/DeviceRGB\b)", re.DOTALL
)
_PACKED = re.compile(rb"/Filter\s+/FlateDecode|/DecodeParms\s*<<[^>]*>>")
_OPEN, _CLOSE = b"\nstream\n", b"\nendstream"


def with_jpegs(content: bytes, quality: int) -> bytes:
    """A PDF as matplotlib writes it, with its rasters of more than 256 colours as JPEG where that is smaller.

    Colours are kept at full resolution, for maps speak through hue. Rasters of few colours, such as labels, stay exact.

    Args:
        content: of the file, with a table of its objects as PDF 1.4 has it (PDF 32000-1, 7.5.4).
        quality: of the JPEGs, 1 to 100.
    """
    table = content.rindex(b"\nxref\n") + 1
    head = re.match(rb"xref\n0 (\d+)\s*\n", content[table:])
    assert head is not None
    first = table + head.end()
    count = int(head[1])
    entries = [content[first + 20 * number : first + 20 * number + 20] for number in range(count)]
    starts = {int(entry[:10]): number for number, entry in enumerate(entries) if entry[17:18] == b"n"}
    places = sorted(starts)
    objects = {
        starts[place]: content[place:end] for place, end in zip(places, [*places[1:], table], strict=True)
    }
    for number in list(objects):
        _replace(objects, number, quality)
    parts = [content[: places[0]]]
    at = len(parts[0])
    for number in (starts[place] for place in places):
        entries[number] = b"%010d%b" % (at, entries[number][10:])
        parts.append(objects[number])
        at += len(objects[number])
    tail = content[first + 20 * count : content.rindex(b"startxref")]
    return b"".join([*parts, head[0], *entries, tail, b"startxref\n%d\n%%%%EOF\n" % at])


def _replace(objects: dict[int, bytes], number: int, quality: int) -> None:
    """One object as JPEG, if it is a raster and that is smaller, and the other object that holds its length."""
    told, opened, rest = objects[number].partition(_OPEN)
    length = re.search(rb"/Length\s+(\d+)\s+0\s+R\b", told)
    if not opened or length is None or not _RASTER.search(told):
        return
    packed, closed, after = rest.rpartition(_CLOSE)
    image = io.BytesIO()
    # Full resolution of colours: by default every second value of hue would be left out.
    _raster(told, packed).save(image, "JPEG", quality=quality, subsampling=0, optimize=True)
    found = image.getvalue()
    if len(found) >= len(packed):
        return
    told = _PACKED.sub(b"", told).replace(b"/Subtype", b"/Filter /DCTDecode /Subtype", 1)
    objects[number] = told + opened + found + closed + after
    objects[int(length[1])] = b"%b 0 obj\n%d\nendobj\n" % (length[1], len(found))


def _raster(told: bytes, packed: bytes) -> Image.Image:
    """A raster of RGB, which a PDF packs as PNG does: as one, for Pillow."""
    sides = [re.search(rb"/%b\s+(\d+)" % name, told) for name in (b"Width", b"Height")]
    width, height = (int(each[1]) for each in sides if each is not None)
    parts = [(b"IHDR", struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)), (b"IDAT", packed), (b"IEND", b"")]
    chunks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    ]
    return Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(chunks)))
