"""The check that the benchmarks make before they time anything notices a difference."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

import rgaviz
from rgaviz.profiling.direct import direct_form

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(name="check_equal")
def _check_equal(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from direct_rga import check_equal

    yield check_equal
    sys.modules.pop("direct_rga")


def test_check_equal_notices_swapped_relations(check_equal):
    torch.manual_seed(0)
    ours = rgaviz.build_attention("rga-s", 12, (3, 5), 3, 2)
    direct = direct_form(ours)
    x = torch.randn(3, 12, 3, 5)
    check_equal(ours, direct, x)
    weight = direct.attend.varphi[0].weight
    weight.data = weight.data.roll(15, dims=1)  # [A | B] -> [B | A]
    with pytest.raises(AssertionError, match="not close"):
        check_equal(ours, direct, x)


@pytest.fixture(name="cam_throughput")
def _cam_throughput(monkeypatch):
    pytest.importorskip("torchcam")
    monkeypatch.syspath_prepend(BENCHMARKS)
    import cam_throughput

    yield cam_throughput
    for name in ("cam_throughput", "explain_pass", "measure"):
        sys.modules.pop(name)


def test_cam_libraries_are_compared_on_equal_maps(cam_throughput, monkeypatch):
    torch.manual_seed(0)
    images = torch.randn(2, 3, 66, 66)
    model = cam_throughput.trained_looking("resnet18", 66, images, "none", width=8, last_stride=2)
    cam_throughput.check_same_maps(model, images)
    right = cam_throughput.ours

    def wrong(model, images, methods):
        found = right(model, images, methods)
        return {**found, "layercam": found["gradcam"]}  # the others equal it where gradients are constant

    monkeypatch.setattr(cam_throughput, "ours", wrong)
    with pytest.raises(AssertionError, match="layercam"):
        cam_throughput.check_same_maps(model, images)


def test_cam_claims_are_geometric_means(cam_throughput):
    peers = ("torch-cam", "pytorch-grad-cam")
    names = ["Grad-CAM, ours", "6 methods, ours", *(f"Grad-CAM, {peer}" for peer in peers)]
    names += ["3 methods, torch-cam", "6 methods, pytorch-grad-cam"]
    times = {
        1: dict(zip(names, (1.0, 2.0, 1.0, 3.0, 6.0, 16.0), strict=True)),
        8: dict(zip(names, (1.0, 2.0, 4.0, 3.0, 6.0, 64.0), strict=True)),
    }
    found = [(round(claim.measured, 6), claim.target) for claim in cam_throughput.claims(times)]
    assert found == [(2.0, 1.0), (3.0, pytest.approx(2.4)), (3.0, 2.5), (16.0, pytest.approx(12.0))]


@pytest.fixture(name="ranking")
def _ranking(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import ranking

    yield ranking
    for name in ("ranking", "rga_module", "direct_rga", "measure"):
        sys.modules.pop(name)


def test_rankings_are_compared_on_equal_figures(ranking, monkeypatch):
    torch.manual_seed(0)
    rows, times = ranking.contest(ranking.QUICK, 1)
    assert rows[0][0] == "usual loop, from distances of 6 queries"
    assert set(times) >= {"usual loop", "ours"}
    right = ranking.ours
    monkeypatch.setattr(ranking, "ours", lambda *given: right(*given) + 0.01)
    with pytest.raises(AssertionError, match="Not equal"):
        ranking.contest(ranking.QUICK, 1)


@pytest.fixture(name="reid_data_path")
def _reid_data_path(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import reid_data_path

    yield reid_data_path
    for name in ("reid_data_path", "measure"):
        sys.modules.pop(name)


def test_the_data_path_gives_what_a_step_takes(reid_data_path):
    from rgaviz.training.config import load_recipe

    small = ["data.image_size=[32, 16]", "train.batch_size=8", "train.images_per_identity=2"]
    recipe = load_recipe("market1501-small", small)
    split = reid_data_path.people(recipe, 12)
    epochs = [list(reid_data_path.data_path(split, recipe, number)) for number in (0, 1)]
    for epoch in epochs:
        assert [tuple(images.shape) for images, _ in epoch] == [(8, 3, 32, 16)] * 3
        labels = torch.cat([labels for _, labels in epoch])
        assert sorted(labels.tolist()) == sorted([*range(12)] * 2)
    assert not torch.equal(epochs[0][0][0], epochs[1][0][0])


def test_windows_are_compared_on_equal_batches(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import windows
    from peer_windows import loader

    pairs = windows.scenes(tmp_path, 4, (64, 128))
    for kept in (True, False):
        split = windows.opened(pairs, 24, kept=kept)
        assert split.kept == kept
        windows.ours(split, 2, 2)()
    batches = list(loader([(str(each.picture), str(each.labels)) for each in pairs], 24, 2, 0))
    assert [(images.shape, labels.shape) for images, labels in batches] == [((2, 3, 24, 24), (2, 24, 24))] * 2
    assert {(images.dtype, labels.dtype) for images, labels in batches} == {(torch.float32, torch.int64)}
    for name in ("windows", "peer_windows", "measure"):
        sys.modules.pop(name)


def test_every_benchmark_is_in_the_suite(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import run as suite

    scripts = {path.stem for path in BENCHMARKS.glob("*.py") if '== "__main__"' in path.read_text()}
    peers = {"peer_compare_script", "peer_folder_script"}
    assert set(suite.SCRIPTS) == scripts - {"run"} - peers
    for name in ("run", "measure"):
        sys.modules.pop(name)
