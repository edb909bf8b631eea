"""What ``rank`` says of names that tell nobody and of queries without a match."""

from __future__ import annotations

import pytest
from crops import save_crops, save_network
from pictures import save_picture

import rgaviz
from rgaviz.errors import LONGEST, RgavizError

FAST = {"formats": ("png",), "dpi": 50}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    recipe = {"data": {"test_size": 40}}
    return save_network(tmp_path_factory.mktemp("networks") / "plain.pt", 0, dataset="people", recipe=recipe)


@pytest.fixture
def notes(tmp_path, monkeypatch, network):
    """The notes of ranking a gallery for queries, where those are ``(identity, camera)`` or names of files."""
    monkeypatch.chdir(tmp_path)
    save_crops(tmp_path / "gallery")

    def told(queries, **options):
        for number, each in enumerate(queries):
            if isinstance(each, str):
                save_picture(tmp_path / "queries" / each, (48, 24), seed=90 + number)
            else:
                save_crops(tmp_path / "queries", [each], first=50 + number)
        said = []
        rgaviz.rank([network], ["queries"], gallery="gallery", figure=FAST, say=said.append, **options)
        assert all(len(note) <= LONGEST for note in said)
        return [note for note in said if "quer" in note or "gallery" in note]

    return told


def test_names_that_tell_nobody_are_named_with_the_option_that_mends_it(notes, tmp_path):
    save_picture(tmp_path / "gallery/somebody from the street.png", (48, 24), seed=91)
    queries, gallery = notes([(1, 1), f"{'a long name ' * 9}.png", "stranger.png"])
    start = r"Note: names that tell no identity by Market-1501's pattern, 0002_c1...: "
    step = r"say how they are named by --pattern '(?P<id>\d+)_cam(?P<camera>\d+)'."
    assert queries.startswith(f"{start}2 of 3 queries, a long name ")
    assert "first; nothing is right or wrong for them" in queries
    assert queries.endswith(step)
    assert gallery.startswith(
        f"{start}1 of 9 pictures of the gallery, somebody from the street.png first; they are"
    )
    assert gallery.endswith(step)


def test_a_pattern_that_fits_none(notes):
    queries, gallery = notes([(1, 1)], pattern=r"x(?P<id>\d)(?P<camera>\d)")
    assert r"by --pattern x(?P<id>\d)(?P<camera>\d): 1 of 1 queries" in queries
    assert queries.endswith("mend the pattern, or the names.")
    assert "8 of 8 pictures of the gallery, -001_c2s1_000007_00.png first" in gallery


def test_who_is_nobody_by_name_is_no_unknown(notes):
    (note,) = notes([(1, 1), (0, 2), (-1, 3)])
    assert note.startswith("Note: 2 of 3 queries are of nobody by name (0 is a distractor, below it junk), ")
    assert "-001_c3s1_000052_00.png first: they match nothing" in note


def test_queries_without_a_match_are_counted(notes):
    (note,) = notes([(1, 1), (3, 3), (7, 1)])
    assert note == (
        "Note: 2 of 3 queries have no match by another camera in the gallery, 0003_c3s1_000051_00.png first: "
        "AP is told for none of them."
    )


def test_within_the_camera_too(notes):
    (note,) = notes([(1, 1), (3, 3), (7, 1)], choices={"within_camera": True})
    assert note.startswith(
        "Note: 1 of 3 queries have no match in the gallery, 0007_c1s1_000052_00.png first: "
    )
    assert notes([], choices={"within_camera": True}) == [note]


def test_of_a_data_set_they_are_counted_too(network, tmp_path, monkeypatch):
    """As evaluate counts them."""
    monkeypatch.chdir(tmp_path)
    parts = {"query": [(1, 1), (2, 1), (3, 3), (5, 1)], "gallery": [(1, 2), (2, 2), (3, 3)]}
    for part, people in parts.items():
        save_crops(tmp_path / part, people)
    said, measured = [], []
    where = {"data_dir": tmp_path, "figure": FAST}
    found = rgaviz.rank([network], gallery="reid-folder", say=said.append, **where).found
    rgaviz.evaluate([network], dataset="reid-folder", say=measured.append, **where)
    assert len(found) == 2
    (note,) = [each for each in said if "no match" in each]
    assert note.startswith(
        "Note: 2 of 4 queries have no match by another camera in the gallery, query/0003_c3"
    )
    assert note.endswith("first: they are left out.")
    assert any("2 of 4 queries have no match and are left out" in each for each in measured)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"choices": {"distance": "manhattan"}}, "Unknown distance 'manhattan'"),
        ({"choices": {"ap": "mean"}}, "Unknown average precision 'mean'"),
        ({"choices": {"necks": "after"}}, "Unknown choice of a measurement 'necks'"),
        ({"pattern": "("}, "--pattern '\\(' is no regular expression"),
    ],
)
@pytest.mark.parametrize("question", [rgaviz.rank, rgaviz.evaluate])
def test_what_is_cheap_to_refuse_is_refused_before_networks_are_read(tmp_path, question, options, said):
    (tmp_path / "broken.pt").write_bytes(b"no network")
    with pytest.raises(RgavizError, match=said):
        question([tmp_path / "broken.pt"], **options)
