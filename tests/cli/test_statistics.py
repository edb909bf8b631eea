"""``rgaviz statistics``."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from crops import save_crops, save_network
from pictures import save_picture

from rgaviz.cli.completion import GROUPED, over_data
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
FILES = (
    "statistics.png",
    "statistics-maps.png",
    "statistics.csv",
    "statistics.tex",
    "statistics.channels.csv",
)


def test_statistics(rga, place):
    shown = rga("statistics", "baseline.pt", "rga.pt", "shapes", "--show", "ring,square", *FAST)
    assert (
        "Note: baseline.pt has no attention that ends in a gate, so no masks, and is left out."
        in shown.stderr
    )
    words = shown.stdout.split()
    assert all(f"rgaviz-statistics/{name}" in words for name in FILES)
    assert "rga conv4/channel" in shown.stdout
    assert "20 pictures (shapes, test, generated); means over pictures" in shown.stdout
    folder = Path("rgaviz-statistics")
    drawn = [(folder / name).read_bytes() for name in FILES[:2]]
    rga("redraw", "rgaviz-statistics")
    assert [(folder / name).read_bytes() for name in FILES[:2]] == drawn
    manifest = read_results(folder).manifest
    assert manifest.titles == ["all", "ring", "square"]
    assert manifest.figure["alpha"] == 1.0
    assert manifest.command_line.startswith("rgaviz statistics baseline.pt rga.pt")
    tex = (folder / "statistics.tex").read_text().splitlines()
    assert tex[0].startswith("% Written by rgaviz statistics")
    assert any(line.startswith("rga & conv5/spatial & ") for line in tex)
    header, *rows = csv.reader((folder / "statistics.csv").read_text().splitlines())
    assert header[:4] == ["network", "mask", "class", "pictures"]
    assert len(rows) == 4 * 11  # masks, and classes with all


def test_json_and_a_named_figure(answer, place):
    words = ("statistics", "channel.pt", "--layer", "conv5", "--count", "9", "--width", "column", *FAST)
    told = answer(*words, "-o", "fig.png")
    assert told["files"] == ["fig.png", "fig.csv", "fig.tex", "fig.channels.csv"]  # no spatial masks, no maps
    assert (told["results"], told["pictures"], told["by"]) == ("fig", 9, "class")
    assert [row["mask"] for row in told["differing"]] == ["conv5/channel"] * 5
    assert told["rows"][0]["x"] is None
    assert answer(*words, "-o", "fig.png") == told  # replaces its own, with the same numbers


def test_people_by_identity(answer, place):
    save_network(Path("net.pt"), 0, "rga-s", dataset="reid-folder")
    save_crops(Path("data/query"), [(1, 1), (2, 1), (3, 2)])
    save_crops(Path("data/gallery"), [(1, 2), (2, 2), (3, 1)])
    told = answer("statistics", "net.pt", "--data-dir", "data", "--by", "identity", *FAST)
    assert told["files"] == [f"rgaviz-statistics/statistics.{kind}" for kind in ("png", "csv", "tex")]
    assert told["shown"] == ["1", "2", "3"]
    assert told["differing"] == []  # of channels, of which there are no masks
    assert 0 <= told["rows"][0]["share"] <= 1
    assert told["rows"][0]["chance"] == 2 / 5


def test_a_damaged_picture_is_left_out(rga, place):
    for part in ("train", "test"):
        for number in range(4):
            save_picture(Path(f"data/{part}/{'ab'[number % 2]}/{number}.png"), (20, 20), number)
    Path("data/test/a/2.png").write_bytes(b"no picture")
    words = ("statistics", "rga.pt", "folder", "--data-dir", "data", "--json", *FAST)
    shown = rga(*words, code=1)
    assert "1 of 4 pictures left out." in shown.stderr
    assert json.loads(shown.stdout)["pictures"] == 3


def test_refusals(refused):
    assert "no attention that ends in a gate" in refused("statistics", "baseline.pt", "shapes")
    assert "over one data set" in refused("statistics", "rga.pt", "shapes", "cifar10")
    assert "Did you mean 'shapes'" in refused("statistics", "rga.pt", "shape")
    assert "Choose one of: camera, class, identity, none." in refused("statistics", "rga.pt", "--by", "kind")
    assert "--threshold -1.0 is out of range" in refused("statistics", "rga.pt", "--threshold", "-1")
    Path("rgaviz-statistics").mkdir()
    Path("rgaviz-statistics/statistics-maps.png").write_bytes(b"mine")
    assert "was not written by rgaviz" in refused("statistics", "rga.pt", *FAST)


def test_tables_of_others_are_kept(refused):
    Path("fig.channels.csv").write_text("mine\n")
    assert "fig.channels.csv is there and was not written by rgaviz" in refused(
        "statistics", "rga.pt", "-o", "fig.png"
    )


def test_completion(place):
    assert "rga.pt" in over_data("rg")
    assert over_data("peop") == ["people"]
    assert GROUPED() == ["class", "camera", "identity", "none"]
