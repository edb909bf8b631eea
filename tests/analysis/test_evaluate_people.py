"""Measuring networks for re-identification on data sets of files: the worked example, and what changes nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from crops import save_crops, save_network
from PIL import Image
from typer.testing import CliRunner

import rgaviz
from rgaviz.cli import app
from rgaviz.errors import PictureError, RgavizError
from rgaviz.results.reader import read_results
from rgaviz.tasks.reid import ReIdentification

FAST = {"formats": ("png",), "dpi": 50}
UNIT = 0.05  # of the features in pictures, which hold whole numbers
QUERIES = [(1, 1, 0), (2, 1, 10), (3, 2, 20)]  # identity, camera, feature
GALLERY = [
    *((1, 1, 0.1), (0, 3, 0.2), (1, 2, 0.3), (-1, 2, 0.05), (1, 3, 0.9), (2, 2, 10.5)),
    *((0, 1, 10.1), (-1, 1, 10.2), (2, 3, 11), (3, 2, 20.1), (2, 1, 10.05)),
]
PEOPLE = {
    "query": [(1, 1), (2, 1), (3, 3), (5, 1)],
    "gallery": [(1, 2), (2, 2), (3, 3), (1, 3), (5, 2), (0, 2)],
}


def save_features(folder, people):
    """Pictures whose colour is the feature: in units, red counts 256 each and green 1."""
    folder.mkdir(parents=True)
    for number, (who, camera, feature) in enumerate(people):
        units = round(feature / UNIT)
        pixels = np.empty((8, 4, 3), np.uint8)
        pixels[:] = (units // 256, units % 256, 7)
        Image.fromarray(pixels).save(folder / f"{who:04d}_c{camera}s1_{number:06d}_00.png")


def colours(images):
    """The features (B, 1) of normalised images (B, 3, H, W) as :func:`save_features` made them."""
    mean, std = torch.tensor([0.5, 0.4, 0.3]), torch.tensor([0.2, 0.25, 0.3])  # of save_network
    red, green, _ = (images[:, :, 0, 0] * std + mean).mul(255).round().T
    return (UNIT * (256 * red + green))[:, None]


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save_network(Path("a.pt"), 0)
    return tmp_path


def evaluated(*networks, out="out", data_dir="data", say=lambda text: None, **choices):
    where = {"dataset": "reid-folder", "data_dir": data_dir, "figure": FAST, "say": say}
    return [each.to_dict() for each in rgaviz.evaluate(list(networks), out, choices=choices, **where)]


def test_the_worked_example_from_files(place, monkeypatch):
    """From names and pixels to the figures: 2 valid queries of 3, as counted by hand."""
    save_features(place / "data/query", QUERIES)
    save_features(place / "data/gallery", GALLERY)
    monkeypatch.setattr(ReIdentification, "scored", lambda self, model: colours)
    notes = []
    (told,) = evaluated("a.pt", say=notes.append, distance="euclidean")
    assert (told["test_rank1"], told["test_rank5"]) == (0, 100)
    assert told["test_mAP"] == pytest.approx(100 * (1 / 2 + 2 / 3) / 2)
    assert [row["AP (%)"] for row in told["queries"].values()][2] is None
    assert any("1 of 3 queries have no match" in note for note in notes)
    assert (told["images"], told["left_out"]) == (12, [])  # 14 without junk


def test_other_numbers_of_people_and_another_head_change_no_bit(place):
    other = {0: 0, 1: 412, 2: 17, 3: 9, 5: 1201}
    figures = []
    torch.manual_seed(3)
    for folder, numbers, classes in (("data", {n: n for n in other}, 3), ("renamed", other, 11)):
        for part, people in PEOPLE.items():
            first = {"query": 50, "gallery": 0}[part]
            for number, (who, camera) in enumerate(
                people, start=first
            ):  # the order of names is that of `PEOPLE`
                (saved,) = save_crops(place / folder / part, [(numbers[who], camera)], first=number)
                saved.rename(saved.with_name(f"{number:03d}-{saved.name}"))
        checkpoint = rgaviz.load_checkpoint("a.pt")
        model = rgaviz.create_model(
            "resnet18-w16", "none", num_classes=classes, width=4, image_size=(32, 16), head="bnneck"
        )
        body = {
            name: each for name, each in checkpoint.model.state_dict().items() if not name.startswith("fc.")
        }
        model.load_state_dict({**model.state_dict(), **body})
        model.task = "reid"
        names = list(map(str, range(classes)))
        rgaviz.save_checkpoint(f"{folder}.pt", model, classes=names, mean=checkpoint.mean, std=checkpoint.std)
        (found,) = rgaviz.evaluate(
            [f"{folder}.pt"],
            "out",
            dataset="reid-folder",
            data_dir=folder,
            pattern=r"\d+-(?P<id>\d+)_c(?P<camera>\d)",
            figure=FAST,
        )
        figures.append(found.to_dict())
    one, two = figures
    measured = [key for key in one if key.startswith("test_")]
    assert len(measured) == 6
    assert [one[key] for key in measured] == [two[key] for key in measured]
    precisions = [[row["AP (%)"] for row in each["queries"].values()] for each in figures]
    assert precisions[0] == precisions[1]
    assert 0 < one["test_mAP"] < 100


@pytest.mark.parametrize("within", [False, True])
def test_rank_gives_the_average_precision_of_evaluate(place, within):
    for part, people in PEOPLE.items():
        save_crops(place / "data" / part, people, first={"query": 50, "gallery": 0}[part])
    (told,) = evaluated("a.pt", within_camera=within)
    found = rgaviz.rank(
        ["a.pt"],
        gallery="reid-folder",
        data_dir="data",
        count=4,
        choices={"within_camera": within},
        figure=FAST,
    ).found
    expected = {name: row["AP (%)"] for name, row in told["queries"].items() if row["AP (%)"] is not None}
    assert {each.query: each.percent for each in found} == expected
    assert len(expected) == (4 if within else 3)


def test_networks_whose_names_are_those_of_other_tables(place):
    for part, people in PEOPLE.items():
        save_crops(place / "data" / part, people, first={"query": 50, "gallery": 0}[part])
    for seed, name in enumerate(("a-queries", "a-queries'"), start=1):
        save_network(Path(f"{name}.pt"), seed)
    told = evaluated("a.pt", "a-queries.pt", "a-queries'.pt")
    results = read_results("out")
    names = set(results.manifest.tables)
    assert len(names) == 6
    curves = {each["network"]: results.table(each["network"]) for each in told}
    for each in told:
        shown = [float(row[1]) for row in curves[each["network"]][1:]]
        assert shown == pytest.approx([row["matched (%)"] for row in each["cmc"].values()])
    others = [results.table(name) for name in sorted(names - set(curves))]
    assert {len(table) for table in others} == {5}  # a row for each query


def damage(path):
    path.write_bytes(path.read_bytes()[:60])


def test_a_damaged_picture_is_left_out_and_counted(place):
    for part, people in PEOPLE.items():
        save_crops(place / "data" / part, people, first={"query": 50, "gallery": 0}[part])
    save_crops(place / "less/query", PEOPLE["query"][:2], first=50)
    save_crops(place / "less/gallery", PEOPLE["gallery"][1:], first=1)
    bad = [place / "data/gallery/0001_c2s1_000000_00.png", *sorted((place / "data/query").iterdir())[2:]]
    for path in bad:
        damage(path)
    notes = []
    (told,), (expected,) = (
        evaluated("a.pt", say=notes.append),
        evaluated("a.pt", data_dir="less", out="less-out"),
    )
    assert len(told["left_out"]) == 3
    assert all(path.name in line for path, line in zip([*bad[1:], bad[0]], told["left_out"], strict=True))
    measured = [key for key in told if key.startswith("test_")]
    assert [told[key] for key in measured] == [expected[key] for key in measured]
    assert told["images"] == expected["images"] == 7
    assert any("1 of 6 pictures of reid-folder, gallery, cannot be read" in note for note in notes)
    assert any("2 of 4 pictures of reid-folder, query, cannot be read" in note for note in notes)
    (record,) = read_results("out").manifest.checkpoints
    assert (record["images"], len(record["left_out"])) == (7, 3)
    words = ["evaluate", "a.pt", "--dataset", "reid-folder", "--data-dir", "data", "--dpi", "50"]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 1
    assert "7 (reid-folder, image files, 3 left out)" in " ".join(shown.stdout.split())
    found = rgaviz.rank(["a.pt"], gallery="reid-folder", data_dir="data", figure=FAST)
    assert len(found.failures) == 3
    assert "5 pictures (3 that cannot be read are left out)" in found.gallery
    for path in (place / "data/gallery").iterdir():
        damage(path)
    with pytest.raises(PictureError, match=r"\(and 5 more\)"):
        evaluated("a.pt")
    with pytest.raises(RgavizError):  # to learn from, nothing is left out
        rgaviz.data.sets.load_dataset("reid-folder", data_dir=place / "data").part("gallery")


def test_the_pictures_of_a_folder_are_decoded_once(place, monkeypatch):
    from rgaviz.analysis import gallery
    from rgaviz.data import pictures, splits

    save_crops(place / "gallery")
    (query,) = save_crops(place / "queries", [(1, 1)], first=50)
    decoded = []
    read = pictures.read_picture

    def counted(path, *rest, **more):
        decoded.append(Path(path).name)
        return read(path, *rest, **more)

    monkeypatch.setitem(splits.read_split.__kwdefaults__, "read", counted)
    monkeypatch.setattr(gallery, "read_picture", lambda path: read(path))  # as it is shown
    rgaviz.rank(["a.pt"], [query], gallery="gallery", figure=FAST)
    assert sorted(decoded) == sorted(path.name for path in [*(place / "gallery").iterdir(), query])
