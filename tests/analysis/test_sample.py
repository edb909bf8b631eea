"""The pictures that a question is asked of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from crops import save_crops
from crops import save_network as save_people
from pictures import save_picture
from streets_networks import save_network as save_dense

from rgaviz.analysis.sample import SEED, sample
from rgaviz.analysis.subject import load_subjects
from rgaviz.data.sets import load_dataset
from rgaviz.errors import PictureError, RgavizError
from rgaviz.progress import silent


@pytest.fixture
def opened(tmp_path, networks, monkeypatch):
    """The sample of some words, of the first of networks by their files."""
    monkeypatch.chdir(tmp_path)
    notes = []

    def run(*words, network=networks["rga"], data_dir=None):
        subjects = load_subjects([network], torch.device("cpu"))
        return sample(words, data_dir, subjects[0], Path("out"), silent, notes.append), subjects

    run.notes = notes
    return run


def test_the_pictures_to_test_on_of_the_own_data_set(opened):
    found, subjects = opened()
    split = load_dataset("shapes", image_size=(16, 16), test_size=20).part("test")
    assert (found.source, len(found.names), found.people) == ("shapes, generated", 20, [])
    failures: list[str] = []
    read = list(found.read([3, 7, 19], subjects, failures, False))
    assert [each.number for each in read] == [3, 7, 19]
    classes = subjects[0].checkpoint.classes
    for each in read:
        np.testing.assert_array_equal(each.shown, split.images[each.number])
        assert found.shows[each.number] == classes[int(split.labels[each.number])]
        expected = subjects[0].checkpoint.inputs([each.shown])[0]
        torch.testing.assert_close(each.inputs["rga"], expected)
    assert not failures


def test_of_people_who_is_shown_is_known_in_both_parts(opened, tmp_path, monkeypatch):
    from rgaviz.data.sets import people

    monkeypatch.setattr(people, "TEST_IDENTITIES", 20)
    found, subjects = opened("people", network=save_people(tmp_path / "one.pt", 0))
    parts = load_dataset("people", image_size=(32, 16))
    query, gallery = (parts.part(name) for name in ("query", "gallery"))
    assert len(found.names) == len(query) + len(gallery)
    places = [1, len(query) + 2]
    for each, split, place in zip(
        found.read(places, subjects, [], False), (query, gallery), (1, 2), strict=True
    ):
        np.testing.assert_array_equal(each.shown, split.images[place])
        assert found.people[each.number] == split.labels[place]
        assert found.names[each.number] == split.names[place]


def test_scenes_come_at_their_own_size(opened, tmp_path):
    network = save_dense(
        tmp_path / "net.pt", training={"dataset": "streets", "recipe": {"data": {"test_size": 3}}}
    )
    found, subjects = opened(network=network)
    (read,) = found.read([2], subjects, [], False)
    (scene,) = load_dataset("streets", image_size=(64, 64), test_size=3).part("val").whole([2])
    np.testing.assert_array_equal(read.shown, scene.picture)
    assert read.size == scene.picture.shape[:2]
    assert found.names[2] == scene.name


def test_own_pictures(opened):
    for seed, name in enumerate(("ring/a", "square/b")):
        save_picture(Path(f"pics/{name}.png"), seed=seed)
    Path("pics/ring/bad.png").write_bytes(b"no picture")
    found, subjects = opened("pics")
    assert found.names == ["ring/a.png", "ring/bad.png", "square/b.png"]
    assert list(found.shows) == ["ring", "ring", "square"]
    assert [path.name for path in found.files] == ["a.png", "bad.png", "b.png"]
    failures: list[str] = []
    assert [each.number for each in found.read([0, 1, 2], subjects, failures, False)] == [0, 2]
    assert len(failures) == 1


def test_who_own_pictures_show_is_told_by_their_names(opened):
    save_crops(Path("crops"), [(1, 1), (1, 2), (0, 1), (0, 2)])
    found, _ = opened("crops")
    assert sorted(found.people) == [0, 0, 1, 1]
    assert len(np.unique(found.who(range(4)))) == 3  # nobody is nobody else
    save_picture(Path("crops/somebody.png"))
    assert opened("crops")[0].who([0]) is None


def test_pictures_are_drawn_with_a_fixed_seed(opened):
    found, _ = opened()
    drawn = found.drawn(6, opened.notes.append)
    assert drawn == sorted(set(drawn)) == found.drawn(6, opened.notes.append)
    assert len(drawn) == 6
    assert opened.notes[-1] == f"Note: 6 of 20 pictures, drawn at random with seed {SEED}."
    count = len(opened.notes)
    assert found.drawn(20, opened.notes.append) == list(range(20))
    assert len(opened.notes) == count


def test_what_is_no_picture_is_refused(opened, tmp_path):
    save_picture(Path("img.jpg"))
    for words, where, expected in (
        (["shape"], None, "Did you mean 'shapes'?"),
        (["shapes", "img.jpg"], None, "shapes is a data set"),
        (["img.jpg", "shapes"], None, "shapes is a data set"),
        (["img.jpg"], Path("data"), "--data-dir data is for a data set"),
        (["people"], None, "people is a data set for reid"),
        (["shapes"], Path("data"), "leave out --data-dir"),
    ):
        with pytest.raises(RgavizError, match=expected.replace("?", r"\?")):
            opened(*words, data_dir=where)
    with pytest.raises(PictureError, match=r"nothing\.jpg"):
        opened("nothing.jpg")
    silent_one = save_dense(tmp_path / "net.pt", training={})
    with pytest.raises(RgavizError, match="does not say what it was trained on; name a data set"):
        opened(network=silent_one)
