"""Who is on a picture and which camera took it, by its name; folders of such pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from laid_out import save_noise

from rgaviz.data.sets.crops import MARKET, find_crops, find_root, left_out, naming, parse_name
from rgaviz.errors import RgavizError

PUBLISHED = re.compile(MARKET)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0002_c1s1_000451_03.jpg", (2, 1)),
        ("0005_c2_f0046985.jpg", (5, 2)),
        ("-1_c2s1_000001_00.jpg", (-1, 2)),  # junk, and not identity 1
        ("0000_c6s3_077419_05.jpg", (0, 6)),
        ("1501_c15s1_000001_00.jpg", (1501, 15)),
        ("x0002_c1s1_000451_03.jpg", None),
        ("abc1_c9.jpg", None),
        ("0002-c1.jpg", None),
        ("9" * 19 + "_c1.jpg", None),  # more than an int64 holds
        ("٣_c1.jpg", None),
        ("", None),
    ],
)
def test_identity_and_camera_by_name(name, expected):
    assert parse_name(name, PUBLISHED) == expected


def test_the_path_says_nothing(tmp_path):
    save_noise(tmp_path / "abc1/c9_data/0007_c8/0002_c1s1_000451_03.png", 0)
    ((crop,), strangers) = find_crops(tmp_path / "abc1", "c9_data", PUBLISHED)
    assert (crop.identity, crop.camera, strangers) == (2, 1, [])
    assert crop.name == "c9_data/0007_c8/0002_c1s1_000451_03.png"
    assert crop.file_name == "0007_c8/0002_c1s1_000451_03.png"
    assert crop.source == tmp_path / "abc1" / crop.name


def test_a_pattern_of_ones_own():
    pattern = naming(r"cam(?P<camera>\d+)-\w*?(?P<id>\d+)\.")
    assert parse_name("cam3-anna12.jpg", pattern) == (12, 3)
    assert parse_name("my-cam3-anna12.jpg", pattern) is None  # names begin with it
    words = naming(r"(?P<id>[a-z]+)_(?P<camera>\d)")
    assert parse_name("anna_3.jpg", words) is None
    one = naming(r"(?P<id>\d+)(_(?P<camera>\d))?")
    assert parse_name("12.jpg", one) is None  # a group that took no part


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "no regular expression"),
        ("(?P<id>[", "no regular expression"),
        ("(?P<id>a)(?P<id>b)", "no regular expression"),
        (r"(?P<id>\d{9999999999999})", "no regular expression"),
        ("x" * 5000 + "(", "no regular expression"),
        ("", "no group named id and none named camera"),
        (r"(\d+)_c(\d)", "no group named id and none named camera"),
        (r"(?P<id>\d+)\n", "no group named camera"),
        (r"(?P<camera>\d+)[[a]", "no group named id"),  # of which Python warns
    ],
)
def test_a_pattern_that_is_none_is_one_line(pattern, told):
    with pytest.raises(RgavizError, match=told) as caught:
        naming(pattern)
    message = str(caught.value)
    assert "(?P<id>" in message
    assert message.startswith("--pattern ")
    assert len(message) <= 300
    assert message.isprintable()


def test_other_files_are_counted_and_litter_is_not(tmp_path):
    for name in ("0002_c1.png", "below/0003_c2.PNG"):
        save_noise(tmp_path / "query" / name, 0)
    for name in (
        "._0002_c1.jpg",
        ".hidden",
        "Thumbs.db",
        "desktop.ini",
        "__MACOSX/0004_c1.png",
        ".git/0005_c1.png",
    ):
        (tmp_path / "query" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "query" / name).write_bytes(b"?")
    crops, strangers = find_crops(tmp_path, "query", PUBLISHED)
    assert [crop.name for crop in crops] == ["query/0002_c1.png", "query/below/0003_c2.PNG"]
    assert strangers == []
    (tmp_path / "query" / "0009_c1.txt").write_text("no picture")
    save_noise(tmp_path / "query" / "face.png", 0)
    (tmp_path / "query" / "below" / "0008_c3.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "query" / "link").symlink_to(tmp_path / "query" / "below")
    crops, strangers = find_crops(tmp_path, "query", PUBLISHED)
    assert len(crops) == 2
    assert strangers == ["0009_c1.txt", "below/0008_c3.jpg", "face.png", "link"]
    note = left_out("query", strangers, MARKET)
    assert note.startswith("query: 4 files are left out, 0009_c1.txt first: ")
    assert MARKET in note
    assert left_out("q", ["a\n" * 500], "(" * 500).isprintable()
    assert len(left_out("bounding_box_train", ["a" * 500] * 10**6, "(" * 500)) <= 300


def test_nothing_that_fits_is_one_line(tmp_path):
    place = tmp_path / "query"
    with pytest.raises(RgavizError, match="cannot be read"):
        find_crops(tmp_path, "query", PUBLISHED)
    place.mkdir()
    with pytest.raises(RgavizError, match=r"query is empty; put the pictures there"):
        find_crops(tmp_path, "query", PUBLISHED)
    save_noise(place / "anna.png", 0)
    save_noise(place / "bert.png", 1)
    with pytest.raises(RgavizError, match=r"none of its 2 files .* anna\.png for one; .*--pattern") as caught:
        find_crops(tmp_path, "query", PUBLISHED)
    assert len(str(caught.value)) - len(str(place)) <= 300


def test_the_folder_may_be_the_one_above(tmp_path):
    def found(place):
        return find_root("toys", place, ["one", "two"], "toy", "ask the toymaker")

    def make(*names):
        for name in names:
            for part in ("one", "two"):
                (tmp_path / name / part).mkdir(parents=True)

    for place, told in (
        (None, r"toys needs --data-dir DIR and is not downloaded: ask the toymaker\."),
        (tmp_path / "lost", r"lost is not a folder\. .* toys with --data-dir"),
        (tmp_path, r"has no one, no two: give the folder of toys with one, two by --data-dir"),
    ):
        with pytest.raises(RgavizError, match=told):
            found(place)
    (tmp_path / "b" / "two").mkdir(parents=True)
    with pytest.raises(RgavizError, match=r"b has no one: give"):
        found(tmp_path)
    make("__MACOSX", ".hidden", "a")
    assert found(tmp_path) == found(tmp_path / "a") == tmp_path / "a"
    make("c")
    with pytest.raises(RgavizError, match=r"has a and c: name one of them with --data-dir"):
        found(tmp_path)
    make("Toys-v1")
    assert found(tmp_path) == tmp_path / "Toys-v1"
    make(".")
    assert found(tmp_path) == tmp_path
    assert found(Path(tmp_path) / "c") == tmp_path / "c"
