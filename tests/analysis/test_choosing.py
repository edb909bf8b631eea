"""Pictures of a data set, chosen by what networks say of them."""

import shutil

import numpy as np
import pytest
import torch
from laid_out_scenes import lay_out_scenes
from streets_networks import save_network

import rgaviz
from rgaviz.analysis import choosing
from rgaviz.analysis.cam import cam
from rgaviz.analysis.choosing import OF_TWO, PICKS, Choice, Judged
from rgaviz.data.sets import load_dataset
from rgaviz.data.sets.outlines import SHAPE_CLASSES
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.results.reader import read_results

#               0: both right, 1: fixed, 2: broken, 3: both wrong and other, 4: both wrong alike, 5: fixed, less gain
SCORE = np.array([[0.9, 0.2, 0.8, 0.1, 0.3, 0.4], [0.7, 0.9, 0.3, 0.2, 0.3, 0.6]])
RIGHT = np.array([[1, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 1]], bool)
SAYS = np.array([[0, 1, 2, 3, 4, 5], [0, 0, 3, 5, 4, 4]])
JUDGED = Judged(SCORE, RIGHT, SAYS)


@pytest.mark.parametrize(
    ("pick", "places"),
    [
        ("fixed", [1, 5]),
        ("broken", [2]),
        ("both-right", [0]),
        ("both-wrong", [3, 4]),
        ("disagree", [1, 2, 5, 3]),
        ("hardest", [3, 1, 4, 5, 2, 0]),
        ("worst", [3, 1, 4, 5, 2, 0]),
        ("best", [0, 2, 5, 4, 1, 3]),
        ("improved", [1, 5, 3]),
    ],
)
def test_picks_by_hand(pick, places):
    assert PICKS[pick](JUDGED).places == places


def test_random_is_the_same_again():
    first, again = (PICKS["random"](JUDGED).places for _ in range(2))
    assert first == again != sorted(first)
    assert sorted(first) == list(range(6))


@pytest.mark.parametrize("pick", PICKS)
def test_pictures_whose_pixels_are_labelled_are_not_right_as_a_whole(pick):
    scores = Judged(SCORE)
    if pick in ("random", "hardest", "worst", "best", "improved"):
        assert PICKS[pick](scores).places == PICKS[pick](JUDGED).places
    else:
        with pytest.raises(RgavizError, match="--pick worst, best, improved or random"):
            PICKS[pick](scores)


def test_a_score_that_is_none_comes_last():
    assert PICKS["best"](Judged(np.array([[0.1, np.nan, 0.2]]))).places == [2, 0, 1]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two untrained networks of a small data set."""
    folder = tmp_path_factory.mktemp("choosing")
    images = load_dataset("shapes", image_size=(16, 16), train_size=10, test_size=21)
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        model = rgaviz.create_model("resnet20", "rga-s", num_classes=len(SHAPE_CLASSES), image_size=16)
        rgaviz.save_checkpoint(
            folder / f"{name}.pt",
            model,
            classes=SHAPE_CLASSES,
            mean=images.mean,
            std=images.std,
            training={"dataset": "shapes", "recipe": {"data": {"test_size": 21}}},
        )
    return [folder / "one.pt", folder / "two.pt"], images


def test_the_hardest_of_a_data_set_are_drawn_and_told(pair, tmp_path):
    networks, images = pair
    said = []
    answer = rgaviz.compare(
        networks,
        (),
        tmp_path / "out",
        pick="hardest",
        count=3,
        figure={"dpi": 50, "formats": ["png"]},
        say=said.append,
    )
    test = images.part("test")
    checkpoint = rgaviz.load_checkpoint(networks[0])
    inputs = (
        torch.stack([torch.from_numpy(each.numpy()).permute(2, 0, 1) for each in test.images]).float() / 255
    )
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (images.mean, images.std))
    with torch.no_grad():
        shares = checkpoint.model((inputs - mean) / std).softmax(1)
    order = shares[torch.arange(21), test.labels].argsort(stable=True)[:3].tolist()
    manifest = read_results(tmp_path / "out").manifest
    assert [picture.path for picture in manifest.pictures] == [f"{place:05d}.png" for place in order]
    assert [picture.label for picture in manifest.pictures] == [
        SHAPE_CLASSES[test.labels[place]] for place in order
    ]
    for picture, place in zip(manifest.pictures, order, strict=True):
        np.testing.assert_array_equal(
            read_results(tmp_path / "out").picture(picture.id), test.images[place].numpy()
        )
    words = "3 of the 21 pictures of shapes, test, of least score by the first network"
    assert manifest.texts == {"picked": words}
    assert f"Note: {words}." in said
    assert len(answer.told) == 3


def test_those_drawn_at_random_are_asked_no_network(pair, tmp_path, monkeypatch):
    def asked(*_):
        raise AssertionError

    monkeypatch.setattr(choosing, "_judged_images", asked)
    networks, images = pair
    rgaviz.compare(
        networks, (), tmp_path / "out", pick="random", count=2, figure={"dpi": 50, "formats": ["png"]}
    )
    manifest = read_results(tmp_path / "out").manifest
    assert manifest.texts == {"picked": "2 of the 21 pictures of shapes, test, drawn at random with seed 0"}
    drawn = PICKS["random"](Judged(np.zeros((1, 21)))).places[:2]
    assert [picture.path for picture in manifest.pictures] == [f"{place:05d}.png" for place in drawn]
    for picture, place in zip(manifest.pictures, drawn, strict=True):
        shown = read_results(tmp_path / "out").picture(picture.id)
        np.testing.assert_array_equal(shown, images.part("test").images[place].numpy())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"pick": "fixd"}, "Did you mean 'fixed'"),
        ({"pick": "random", "count": 0}, "--count 0"),
        ({"dataset": "shaps"}, "Did you mean 'shapes'"),
        ({"dataset": "people"}, "a data set for reid"),
    ],
)
def test_what_cannot_be_chosen_is_one_line(pair, tmp_path, options, told):
    with pytest.raises((RgavizError, UnknownNameError), match=told):
        rgaviz.compare(pair[0], (), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("pick", OF_TWO)
def test_two_networks_are_needed(pair, tmp_path, pick):
    with pytest.raises(RgavizError, match="compares two networks"):
        rgaviz.show_masks(pair[0][0], (), pick=pick)


def test_beside_pictures_that_are_named(pair, tmp_path):
    with pytest.raises(RgavizError, match="name none beside them"):
        rgaviz.compare(pair[0], ["img.png"], tmp_path / "out", pick="random")


def test_choices():
    assert Choice() == Choice("random", 4)


def test_own_scenes_have_the_truth_of_their_own_numbers(tmp_path):
    """Of the numbers 0, 1, 2 in the files the middle one is of no class."""
    lay_out_scenes(tmp_path / "data", [0, 1, 2, 255])
    (tmp_path / "data/classes.txt").write_text("road\nignored\ntree\n")
    training = {"dataset": "scenes", "ids": [0, 2]}
    network = save_network(tmp_path / "a.pt", classes=["road", "tree"], training=training)
    options = {"pick": "worst", "count": 2, "data_dir": tmp_path / "data", "figure": {"dpi": 50}}
    answer = rgaviz.compare(
        [network, save_network(tmp_path / "b.pt", 1, classes=["road", "tree"])],
        **options,
        out=tmp_path / "out",
    )
    results = read_results(answer.folder)
    split = load_dataset("scenes", data_dir=tmp_path / "data", image_size=(16, 16)).part("val")
    for picture in results.manifest.pictures:
        place = int(picture.path.removesuffix(".png").rpartition("-")[2])
        (scene,) = split.whole([place])
        assert {0, 1, 255} == set(np.unique(scene.labels))
        np.testing.assert_array_equal(results.labels(picture.id, "truth", "labels"), scene.labels)


def test_a_part_without_labels_can_be_drawn_from(tmp_path):
    lay_out_scenes(tmp_path / "data")
    shutil.rmtree(tmp_path / "data/test/labels")
    network = save_network(tmp_path / "a.pt", 0, "rga-s", classes=["road", "sky", "tree", "traffic light"])
    options = {"data_dir": tmp_path / "data", "part": "test", "figure": {"dpi": 50}, "out": tmp_path / "out"}
    answer = cam(network, (), target="road", pick="random", count=2, **options)
    manifest = read_results(answer.folder).manifest
    assert manifest.texts == {"picked": "2 of the 3 pictures of scenes, test, drawn at random with seed 0"}
    assert {each.path.partition("-")[0] for each in manifest.pictures} <= {"a0", "a1", "a2"}
    with pytest.raises(RgavizError, match="has no labels"):
        cam(network, (), target="road", pick="worst", **options)


def test_images_have_no_parts_to_choose(pair, tmp_path):
    with pytest.raises(RgavizError, match="--part is for networks that label pixels"):
        rgaviz.compare(pair[0], (), tmp_path / "out", pick="random", part="val")
