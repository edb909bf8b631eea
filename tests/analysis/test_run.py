"""The path from checkpoints and pictures to a results folder, as plain functions."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from pictures import save_picture
from PIL import Image
from tiny import shallow
from torchvision.ops import SqueezeExcitation

from rgaviz.analysis.cam import cam_request, parse_methods
from rgaviz.analysis.compare import compare_request
from rgaviz.analysis.histogram import histogram_request
from rgaviz.analysis.masks import masks as draw_masks
from rgaviz.analysis.masks import masks_request
from rgaviz.analysis.request import cam_names
from rgaviz.analysis.run import run
from rgaviz.analysis.subject import Subject, load_subjects
from rgaviz.attention import Gate
from rgaviz.checkpoint import Checkpoint
from rgaviz.data.find import PicturePath
from rgaviz.errors import PictureError, RgavizError, UnknownNameError
from rgaviz.explain.masks import masks
from rgaviz.figures.draw import draw
from rgaviz.figures.style import FigureOptions
from rgaviz.outputs import Output
from rgaviz.results.reader import read_results

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def subjects(saved_networks):
    with shallow("resnet10-w16"):
        return {each.id: each for each in load_subjects(list(saved_networks.values()), CPU)}


def picture(path, label=None):
    return PicturePath(path, PurePosixPath(path.name), label)


def test_names_and_methods():
    assert cam_names("gradcam", ["whatever"]) == ["gradcam"]
    assert cam_names("gradcam", ["top 1", "top 2"]) == ["gradcam/top1", "gradcam/top2"]
    assert cam_names("gradcam", ["../x", "y"]) == ["gradcam/x", "gradcam/y"]
    assert (
        cam_names("gradcam", ["a b", "AB"]) == cam_names("gradcam", ["?", "a"]) == ["gradcam/1", "gradcam/2"]
    )
    assert parse_methods("layercam, gradcam,layercam") == ["layercam", "gradcam"]
    with pytest.raises(UnknownNameError, match="Unknown CAM method ''"):
        parse_methods("gradcam,")


def test_columns(subjects):
    pair = [subjects["baseline"], subjects["rga"]]

    def shown(request):
        return [(column.kind, column.map.checkpoint, column.map.name) for column in request.columns[1:]]

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
    with pytest.raises(RgavizError, match="--mask-layer conv5: none of these networks has a spatial mask"):
        compare_request([subjects["baseline"], subjects["channel"]], mask_layer="conv5")


def test_a_layer_named_twice_is_shown_once(subjects):
    assert masks_request([subjects["rga"]], "conv5,conv5").subjects[0].mask_layers == ("conv5",)


def test_no_channel_attention(tmp_path, networks):
    from rgaviz import create_model, save_checkpoint

    model = create_model("resnet18-w16", "rga-s", width=4, s1=2, s2=2, image_size=(16, 16))
    save_checkpoint(
        tmp_path / "s.pt", model, classes=[str(i) for i in range(10)], mean=(0.5,) * 3, std=(0.5,) * 3
    )
    for others in ([], [networks["rga"]]):
        with pytest.raises(RgavizError, match=r"s\.pt has no channel attention at conv5"):
            histogram_request(load_subjects([*others, tmp_path / "s.pt"], CPU))


def test_run_and_what_it_returns(tmp_path, subjects):
    good, bad = save_picture(tmp_path / "good.png"), tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    rga = subjects["rga"]
    outcome = run(cam_request([rga]), [picture(bad), picture(good, "ring")], tmp_path / "out")
    assert list(outcome.told) == ["good.png"]
    assert outcome.told["good.png"]["rga"].values == pytest.approx(
        rga.checkpoint.predict([good])[0]._asdict()
    )
    assert len(outcome.failures) == 1
    assert "bad.png" in outcome.failures[0]
    (entry,) = read_results(tmp_path / "out").manifest.pictures
    assert (entry.id, entry.label) == ("1", "ring")


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


@pytest.mark.usefixtures("light")
def test_a_flat_map_is_flagged(tmp_path, subjects):
    """A network of zeros has no evidence for any class."""
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
    ((_, panel),) = read_results(tmp_path / "out").manifest.rows
    assert [line.text for line in panel.lines if line.role == "flag"] == ["no positive evidence"]


class Joint(torch.nn.Module):
    """A network whose last stage ends in a joint gate."""

    def __init__(self):
        super().__init__()
        self.stem, self.attend = torch.nn.Conv2d(3, 5, 3, stride=2, padding=1), torch.nn.Conv2d(5, 5, 1)
        self.gate, self.fc = Gate("joint"), torch.nn.Linear(5, 3)
        self.stages = {"conv5": "gate"}

    def forward(self, x):
        x = self.stem(x)
        return self.fc((x * self.gate(self.attend(x))).mean((2, 3)))


@pytest.fixture
def joint(tmp_path):
    torch.manual_seed(0)
    config = {"arch": "own", "attention": "fc", "image_size": [16, 16]}
    rest = {"classes": ["a", "b", "c"], "mean": (0.5,) * 3, "std": (0.5,) * 3}
    return Subject("own", Checkpoint(Joint().eval(), config, **rest, path=tmp_path / "joint.pt"))


def test_a_joint_mask_is_shown_and_kept_by_its_means(tmp_path, joint, subjects):
    paths = [save_picture(tmp_path / f"{name}.png", seed=seed) for seed, name in enumerate("ab")]
    spatial = ("map", "conv5/joint-spatial", "own joint mask (conv5, mean over channels)")
    channel = ("bars", "conv5/joint-channel", "own joint mask (conv5, mean over positions)")
    requests = {
        "masks": (masks_request([joint]), [spatial, channel]),
        "histogram": (histogram_request([joint]), [channel]),
        "compare": (compare_request([subjects["baseline"], joint], mask_layer="conv5"), [spatial]),
    }
    whole = masks(joint.checkpoint, paths)["conv5/joint"]  # (2, 5, 8, 8)
    assert whole.shape == (2, 5, 8, 8)
    for command, (request, columns) in requests.items():
        shown = [column for column in request.columns if column.map and column.map.group == "mask"]
        assert [(column.kind, column.map.name, column.title) for column in shown] == columns
        folder = tmp_path / command
        run(request, [picture(path) for path in paths], folder)
        results = read_results(folder)
        assert not any(name.endswith("/joint.npy") for name in results.archive.namelist())
        for number in range(2):
            found = [
                results.map(str(number), "own", f"conv5/joint-{kind}") for kind in ("spatial", "channel")
            ]
            np.testing.assert_allclose(found[0], whole[number].sum(0) / 5, rtol=1e-5)
            np.testing.assert_allclose(found[1], whole[number].reshape(5, 64).sum(1) / 64, rtol=1e-5)
        assert draw(folder, Output(folder, folder / command), FigureOptions(formats=("png",))).paths
    assert (tmp_path / "masks/overlays/a-own-conv5-joint-spatial.png").is_file()
    assert "own conv5 joint (mean over positions),0," in (tmp_path / "histogram/histogram.csv").read_text()


def test_masks_and_maps_of_a_network_without_stages(tmp_path):
    """Layers are found, named, and named to the reader."""
    torch.manual_seed(0)
    squeeze = [SqueezeExcitation(6, 2), torch.nn.Conv2d(6, 4, 1), SqueezeExcitation(4, 2)]
    features = torch.nn.Sequential(torch.nn.Conv2d(3, 6, 3), *squeeze)
    ending = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 3)]
    model = torch.nn.Sequential(OrderedDict(features=features, head=torch.nn.Sequential(*ending))).eval()
    model.config = {"arch": "own", "attention": "none", "image_size": (16, 16)}
    rest = {"classes": ["a", "b", "c"], "mean": (0.5,) * 3, "std": (0.5,) * 3}
    subject = Subject("own", Checkpoint(model, model.config, **rest, path=tmp_path / "own.pt"))
    (shown,) = cam_request([subject]).columns[1:]
    assert shown.title == "own Grad-CAM (features)"
    for layers, keys in (
        (None, ["features.3/channel"]),
        ("all", ["features.1/channel", "features.3/channel"]),
        ("features", ["features.1/channel", "features.3/channel"]),
    ):
        request = masks_request([subject], layers)
        assert [column.map.name for column in request.columns[1:]] == keys
        path = save_picture(tmp_path / "a.png")
        run(request, [picture(path)], tmp_path / "out")
        expected = masks(subject.checkpoint, [path])
        for key in keys:
            np.testing.assert_allclose(
                read_results(tmp_path / "out").map("0", "own", key), expected[key][0], rtol=1e-5
            )
    with pytest.raises(
        RgavizError, match=r"own\.pt: Unknown layer with attention 'head'.*features\.1, features\.3"
    ):
        masks_request([subject], "head")
    tokens = torch.nn.Sequential(OrderedDict(embed=torch.nn.Flatten(2), fc=torch.nn.Linear(256, 3)))
    tokens.config = model.config
    with pytest.raises(RgavizError, match=r"own\.pt: This network has no layer with a map"):
        cam_request([replace(subject, checkpoint=replace(subject.checkpoint, model=tokens))])


def test_the_number_of_threads_changes_no_byte(tmp_path, networks, monkeypatch):
    pictures = [save_picture(tmp_path / f"{seed}.png", seed=seed) for seed in range(7)]
    found = []
    for threads in (1, 5):
        for module in ("rgaviz.figures.overlays", "rgaviz.analysis.loading"):
            monkeypatch.setattr(f"{module}.WORKERS", threads)
        out = tmp_path / str(threads)
        draw_masks([networks["rga"]], pictures, out, figure={"dpi": 50, "formats": ["png"]})
        found.append(
            {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
        )
    assert len(found[0]) > 14
    assert found[0] == found[1]


def test_deep_pictures_share_a_window_that_is_told(tmp_path, networks):
    ramp = np.linspace(0, 4095, 16 * 20).astype(np.uint16).reshape(16, 20)
    for name, factor in (("dark", 1), ("light", 2)):
        Image.fromarray(ramp * factor).save(tmp_path / f"{name}.png")
    said = []
    answer = draw_masks(
        [networks["rga"]],
        [tmp_path / "dark.png", tmp_path / "light.png"],
        tmp_path / "out",
        figure={"dpi": 50, "formats": ["png"]},
        say=said.append,
    )
    assert any(
        "2 grey pictures of more than 8 bits: 0 is shown as black, 8190 as white" in line for line in said
    )
    for number, factor in enumerate((1, 2)):
        with Image.open(answer.folder / "pictures" / f"{number}.png") as shown:
            expected = np.rint(255.0 * factor * ramp.astype(float) / 8190)
            np.testing.assert_array_equal(np.asarray(shown)[..., 0], expected)
