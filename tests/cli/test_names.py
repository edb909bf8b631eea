"""Files with odd names: they are explained, measured and drawn like others, under names that every system can store."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from parametrised import mostly
from pictures import files_below

from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
LONG = "n" * 240
ODD = {
    "my\\net": "my_net",
    "a\nb\x1b[31m": "a_b_[31m",
    "\u2028": "_",
    "..": "_",
    LONG: LONG[:100],
    "ü" * 60: "ü" * 50,  # bytes are what is cut
    os.fsdecode(b"bytes\xff"): "bytes_",
    "[red]net": "[red]net",
    "$x^2$": "$x^2$",
}


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_networks_and_pictures(rga, place, name):
    Path(f"{name}.pt").write_bytes(Path("rga.pt").read_bytes())
    Path(f"{name}.jpg").write_bytes(Path("img.jpg").read_bytes())
    result = rga("masks", f"./{name}.pt", f"./{name}.jpg", "-o", "out", *FAST)
    assert not result.stderr
    results = read_results("out")
    assert [each["id"] for each in results.manifest.checkpoints] == [ODD[name]]
    assert [each.path for each in results.manifest.pictures] == [f"{ODD[name]}.jpg"]
    assert results.map("0", ODD[name], "conv5/spatial").ndim == 2
    assert Path(f"out/overlays/{ODD[name]}-{ODD[name]}-conv5-spatial.png").is_file()
    before = files_below(Path("out"))
    rga("redraw", "out")
    assert files_below(Path("out")) == before


@pytest.mark.parametrize("name", mostly(ODD, *list(ODD)[:-3]))
def test_odd_names_of_networks_that_are_measured(rga, place, name):
    Path(f"{name}.pt").write_bytes(Path("rga.pt").read_bytes())
    told = rga("evaluate", f"./{name}.pt", "-o", "measured", *FAST).stdout
    assert ODD[name][:20] in told
    assert Path(f"measured/{ODD[name]}-confusion.png").is_file()


def test_names_that_become_one_stay_apart(answer):
    """Also those that differ in upper and lower case only, which some systems take for one file."""
    Path("two").mkdir()
    names = ["x_y", "x\\y", "X_Y"]
    for name in names:
        Path(f"two/{name}.pt").write_bytes(Path("rga.pt").read_bytes())
        Path(f"two/{name}.jpg").write_bytes(Path("img.jpg").read_bytes())
    files = [f"two/{name}{suffix}" for suffix in (".pt", ".jpg") for name in names]
    told = answer("masks", *files, "-o", "out", *FAST)
    assert list(told["predictions"]) == ["x_y.jpg", "x_y'.jpg", "X_Y''.jpg"]
    assert list(told["predictions"]["x_y.jpg"]) == ["two-x_y", "two-x_y'", "two-X_Y''"]
    written = [path.name.lower() for path in Path("out/overlays").iterdir()]
    assert len(set(written)) == 9


def test_a_message_stays_one_line_and_odd_names_are_printed(rga, place):
    """On a terminal that is strict about what is text."""

    def told(*words):
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "rgaviz", *words]
        return subprocess.run(command, capture_output=True, check=False, env=environment)

    lost = told("redraw", os.fsdecode(b"no\nresults\xff"))
    assert (lost.returncode, lost.stdout, lost.stderr.count(b"\n")) == (1, b"", 1)
    rga("masks", "rga.pt", "img.jpg", "-o", "out", *FAST)
    drawn = told("redraw", "out", "-o", os.fsdecode(b"fig\xff.png"))
    assert (drawn.returncode, drawn.stderr) == (0, b"")
    assert drawn.stdout.startswith(b"fig\xff.png\n")


def test_what_cannot_stand_in_results_is_one_line(tmp_path):
    from rgaviz.results.manifest import MapRef, Panel, ResultsError
    from rgaviz.results.writer import ResultsWriter

    for make in (
        lambda: MapRef(checkpoint="a\\b", name="gradcam", group="cam"),
        lambda: Panel(kind="map", picture="0"),
        lambda: Panel(kind="picture", picture="0", lines=[{"text": 3}]),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(
            ResultsError, match=r"This cannot stand in a manifest\.json as .*: give another"
        ) as caught:
            make()
        assert "\n" not in str(caught.value)
    with (
        pytest.raises(ResultsError, match=r"as Manifest .*titles"),
        ResultsWriter(tmp_path / "out", {"command": "masks", "titles": 3}),
    ):
        pass
    assert list(tmp_path.iterdir()) == []
