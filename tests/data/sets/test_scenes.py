from __future__ import annotations

import numpy as np
import pytest
from label_files import save_grey, save_palette
from laid_out import save_noise
from laid_out_scenes import labels_of, lay_out_scenes
from PIL import Image

from rgaviz.data.labels import read_classes
from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.codings import coding_of
from rgaviz.errors import LONGEST_ERROR, RgavizError

NAMES = ("road", "sky", "tree", "traffic light")
COLOURS = (
    "road 128 64 128\nsky 70 130 180\ntree 0 128 0\ntraffic light 250 170 30\nignored 0 0 0\nignored 1 1 1\n"
)


def load(root, **options):
    return load_dataset("scenes", data_dir=root, image_size=(16, 24), **options)


def fault(root, part="train", **options) -> str:
    with pytest.raises(RgavizError) as caught:
        load(root, **options).part(part)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) <= LONGEST_ERROR
    return message


def one_folder(root, count=10):
    for number in range(count):
        save_noise(root / f"images/{'xy'[number % 2]}/{number}.jpg", number)
        save_grey(root / f"labels/{'xy'[number % 2]}/{number}.png", np.full((32, 32), number % 2))
    (root / "classes.txt").write_text("a\nb\n")


def test_folders_of_parts(tmp_path):
    lay_out_scenes(tmp_path)
    data = load(tmp_path)
    assert (data.classes, data.ids) == (NAMES, (0, 1, 2, 3))
    assert [len(data.part(part)) for part in ("train", "val", "test")] == [12, 6, 3]
    assert data.notes == ()
    (scene,) = data.part("train").whole([11])
    assert scene.name == "train/images/a9.png"
    assert (scene.labels == labels_of(9, [0, 1, 2, 3, 255])).all()


@pytest.mark.parametrize("below", [".", "train"])
def test_a_fraction_is_held_out(tmp_path, below):
    one_folder(tmp_path / below)
    if below == "train":
        (tmp_path / "train/classes.txt").rename(tmp_path / "classes.txt")
    data = load(tmp_path)
    assert set(data.parts) == {"train", "val"}
    names = [*data.part("train").names, *data.part("val").names]
    assert len(data.part("val")) == 2
    assert len(set(names)) == len(names) == 10
    assert data.part("val").names == load(tmp_path).part("val").names
    assert len(load(tmp_path, held_out=0.5).part("val")) == 5
    for number, scene in enumerate(data.part("train").whole(range(8))):
        assert scene.name == data.part("train").names[number]
        assert (scene.labels == int(scene.name[-5]) % 2).all()


def test_without_val_the_part_test_is_measured_on(tmp_path):
    lay_out_scenes(tmp_path)
    (tmp_path / "val").rename(tmp_path / "more")
    data = load(tmp_path)
    assert data.part("val").names == data.part("test").names
    assert data.notes == ("there is no val/: test/ is measured on in its place.",)
    (tmp_path / "test/labels").rename(tmp_path / "test/other")
    assert "no labels to measure on: add val/, or test/labels/." in fault(tmp_path)


def test_a_part_test_without_labels(tmp_path):
    lay_out_scenes(tmp_path)
    (tmp_path / "test/labels").rename(tmp_path / "test/other")
    data = load(tmp_path)
    assert not data.part("test").labelled
    assert data.part("val").labelled
    assert [scene.labels for scene in data.part("test").whole(range(3))] == [None] * 3


def test_names_by_option(tmp_path):
    lay_out_scenes(tmp_path)
    (tmp_path / "classes.txt").unlink()
    assert "classes.txt is not there: write the names of the classes" in fault(tmp_path)
    assert load(tmp_path, classes=NAMES).classes == NAMES
    assert "there are 1 names" in fault(tmp_path, classes="road")
    with pytest.raises(RgavizError, match="classes is for scenes, not for camvid"):
        load_dataset("camvid", data_dir=tmp_path, classes=NAMES)


def test_colours_of_classes(tmp_path):
    lay_out_scenes(tmp_path)
    (tmp_path / "classes.txt").write_text(COLOURS)
    data = load(tmp_path)
    assert data.classes == NAMES
    assert data.colours == ((128, 64, 128), (70, 130, 180), (0, 128, 0), (250, 170, 30))
    by_number = list(data.part("val").whole(range(6)))
    table = np.zeros((256, 3), np.uint8)
    table[:4], table[255] = data.colours, (1, 1, 1)
    for number, scene in enumerate(by_number):
        Image.fromarray(table[scene.labels]).save(tmp_path / f"val/labels/a{number}.png")
    for scene, again in zip(by_number, load(tmp_path).part("val").whole(range(6)), strict=True):
        assert (scene.labels == again.labels).all()
    (tmp_path / "classes.txt").write_text("\n".join(NAMES))
    message = fault(tmp_path, "val")
    assert "a0.png' is no label, for its pixels are colours (RGB)" in message
    assert "classes.txt" in message


def test_palettes_are_read_by_number(tmp_path):
    lay_out_scenes(tmp_path)
    save_palette(tmp_path / "val/labels/a0.png", labels_of(100, [0, 1, 2]))
    (tmp_path / "classes.txt").write_text(COLOURS)
    (scene,) = load(tmp_path).part("val").whole([0])
    assert (scene.labels == labels_of(100, [0, 1, 2])).all()


@pytest.mark.parametrize("memory", [None, 0])
def test_masks_of_two_classes(tmp_path, memory):
    lay_out_scenes(tmp_path, [0, 255])
    (tmp_path / "classes.txt").write_text("ground\nroad\n")
    message = fault(tmp_path, memory=memory)
    assert "have the values 0 and 255 alone, such as" in message
    assert "save the second class as 1." in message
    save_grey(tmp_path / "train/labels/a7.png", labels_of(7, [0, 1, 255]))  # 255 is what does not count
    assert load(tmp_path, memory=memory).part("train").labelled


@pytest.mark.parametrize("memory", [None, 0])
def test_numbers_without_a_name_are_found_before_a_training(tmp_path, memory):
    lay_out_scenes(tmp_path)
    save_grey(tmp_path / "train/labels/a8.png", labels_of(8, [1, 4, 30]))
    calls = []

    def track(items, *, total, description):
        calls.append(description)
        return items

    message = fault(tmp_path, memory=memory, track=track)
    assert "a8.png' has the values 1, 4, 30, but there are 4 classes: name more of them" in message
    further = [] if memory is None else ["checking sizes", "checking labels"]
    assert calls == ["reading images", *further]


def test_labels_of_another_size(tmp_path):
    lay_out_scenes(tmp_path)
    save_grey(tmp_path / "train/labels/a0.png", np.zeros((36, 40)))
    assert "has 36x40 pixels, but its picture 40x36" in fault(tmp_path)


def test_a_very_large_jpeg_keeps_its_size(tmp_path):
    """Elsewhere it would be read at a half."""
    one_folder(tmp_path)
    size = (2048, 8200)
    Image.fromarray(np.zeros((*size, 3), np.uint8)).save(tmp_path / "images/x/0.jpg")
    save_grey(tmp_path / "labels/x/0.png", np.zeros(size))
    data = load(tmp_path)
    shapes = [scene.picture.shape[:2] for part in data.parts for scene in _all(data.part(part))]
    assert size in shapes


def _all(split):
    return split.whole(range(len(split)))


def test_pairs_are_needed(tmp_path):
    lay_out_scenes(tmp_path)
    for number in (4, 5):
        (tmp_path / f"val/labels/a{number}.png").unlink()
    message = fault(tmp_path)
    assert message.startswith("2 of 6 pictures have no labels, first ")
    assert "val/images/a4.png: add val/labels/a4.png and the like, or remove the pictures." in message
    lay_out_scenes(tmp_path)
    save_grey(tmp_path / "test/labels/b.png", np.zeros((4, 4)))
    assert load(tmp_path).notes == ("1 labels have no picture and are left out, first b.png.",)
    save_noise(tmp_path / "train/images/a0.jpg", 5)
    assert "has both a0.jpg and a0.png: keep one of them" in fault(tmp_path)


def test_hidden_and_other_files_are_left_out(tmp_path):
    lay_out_scenes(tmp_path)
    for name in ("._a0.png", ".DS_Store", "notes.txt", ".thumbs/1.png"):
        path = tmp_path / "train/images" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no picture")
    assert len(load(tmp_path).part("train")) == 12


WRONG = {
    "": "there are 0 names; give 2 to 255",
    "road\n": "there are 1 names",
    "\n".join(map(str, range(256))): "there are 256 names",
    "road\nsky\nroad": "the name 'road' is empty or there twice",
    "road 1 2 3\nsky": "sky has no colour, but others have",
    "road 1 2 3\nsky 4 5 6\nignored": "ignored has no colour",
    "road 1 2 3\nsky 1 2 3": r"two classes have the colour (1, 2, 3)",
    "road 1 2 3\nsky 0 0 300": "sky 0 0 300 is no colour; write R G B as numbers from 0 to 255",
    "sky,road,car": "sky,road,car is one line; write a line for each class",
    "\n".join(["ignored"] * 254 + ["a", "b"]): "b has the number 255; move lines 'ignored' behind it",
}


@pytest.mark.parametrize("text", WRONG)
def test_files_of_names_that_say_nothing(tmp_path, text):
    lay_out_scenes(tmp_path)
    (tmp_path / "classes.txt").write_text(text)
    message = fault(tmp_path)
    assert str(tmp_path)[:20] in message
    assert WRONG[text] in message


def test_numbers_beside_a_name_that_are_no_colour(tmp_path):
    lay_out_scenes(tmp_path)
    (tmp_path / "classes.txt").write_text("lane 1 2\nsky 1 2 -3\ntree 1 2 ²\nzone,1,2,3\n")
    assert load(tmp_path).classes == ("lane 1 2", "sky 1 2 -3", "tree 1 2 ²", "zone,1,2,3")


def test_a_byte_order_mark_comments_and_empty_lines(tmp_path):
    lay_out_scenes(tmp_path)
    text = "\ufeff# mine\n\nroad\n  \nsky\n# then\ntree\ntraffic light\n\n"
    (tmp_path / "classes.txt").write_text(text, encoding="utf-8")
    data = load(tmp_path)
    assert (data.classes, data.ids) == (NAMES, (0, 1, 2, 3))


@pytest.mark.parametrize("place", range(5))
@pytest.mark.parametrize("coloured", [False, True])
def test_what_is_ignored_has_a_number_and_no_class_another(tmp_path, place, coloured):
    lay_out_scenes(tmp_path)
    lines = COLOURS.splitlines()[:4] if coloured else list(NAMES)
    lines.insert(place, "ignored 0 0 0" if coloured else "ignored")
    (tmp_path / "classes.txt").write_text("\n".join(lines))
    numbers = np.array([*range(place), 255, *range(place, 4), *[255] * 251])
    values = [labels_of(seed, [0, 1, 2, 3, 4, 255]) for seed in (100, 101)]
    path = save_grey(tmp_path / "val/labels/a0.png", values[0])
    if coloured:
        colours = [[int(each) for each in line.split()[-3:]] for line in lines]
        table = np.array(colours + [[0, 0, 0]] * 251, np.uint8)
        Image.fromarray(table[values[1]]).save(tmp_path / "val/labels/a1.png")
    data = load(tmp_path)
    assert (data.classes, data.ids) == (NAMES, tuple(each for each in range(5) if each != place))
    for scene, expected in zip(data.part("val").whole(range(1 + coloured)), values, strict=False):
        assert (scene.labels == numbers[expected]).all()
    if place < 4:  # of the last one nothing is left in a network
        coding = coding_of(path, NAMES, "scenes", data.ids)
        assert (read_classes(path, coding) == numbers[values[0]]).all()
    save_grey(path, np.where(values[0] == 4, 5, values[0]))
    assert "but there are 4 classes" in fault(tmp_path, "val")


def test_folders_that_are_none(tmp_path):
    assert "--data-dir" in fault(None)
    assert "is not a folder" in fault(tmp_path / "no")
    (tmp_path / "classes.txt").write_text("a\nb\n")
    assert "has neither images/ and labels/ nor train/ with them" in fault(tmp_path)
    (tmp_path / "images").mkdir()
    assert "has no pictures: put some there" in fault(tmp_path)
    one_folder(tmp_path, 1)
    assert "has 1 scenes, too few to hold out 1" in fault(tmp_path)


def test_labels_of_another_size_are_found_before_a_training_that_keeps_none(tmp_path):
    lay_out_scenes(tmp_path)
    assert not load(tmp_path, memory=0).part("train").kept
    save_grey(tmp_path / "train/labels/a9.png", np.zeros((40, 40)))
    message = fault(tmp_path, memory=0)
    assert "train/labels/a9.png' has 40x40 pixels, but its picture 40x36" in message


def test_a_picture_that_lies_on_its_side_has_labels_that_stand(tmp_path):
    one_folder(tmp_path, 4)
    picture = tmp_path / "images/x/0.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", (30, 20)).save(picture, exif=exif)
    save_grey(tmp_path / "labels/x/0.png", np.zeros((30, 20)))
    data = load(tmp_path, memory=0)
    part = next(each for each in ("train", "val") if "images/x/0.jpg" in data.part(each).names)
    save_grey(tmp_path / "labels/x/0.png", np.zeros((20, 30)))
    assert "20x30 pixels, but its picture 30x20" in fault(tmp_path, part, memory=0)


def test_folders_of_two_sets_are_told_apart(tmp_path):
    for name in ("here", "there"):
        one_folder(tmp_path / name, 4)
    sources = [load(tmp_path / name).source for name in ("here", "there")]
    assert sources == ["image files in here", "image files in there"]
