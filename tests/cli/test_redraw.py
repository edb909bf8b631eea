"""``rgaviz redraw``: the figure again from the results folder alone, and strangers' folders."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pictures import files_below
from typer.testing import CliRunner

from rgaviz.cli import app

FAST = ("--format", "png", "--dpi", "50")


@pytest.fixture
def drawn(rga):
    """The results of ``masks``."""
    rga("masks", "rga.pt", "img.jpg", *FAST)
    return Path("rgaviz-masks")


def manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_nothing_changed_gives_the_same_bytes(rga, drawn):
    before = files_below(drawn)
    result = rga("redraw", str(drawn))
    assert files_below(drawn) == before
    assert result.stdout.splitlines() == [
        "rgaviz-masks/masks.png",
        "rgaviz-masks/overlays/img-rga-conv5-spatial.png",
    ]


def test_other_colours_and_formats(rga, drawn):
    before = files_below(drawn)
    rga("redraw", str(drawn), "--cmap", "viridis", "--format", "svg,png")
    after = files_below(drawn)
    assert set(after) == {*before, "masks.svg"}
    assert after["masks.png"] != before["masks.png"]
    assert after["maps.npz"] == before["maps.npz"]
    rga("redraw", str(drawn))  # what was recorded first
    assert files_below(drawn)["masks.png"] == before["masks.png"]


def test_recorded_options_stay(rga):
    rga("cam", "rga.pt", "img.jpg", "--scale", "fixed:0,2", "--width", "3.5", "--no-title", *FAST)
    before = files_below(Path("rgaviz-cam"))
    rga("redraw", "rgaviz-cam")
    assert files_below(Path("rgaviz-cam")) == before


def test_elsewhere(rga, drawn):
    before = files_below(drawn)
    rga("redraw", str(drawn), "-o", "figs/camera.svg", "--cmap", "magma")
    rga("redraw", str(drawn), "-o", "there", "--cmap", "magma")
    assert sorted(files_below(Path("figs"))) == ["camera.svg", "camera/overlays/img-rga-conv5-spatial.png"]
    assert sorted(files_below(Path("there"))) == ["masks.png", "overlays/img-rga-conv5-spatial.png"]
    assert files_below(drawn) == before


def test_a_file_of_someone_else_is_not_replaced(refused, drawn):
    Path(drawn, "masks.pdf").write_text("mine")
    assert "masks.pdf is there and was not written by rgaviz" in refused(
        "redraw", str(drawn), "--format", "pdf"
    )


def test_without_torch_and_without_the_networks(place, drawn):
    Path("rga.pt").unlink()
    code = (
        "import sys; from typer.testing import CliRunner; from rgaviz.cli import app\n"
        "result = CliRunner().invoke(app, ['redraw', 'rgaviz-masks'])\n"
        "print(result.exit_code, {'torch', 'torchvision', 'matplotlib.pyplot'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "0 set()\n"


JUNK = [None, 5, -1, "x", "../../evil", [], ["x"], {}, {"x": 1}, [{}], True, 1.5]


@pytest.mark.parametrize("each", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_a_strangers_manifest(drawn, place, each):
    """Whatever stands in it: drawn, or refused in one line; nothing outside the folder changes."""
    whole = json.loads((drawn / "manifest.json").read_text())

    def places(value, path=()):
        yield path
        items = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for key, each in items:
            yield from places(each, (*path, key))

    spots = [
        spot
        for spot in places(whole)
        if spot and spot[0] in ("command", "titles", "rows", "pictures", "figure", "tables", "texts")
    ]
    outside = {
        name: body for name, body in files_below(place).items() if not name.startswith("rgaviz-masks/")
    }
    refusals = 0
    for number, spot in enumerate(spots):
        junk = [JUNK[(number * 5 + step) % len(JUNK)] for step in range(each)]
        if spot[-1] in ("path", "id", "checkpoint", "name", "picture", "command"):
            junk.append("../../evil")
        for value in junk:
            document = json.loads(json.dumps(whole))
            inner = document
            for key in spot[:-1]:
                inner = inner[key]
            inner[spot[-1]] = value
            (drawn / "manifest.json").write_text(json.dumps(document))
            result = CliRunner().invoke(app, ["redraw", str(drawn)])
            assert result.exit_code in (0, 1), (spot, value)
            if not isinstance(result.exception, SystemExit | None):
                raise AssertionError(f"{spot} = {value!r}") from result.exception
            if result.exit_code:
                refusals += 1
                assert result.stderr.count("\n") == 1, (spot, value)
    assert refusals > 20
    left = {name: body for name, body in files_below(place).items() if not name.startswith("rgaviz-masks/")}
    assert left == outside


@pytest.mark.parametrize("name", ["manifest.json", "maps.npz", "pictures/0.png"])
def test_damaged_results(refused, drawn, name):
    Path(drawn, name).write_bytes(Path(drawn, name).read_bytes()[:50])
    assert "rgaviz-masks" in refused("redraw", str(drawn))


def test_no_pictures_in_the_results(refused, drawn):
    manifest(drawn, pictures=[])
    assert "row 0 names picture '0', which is not there" in refused("redraw", str(drawn))
    manifest(drawn, rows=[])
    assert "holds no pictures" in refused("redraw", str(drawn))


def test_two_pictures_of_one_name(rga, refused):
    rga("masks", "rga.pt", "img.jpg", "pics/ring/a.png", *FAST)
    folder = Path("rgaviz-masks")
    first, second = json.loads((folder / "manifest.json").read_text())["pictures"]
    manifest(folder, pictures=[first, {**second, "path": "img.png"}])
    (folder / "masks.png").unlink()
    assert "img.jpg and img.png would both write" in refused("redraw", "rgaviz-masks")


def test_results_of_schema_1(rga, drawn):
    """As the first version wrote them: the same figure, and still schema 1 behind it."""
    whole = json.loads((drawn / "manifest.json").read_text())
    for panel in whole["rows"][0]:  # the grids of maps were not stated then
        panel["lines"] = [line for line in panel["lines"] if not line["text"].endswith(" map")]
    (drawn / "manifest.json").write_text(json.dumps(whole))
    rga("redraw", str(drawn))
    figure = (drawn / "masks.png").read_bytes()
    (row,) = whole.pop("rows")
    columns = [
        {"kind": panel["kind"], "title": title}
        | ({**panel["map"], "map": panel["map"]["name"]} if "map" in panel else {})
        for panel, title in zip(row, whole.pop("titles"), strict=True)
    ]
    values = {
        str(number): {{"label": "prediction"}.get(key, key): value for key, value in panel["values"].items()}
        for number, panel in enumerate(row)
        if number
    }
    for each in values.values():
        del each["index"]
    panels = {number: {**each, "warnings": []} for number, each in values.items()}
    pictures = [{**entry, "panels": panels} for entry in whole["pictures"]]
    for key in ("tables", "texts"):
        del whole[key]
    earlier = {**whole, "schema": 1, "columns": columns, "pictures": pictures, "files": ["masks.png"]}
    (drawn / "manifest.json").write_text(json.dumps(earlier))
    rga("redraw", str(drawn))
    assert (drawn / "masks.png").read_bytes() == figure
    assert json.loads((drawn / "manifest.json").read_text())["schema"] == 1
