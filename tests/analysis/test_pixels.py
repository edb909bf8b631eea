"""Labels of every pixel: what networks say, what is true, and what is told where the truth is not known."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch
from pictures import save_picture
from streets_networks import CLASSES, COLOURS, MEAN, STD, save_network, save_scene

import rgaviz
from rgaviz.analysis import pixels
from rgaviz.analysis.cam import cam
from rgaviz.analysis.compare import compare, compare_request
from rgaviz.analysis.pixels import palette_of
from rgaviz.analysis.run import run
from rgaviz.analysis.subject import load_subjects
from rgaviz.data.colours import default_colours
from rgaviz.data.find import find_pictures
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.results.reader import read_results
from rgaviz.tasks import segmentation
from rgaviz.tasks.regions import RegionTarget

CPU = torch.device("cpu")
FIGURE = {"formats": ("png",), "dpi": 50}


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    return [save_network(folder / "baseline.pt"), save_network(folder / "rga.pt", 1, "rga-sc")]


def scenes(folder, sizes=((40, 60), (40, 60), (33, 20))):
    return [save_scene(folder, f"p{n}", size, n) for n, size in enumerate(sizes)]


def predicted(path, picture):
    """Labels (h, w) of one picture alone, at its own size."""
    checkpoint = rgaviz.load_checkpoint(path)
    image = cv2.imread(str(picture))[..., ::-1] / 255.0
    image = torch.from_numpy((image - MEAN) / STD).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        return checkpoint.model(image)[0].argmax(0).numpy()


def test_compare_has_the_truth_what_each_says_and_where_it_is_wrong(tmp_path, pair):
    files = scenes(tmp_path)
    answer = compare(pair, [tmp_path / "images"], tmp_path / "out.png", target="road", figure=FIGURE)
    assert not answer.failures
    results = read_results(answer.folder)
    manifest = results.manifest
    assert manifest.titles[:6] == [
        "input",
        "truth",
        "baseline labels",
        "rga labels",
        "baseline errors",
        "rga errors",
    ]
    assert [each.group for each in (panel.map for panel in manifest.rows[0]) if each] == [
        *["labels"] * 5,
        "cam",
        "cam",
        "mask",
    ]
    assert [(each.name, each.colour) for each in manifest.classes] == list(zip(CLASSES, COLOURS, strict=True))
    for number, (picture, file) in enumerate(files):
        truth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(results.labels(str(number), "truth", "labels"), truth)
        for path in pair:
            own = predicted(path, picture)
            np.testing.assert_array_equal(results.labels(str(number), path.stem, "labels"), own)
            wrong = np.empty_like(truth)
            for y, x in np.ndindex(truth.shape):
                wrong[y, x] = 255 if truth[y, x] == 255 else own[y, x] != truth[y, x]
            np.testing.assert_array_equal(results.errors(str(number), path.stem, "errors"), wrong)
            column = 4 + pair.index(path)
            share = (wrong == 1).sum() / (wrong != 255).sum()
            panel = manifest.rows[number][column]
            assert [line.text for line in panel.lines] == [f"{100 * share:.0f}% not as the truth"]
            assert panel.values["wrong"] == pytest.approx(share, abs=1e-6)
            told = answer.told[f"p{number}.png"][path.stem]
            assert told.labels is None  # of thousands of pictures they would fill the memory
            shares = np.bincount(own.ravel(), minlength=4) / own.size
            assert told.values == pytest.approx(
                {name: share for name, share in zip(CLASSES, shares, strict=True) if share}
            )
    json.dumps(answer.to_dict())


def test_a_result_does_not_depend_on_what_is_explained_beside_it(tmp_path, pair):
    files = scenes(tmp_path)
    together = read_results(compare(pair, [file for file, _ in files], tmp_path / "a", figure=FIGURE).folder)
    for number, (picture, _) in enumerate(files):
        alone = read_results(compare(pair, [picture], tmp_path / str(number), figure=FIGURE).folder)
        for name in ("gradcam", "context/spatial"):
            np.testing.assert_allclose(
                together.map(str(number), "rga", name), alone.map("0", "rga", name), rtol=1e-4, atol=1e-5
            )
        np.testing.assert_array_equal(
            together.labels(str(number), "rga", "labels"), alone.labels("0", "rga", "labels")
        )


def test_without_a_truth_there_are_no_columns_for_it(tmp_path, pair):
    picture = save_picture(tmp_path / "p.png", (30, 50))
    answer = compare(pair, [picture], tmp_path / "out", figure=FIGURE)
    manifest = read_results(answer.folder).manifest
    assert manifest.titles[:4] == [
        "input",
        "baseline labels",
        "rga labels",
        "baseline Grad-CAM (conv5)",
    ]
    assert manifest.target == "largest"


def test_labels_that_cannot_be_taken_are_told_and_the_rest_is_done(tmp_path, pair):
    scenes(tmp_path, [(40, 60)] * 4)
    assert cv2.imwrite(str(tmp_path / "labels/p1.png"), np.zeros((20, 30), np.uint8))
    assert cv2.imwrite(str(tmp_path / "labels/p2.png"), np.full((40, 60), 9, np.uint8))
    (tmp_path / "labels/p3.png").unlink()
    said = []
    answer = compare(pair, [tmp_path / "images"], tmp_path / "out", figure=FIGURE, say=said.append)
    assert answer.failures == []
    faults = [line for line in said if "No truth" in line]
    assert len(faults) == 2
    assert "p1.png' has 20x30 pixels, and its picture 40x60" in faults[0]
    assert "p2.png' has the value 9, but there are 4 classes" in faults[1]
    assert all("\n" not in line and len(line) <= 300 for line in said)
    results = read_results(answer.folder)
    for number, row in enumerate(results.manifest.rows):
        flags = [[line.text for line in panel.lines if line.role == "flag"] for panel in row]
        assert [flags[place] for place in (1, 4, 5)] == [["no truth"] if number else []] * 3
        assert (results.labels(str(number), "truth", "labels") == 255).all() == bool(number)


@pytest.mark.slow
def test_many_faults_are_counted(tmp_path, pair):
    scenes(tmp_path, [(16, 16)] * 6)
    for path in (tmp_path / "labels").iterdir():
        assert cv2.imwrite(str(path), np.full((16, 16), 77, np.uint8))
    said = []
    compare(pair, [tmp_path / "images"], tmp_path / "out", figure=FIGURE, say=said.append)
    told = [line for line in said if "labels" in line or "truth" in line]
    assert len(told) == 4
    assert told[-1] == "Note: 3 more pictures have labels that cannot be taken."


def test_a_folder_of_true_labels(tmp_path, pair, networks):
    picture, labels = save_scene(tmp_path, "p", (30, 40), 0)
    other = save_picture(tmp_path / "elsewhere/p.jpg", (30, 40))
    more = save_picture(tmp_path / "elsewhere/q.jpg", (30, 40), 1)
    said = []
    answer = compare(pair, [other, more], tmp_path / "o", truth=labels.parent, figure=FIGURE, say=said.append)
    results = read_results(answer.folder)
    np.testing.assert_array_equal(
        results.labels("0", "truth", "labels"), cv2.imread(str(labels), cv2.IMREAD_UNCHANGED)
    )
    assert [line for line in said if "q.jpg has no labels in" in line]
    for pictures, truth, words in (
        ([other], tmp_path / "nowhere", "is no folder"),
        ([other], tmp_path / "images", r"has no labels of these pictures: .*p\.png is not there"),
    ):
        if truth.name == "images":
            picture.unlink()
        with pytest.raises(RgavizError, match=words):
            compare(pair, pictures, tmp_path / "x", truth=truth, figure=FIGURE)
    with pytest.raises(RgavizError, match="--truth is for networks that label every pixel"):
        compare([networks["baseline"], networks["rga"]], [other], tmp_path / "x", truth=labels.parent)
    assert not (tmp_path / "x").exists()


@pytest.mark.slow
def test_a_large_picture_is_scaled_down_and_that_is_said(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(segmentation, "LONGEST", 32)
    files = scenes(tmp_path, [(40, 64), (20, 20), (48, 48)])
    said = []
    answer = compare(pair, [tmp_path / "images"], tmp_path / "out", figure=FIGURE, say=said.append)
    (line,) = [each for each in said if "scaled down" in each]
    assert "p0.png has 40x64 pixels, and was scaled down to 20x32. So were 1 more." in line
    results = read_results(answer.folder)
    assert results.labels("0", "rga", "labels").shape == (40, 64)
    truth = cv2.imread(str(files[0][1]), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(results.labels("0", "truth", "labels"), truth)


def test_targets(tmp_path, pair):
    picture = save_picture(tmp_path / "p.png", (24, 32))
    mask = np.zeros((12, 16), np.uint8)
    mask[3:] = 255
    assert cv2.imwrite(str(tmp_path / "mask.png"), mask)
    told, marked = {}, {}
    for target in ("road", "road@all", "road@5,7", f"road@mask:{tmp_path}/mask.png", "car", None):
        answer = cam(pair[1:], [picture], tmp_path / "out", target=target, figure=FIGURE)
        panel = read_results(answer.folder).manifest.rows[0][2]
        told[target] = [(line.text, line.role) for line in panel.lines if "map" not in line.text]
        marked[target] = [(mark.x, mark.y) for mark in panel.marks], len(panel.outlines)
    assert list(marked.values()) == [([], 0)] * 2 + [([(5.5 / 32, 7.5 / 24)], 0), ([], 1)] + [([], 0)] * 2
    largest = next(iter(answer.told["p.png"]["rga"].values))
    assert list(told.values()) == [
        told["road"],
        [("target: road everywhere", "plain")],
        [("target: road at 5,7", "plain")],
        [("target: road in a region", "plain")],
        [
            ("target: car", "plain"),
            ("predicted nowhere: car", "flag"),
            ("no positive evidence", "flag"),
        ],
        [(f"target: {largest}", "plain")],
    ]
    assert told["road"][0] == ("target: road", "plain")
    for target, words in (
        ("lorry", "Unknown target class 'lorry'"),
        ("road@", "Unknown target 'road@'"),
        ("road@32,0", "it has 32x24 pixels, and none at 32,0; name one from 0,0 to 31,23"),
        ("road@mask:nowhere.png", "'nowhere.png' does not exist"),
        ("label", "no class of a whole picture"),
    ):
        with pytest.raises((RgavizError, UnknownNameError), match=words) as caught:
            cam(pair[1:], [picture], tmp_path / "x", target=target, figure=FIGURE)
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "x").exists()


def test_a_pixel_is_one_of_each_picture_as_it_is(tmp_path, pair, monkeypatch):
    """One that lacks it is left out in a line; of one that is seen smaller it is the same place."""
    monkeypatch.setattr(segmentation, "LONGEST", 32)
    large = save_picture(tmp_path / "large.png", (64, 64))
    small = save_picture(tmp_path / "small.png", (20, 20), 1)
    answer = cam(pair[1:], [small, large], tmp_path / "out", target="road@40,10", figure=FIGURE)
    (failure,) = answer.failures
    assert failure == f"{small}: it has 20x20 pixels, and none at 40,10; name one from 0,0 to 19,19."
    results = read_results(answer.folder)
    (row,) = results.manifest.rows
    (mark,) = row[2].marks
    assert (mark.x, mark.y) == pytest.approx((40.5 / 64, 10.5 / 64), abs=1e-6)
    checkpoint = rgaviz.load_checkpoint(pair[1])
    alone = rgaviz.cam(checkpoint, large, targets=RegionTarget(CLASSES, 0, (20, 5)))["gradcam"]
    np.testing.assert_array_equal(results.map("1", "rga", "gradcam"), alone[0])


def test_a_map_is_taken_before_the_head(pair):
    (subject,) = compare_request(load_subjects(pair[1:], CPU)).subjects
    assert (subject.cam_layer, subject.cam_place) == ("conv5", "before the mask of context")


def test_cam_shows_labels_and_writes_them_as_overlays(tmp_path, pair):
    picture = save_picture(tmp_path / "p.png", (24, 32))
    answer = cam(pair[1:], [picture], tmp_path / "out", figure={**FIGURE, "label_alpha": 1.0})
    assert [panel.kind for panel in read_results(answer.folder).manifest.rows[0]] == [
        "picture",
        "labels",
        "map",
    ]
    labels = cv2.imread(str(answer.folder / "overlays/p-rga-labels.png"))[..., ::-1]
    np.testing.assert_array_equal(labels, np.array(COLOURS, np.uint8)[predicted(pair[1], picture)])


@pytest.mark.parametrize(
    "colours", [None, "red", [[1, 2, 3]], [[1, 2, 256]] * 4, [[True, 2, 3]] * 4, [[1, 2]] * 4, [3] * 4]
)
def test_colours_that_are_none_are_replaced(tmp_path, colours):
    save_network(tmp_path / "a.pt", training={} if colours is None else {"colours": colours, "ids": colours})
    (subject,) = load_subjects([tmp_path / "a.pt"], CPU)
    assert subject.checkpoint.colours is None
    assert subject.checkpoint.ids is None
    assert [tuple(each.colour) for each in palette_of([subject]).classes] == list(default_colours(4))


def test_more_classes_than_a_map_can_tell_apart(tmp_path, monkeypatch, pair):
    monkeypatch.setattr(pixels, "UNKNOWN", 3)
    with pytest.raises(RgavizError, match=r"baseline\.pt: a figure of labels tells 3 classes apart.* 4"):
        palette_of(load_subjects(pair, CPU))


def test_classifiers_have_no_labels(tmp_path, networks):
    picture = save_scene(tmp_path, "p", (20, 20), 0)[0]
    subjects = load_subjects([networks["baseline"], networks["rga"]], CPU)
    run(compare_request(subjects), find_pictures([picture]), tmp_path / "out")
    manifest = read_results(tmp_path / "out").manifest
    assert manifest.classes == []
    assert {panel.kind for panel in manifest.rows[0]} == {"picture", "map"}
