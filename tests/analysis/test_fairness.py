"""Where a figure cannot be fair it says so: under the panel, and before the pictures are explained."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from pictures import save_picture
from tiny import shallow

import rgaviz
from rgaviz.analysis.cam import cam, cam_request
from rgaviz.analysis.captions import About, panel
from rgaviz.analysis.compare import compare, compare_request
from rgaviz.analysis.request import Column
from rgaviz.analysis.run import run
from rgaviz.analysis.subject import load_subjects
from rgaviz.data.find import PicturePath
from rgaviz.explain.methods import METHODS
from rgaviz.results.manifest import MapRef, Picture
from rgaviz.results.reader import read_results
from rgaviz.tasks import Told
from rgaviz.tasks.answers import Line

CLASSLESS = ["eigencam", "kpcacam", "fem", "randomcam"]
PICTURE = Picture(id="0", path="a.png", size=[16, 16])
FIRST, SECOND = (MapRef(checkpoint=name, name="gradcam", group="cam") for name in ("rga", "baseline"))
MASK = MapRef(checkpoint="rga", name="conv5/spatial", group="mask")
CHANNELS = MapRef(checkpoint="rga", name="conv5/channel", group="mask")
RAMP = np.arange(64, dtype=np.float32).reshape(8, 8)


def under(column, maps, about=None):
    """The lines that are added to a panel, and how they are meant."""
    about = {key: About(text) for key, text in (about or {}).items()}
    told = {name: Told([Line("cat 93%", None)], {}, "cat") for name in ("rga", "baseline")}
    return [(line.text, line.role) for line in panel(column, PICTURE, told, maps, about).lines][
        0 if column.minus else 1 :
    ]


def difference(first, second, about=None):
    maps = {"rga/gradcam": np.asarray(first), "baseline/gradcam": np.asarray(second)}
    return under(Column("", "difference", FIRST, SECOND), maps, about)


def test_a_difference_says_what_is_wrong_with_its_sides():
    zero = np.zeros_like(RAMP)
    assert difference(RAMP, RAMP) == []
    assert difference(RAMP, zero) == [("no positive evidence in baseline", "flag")]
    assert difference(zero, RAMP) == [("no positive evidence in rga", "flag")]
    assert difference(zero, zero) == [("no positive evidence in rga and baseline", "flag")]
    assert difference(RAMP, zero + 3) == [("flat map in baseline", "flag")]
    assert difference(RAMP, zero[:1, :1] + 3) == [("a single value in baseline", "flag")]
    assert difference(RAMP * np.nan, zero) == [
        ("not finite in rga", "flag"),
        ("no positive evidence in baseline", "flag"),
    ]


def test_a_difference_of_maps_about_two_classes_names_them():
    alike = {"rga/gradcam": "cat", "baseline/gradcam": "cat"}
    assert difference(RAMP, RAMP, alike) == []
    assert difference(RAMP, RAMP, alike | {"baseline/gradcam": "dog"}) == [("cat minus dog", "flag")]


def test_a_coarse_grid_is_stated():
    def grid(*shape):
        return under(Column("", "map", FIRST), {"rga/gradcam": RAMP[: shape[0], : shape[1]]})

    assert grid(4, 4) == [("4x4 map", "plain")]
    assert grid(8, 6) == [("8x6 map", "plain")]
    assert grid(7, 7) == grid(8, 8) == []
    assert grid(1, 1) == [("a single value", "flag")]
    assert difference(RAMP, RAMP[:4, :4]) == [("8x8 and 4x4 maps", "plain")]
    assert difference(RAMP[:4, :4], RAMP[:4, :4]) == [("4x4 map", "plain")]
    mask = {"rga/conv5/spatial": RAMP[:3, :5]}
    assert under(Column("", "map", MASK), mask) == [("3x5 map", "plain")]


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        (np.full((8, 8), 0.5), "flat map"),
        (np.full((8, 8), np.nan), "not finite"),
        (np.ones((1, 1)), "a single value"),
    ],
)
def test_masks_are_flagged_as_maps_are(values, flag):
    assert under(Column("", "map", MASK), {"rga/conv5/spatial": values}) == [(flag, "flag")]
    assert under(Column("", "bars", CHANNELS), {"rga/conv5/channel": values.ravel()}) == [(flag, "flag")]


@pytest.fixture(scope="module")
def subjects(saved_networks):
    with shallow("resnet10-w16"):
        return load_subjects([saved_networks["baseline"], saved_networks["rga"]], torch.device("cpu"))


def test_which_methods_know_no_class(networks):
    """Those, and no others, give the same map for any class."""
    checkpoint = rgaviz.load_checkpoint(networks["baseline"])
    images = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    about = [
        rgaviz.cam(checkpoint.model, images, "conv3", list(METHODS), targets=[index]) for index in range(3)
    ]
    same = [name for name in METHODS if all(np.array_equal(about[0][name], each[name]) for each in about)]
    assert sorted(same) == sorted(CLASSLESS)
    assert [name for name, method in METHODS.items() if method.classless] == sorted(
        same, key=list(METHODS).index
    )


def test_a_map_about_no_class_is_drawn_once(tmp_path, subjects):
    path = save_picture(tmp_path / "a.png")
    request = cam_request(subjects[:1], ["gradcam", *CLASSLESS], target="top5", layer="conv4")
    names = [column.map.name for column in request.columns[1:]]
    assert names == [*(f"gradcam/top{n}" for n in range(1, 6)), *CLASSLESS]
    assert request.columns[-1].title == "baseline Random-CAM (conv4)"
    run(request, [PicturePath(path, PurePosixPath(path.name), None)], tmp_path / "out")
    results = read_results(tmp_path / "out")
    (row,) = results.manifest.rows
    expected = rgaviz.cam(subjects[0].checkpoint, [path], "conv4", CLASSLESS, [0])
    for shown in row[6:]:
        assert shown.values["target"] is None
        assert "of no class" in [line.text for line in shown.lines]
        flagged = ("arbitrary sign", "flag") in [(line.text, line.role) for line in shown.lines]
        assert flagged == (shown.map.name in ("eigencam", "kpcacam"))
        found = results.map("0", "baseline", shown.map.name)
        np.testing.assert_allclose(found, expected[shown.map.name][0], rtol=1e-5, atol=1e-7)
    assert not any(line.text == "of no class" for shown in row[1:6] for line in shown.lines)


def test_a_difference_by_a_method_of_arbitrary_sign(tmp_path, subjects):
    path = save_picture(tmp_path / "a.png")
    request = compare_request(subjects, ["eigencam", "eigengradcam"], target="top5", layer="conv4", diff=True)
    run(request, [PicturePath(path, PurePosixPath(path.name), None)], tmp_path / "out")
    ((*_, eigen, graded, _, _, _, _, _),) = read_results(tmp_path / "out").manifest.rows
    assert (eigen.kind, eigen.map.name, graded.map.name) == ("difference", "eigencam", "eigengradcam/top1")
    assert [line.text for line in eigen.lines][:2] == ["of no class", "arbitrary sign"]
    assert [line.text for line in graded.lines][:1] == ["arbitrary sign"]


def test_what_is_told_before(tmp_path, networks):
    path = save_picture(tmp_path / "a.png")
    pair = [networks["baseline"], networks["rga"]]
    options = {"figure": {"formats": ("png",), "dpi": 50}, "methods": ("gradcam", "fem", "eigencam")}
    said: list[str] = []
    compare(pair, [path], tmp_path / "compare", say=said.append, **options)
    assert said == [
        "Note: CAMs are taken of baseline at conv5 (no mask), rga at conv5 (after the mask of conv5).",
        "Note: fem, eigencam: about no class, so one map for each picture whatever the target.",
        "Note: eigencam: the sign is arbitrary, so a map may show what another leaves out; do not compare networks "
        "by it.",
    ]
    records = read_results(tmp_path / "compare").manifest.checkpoints
    assert [each["cam_place"] for each in records] == ["no mask", "after the mask of conv5"]
    again: list[str] = []
    cam(pair[1:], [path], tmp_path / "cam", say=again.append, layer="layer4", **options)
    assert again == said[1:]
    (record,) = read_results(tmp_path / "cam").manifest.checkpoints
    assert record["cam_place"] == "after the mask of conv4, before that of conv5"


def test_networks_without_attention_need_no_word_of_their_masks(subjects):
    pair = [subjects[0], replace(subjects[0], id="other")]
    assert list(compare_request(pair).notes) == []
