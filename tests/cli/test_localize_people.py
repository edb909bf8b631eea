"""``rgaviz localize`` of people, of whom there are several pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from crops import save_crops, save_network
from PIL import Image

from rgaviz.analysis.significance import mean_interval, paired

PICTURES = Path("rgaviz-localize/tables/pictures.csv")
FAST = ("--format", "png", "--dpi", "50")


@pytest.fixture
def folder(place):
    """Two networks, crops of three people and of nobody, twice, and their labels."""
    for seed, name in enumerate(("one", "two")):
        save_network(Path(f"{name}.pt"), seed)
    people = [*[(who, camera) for who in (1, 2, 3) for camera in (1, 2, 3)], (0, 1), (0, 2)]
    for number, path in enumerate(save_crops(Path("crops"), people)):
        label = np.zeros((48, 24), np.uint8)
        label[10 + number : 40, 6:18] = 1
        Path("labels").mkdir(exist_ok=True)
        Image.fromarray(label).save(Path("labels", path.name))
    return place


def energies(network):
    rows = csv.DictReader(PICTURES.read_text().splitlines())
    kept = [r for r in rows if (r["network"], r["map"], r["part"]) == (network, "gradcam", "object")]
    who = [int(row["picture"][:4]) or -place for place, row in enumerate(kept)]
    return np.array([float(row["energy"] or "nan") for row in kept]), np.array(who)


def test_intervals_and_tests_are_over_people(folder, answer, rga):
    words = ("localize", "one.pt", "two.pt", "crops", "--truth", "labels", *FAST)
    told = answer(*words)
    assert (told["pictures"], told["people"]) == (11, 5)
    (row,) = [
        row
        for row in told["rows"]
        if (row["network"], row["map"], row["part"], row["measure"]) == ("two", "gradcam", "object", "energy")
    ]
    (ours, people), (others, _) = energies("two"), energies("one")
    expected, against = mean_interval(ours, people), paired(ours, others, people)
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high))
    assert row["p"] == pytest.approx(against.p)
    assert (row["low"], row["high"]) != pytest.approx((mean_interval(ours).low, mean_interval(ours).high))
    shown = rga(*words).stdout
    assert "11 pictures (labels); 95% bootstrap intervals over 5 people with all their pictures;" in shown
    assert "over 5 people with all their pictures" in Path("rgaviz-localize/localize.tex").read_text()


def test_of_names_that_do_not_say_who_pictures_are_independent(folder, answer, rga):
    name = "0003_c3s1_000008_00.png"
    for place in ("crops", "labels"):
        Path(place, name).rename(Path(place, "somebody.png"))
    words = ("localize", "one.pt", "crops", "--truth", "labels", *FAST)
    assert answer(*words)["people"] is None
    assert "95% bootstrap intervals over pictures;" in rga(*words).stdout


def test_who_is_known_of_the_data_set(folder, answer):
    told = answer("localize", "one.pt", "people", "--count", "40", *FAST)
    names = {row["picture"] for row in csv.DictReader(PICTURES.read_text().splitlines())}
    numbers = [Path(name).name[:4] for name in names]
    known = {number for number in numbers if number != "0000"}
    assert told["people"] == len(known) + numbers.count("0000") < 40
