"""Labels of pixels as files: the numbers that stand there, or one line."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from label_files import save_bits, save_grey, save_palette
from PIL import Image
from test_fuzz_pictures import damaged

from rgaviz.data.labels import Coding, by_number, present, read_classes, read_mask, read_numbers
from rgaviz.errors import LONGEST_ERROR, PictureError

VALUES = np.random.default_rng(0).integers(0, 3, (9, 13)).astype(np.uint8)
HINT = "name more of them in classes.txt."


def fault(read, path, *more) -> str:
    with pytest.raises(PictureError) as caught:
        read(path, *more)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= LONGEST_ERROR
    assert path.name in message
    return message


def test_the_number_of_a_colour_is_the_label(tmp_path):
    path = save_palette(tmp_path / "a.png", VALUES)
    with Image.open(path) as image:
        seen = np.asarray(image.convert("RGB"))
    assert (seen[VALUES == 1] == (128, 0, 0)).all()  # what one sees
    assert (read_numbers(path) == VALUES).all()


@pytest.mark.parametrize("values", [VALUES, VALUES + 253, np.full((9, 13), 255)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_of_8_and_16_bits(tmp_path, values, dtype):
    found = read_numbers(save_grey(tmp_path / "a.png", values, dtype))
    assert found.dtype == np.uint8
    assert (found == values).all()


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(("depth", "most"), [(1, 1), (2, 3), (4, 15), (8, 255)])
def test_grey_of_few_bits_is_not_taken_for_shades(tmp_path, depth, most, interlaced):
    for shape in ((9, 13), (1, 1), (2, 17)):
        values = np.random.default_rng(depth).integers(0, most + 1, shape)
        path = save_bits(tmp_path / "a.png", values, depth, interlaced=interlaced)
        assert (read_numbers(path) == values).all()


def test_of_an_animation_the_first_frame_counts(tmp_path):
    frames = [Image.fromarray(VALUES), Image.fromarray(VALUES[::-1].copy())]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    with Image.open(tmp_path / "a.png") as image:
        assert image.n_frames == 2
    assert (read_numbers(tmp_path / "a.png") == VALUES).all()


def test_more_than_8_bits(tmp_path):
    path = save_grey(tmp_path / "a.png", VALUES.astype(np.uint16) * 500, np.uint16)
    assert "values from 0 to 1000" in fault(read_numbers, path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA"])
def test_colours_are_no_labels(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "a.png")
    assert f"its pixels are colours ({mode})" in fault(read_numbers, tmp_path / "a.png")
    assert "classes.txt" not in fault(read_numbers, tmp_path / "a.png")
    assert "classes.txt" in fault(read_numbers, tmp_path / "a.png", {})


COLOURS = {(128, 64, 128): 0, (0, 0, 1): 1, (1, 0, 0): 2, (0, 0, 0): 255}


def test_colours_by_a_table(tmp_path):
    picture = np.zeros((9, 13, 3), np.uint8)
    numbers = np.random.default_rng(1).integers(0, 4, (9, 13))
    for place, colour in enumerate(COLOURS):
        picture[numbers == place] = colour
    Image.fromarray(picture).save(tmp_path / "a.png")
    found = read_classes(tmp_path / "a.png", by_number(3, hint=HINT, colours=COLOURS))
    assert found.dtype == np.uint8
    assert (found == np.array([0, 1, 2, 255])[numbers]).all()
    picture[2, 3], picture[4, 5] = (255, 255, 255), (0, 1, 0)
    Image.fromarray(picture).save(tmp_path / "a.png")
    message = fault(read_numbers, tmp_path / "a.png", COLOURS)
    assert "(0, 1, 0), (255, 255, 255):" in message
    noise = np.random.default_rng(0).integers(0, 256, (9, 13, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    assert ", ...: add them" in fault(read_numbers, tmp_path / "a.png", COLOURS)
    assert (
        read_numbers(save_palette(tmp_path / "b.png", VALUES), COLOURS) == VALUES
    ).all()  # by number all the same


def test_numbers_of_no_class_are_told(tmp_path):
    values = VALUES.copy()
    values[0, :3] = (3, 17, 255)
    path = save_grey(tmp_path / "a.png", values)
    message = fault(read_classes, path, by_number(3, hint=HINT))
    assert message == f"{str(path)!r} has the values 0, 1, 2, 3, 17, 255, but there are 3 classes: {HINT}"
    many = save_grey(tmp_path / "b.png", np.arange(117).reshape(9, 13))
    assert "has the values 0, 1, 2, 3, ..., 113, 114, 115, 116, but" in fault(
        read_classes, many, by_number(3, hint=HINT)
    )
    assert (read_classes(path, by_number(18, hint=HINT)) == values).all()


def test_a_table_of_numbers(tmp_path):
    table = np.full(256, 255, np.uint8)
    table[[7, 33]] = 0, 1
    table[9] = 2  # of two classes none
    coding = Coding(2, table, HINT)
    path = save_grey(tmp_path / "a.png", np.array([[7, 33, 0], [255, 7, 34]]))
    assert read_classes(path, coding).tolist() == [[0, 1, 255], [255, 0, 255]]
    path = save_grey(tmp_path / "a.png", np.array([[7, 9]]))
    assert "has the values 7, 9, but there are 2 classes" in fault(read_classes, path, coding)


def test_which_numbers_are_there():
    assert np.flatnonzero(present(np.array([[0, 7], [255, 7]], np.uint8))).tolist() == [0, 7, 255]
    assert present(np.zeros((2100, 2000), np.uint8)).sum() == 1


def test_a_mask_is_what_is_not_0(tmp_path):
    path = save_grey(tmp_path / "a.png", VALUES)
    assert (read_mask(path) == (VALUES > 0)).all()
    assert (read_mask(save_bits(path, VALUES > 0, 1)) == (VALUES > 0)).all()
    assert "0 everywhere" in fault(read_mask, save_grey(path, VALUES * 0))


def test_no_files(tmp_path):
    assert "does not exist" in fault(read_numbers, tmp_path / "a.png")
    (tmp_path / "a.png").touch()
    assert "is empty" in fault(read_numbers, tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe.png")
    assert "not a regular file" in fault(read_numbers, tmp_path / "pipe.png")
    Image.fromarray(VALUES).save(tmp_path / "b.png", format="BMP")
    assert "is no PNG" in fault(read_numbers, tmp_path / "b.png")


def sound(folder) -> list[bytes]:
    """Small labels of every kind."""
    paths = [
        save_palette(folder / "palette.png", VALUES),
        save_grey(folder / "grey.png", VALUES),
        save_grey(folder / "deep.png", VALUES, np.uint16),
        save_grey(folder / "one.png", VALUES[:1, :1]),
        *(save_bits(folder / f"{depth}.png", VALUES % 2, depth, interlaced=True) for depth in (1, 2, 4, 8)),
    ]
    files = [path.read_bytes() for path in paths]
    for image, more in (
        (Image.fromarray(VALUES), {"save_all": True, "append_images": [Image.fromarray(VALUES + 1)]}),
        (Image.new("RGBA", (13, 9), (0, 0, 1, 200)), {}),
        (Image.new("RGB", (13, 9), (0, 0, 1)), {}),
    ):
        files.append(file := io.BytesIO())
        image.save(file, "png", **more)
        files[-1] = file.getvalue()
    return files


def answered(path, coding) -> np.ndarray | str:
    """The labels, or the line that says why there are none; whatever else is raised fails the test."""
    try:
        return read_classes(path, coding)
    except PictureError as error:
        return str(error)


@pytest.mark.parametrize("count", [150, pytest.param(4000, marks=pytest.mark.slow)])
def test_an_array_or_one_line(tmp_path, count):
    """Damaged labels of every kind, drawn from a seed."""
    files, draw = sound(tmp_path), np.random.default_rng(count)
    path, read, coding = tmp_path / "a.png", 0, by_number(3, hint=HINT, colours=COLOURS)
    for number in range(count):
        path.write_bytes(damaged(files[number % len(files)], draw))
        found = answered(path, coding)
        if isinstance(found, str):
            assert found.isprintable()
            assert len(found) <= LONGEST_ERROR
        else:
            read += 1
            assert (found.ndim, found.dtype) == (2, np.uint8)
            assert ((found < 3) | (found == 255)).all()
    assert 0 < read < count
