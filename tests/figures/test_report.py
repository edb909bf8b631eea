"""The page of a report: what it shows, that nothing leaves it, and that strangers' words stay words."""

from __future__ import annotations

import base64
import html
import json
import re

import numpy as np
import pytest
from charts import CHARTS
from reported import EVIL, MAPS, TITLES, write_gallery, write_located

from rgaviz.errors import OutputError
from rgaviz.figures import galleries, report
from rgaviz.figures.report import Grid, ReportContent, ResultsPart, RunPart, claim_report, save_report
from rgaviz.figures.sorting import table_keys
from rgaviz.results.reader import read_results
from rgaviz.results.writer import ResultsWriter

ROW = re.compile(r'<article class="row"([^>]*)>(.*?)</article>', re.DOTALL)
DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.DOTALL)


def content(folders=(), runs=(), **more):
    parts = [ResultsPart(folder.name, read_results(folder), []) for folder in folders]
    keys = table_keys((part.title, part.results) for part in parts)
    return ReportContent("A title", ["about"], [], list(runs), parts, keys, **more)


def written(tmp_path, *args, most=500, **options):
    path = tmp_path / "page.html"
    answer = save_report(content(*args, **options), path, most)
    return path.read_text(), answer


def rows_of(text):
    """Of each row its attributes and what its script holds."""
    found = []
    for attributes, inside in ROW.findall(text):
        told = {name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', attributes)}
        found.append((told, json.loads(DATA.findall(inside)[0])))
    return found


def test_rows_have_their_numbers_and_raw_maps(tmp_path):
    folders = [write_gallery(tmp_path / "g"), write_located(tmp_path / "l")]
    text, answer = written(tmp_path, folders)
    rows = rows_of(text)
    assert (len(rows), answer.rows, answer.notes) == (4, 4, [])
    told, data = rows[1]
    assert (told["name"], told["right"], told["same"]) == ("1.png", "wrong", "different")
    numbers = json.loads(told["numbers"])
    assert numbers == {
        "confidence, a": 0.9,
        "confidence, b": 0.2,
        "agreement of CAMs": pytest.approx(-1.0),
        "l: energy, a, gradcam, object": 0.1,
    }
    first, second, difference = data["views"][1:4]
    for view, values in zip((first, second), MAPS["1"], strict=True):
        bits = np.frombuffer(base64.b64decode(view["map"]["data"]), "<u2").reshape(2, 2)
        low, high = view["map"]["low"], view["map"]["high"]
        np.testing.assert_allclose(low + bits / 65534 * (high - low), values, atol=1e-4)
        assert view["limits"] == [0.0, np.max(values)]  # each network's own
        assert not view["signed"]
    # Fractions of each network's largest value: (2, 0, 0, 0) / 2 - (0, 1, 1, 1) / 1
    assert (difference["map"]["low"], difference["map"]["high"]) == (-1.0, 1.0)
    assert (difference["limits"], difference["signed"], difference["grey"]) == ([-1.0, 1.0], True, True)
    assert first["marks"] == [[0.5, 0.25]]
    assert first["boxes"] == [[0.1, 0.2, 0.5, 0.9]]
    assert len(data["pictures"]) == 1
    assert re.findall(r"<p>([^<]*)</p>\n<div class=\"view\"", text)[:7] == TITLES[:7]
    assert text.count('<p class="end">') == 4


def test_pictures_of_a_data_set_are_found_by_their_numbers(tmp_path):
    names = {number: f"{number}.png.jpg" for number in MAPS}
    folders = [write_gallery(tmp_path / "g", names=names), write_located(tmp_path / "l")]
    told = [json.loads(each["numbers"]) for each, _ in rows_of(written(tmp_path, folders)[0])]
    found = [each["l: energy, a, gradcam, object"] for each in told]
    assert found == pytest.approx([0.0, 0.1, 0.2, 0.3])


def test_most_rows_and_room_for_them(tmp_path, monkeypatch):
    folder = write_gallery(tmp_path / "g")
    text, answer = written(tmp_path, [folder], most=3)
    assert (len(rows_of(text)), answer.rows) == (3, 3)
    assert "and 1 more rows in g" in text
    assert answer.notes == ["g: 3 of 4 rows are in the page, the first ones."]
    size = sum(map(len, DATA.findall(text))) // 3
    monkeypatch.setattr(report, "Room", lambda: galleries.Room(int(2.5 * size)))
    text, answer = written(tmp_path, [folder])
    assert (len(rows_of(text)), answer.rows) == (2, 2)
    assert "and 2 more rows in g" in text


@pytest.mark.parametrize("command", CHARTS)
def test_charts_are_images(tmp_path, command):
    with ResultsWriter(tmp_path / "r", {"command": command, "checkpoints": [{"id": "rga"}]}) as writer:
        for name, rows in CHARTS[command].items():
            writer.table(name, rows)
    text, answer = written(tmp_path, [tmp_path / "r"])
    images = re.findall(r'<img class="chart" src="data:image/svg\+xml;base64,([^"]+)"', text)
    assert len(images) == (2 if command == "localize" else 1)  # whose curves have a page of their own
    assert b"<svg" in base64.b64decode(images[0])
    assert answer.notes == []
    assert "<form" not in text  # no gallery, no sliders
    for name, rows in CHARTS[command].items():
        assert f"<summary>{name}</summary>" in text
        assert f"<td>{html.escape(str(rows[1][0]))}</td>" in text


def test_a_chart_that_cannot_be_drawn_is_told(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "growth"}) as writer:
        writer.table("other", [["a"], ["1"]])
    text, answer = written(tmp_path, [tmp_path / "r"])
    assert "<img" not in text
    assert len(answer.notes) == 1
    assert answer.notes[0].startswith("r: its figure is left out (")


def test_results_of_a_command_that_is_not_known_have_their_tables(tmp_path):
    with ResultsWriter(tmp_path / "r", {"command": "of-tomorrow"}) as writer:
        writer.table("numbers", [["x", "y"], ["1.23456789", "word"], *([["0", "0"]] * 150)])
    text, _ = written(tmp_path, [tmp_path / "r"])
    assert "<td>1.23457</td><td>word</td>" in text
    assert "and 51 more rows in tables/numbers.csv" in text


def test_a_run_has_its_curves_and_tables(tmp_path):
    curves = [{"network": "rga", "epoch": n, "train_loss": 1.0 / n, "test_error": 9.0 - n} for n in (1, 2)]
    table = Grid("after", ["network", "error"], [["rga", "7"], ["<b>", "8"]], frozenset({(0, 1)}))
    part = RunPart("training r", [table], curves, {"loss": "loss", "error": "error (%)"})
    text, _ = written(tmp_path, runs=[part])
    assert '<td>rga</td><td class="best">7</td>' in text
    assert "<td>&lt;b&gt;</td>" in text
    assert text.count('class="chart"') == 1


def test_nothing_leaves_the_page(tmp_path):
    text, _ = written(tmp_path, [write_gallery(tmp_path / "g"), write_located(tmp_path / "l")])
    bare = re.sub(r"data:image/[^\"]*", "data:", text)
    assert not re.search(r"https?://|//[a-z][^\n]*\.(js|css)|@import|url\(", bare)
    assert set(re.findall(r'(?:src|href)="([^":]*)', text)) == {"#part1", "#part2"}
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline" not in policy[1].partition("script-src")[2]


def test_words_of_strangers_stay_words(tmp_path):
    folder = write_gallery(tmp_path / "g", evil=True, pictures=("0",))
    text, _ = written(tmp_path, [folder])
    # The page's own: one script that runs, and those that hold data of the row, the colours and how maps are enlarged.
    assert len(re.findall(r"<script\b", text)) == 1 + 1 + 2
    assert len(re.findall(r"</script>", text)) == 1 + 1 + 2
    assert "<img src=x" not in text
    assert "{{ 7*7 }}" in text
    assert html.escape(EVIL, quote=True).replace("&quot;", "&#34;").replace("&#x27;", "&#39;") in text


def test_the_same_content_gives_the_same_bytes(tmp_path):
    folders = [write_gallery(tmp_path / "g"), write_located(tmp_path / "l")]
    assert written(tmp_path, folders)[0] == written(tmp_path, folders)[0]


def test_a_page_of_someone_else_is_kept(tmp_path):
    path = tmp_path / "page.html"
    path.write_text("mine")
    with pytest.raises(OutputError, match="was not written by rgaviz"):
        claim_report(path)
    save_report(content(), path, 1)
    claim_report(path)
