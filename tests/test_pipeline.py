"""The path from checkpoints and pictures to a results folder, as plain functions."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
import torch
from pictures import save_picture

from rgaviz.data.images import PicturePath
from rgaviz.errors import PictureError, RgavizError, UnknownNameError
from rgaviz.pipeline import (
    cam_names,
    cam_request,
    class_target,
    compare_request,
    histogram_request,
    load_subjects,
    masks_request,
    parse_methods,
    run,
)
from rgaviz.results import read_results

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def subjects(networks):
    return {each.id: each for each in load_subjects(list(networks.values()), CPU)}


def picture(path, label=None):
    return PicturePath(path, PurePosixPath(path.name), label)


def test_class_target():
    classes = ["cat", "7", "dog"]
    assert class_target("top1", classes) == "top1"
    assert class_target("dog", classes) == 2
    assert class_target("2", classes) == 2
    assert class_target("7", classes) == 1  # a name wins over a number
    for wrong in ("cow", "3", "-1", "", "²"):
        with pytest.raises(UnknownNameError, match="Unknown target class"):
            class_target(wrong, classes)


def test_names_and_methods():
    assert cam_names("gradcam", "top1", 10) == ["gradcam"]
    assert cam_names("gradcam", "top5", 3) == ["gradcam/top1", "gradcam/top2", "gradcam/top3"]
    assert parse_methods("layercam, gradcam,layercam") == ["layercam", "gradcam"]
    with pytest.raises(UnknownNameError, match="Unknown CAM method ''"):
        parse_methods("gradcam,")


def test_columns(subjects):
    pair = [subjects["baseline"], subjects["rga"]]

    def shown(request):
        return [
            (column["kind"], column.get("checkpoint"), column.get("map")) for column in request.columns[1:]
        ]

    both = [("bars", "rga", "conv4/channel"), ("map", "rga", "conv4/spatial")]
    assert sorted(shown(masks_request(pair[1:], "conv4"))) == both
    assert shown(histogram_request(pair[1:])) == [("bars", "rga", "conv5/channel")]
    assert shown(cam_request(pair, ["gradcam"])) == [
        ("map", "baseline", "gradcam"),
        ("map", "rga", "gradcam"),
    ]
    assert shown(compare_request(pair, diff=True)) == [
        ("map", "baseline", "gradcam"),
        ("map", "rga", "gradcam"),
        ("difference", "rga", "gradcam"),
        ("map", "rga", "conv5/spatial"),
    ]
    assert (
        shown(compare_request([subjects["baseline"], subjects["channel"]]))[-1][0] == "map"
    )  # no spatial mask


def test_a_layer_named_twice_is_shown_once(subjects):
    assert masks_request([subjects["rga"]], "conv5,conv5").subjects[0].mask_layers == ("conv5",)


def test_no_channel_attention(tmp_path, networks):
    from rgaviz import create_model, save_checkpoint

    model = create_model("resnet18-w16", "rga-s", width=4, s1=2, s2=2, image_size=(16, 16))
    save_checkpoint(
        tmp_path / "s.pt", model, classes=[str(i) for i in range(10)], mean=(0.5,) * 3, std=(0.5,) * 3
    )
    with pytest.raises(RgavizError, match="channel attention"):
        histogram_request(load_subjects([tmp_path / "s.pt"], CPU))


def test_run_and_what_it_returns(tmp_path, subjects):
    good, bad = save_picture(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    rga = subjects["rga"]
    outcome = run(cam_request([rga]), [picture(bad), picture(good, "ring")], tmp_path / "out")
    assert list(outcome.predictions) == ["good.png"]
    assert outcome.predictions["good.png"]["rga"] == pytest.approx(rga.checkpoint.predict([good])[0])
    assert len(outcome.failures) == 1
    assert "bad.png" in outcome.failures[0]
    (entry,) = read_results(tmp_path / "out").manifest["pictures"]
    assert (entry["id"], entry["label"]) == ("1", "ring")


def test_nothing_readable_leaves_nothing(tmp_path, subjects):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"no picture")
    with pytest.raises(PictureError, match=r"a\.png.*\(and 1 more\)"):
        run(
            cam_request([subjects["rga"]]),
            [picture(tmp_path / n) for n in ("a.png", "b.png")],
            tmp_path / "out",
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_flat_map_is_flagged(tmp_path, subjects):
    """A network of zeros has no evidence for any class."""
    from dataclasses import replace

    import rgaviz

    subject = subjects["baseline"]
    path = subject.checkpoint.path
    zero = rgaviz.load_checkpoint(path)
    torch.nn.init.zeros_(zero.model.fc.weight)
    run(
        cam_request([replace(subject, checkpoint=zero)]),
        [picture(save_picture(tmp_path / "a.png"))],
        tmp_path / "out",
    )
    panels = read_results(tmp_path / "out").manifest["pictures"][0]["panels"]
    assert panels["1"]["warnings"] == ["no positive evidence"]
