"""Images that cannot be read."""

from __future__ import annotations

import pytest
import tiny
from PIL import Image

from rgaviz.data.sets import load_dataset
from rgaviz.errors import PictureError
from rgaviz.training import loop


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_earlier_run_is_not_replaced_when_a_picture_is_damaged(tmp_path, part):
    images, out = tmp_path / "images", tmp_path / "out"
    for path in (images / p / name / "0.png" for p in ("train", "test") for name in ("cat", "dog")):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (16, 16)).save(path)
    (images / part / "dog" / "0.png").write_bytes(b"no picture")
    data = load_dataset("folder", data_dir=images, image_size=(16, 16))
    recipe = tiny.recipe()
    recipe = recipe.changed(data=recipe.data.changed(train_size=None, test_size=None))
    out.mkdir()
    (out / "baseline.pt").write_bytes(b"an earlier network")
    with pytest.raises(PictureError, match=rf"{part}.dog.0\.png"):
        loop.train(data, recipe, tiny.PAIR, out, device=tiny.CPU, overwrite=True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == {"baseline.pt": b"an earlier network"}
