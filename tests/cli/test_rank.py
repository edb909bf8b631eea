"""``rgaviz rank``."""

from __future__ import annotations

from pathlib import Path

import pytest
import tiny
from crops import SIZE, save_crops, save_network
from pictures import files_below

from rgaviz.data.sets.people import load_people
from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
PEOPLE = {"dataset": "people", "recipe": {"data": {"test_size": 40}}}


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """A ResNet-18 has half its depth."""
    with tiny.shallow():
        yield


@pytest.fixture(scope="session")
def people(tmp_path_factory):
    folder = tmp_path_factory.mktemp("people")
    with tiny.shallow():
        return {
            name: save_network(folder / f"{name}.pt", seed, attention, **PEOPLE)
            for seed, (name, attention) in enumerate({"plain": "none", "attentive": "rga-sc"}.items())
        }


@pytest.fixture
def place(place, people):
    """With re-identification networks, a folder of crops and one of queries."""
    for name, path in people.items():
        Path(f"{name}.pt").symlink_to(path)
    save_crops(Path("gallery"))
    save_crops(Path("queries"), [(1, 1)], first=50)
    return place


def test_queries_of_the_data_set(answer):
    told = answer("rank", "plain.pt", "attentive.pt", "--count", "2", "--top", "3", *FAST)
    assert told["gallery"].startswith("people, ")
    assert told["failures"] == []
    assert [Path(each).name for each in told["files"]] == ["rank.png", "rank.html"]
    listed = load_people(image_size=SIZE, train_size=None, test_size=40).part("query").names
    assert len(told["queries"]) == 4
    for plain, attentive in zip(told["queries"][::2], told["queries"][1::2], strict=True):
        assert plain["query"] == attentive["query"]
        assert plain["query"] in listed
        assert [hit["rank"] for hit in plain["ranking"]] == [1, 2, 3]
        assert 0 < plain["ap"] <= 100
    again = answer("rank", "plain.pt", "attentive.pt", "--count", "2", "--top", "3", *FAST)
    assert again == told


def test_average_precision_is_that_of_evaluate(answer):
    measured = answer("evaluate", "plain.pt", "-o", "evaluated", *FAST)[0]["queries"]
    for pick in ("worst", "best"):
        (found,) = answer("rank", "plain.pt", "--pick", pick, "--count", "1", *FAST)["queries"]
        values = [each["AP (%)"] for each in measured.values() if each["AP (%)"] is not None]
        assert found["ap"] == pytest.approx(min(values) if pick == "worst" else max(values))
        assert found["first"] == measured[found["query"]]["first match at"]


def test_it_tells_where_everything_is(rga, place):
    shown = rga("rank", "plain.pt", "queries", "--gallery", "gallery", "-o", "fig.png", "--dpi", "50")
    assert shown.stdout.splitlines() == [
        "Figure: fig.png",
        "Page: fig/rank.html",
        "Numbers: fig (draw again with: rgaviz redraw fig -o fig.png)",
    ]
    first = files_below(place / "fig")
    rga("redraw", "fig", "-o", "fig.png")
    assert files_below(place / "fig") == first
    assert read_results("fig").manifest.command_line.startswith("rgaviz rank plain.pt queries")


def test_what_could_not_be_read_is_told_at_the_end(rga, place):
    Path("gallery/0001_c5s1_000001_00.png").write_bytes(b"x")
    shown = rga("rank", "plain.pt", "queries", "--gallery", "gallery", *FAST, code=1)
    assert "0001_c5s1_000001_00.png" in shown.stderr
    assert "rank.html" in shown.stdout


REFUSED = {
    "baseline.pt": "baseline.pt is a network for classification, which compares no people",
    "plain.pt baseline.pt": "baseline.pt is a network for classification",
    "queries": "There is no network that ranks",
    "plain.pt --top 0": "--top 0 is out of range: choose 1 to 100.",
    "plain.pt --top 101": "--top 101 is out of range",
    "plain.pt --count 0": "--count 0 shows no query",
    "plain.pt --overlay masks": "Unknown overlay (--overlay) 'masks'. Did you mean 'mask'?",
    "plain.pt --pick worse": "Unknown way to pick queries (--pick) 'worse'. Did you mean 'worst'?",
    "plain.pt --pick improved": "--pick improved compares the first two networks: name another one.",
    "plain.pt queries --pick worst": "--pick is for queries of a data set",
    "plain.pt queries --count 2": "--count is for queries of a data set",
    "plain.pt --gallery shapes": "--gallery shapes is a data set for classification, not for reid",
    "plain.pt --gallery gallery": "gallery is a folder without queries",
    "plain.pt --gallery ./none": "--gallery './none' is no folder",
    "plain.pt --gallery peple": "Unknown data set 'peple'. Did you mean 'people'?",
    "plain.pt queries --gallery empty": "The folder 'empty' holds no pictures",
    "plain.pt none.jpg": "'none.jpg' does not exist",
    r"plain.pt --pattern (?P<id>\d)(?P<camera>\d)": "--pattern is for reid-folder, not for people; drop it.",
    "plain.pt queries --gallery gallery --pattern x": "--pattern 'x' has no group named id and none named camera",
    "plain.pt other.pt queries": "These networks were trained on market1501 and people: name the one to look through",
    "plain.pt --overlay mask": "--overlay mask: none of these networks has a spatial mask",
    "plain.pt --distance manhattan": "Unknown distance 'manhattan'",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_is_refused(refused, place, words):
    Path("empty").mkdir()
    save_network(Path("other.pt"), 3, dataset="market1501")
    line = refused("rank", *words.split())
    assert REFUSED[words] in line
    assert len(line) <= 300


def test_files_of_others_are_kept(refused, place):
    Path("out").mkdir()
    Path("out/rank.html").write_text("mine")
    line = refused("rank", "plain.pt", "queries", "--gallery", "gallery", "-o", "out", *FAST)
    assert "out/rank.html is there and was not written by rgaviz" in line
