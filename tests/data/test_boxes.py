"""What is where by boxes: files of COCO's and of Pascal VOC's."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pictures import save_picture

from rgaviz.data.boxes import marked
from rgaviz.data.coco import coco_truth
from rgaviz.data.find import find_pictures
from rgaviz.data.voc import read_voc, voc_truth
from rgaviz.errors import PictureError, RgavizError

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]


def coco(tmp_path, annotations, images=None, categories=CATEGORIES):
    """A file with boxes (image, category, x, y, w, h) of ``a.png`` (1), which has 4x6 pixels, and ``x/b.png`` (2)."""
    save_picture(tmp_path / "pics/a.png", (4, 6))
    save_picture(tmp_path / "pics/x/b.png", (5, 5))
    images = images or [
        {"id": 1, "file_name": "a.png", "height": 4, "width": 6, "license": 1},
        {"id": 2, "file_name": "train/b.png"},
    ]
    boxes = [
        {"id": number, "image_id": each[0], "category_id": each[1], "bbox": list(each[2:]), "iscrowd": 0}
        for number, each in enumerate(annotations)
    ]
    document = {"info": {}, "images": images, "annotations": boxes, "categories": categories}
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def opened(tmp_path, path, **more):
    return coco_truth(find_pictures([tmp_path / "pics"]), path, **more)


def voc(tmp_path, objects, name="a", size="<size><width>6</width><height>4</height></size>"):
    """An XML file with objects (name, xmin, ymin, xmax, ymax)."""
    save_picture(tmp_path / f"pics/{name}.png", (4, 6))
    texts = [
        f"<object><name>{kind}</name><part><name>head</name><bndbox><xmin>9</xmin></bndbox></part>"
        f"<bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for kind, a, b, c, d in objects
    ]
    path = tmp_path / f"xml/{name}.xml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<annotation><filename>z.jpg</filename>{size}{''.join(texts)}</annotation>")
    return path


def mask(seen, region):
    """The pixels of a region as text."""
    return ["".join(".#"[value in seen.regions[region]] for value in row) for row in seen.label.tolist()]


def test_boxes_that_overlap(tmp_path):
    """A dog with a cat in front of it: both have all of their pixels, and a pixel may be of both."""
    path = coco(tmp_path, [(1, 7, 0, 0, 4, 3), (1, 3, 2, 1, 3, 3), (1, 3, 5, 0, 1, 1)])
    told = []
    truth = opened(tmp_path, path, say=told.append)
    assert told == [f"Note: 1 of 2 pictures have no boxes in {path}."]
    assert list(truth.names) == ["a.png"]
    assert list(truth.regions) == ["foreground", "cat", "dog", "background"]
    assert truth.files == [path, tmp_path / "pics/a.png"]
    picture, seen = truth.look(0)
    assert picture.shape == (4, 6, 3)
    assert seen.label.dtype == np.uint8
    assert mask(seen, 0) == ["####.#", "#####.", "#####.", "..###."]
    assert mask(seen, 1) == [".....#", "..###.", "..###.", "..###."]
    assert mask(seen, 2) == ["####..", "####..", "####..", "......"]
    assert mask(seen, 3) == ["....#.", ".....#", ".....#", "##...#"]
    whole, cat, dog, rest = seen.boxes
    np.testing.assert_array_equal(whole, [[0, 0, 4, 3], [2, 1, 5, 4], [5, 0, 6, 1]])
    np.testing.assert_array_equal(cat, whole[1:])
    np.testing.assert_array_equal(dog, whole[:1])
    assert rest.shape == (0, 4)
    label = truth.read(0)[1]  # small ones above large ones
    np.testing.assert_array_equal(label[1], [2, 2, 1, 1, 1, 0])


def test_one_kind_of_things_has_no_whole_beside_it(tmp_path):
    truth = opened(tmp_path, coco(tmp_path, [(1, 7, 1, 1, 2, 2), (2, 7, 0, 0, 5, 5)]))
    assert list(truth.regions) == ["dog", "background"]
    _, seen = truth.look(1)  # found by its name, although it lies elsewhere there
    assert list(map(len, seen.regions)) == [1, 0]
    assert (seen.label == seen.regions[0][0]).all()


def test_kinds_that_are_too_many_are_not_told_apart(tmp_path):
    many = [{"id": number, "name": f"kind {number}"} for number in range(60)]
    path = coco(tmp_path, [(1, number, 0, 0, 1 + number % 5, 1) for number in range(60)], categories=many)
    told = []
    truth = opened(tmp_path, path, say=told.append)
    assert list(truth.regions) == ["object", "background"]
    assert any("boxes are of 60 kinds, more than 50" in each for each in told)
    assert mask(truth.look(0)[1], 0) == ["#####.", "......", "......", "......"]


def test_a_large_picture_has_a_smaller_label(tmp_path):
    save_picture(tmp_path / "pics/a.png", (512, 2048))
    images = [{"id": 1, "file_name": "a.png"}]
    path = tmp_path / "b.json"
    boxes = [{"image_id": 1, "category_id": 7, "bbox": [1024, 0, 512.5, 256]}]
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": CATEGORIES}))
    _, seen = opened(tmp_path, path).look(0)
    assert seen.label.shape == (256, 1024)
    np.testing.assert_allclose(seen.boxes[0], [[512, 0, 768.25, 128]])
    rows, columns = np.nonzero(seen.label == seen.regions[0][0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 127, 512, 767)


def test_a_box_below_a_pixel_has_one():
    seen = marked(np.array([[1.1, 2.1, 1.2, 2.2], [2.9, 2.9, 3, 3]]), np.array([0, 0]), 1, (3, 3))
    assert mask(seen, 0) == ["...", "...", ".##"]


def test_parts_that_overlap_in_too_many_ways():
    rng = np.random.default_rng(0)
    starts = rng.integers(0, 40, (50, 2))
    with pytest.raises(PictureError, match="overlap in"):
        marked(np.hstack([starts, starts + 20]).astype(float), np.arange(50), 50, (60, 60))


def test_boxes_of_pascal_voc_begin_at_one_and_end_within(tmp_path):
    folder = voc(tmp_path, [("dog", 1, 1, 4, 3), ("cat", 3, "2.0", 5, 4)]).parent
    truth = voc_truth(find_pictures([tmp_path / "pics"]), folder)
    _, seen = truth.look(0)
    np.testing.assert_array_equal(seen.boxes[0], [[0, 0, 4, 3], [2, 1, 5, 4]])
    assert mask(seen, 2) == ["####..", "####..", "####..", "......"]
    assert truth.files == [folder / "a.xml", tmp_path / "pics/a.png"]


def test_sizes_that_are_not_said(tmp_path):
    for size in ("", "<size><width>0</width><height>0</height></size>"):
        assert read_voc(voc(tmp_path, [("dog", 1, 1, 4, 3)], size=size)).size is None


BILLION = '<!DOCTYPE a [<!ENTITY x "yyyy">]><annotation>&x;</annotation>'
OUTSIDE = '<!DOCTYPE annotation SYSTEM "file:///etc/hosts"><annotation/>'
XML = {
    "entities": (BILLION, "a document type"),
    "elsewhere": (OUTSIDE, "a document type"),
    "undefined": ("<annotation>&x;</annotation>", "undefined entity"),
    "deep": ("<annotation>" + "<x>" * 50, "20 deep"),
    "other": ("<html/>", "begins with html"),
    "cut off": ("<annotation><object>", "no element found"),
    "empty": ("", "no element found"),
    "nameless": ("<annotation><object/></annotation>", "no name"),
    "no box": ("<annotation><object><name>a</name></object></annotation>", "no bndbox"),
    "large": ("<annotation>" + " " * 2**20 + "</annotation>", "more than"),
}


@pytest.mark.parametrize("fault", XML)
def test_files_that_are_none_of_vocs(tmp_path, fault):
    content, words = XML[fault]
    path = tmp_path / "a.xml"
    path.write_text(content)
    with pytest.raises(PictureError, match=words) as caught:
        read_voc(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ends", [("x", 1, 4, 3), (1, 1, "nan", 3), (4, 1, 1, 3), (1, "", 4, 3)])
def test_boxes_that_are_none(tmp_path, ends):
    with pytest.raises(PictureError, match="cannot be read"):
        read_voc(voc(tmp_path, [("dog", *ends)]))


def test_one_file_that_cannot_be_read_leaves_the_others(tmp_path):
    voc(tmp_path, [("dog", 1, 1, 4, 3)], "a")
    folder = voc(tmp_path, [("dog", 1, 1, 4, 3)], "b").parent
    (folder / "a.xml").write_text(BILLION)
    truth = voc_truth(find_pictures([tmp_path / "pics"]), folder)
    assert list(truth.names) == ["a.png", "b.png"]
    with pytest.raises(PictureError, match="a document type"):
        truth.look(0)
    assert mask(truth.look(1)[1], 0)[0] == "####.."
    (folder / "b.xml").write_text("")
    with pytest.raises(RgavizError, match=r"and 1 more"):
        voc_truth(find_pictures([tmp_path / "pics"]), folder)


def test_boxes_of_another_picture(tmp_path):
    images = [{"id": 1, "file_name": "a.png", "height": 40, "width": 60}]
    with pytest.raises(PictureError, match=r"4x6 pixels, but its boxes in .* are for 40x60"):
        opened(tmp_path, coco(tmp_path, [(1, 7, 0, 0, 4, 3)], images)).look(0)
    with pytest.raises(PictureError, match="lies beside it"):
        opened(tmp_path, coco(tmp_path, [(1, 7, 6, 0, 4, 3)])).look(0)
    _, seen = opened(tmp_path, coco(tmp_path, [(1, 7, 4, 0, 4, 3)])).look(0)
    np.testing.assert_array_equal(seen.boxes[0], [[4, 0, 6, 3]])  # what of it is in the picture


ONE = [(1, 7, 0, 0, 4, 3)]
FAULTS = {
    "no list": ({"images": 1}, ONE, "images: Input should be"),
    "no boxes": (
        {"annotations": [{"image_id": 1, "category_id": 7}]},
        ONE,
        r"annotations.0.bbox: Field required",
    ),
    "text": (
        {"annotations": [{"image_id": 1, "category_id": 7, "bbox": ["0", 0, 1, 1]}]},
        ONE,
        "valid number",
    ),
    "infinite": (
        {"annotations": [{"image_id": 1, "category_id": 7, "bbox": [float("inf"), 0, 1, 1]}]},
        ONE,
        "finite",
    ),
    "empty": ({}, [(1, 7, 0, 0, 0, 3)], "annotation 0 is empty"),
    "unknown": ({}, [(1, 8, 0, 0, 4, 3)], "annotation 0 is of no category"),
    "nothing": ({}, [], "has no boxes for these pictures"),
    "taken": ({"categories": [{"id": 7, "name": "background"}]}, ONE, "cannot be told apart"),
    "twice": ({"images": [{"id": n, "file_name": f"{n}/a.png"} for n in (1, 2)]}, ONE, "2 images a.png"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_files_that_are_none_of_cocos(tmp_path, fault):
    more, boxes, words = FAULTS[fault]
    path = coco(tmp_path, boxes)
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))
    with pytest.raises(RgavizError, match=words) as caught:
        opened(tmp_path, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000, '{"images": []}', "\udcff"])
def test_files_that_are_no_json(tmp_path, content):
    path = coco(tmp_path, ONE)
    path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(RgavizError, match=r"COCO's") as caught:
        opened(tmp_path, path)
    assert "\n" not in str(caught.value)
