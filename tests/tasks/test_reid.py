from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import tiny
import torch
from torch import nn

from rgaviz import create_model
from rgaviz.data.sets.people import load_people
from rgaviz.data.splits import MemorySplit
from rgaviz.errors import RgavizError
from rgaviz.tasks import How
from rgaviz.tasks.matching import Matching
from rgaviz.tasks.metrics import rank_metrics
from rgaviz.tasks.reid import ReIdentification, gathered, summary
from rgaviz.tasks.triplet import batch_hard
from rgaviz.training.config import TrainConfig

TASK = ReIdentification()
MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)
SMALL: dict = {
    "image_size": (32, 16),
    "width": 8,
    "head": "bnneck",
    "attention_layers": ("conv4",),
    "s1": 2,
    "s2": 2,
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = create_model("resnet18-w16", "rga-sc", num_classes=9, **SMALL)
    with torch.no_grad():  # else the features before and behind the neck have one order
        model.neck.running_mean.uniform_(-1, 1)
        model.neck.running_var.uniform_(0.1, 4)
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return load_people(image_size=(32, 16), train_size=30, test_size=60)


def how(**changes):
    return How((), MEAN, STD, torch.device("cpu"), **{"batch_size": 7, **changes})


def measured(task, network, images, **changes):
    return task.evaluate(network, images.part, how(**changes))


def inputs(split):
    return ((split.images / 255 - 0.5) / 0.25).permute(0, 3, 1, 2)


def test_the_loss_is_that_of_logits_and_of_features_before_the_neck(network):
    config = TrainConfig(label_smoothing=0.1, triplet_margin=0.3, triplet_weight=0.5)
    pictures = torch.randn(8, 3, 32, 16, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([3, 3, 1, 1, 0, 0, 8, 8])
    found = TASK.loss(TASK.outputs(network, pictures), labels, config)
    pooled, logits = network.pooled(pictures), network(pictures)
    smooth = 0.9 * nn.functional.one_hot(labels, 9) + 0.1 / 9
    identity = -(smooth * logits.log_softmax(1)).sum(1).mean()
    triplet = batch_hard(pooled, labels, 0.3)
    torch.testing.assert_close(found["loss"], identity + 0.5 * triplet)
    torch.testing.assert_close(found["identity_loss"], 8 * identity)
    torch.testing.assert_close(found["triplet_loss"], 8 * triplet)
    assert found["error"] == 100 * (logits.argmax(1) != labels).sum()


@pytest.mark.parametrize("neck", ["after", "before"])
@pytest.mark.parametrize("flip", [False, True])
def test_what_is_measured(network, images, neck, flip):
    query, gallery = images.part("query"), images.part("gallery")
    embed = network.embed if neck == "after" else network.pooled

    def features(split):
        with torch.no_grad():
            found = embed(inputs(split))
            return (found + embed(inputs(split).flip(3))) / 2 if flip else found

    labels = (query.labels, gallery.labels, query.cameras, gallery.cameras)
    for distance in ("cosine", "euclidean"):
        task = TASK.measuring(neck=neck, flip=flip, distance=distance)
        found = measured(task, network, images)
        expected = rank_metrics(features(query), features(gallery), *labels, distance=distance)
        assert found.figures == pytest.approx({key: 100 * value for key, value in expected.items()}, abs=1e-6)
        assert set(found.figures) == {measure.key for measure in TASK.measures}
    assert TASK.matching == Matching()  # choices are of a measurement


def test_choices_reach_the_ranking(network, images):
    usual = measured(TASK, network, images)
    for choices in ({"ap": "trapezoid"}, {"rerank": True}, {"within_camera": True}):
        found = measured(TASK.measuring(**choices), network, images)
        assert found.figures["mAP"] != usual.figures["mAP"]
    for wrong in ({"distance": "manhattan"}, {"ap": "area"}, {"neck": "behind"}, {"mirror": True}):
        with pytest.raises(RgavizError, match="Unknown"):
            measured(TASK.measuring(**wrong), network, images)


def test_the_head_plays_no_part(network, images):
    usual = measured(TASK, network, images)
    other = create_model("resnet18-w16", "rga-sc", num_classes=3, **SMALL)
    body = {key: value for key, value in network.state_dict().items() if not key.startswith("fc.")}
    other.load_state_dict({**other.state_dict(), **body})
    other.fc = None  # not even called
    found = measured(TASK, other, images)
    assert found.figures == usual.figures
    assert torch.equal(found.ranking.order, usual.ranking.order)


def test_tables_of_a_ranking(network, images):
    found = measured(TASK, network, images)
    query = images.part("query")
    curve = found.tables["cmc"].plain()
    assert curve["1"]["matched (%)"] == found.figures["rank1"]
    assert curve["20"]["matched (%)"] == found.figures["rank20"]
    assert curve["50"]["queries"] == (found.ranking.first[found.ranking.valid] <= 50).sum()
    rows = found.tables["queries"].plain()
    assert list(rows) == list(query.names)
    valid = [row["AP (%)"] for row in rows.values() if row["AP (%)"] is not None]
    assert sum(valid) / len(valid) == pytest.approx(found.figures["mAP"])
    assert [row["identity"] for row in rows.values()] == query.labels.tolist()


def test_queries_without_a_match_are_counted_aloud(network, images):
    lonely = replace(images.part("query"), labels=images.part("query").labels.clone())
    lonely.labels[:3] = 5_000
    parts = {"query": lonely, "gallery": images.part("gallery")}
    found = TASK.evaluate(network, parts.__getitem__, how())
    assert found.notes == [f"3 of {len(lonely)} queries have no match and are left out."]
    assert [row[2] for row in found.tables["queries"].values[:3]] == [None] * 3
    lonely.labels[:] = 5_000
    with pytest.raises(RgavizError, match=r"No query has a match.*--within-camera"):
        TASK.evaluate(network, parts.__getitem__, how())


def test_images_without_cameras_are_refused(network):
    split = MemorySplit(torch.zeros(4, 32, 16, 3, dtype=torch.uint8), torch.arange(4))
    with pytest.raises(RgavizError, match="part query does not say which camera"):
        TASK.evaluate(network, {"query": split, "gallery": split}.__getitem__, how())


@pytest.mark.parametrize("processes", [2, 3, 70])
def test_processes_gather_their_features(processes):
    rows = torch.randn(64, 5, generator=torch.Generator().manual_seed(0))
    shares = [rows[each] if len(each) else None for each in torch.arange(64).tensor_split(processes)]
    sums: dict[int, list[torch.Tensor]] = {}

    def share(rank, total):
        """What a process gathers where the sums of all are ``total``, of each call in turn."""
        calls = iter(range(2))

        def add(value):
            call = next(calls)
            sums.setdefault(call, []).append(value)
            return total[call] if call < len(total) else value

        return gathered(shares[rank], 64, how(rank=rank, processes=processes, sum=add))

    widths = torch.tensor(
        [5 * sum(each is not None for each in shares), sum(each is not None for each in shares)]
    )
    for rank in range(processes):
        share(rank, [widths])
    total = torch.stack(sums[1]).sum(0)
    assert torch.equal(total, rows)
    assert torch.equal(share(processes - 1, [widths, total]), rows)


def test_targets(network):
    pictures = torch.randn(3, 3, 32, 16, generator=torch.Generator().manual_seed(0))
    output = TASK.scored(network)(pictures)
    norm = TASK.target("norm", (), lambda path: pytest.fail("no picture"))
    torch.testing.assert_close(norm.scores(output)[:, 0], output.square().sum(1).sqrt())
    assert norm.about(output) == [["norm of the embedding"]] * 3
    similar = TASK.target("similarity:some/one.jpg", (), lambda path: {"some/one.jpg": output[1:2]}[path])
    expected = (output @ output[1]) / (output.norm(dim=1) * output[1].norm())
    torch.testing.assert_close(similar.scores(output)[:, 0], expected)
    assert similar.about(output)[1] == ["cosine 1.00"]
    for text in ("similarity", "similarity:", "7", "label"):
        with pytest.raises(RgavizError, match="Unknown target"):
            TASK.target(text, ("7",), lambda path: output)
    with pytest.raises(RgavizError, match="knows no class"):
        TASK.labelled(["7"], ("7",))


def test_no_class_is_told(network):
    (told,) = TASK.told(torch.tensor([[3.0, 4.0]]), ("184", "185"), [None])
    assert [line.text for line in told.lines] == ["norm 5"]
    assert told.values == {"norm": 5.0}


def test_a_ranking_without_names_is_numbered(images, network):
    found = measured(TASK, network, images)
    split = images.part("query")
    bare = MemorySplit(split.images, split.labels, split.cameras)
    assert summary(found.ranking, bare).tables["queries"].rows == [str(n) for n in range(len(split))]


def test_too_few_identities_are_refused_before_anything_is_written(tmp_path):
    from rgaviz.training import loop

    few = partial(load_people, image_size=(16, 16), train_size=10, test_size=21)()
    with pytest.raises(RgavizError, match=r"A batch of 16 identities cannot be made of 2; try --set train"):
        loop.train(few, tiny.recipe(batch_size=64), ["none"], tmp_path / "out", device=tiny.CPU)
    refused = {"batch_size": 18}, {"batch_size": 4}, {"batch_size": 16, "accumulate": 4}
    for changes in refused:  # of one identity there is nobody who is farther away
        with pytest.raises(RgavizError, match=r"at least 2 groups of 4 images .* a multiple of (8|32)\."):
            loop.train(few, tiny.recipe(**changes), ["none"], tmp_path / "out", device=tiny.CPU)
    assert not (tmp_path / "out").exists()
