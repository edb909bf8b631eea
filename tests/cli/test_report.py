"""``rgaviz report``."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from finished import write
from reported import write_gallery

from rgaviz.outputs import MANIFEST


@pytest.fixture
def run(place):
    """A training of two networks, with a comparison, the curves and another program's files in its folder."""
    for attention, name in (("none", "baseline"), ("rga-sc", "rga")):
        write(Path("run") / f"{name}.pt", attention=attention, error=12.5, command="rgaviz train")
    write_gallery(Path("run/compare"))
    Path("run/notes.txt").write_text("mine")
    Path("run/other.pt").write_bytes(b"no network")
    return Path("run")


def test_a_run_with_what_lies_in_it(rga, run):
    before = sorted(run.rglob("*"))
    result = rga("report", "run")
    assert result.stdout.startswith("Page: rgaviz-report.html (")
    assert "4 rows of pictures" in result.stdout
    assert re.search(r"Note: run/other\.pt .* Left out\.", result.stderr)
    assert sorted(run.rglob("*")) == before
    text = Path("rgaviz-report.html").read_text()
    assert "<title>Report on run</title>" in text
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["run (training)", "run/compare"]
    assert "<td>ResNet + RGA-SC</td><td>20+4</td>" in text  # as in rgaviz table
    assert "<td>model.attention</td><td>none</td><td>rga-sc</td>" in text
    assert "<td>train.lr</td><td>0.1</td><td>0.1</td>" in text
    assert "<td>command</td><td>rgaviz train</td><td>rgaviz train</td>" in text
    assert "<td>baseline</td><td>3</td><td>12.5</td>" in text
    assert "<td>command</td><td>rgaviz compare a.pt b.pt</td>" in text
    assert text.count('class="chart"') == 1
    assert len(re.findall(r'<article class="row"', text)) == 4


def test_json_and_options(answer, run):
    told = answer("report", "run/compare", "run", "--title", "<My> title", "--count", "3", "-o", "pages")
    assert told["file"] == "pages/report.html"
    assert told["runs"] == ["run"]
    assert told["results"] == ["run/compare"]
    assert told["rows"] == 3
    assert "run/compare: 3 of 4 rows are in the page, the first ones." in told["notes"]
    assert told["bytes"] == Path("pages/report.html").stat().st_size
    assert "<title>&lt;My&gt; title</title>" in Path("pages/report.html").read_text()


def test_a_training_that_is_not_finished_is_told(rga, run):
    Path("run/rga.resume.pt").write_bytes(b"state")
    result = rga("report", "run", "-o", "page.html")
    assert "Note: run/rga.pt is not finished; left out." in result.stderr


def test_curves_that_a_training_drew_stand_once(rga, place, shallow):
    words = ("--epochs", "1", "--set", "data.train_size=40", "--set", "data.test_size=10", "--set")
    rga("train", "shapes", *words, "train.batch_size=20", "--attention", "none", "--out", "fresh")
    assert Path("fresh/curves", MANIFEST).exists()
    rga("report", "fresh", "-o", "page.html")
    text = Path("page.html").read_text()
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["fresh (training)"]
    assert text.count('class="chart"') == 1
    rga("report", "fresh/curves", "-o", "page.html")
    text = Path("page.html").read_text()
    assert re.findall(r"<h2>(.*?)</h2>", text) == ["fresh/curves (train)"]
    assert text.count('class="chart"') == 1


def test_broken_results(rga, refused, run):
    document = json.loads(Path("run/compare", MANIFEST).read_text())
    Path("run/compare", MANIFEST).write_text(json.dumps({**document, "titles": 3}))
    result = rga("report", "run", "-o", "page.html")
    assert "Note: run/compare/manifest.json is broken" in result.stderr
    Path("page.html").unlink()
    assert "run/compare/manifest.json is broken" in refused("report", "run/compare")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nowhere",), "nowhere does not exist: name the folder of a training"),
        (("img.jpg",), "img.jpg is a file: name the folder"),
        (("pics",), "pics holds neither a training nor results"),
        (("run", "-o", "img.jpg"), "img.jpg: a report is a page, not .jpg; name it img.html"),
        (("run", "-o", "mine.html"), "mine.html is there and was not written by rgaviz"),
    ],
)
def test_refusals(refused, run, words, message):
    Path("mine.html").write_text("mine")
    Path("run/other.pt").unlink()
    assert message in refused("report", *words)
