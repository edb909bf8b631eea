"""Pictures, labels and raw maps as text that stands in a page for browsers."""

from __future__ import annotations

import base64
import io
from typing import Any

import matplotlib
import numpy as np
from PIL import Image

QUALITY = 88  # of JPEG
EXACT = 64  # pixels: a picture up to this size is kept as it is, as PNG
WIDEST = 640  # pixels of the longer side of a picture on a page
STEPS = 2**16 - 2  # of a quantised map; one more number stands for NaN
MISSING = 2**16 - 1
COLOURS = 256  # of a colour map


def picture_uri(pixels: np.ndarray) -> str:
    """A picture, RGB uint8 (H, W, 3), as a data URI; a large one is made smaller."""
    image = Image.fromarray(pixels)
    image.thumbnail((WIDEST, WIDEST), Image.Resampling.LANCZOS)
    small = max(image.size) <= EXACT
    kind = {"format": "PNG"} if small else {"format": "JPEG", "quality": QUALITY, "subsampling": 0}
    return _uri(image, "png" if small else "jpeg", kind)


def layer_uri(numbers: np.ndarray, colours: np.ndarray, opacity: np.ndarray) -> str:
    """Areas to lie over a picture as a data URI.

    Args:
        numbers: which area a pixel is of, uint8 (H, W).
        colours: RGB (256, 3) of the areas.
        opacity: (256,) of the areas, 0 to 1.
    """
    table = np.rint(np.column_stack([colours, 255 * opacity])).astype(np.uint8)  # (256, 4)
    image = Image.fromarray(table[numbers])  # (H, W, 4)
    image.thumbnail((WIDEST, WIDEST), Image.Resampling.NEAREST)
    return _uri(image, "png", {"format": "PNG"})


def _uri(image: Image.Image, name: str, kind: dict[str, Any]) -> str:
    buffer = io.BytesIO()
    image.save(buffer, **kind)
    return f"data:image/{name};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def svg_uri(content: bytes) -> str:
    """An SVG as a data URI: in an image it runs no script and asks for nothing."""
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"


def quantised(values: np.ndarray) -> dict[str, Any]:
    """A raw map (h, w) in 16 bits: ``low + number * (high - low) / 65534``, or NaN for 65535.

    So no value is off by more than 1/131068 of the map's span. Infinite ones take the ends.

    Returns:
        ``height``, ``width``, ``low``, ``high``, and ``data``, the numbers row by row in base64, little-endian.
    """
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    missing = np.isnan(values)
    inside = np.clip(np.where(missing, low, values).astype(np.float64), low, high)
    share = (inside - low) / (high - low) if high > low else np.zeros(values.shape)  # (h, w)
    numbers = np.where(missing, MISSING, np.rint(STEPS * share)).astype("<u2")
    height, width = values.shape
    data = base64.b64encode(numbers.tobytes()).decode()
    return {"height": height, "width": width, "low": low, "high": high, "data": data}


def colour_table(cmap: str) -> str:
    """The 256 colours of a colour map as hexadecimal digits, six each."""
    return matplotlib.colormaps[cmap](np.arange(COLOURS) / (COLOURS - 1), bytes=True)[:, :3].tobytes().hex()
