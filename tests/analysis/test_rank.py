"""Ranking a gallery for queries: against a slow reference, and what is said of who is unknown."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from crops import GALLERY, SIZE, save_crops, save_network
from pictures import files_below, save_picture

import rgaviz
from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.pictures import read_picture
from rgaviz.errors import PictureError, RgavizError
from rgaviz.explain.targets import scored
from rgaviz.results.reader import read_results

FAST = {"formats": ("png",), "dpi": 50}


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """A ResNet-18 has half its depth."""
    with tiny.shallow():
        yield


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return [save_network(folder / f"{name}.pt", seed, name) for seed, name in enumerate(("none", "rga-sc"))]


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A gallery, and queries of which one has a match by another camera."""
    monkeypatch.chdir(tmp_path)
    save_crops(tmp_path / "gallery")
    save_crops(tmp_path / "queries", [(1, 1), (3, 3)], first=50)
    return tmp_path


def embedding(checkpoint, path, flip=False):
    with torch.no_grad():
        images = checkpoint.inputs(path)
        found = checkpoint.model.embed(images)[0]
        return (found + checkpoint.model.embed(images.flip(3))[0]) / 2 if flip else found


def distance(first, second):
    return 1 - float(torch.nn.functional.cosine_similarity(first, second, dim=0))


def slow_ranking(checkpoint, query, who, camera, gallery, people=GALLERY, **options):
    """(path, right, distance) in order, and AP, by one loop over the pictures."""
    sought, found = embedding(checkpoint, query, **options), []
    for path, (identity, taken) in zip(gallery, people, strict=True):
        if identity == -1 or (identity == who and taken == camera):
            continue
        found.append((distance(sought, embedding(checkpoint, path, **options)), path, identity == who))
    found.sort(key=lambda each: each[0])
    hits, total = 0, 0.0
    for place, (_, _, right) in enumerate(found, start=1):
        hits += right
        total += right * hits / place
    return found, total / hits if hits else None


@pytest.mark.parametrize("flip", [False, True])
def test_rankings_are_those_of_a_slow_loop(networks, place, flip):
    choices = {"flip": True} if flip else None
    found = rgaviz.rank(networks, ["queries"], "out", gallery="gallery", choices=choices, figure=FAST).found
    gallery = sorted((place / "gallery").iterdir())
    people = [(int(path.name.partition("_")[0]), int(path.name.partition("_c")[2][0])) for path in gallery]
    assert len(found) == 4
    for each, (query, network) in zip(
        found, [(q, n) for q in sorted((place / "queries").iterdir()) for n in networks], strict=True
    ):
        who, camera = each.identity, each.camera
        checkpoint = load_checkpoint(network)
        order, precision = slow_ranking(checkpoint, query, who, camera, gallery, people, flip=flip)
        assert (each.network, each.query) == (network.stem, query.name)
        assert [hit.name for hit in each.hits] == [path.name for _, path, _ in order]
        assert [hit.right for hit in each.hits] == [right for *_, right in order]
        np.testing.assert_allclose([hit.distance for hit in each.hits], [far for far, *_ in order], atol=1e-5)
        assert each.precision == (None if precision is None else pytest.approx(precision))
    one, other = found[0], found[2]
    assert (one.matches, other.matches, other.first) == (2, 0, None)
    assert one.first == next(hit.rank for hit in one.hits if hit.right)


def table_of(name):
    return list(csv.DictReader(Path(f"out/tables/{name}.csv").read_text().splitlines()))


def test_tables_have_all_that_was_found(networks, place):
    found = rgaviz.rank(networks, ["queries"], "out", gallery="gallery", top=3, figure=FAST).found
    table = table_of("hits")
    assert list(table[0]) == [
        *("query", "network", "rank", "picture", "identity", "camera", "distance", "right")
    ]
    assert len(table) == 4 * 3
    for row, (each, hit) in zip(table, [(e, h) for e in found for h in e.hits], strict=True):
        assert (row["query"], row["network"], int(row["rank"])) == (each.query, each.network, hit.rank)
        assert (row["picture"], row["right"]) == (hit.name, str(hit.right))
        assert (int(row["identity"]), int(row["camera"])) == (hit.identity, hit.camera)
        assert float(row["distance"]) == hit.distance
    queries = table_of("queries")
    assert [row["AP (%)"] for row in queries] == ["" if e.percent is None else str(e.percent) for e in found]


def panels(folder="out"):
    manifest = read_results(folder).manifest
    return manifest.titles, manifest.rows


def test_the_figure_is_a_row_for_each_query_and_network(networks, place):
    rgaviz.rank(networks, ["queries"], "out", gallery="gallery", top=4, figure=FAST)
    titles, rows = panels()
    assert titles == ["query", "1", "2", "3", "4", ""]
    assert [len(row) for row in rows] == [6] * 4
    first = rows[0]
    assert [line.text for line in first[0].lines] == ["none", "id 1", "camera 1"]
    precision, rank = (first[0].values[name] for name in ("ap", "first"))
    assert [line.text for line in first[-1].lines] == [f"AP {precision:.1f}%", f"first at {rank}"]
    assert first[0].frame is None
    for panel in first[1:-1]:
        right = panel.values["right"]
        assert panel.frame == panel.lines[0].role == ("right" if right else "wrong")
    assert {row[0].picture for row in rows[:2]} == {"0"}
    assert [line.text for line in rows[2][0].lines] == ["none", "id 3", "camera 3"]
    assert [line.text for line in rows[2][-1].lines] == ["no match"]


def test_more_than_there_is(networks, place):
    found = rgaviz.rank(networks[:1], ["queries"], "out", gallery="gallery", top=100, figure=FAST).found
    assert [len(each.hits) for each in found] == [6, 6]  # of 8: junk, and one by the camera rule
    titles, rows = panels()
    assert len(titles) == 10
    for row in rows:  # all end in the last column
        assert [bool(panel.lines) for panel in row] == [*[True] * 7, False, False, True]


def test_of_an_unknown_query_nothing_is_right_or_wrong(networks, place):
    notes = []
    save_picture(place / "stranger.png", (48, 24), seed=90)
    (found,) = rgaviz.rank(
        networks[:1], ["stranger.png"], "out", gallery="gallery", figure=FAST, say=notes.append
    ).found
    assert (found.identity, found.camera, found.precision, found.matches) == (None, None, None, None)
    assert {hit.right for hit in found.hits} == {None}
    assert len(found.hits) == 7  # all but junk
    assert {panel.frame for row in panels()[1] for panel in row} == {None}
    assert [line.text for line in panels()[1][0][-1].lines] == ["who is unknown"]
    assert any(
        "tell no identity by Market-1501's pattern, 0002_c1...: 1 of 1 queries" in note for note in notes
    )
    page = (place / "out/rank.html").read_text()
    assert 'data-first="unknown"' in page


def test_a_gallery_without_names_is_neither_right_nor_wrong(networks, place):
    notes = []
    save_picture(place / "gallery/nobody.png", (48, 24), seed=91)
    found = rgaviz.rank(
        networks[:1], ["queries"], "out", gallery="gallery", figure=FAST, say=notes.append
    ).found
    assert {hit.right for each in found for hit in each.hits if hit.name == "nobody.png"} == {None}
    assert any("1 of 9 pictures of the gallery, nobody.png first" in note for note in notes)


def test_names_by_a_pattern(networks, place):
    for path in [*(place / "gallery").iterdir(), *(place / "queries").iterdir()]:
        who, camera, *_ = path.name.replace("s1", "_").split("_")
        path.rename(path.with_name(f"cam{camera[1:]}-{who}-{path.stem[-9:]}.png"))
    pattern = r"cam(?P<camera>\d+)-(?P<id>-?\d+)"
    found = rgaviz.rank(
        networks[:1], ["queries"], "out", gallery="gallery", pattern=pattern, figure=FAST
    ).found
    assert [(each.identity, each.camera, each.matches) for each in found] == [(1, 1, 2), (3, 3, 0)]


def test_a_query_does_not_find_itself(networks, place):
    name = "0002_c1s1_000003_00.png"
    choices = {"within_camera": True}
    (found,) = rgaviz.rank(
        networks[:1], [f"gallery/{name}"], "out", gallery="gallery", choices=choices, figure=FAST
    ).found
    assert name not in [hit.name for hit in found.hits]
    assert found.hits[0].distance > 1e-4


def test_what_cannot_be_read_is_told_and_the_others_are_ranked(networks, place):
    notes = []
    (place / "gallery/0001_c4s1_000077_00.png").write_bytes(b"no picture")
    (place / "gallery/list.txt").write_text("no picture")
    (place / "queries/0002_c3s1_000078_00.jpg").write_bytes(b"")
    found = rgaviz.rank(networks[:1], ["queries"], "out", gallery="gallery", figure=FAST, say=notes.append)
    assert len(found.failures) == 2
    assert len(found.found) == 2
    assert any("1 files are no pictures and are left out, list.txt first" in note for note in notes)
    shutil.rmtree(place / "gallery")
    (place / "gallery").mkdir()
    with pytest.raises(PictureError, match="holds no pictures"):
        rgaviz.rank(networks[:1], ["queries"], "out", gallery="gallery", figure=FAST)


def test_masks_are_those_of_each_picture(networks, place):
    found = rgaviz.rank(networks, ["queries"], "out", gallery="gallery", overlay="mask", figure=FAST).found
    results, checkpoint = read_results("out"), load_checkpoint(networks[1])
    assert {panel.kind for panel in results.manifest.rows[0][: 1 + len(found[0].hits)]} == {
        "picture"
    }  # a baseline has none
    row = results.manifest.rows[1][: 1 + len(found[1].hits)]
    paths = [place / "queries" / found[1].query, *(place / "gallery" / hit.name for hit in found[1].hits)]
    expected = rgaviz.masks(checkpoint, paths, "conv5")["conv5/spatial"]
    for panel, values in zip(row, expected, strict=True):
        assert panel.map.name == "conv5/spatial"
        np.testing.assert_allclose(results.map(panel.picture, "rga-sc", panel.map.name), values, atol=1e-6)
    with pytest.raises(RgavizError, match="--overlay mask: none of these networks has a spatial mask"):
        rgaviz.rank(networks[:1], ["queries"], "no", gallery="gallery", overlay="mask")


def test_maps_tell_why_two_pictures_are_alike(networks, place):
    """Against Grad-CAM of the cosine, picture by picture: the gallery's with the query, the query with its match."""
    found = rgaviz.rank(networks, ["queries"], "out", gallery="gallery", overlay="cam", figure=FAST).found
    results = read_results("out")
    for each, row, network in zip(found, results.manifest.rows, [*networks, *networks], strict=True):
        checkpoint = load_checkpoint(network)
        query = place / "queries" / each.query
        paths = [place / "gallery" / hit.name for hit in each.hits]
        about = next((n for n, hit in enumerate(each.hits) if hit.right), 0)
        others = [embedding(checkpoint, path) for path in (paths[about], *[query] * len(paths))]
        for panel, path, other in zip(row[: 1 + len(paths)], [query, *paths], others, strict=True):
            target = scored(lambda out, other=other: torch.nn.functional.cosine_similarity(out, other[None]))
            found_map = results.map(panel.picture, network.stem, panel.map.name)
            expected = slow_cam(checkpoint, path, target)
            np.testing.assert_allclose(found_map, expected, atol=1e-6, rtol=1e-3)


def slow_cam(checkpoint, path, target):
    """Grad-CAM of the last map by its definition: weights are the mean gradients."""
    caught = []
    model = checkpoint.model
    layer = dict(model.named_modules()).get("attention.conv5", model.layer4)
    handle = layer.register_forward_hook(lambda _m, _i, out: caught.append(out))
    output = model.embed(checkpoint.inputs(path).requires_grad_())
    handle.remove()
    (gradient,) = torch.autograd.grad(target.scores(output).sum(), caught[0])
    weights = gradient.mean((2, 3), keepdim=True)
    return (weights * caught[0]).sum(1).relu()[0].detach().numpy()


@pytest.mark.slow
def test_networks_of_several_sizes(networks, place, tmp_path):
    other = load_checkpoint(networks[0])
    assert other.image_size == SIZE
    torch.manual_seed(5)
    model = rgaviz.create_model(
        "resnet18-w16", "none", num_classes=3, width=4, image_size=(48, 24), head="bnneck"
    )
    model.task = "reid"
    rgaviz.save_checkpoint("large.pt", model, classes=["1", "2", "3"], mean=other.mean, std=other.std)
    found = rgaviz.rank([networks[0], "large.pt"], ["queries"], "out", gallery="gallery", figure=FAST).found
    large = load_checkpoint("large.pt")
    query, hit = next((place / "queries").glob("0001*")), found[1].hits[0]
    assert hit.distance == pytest.approx(
        distance(embedding(large, query), embedding(large, place / "gallery" / hit.name)), abs=1e-5
    )
    shown = read_results("out").picture("0")
    np.testing.assert_array_equal(shown, read_picture(query))


def test_the_same_again_gives_the_same_bytes(networks, place):
    def run():
        rgaviz.rank(networks[1:], ["queries"], "out", gallery="gallery", overlay="cam", top=3, figure=FAST)
        return files_below(place / "out")

    first = run()
    assert run() == first
    assert set(first) >= {"rank.png", "rank.html", "manifest.json", "maps.npz", "tables/hits.csv"}
    rgaviz.redraw("out", figure={"formats": ("png",)})
    assert files_below(place / "out") == first
