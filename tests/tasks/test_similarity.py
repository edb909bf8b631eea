"""Why two pictures match: maps of the cosine of their embeddings on both."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from pictures import save_picture
from pytorch_grad_cam import GradCAM
from typer.testing import CliRunner

import rgaviz
from rgaviz.cli import app
from rgaviz.explain.cam import explain
from rgaviz.explain.targets import PairTarget, scored
from rgaviz.results.reader import read_results
from rgaviz.tasks.reid import Similarity

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pair of re-identification networks, four pictures and one they are compared with."""
    where = tmp_path_factory.mktemp("reid")
    for seed, (name, attention) in enumerate({"baseline": "none", "rga": "rga-sc"}.items()):
        torch.manual_seed(seed)
        options = {"width": 4, "s1": 2, "s2": 2, "image_size": (32, 16), "num_classes": 5, "head": "bnneck"}
        model = rgaviz.create_model("resnet18-w16", attention, **options).train()
        with torch.no_grad():
            model(torch.randn(16, 3, 32, 16))  # running statistics that have seen something
        model.task = "reid"
        classes = [str(number) for number in range(5)]
        rgaviz.save_checkpoint(where / f"{name}.pt", model, classes=classes, mean=MEAN, std=STD)
    for seed in range(4):
        save_picture(where / f"crops/{seed}.png", (64, 32), seed)
    save_picture(where / "with.png", (64, 32), 9)
    return where


def run(*words, code=0):
    result = CliRunner().invoke(app, list(map(str, words)), prog_name="rgaviz")
    assert result.exit_code == code, result.output
    return result


@pytest.fixture(scope="module")
def compared(folder):
    out = folder / "out"
    target = f"similarity:{folder / 'with.png'}"
    pair = folder / "baseline.pt", folder / "rga.pt"
    run("compare", *pair, folder / "crops", "--target", target, "-o", out, "--dpi", "50", "--diff")
    return read_results(out)


class Cosine:
    """The same score for pytorch-grad-cam, which gives one picture's output (C,)."""

    def __init__(self, other):
        self.other = other

    def __call__(self, output):
        return output @ self.other / (output.norm() * self.other.norm())


class Embedding(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, images):
        return self.model.embed(images)


def reference(checkpoint, image, other):
    """Grad-CAM of the cosine by pytorch-grad-cam's activations and gradients, before any scaling."""
    network = Embedding(checkpoint.model)
    layer = checkpoint.model.get_submodule(checkpoint.model.stages["conv5"])
    with torch.no_grad():
        embedding = network(other)[0]
    with GradCAM(network, [layer]) as library:
        library(image, [Cosine(embedding)])
        (activations,), (gradients,) = (
            library.activations_and_grads.activations,
            library.activations_and_grads.gradients,
        )
        found = library.get_cam_image(image, layer, None, activations.numpy(), gradients.numpy(), False)
    return np.maximum(found[0], 0)


@pytest.mark.parametrize("name", ["baseline", "rga"])
def test_both_sides_are_those_of_pytorch_grad_cam(folder, compared, name):
    checkpoint = rgaviz.load_checkpoint(folder / f"{name}.pt")
    other = checkpoint.inputs(folder / "with.png")
    positive = 0
    for number in range(4):
        image = checkpoint.inputs(folder / f"crops/{number}.png")
        for found, expected in (
            (compared.map(str(number), name, "gradcam"), reference(checkpoint, image, other)),
            (compared.map("other", name, f"gradcam/of-{number}"), reference(checkpoint, other, image)),
        ):
            positive += expected.any()  # of some there is nothing behind the ReLU
            np.testing.assert_allclose(found, expected, atol=max(1e-4 * expected.max(), 1e-9), rtol=1e-3)
    assert positive >= 4


def test_every_picture_has_a_row_of_its_own_and_one_of_the_other(folder, compared):
    rows = compared.manifest.rows
    assert [row[0].picture for row in rows] == ["0", "other", "1", "other", "2", "other", "3", "other"]
    assert [line.text for line in rows[3][0].lines] == ["with.png", "beside 1.png"]
    checkpoint = rgaviz.load_checkpoint(folder / "rga.pt")
    with torch.no_grad():
        first, second = (
            checkpoint.model.embed(checkpoint.inputs(folder / name))[0]
            for name in ("crops/1.png", "with.png")
        )
    cosine = float(first @ second / (first.norm() * second.norm()))
    for row in rows[2:4]:
        said = [line.text for line in row[2].lines]
        assert f"target: cosine {cosine:.2f}" in said
        assert row[2].values["target"] == f"cosine {cosine:.2f}"
    assert {f"norm {first.norm():.3g}", f"norm {second.norm():.3g}"} <= {
        line.text for row in rows[2:4] for line in row[2].lines
    }
    assert [panel.map.name for panel in rows[3][1:]] == [*["gradcam/of-1"] * 3, "conv5/spatial"]
    assert rows[3][3].minus.name == "gradcam/of-1"
    assert not any("class" in line.text for row in rows for panel in row for line in panel.lines)


def test_neighbours_do_not_matter(folder, compared):
    target = f"similarity:{folder / 'with.png'}"
    run(
        "cam",
        folder / "rga.pt",
        folder / "crops/2.png",
        "--target",
        target,
        "-o",
        folder / "alone",
        "--dpi",
        "50",
    )
    alone = read_results(folder / "alone")
    for picture, name, other in (("0", "gradcam", "2"), ("other", "gradcam/of-0", "other")):
        expected = compared.map(other, "rga", name.replace("0", "2"))
        np.testing.assert_allclose(alone.map(picture, "rga", name), expected, rtol=1e-4, atol=1e-7)
    overlays = sorted(path.name for path in (folder / "alone/overlays").iterdir())
    assert overlays == ["2-rga-gradcam.png", "with-rga-gradcam-of-0.png"]


def test_a_picture_beside_itself_has_no_map(folder):
    same = folder / "crops/0.png"
    out = folder / "same"
    found = run(
        "cam", folder / "rga.pt", same, "--target", f"similarity:{same}", "-o", out, "--dpi", "50", "--json"
    )
    assert set(json.loads(found.stdout)["predictions"]["0.png"]["rga"]) == {"norm"}
    results = read_results(out)
    for row in results.manifest.rows:
        assert {"target: cosine 1.00", "no positive evidence"} <= {line.text for line in row[1].lines}
    assert not results.map("0", "rga", "gradcam").any()
    assert not results.map("other", "rga", "gradcam/of-0").any()


@pytest.mark.parametrize("method", ["layercam", "scorecam", "eigencam", "fullgrad"])
@pytest.mark.slow
def test_other_methods(folder, method):
    out = folder / method
    target = f"similarity:{folder / 'with.png'}"
    words = ("--target", target, "--method", method, "-o", out, "--dpi", "50")
    run("cam", folder / "rga.pt", folder / "crops/0.png", folder / "crops/1.png", *words)
    results = read_results(out)
    for number in range(2):
        found = results.map("other", "rga", f"{method}/of-{number}")
        assert np.isfinite(found).all()
        assert found.shape == results.map(str(number), "rga", method).shape


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_no_other_picture(folder, content, tmp_path):
    path = tmp_path / "lost.png"
    if content:
        path.write_bytes(content)
    result = run(
        *(
            "cam",
            folder / "rga.pt",
            folder / "crops/0.png",
            "--target",
            f"similarity:{path}",
            "-o",
            tmp_path / "o",
        ),
        code=1,
    )
    (line,) = [each for each in result.stderr.splitlines() if each.startswith("Error: ")]
    assert "lost.png" in line
    assert "rga.pt" not in line  # which is not to blame
    assert not (tmp_path / "o").exists()


def test_the_cosine_is_the_same_both_ways_and_by_hand():
    draw = torch.Generator().manual_seed(0)
    many, other = torch.randn(3, 7, generator=draw), torch.randn(1, 7, generator=draw)
    target = Similarity(other, "a.png")
    assert isinstance(target, PairTarget)
    assert not isinstance(scored(lambda output: output[:, 0]), PairTarget)
    by_hand = [
        sum(float(x) * float(y) for x, y in zip(row, other[0], strict=True))
        / float(row.norm() * other.norm())
        for row in many
    ]
    assert target.scores(many)[:, 0].tolist() == pytest.approx(by_hand, rel=1e-5)
    assert target.counterpart(many).scores(other)[0].tolist() == pytest.approx(by_hand, rel=1e-5)
    assert target.about(many) == [[f"cosine {value:.2f}"] for value in by_hand]


def test_zeros_and_equal_directions_have_no_gradient():
    rows = torch.tensor([[0.0, 0.0], [3.0, 4.0], [4.0, 3.0]], requires_grad=True)
    scores = Similarity(torch.tensor([[6.0, 8.0], [0.0, 0.0]])).scores(rows)  # (3, 2)
    assert scores.tolist() == [[0.0, 0.0], [pytest.approx(1.0), 0.0], [pytest.approx(0.96), 0.0]]
    (gradient,) = torch.autograd.grad(scores.sum(), rows)
    # (b / |b| - cos a / |a|) / |a| of a = (4, 3), b / |b| = (0.6, 0.8)
    assert gradient.tolist() == [[0.0, 0.0], [0.0, 0.0], pytest.approx([-0.0336, 0.0448], abs=1e-6)]


def test_explained_in_one_pass_for_all_pictures(folder):
    """The other picture's scores are those of all pictures of a batch."""
    checkpoint = rgaviz.load_checkpoint(folder / "rga.pt")
    many, other = (
        checkpoint.inputs([folder / f"crops/{n}.png" for n in range(3)]),
        checkpoint.inputs(folder / "with.png"),
    )
    with torch.no_grad():
        target = Similarity(checkpoint.model.embed(other), "with.png").counterpart(
            checkpoint.model.embed(many)
        )
    found = explain(
        checkpoint.model,
        other,
        forward=checkpoint.scored(),
        cam_layer="conv5",
        methods=["gradcam"],
        target=target,
    )
    assert found.cams["gradcam"].shape[:2] == (1, 3)
