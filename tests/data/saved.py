"""Pictures as files."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from rgaviz.data.pictures import read_picture
from rgaviz.errors import LONGEST, PictureError


def write(path: Path, image: Image.Image, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, **options)
    return path


def fault(path: Path) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(path)
    message = str(caught.value)
    assert path.name[-20:] in message
    assert len(message) <= LONGEST
    assert "\n" not in message
    return message
