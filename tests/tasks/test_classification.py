from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from rgaviz.data.splits import MemorySplit
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.tasks import How
from rgaviz.tasks.classification import Classification, cross_entropy
from rgaviz.tasks.metrics import class_errors, confusion

LOGITS = torch.tensor([[2.0, 0, 0], [0, 1, 0], [0, 0, 3], [1, 0, 0], [0, 5, 0]])
LABELS = torch.tensor([0, 0, 2, 0, 1])
NAMES = ["cat", "dog", "3"]
TASK = Classification()


class Lookup(nn.Module):
    """Gives the rows of ``LOGITS`` in order."""

    def __init__(self):
        super().__init__()
        self.position = 0

    def forward(self, images):
        assert not self.training
        assert torch.is_inference_mode_enabled()
        rows = LOGITS[self.position : self.position + len(images)]
        self.position += len(images)
        return rows


def how(**options):
    return How(NAMES, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), torch.device("cpu"), **options)


def parts(labels=LABELS, value=0):
    split = MemorySplit(torch.full((len(labels), 2, 2, 3), value, dtype=torch.uint8), labels)
    return {"test": split}.__getitem__


@pytest.mark.parametrize("batch_size", [5, 2])
def test_loss_and_confusion(batch_size):
    found = TASK.evaluate(Lookup().train(), parts(), how(batch_size=batch_size))
    right = (math.log(math.exp(x) + 2) - x for x in (2, 3, 1, 5))
    expected = sum(right) + math.log(math.e + 2)
    assert found.figures == {"loss": pytest.approx(expected / 5, abs=1e-7), "error": pytest.approx(20)}
    assert all(type(value) is float for value in found.figures.values())
    assert set(found.figures) == {measure.key for measure in TASK.measures}
    assert found.tables["confusion"].plain() == [[2, 1, 0], [0, 1, 0], [0, 0, 1]]
    assert found.tables["confusion"].lines()[:2] == [["true \\ predicted", *NAMES], ["cat", 2, 1, 0]]
    assert found.tables["class_error"].plain() == {"cat": pytest.approx(100 / 3), "dog": 0.0, "3": 0.0}


def test_several_processes_sum_what_each_measured():
    calls = []

    def doubled(value):
        calls.append(value.dtype)
        return value * 2

    found = TASK.evaluate(Lookup(), parts(), how(sum=doubled))
    assert found.figures["error"] == pytest.approx(20)
    assert found.tables["confusion"].plain()[0] == [4, 2, 0]
    assert calls == [torch.float64, torch.int64]


def test_each_process_measures_its_share():
    class Sees(nn.Module):
        def forward(self, images):
            seen.append(len(images))
            return torch.zeros(len(images), 3)

    seen, found = [], []
    for rank in (0, 1):
        found.append(TASK.evaluate(Sees(), parts(), how(rank=rank, processes=2)).tables["confusion"].plain())
    assert seen == [3, 2]
    assert (torch.tensor(found[0]) + torch.tensor(found[1])).tolist() == [[3, 0, 0], [1, 0, 0], [1, 0, 0]]


def test_autocast_computes_in_the_precision_asked_for():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    with torch.no_grad():
        model[1].weight.fill_(1 / 3)
        model[1].bias.copy_(torch.tensor([0, 0.001, 0]))  # vanishes in bfloat16 beside the sum
    ones = parts(torch.tensor([1]), value=255)
    exact = TASK.evaluate(model, ones, how()).tables["confusion"].plain()
    coarse = TASK.evaluate(model, ones, how(precision=torch.bfloat16)).tables["confusion"].plain()
    assert exact[1] == [0, 1, 0]
    assert coarse[1] == [1, 0, 0]


def test_a_class_never_seen_has_no_error():
    counts = torch.tensor([[3, 1, 0], [0, 0, 0], [2, 0, 0]])
    assert class_errors(counts) == [pytest.approx(25), None, pytest.approx(100)]


def test_confusion():
    truth, predicted = torch.tensor([0, 0, 2, 1, 2]), torch.tensor([0, 1, 2, 1, 0])
    assert confusion(truth, predicted, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 1]]


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_the_loss_and_the_error_of_a_batch(smoothing):
    config = SimpleNamespace(class_weights=None, label_smoothing=smoothing)
    told = TASK.loss({"logits": LOGITS}, LABELS, config)
    assert list(told) == ["loss", "error"]
    assert torch.equal(told["loss"], F.cross_entropy(LOGITS, LABELS, label_smoothing=smoothing))
    assert float(told["error"]) == 100.0  # of one image in five


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_class_weights_by_hand(smoothing):
    weights = (0.5, 2.0, 1.5)
    total = 0.0
    for logits, label in zip(LOGITS.tolist(), LABELS.tolist(), strict=True):
        normal = math.log(sum(math.exp(value) for value in logits))
        for index, value in enumerate(logits):
            part = smoothing / 3 + (1 - smoothing) * (index == label)
            total += weights[index] * part * (normal - value)
    assert float(cross_entropy(LOGITS, LABELS, weights, smoothing)) == pytest.approx(total / 5, rel=1e-6)
    whole = cross_entropy(LOGITS, LABELS, (1.0, 1.0, 1.0), smoothing)
    assert float(whole) == pytest.approx(float(cross_entropy(LOGITS, LABELS, None, smoothing)), rel=1e-6)


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ("top1", [["cat"], ["dog"]]),
        ("top5", [["cat", "dog", "3"], ["dog", "cat", "3"]]),
        ("dog", [["dog"], ["dog"]]),
        ("0", [["cat"], ["cat"]]),
        ("3", [["3"], ["3"]]),  # a name comes before a number
    ],
)
def test_targets(text, captions):
    output = torch.tensor([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0]])
    target = TASK.target(text, NAMES, lambda path: pytest.fail("no picture"))
    assert target.about(output) == captions
    scores = target.scores(output)
    assert scores.tolist() == [
        [row[NAMES.index(name)] for name in told] for row, told in zip(output.tolist(), captions, strict=True)
    ]


@pytest.mark.parametrize("text", ["dgo", "4", "-1", "top3", ""])
def test_unknown_targets(text):
    with pytest.raises(UnknownNameError, match="Unknown target class") as caught:
        TASK.target(text, NAMES, lambda path: pytest.fail("no picture"))
    assert "top1, top5" in str(caught.value)
    for word in TASK.targets:
        assert word in str(caught.value)
    if text == "dgo":
        assert "Did you mean 'dog'" in str(caught.value)


def test_what_is_told():
    output = torch.tensor([[math.log(3), 0.0, -50.0], [0.0, 0.0, 9.0]])
    right, unknown = TASK.told(output, NAMES, ["cat", None])
    assert right.lines == [("cat 75%", True)]
    assert right.values == {"label": "cat", "index": 0, "confidence": pytest.approx(0.75)}
    assert unknown.lines == [("3 100%", None)]
    assert TASK.told(output, NAMES, ["dog", "3"])[0].lines[0].right is False


@pytest.mark.parametrize(("logit", "sure"), [(-3.0, 0.0474259), (2.0, 0.8807971), (0.0, 0.5)])
def test_one_logit_is_a_sigmoid(logit, sure):
    (told,) = TASK.told(torch.tensor([[logit]]), ["tumour"], [None])
    assert told.values["confidence"] == pytest.approx(sure, rel=1e-5)
    assert told.lines == [(f"tumour {100 * sure:.0f}%", None)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_outputs_that_are_probabilities_are_taken_as_such_and_told(dtype):
    output = torch.tensor([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0]]).softmax(1).to(dtype)
    for row, told in zip(output.float().tolist(), TASK.told(output, NAMES, [None, None]), strict=True):
        assert told.values["confidence"] == pytest.approx(max(row))
        assert told.lines[1].text == "the network's outputs are probabilities already"
    assert len(TASK.told(2 * output, NAMES, [None, None])[0].lines) == 1


def test_what_is_told_of_a_picture_does_not_depend_on_its_neighbours():
    """One of which has been through a softmax, and the other not."""
    output = torch.tensor([[0.2, 0.7, 0.1], [1.0, 3.0, -1.0]])
    together = TASK.told(output, NAMES, [None, None])
    alone = [TASK.told(row[None], NAMES, [None])[0] for row in output]
    assert [told.lines for told in together] == [told.lines for told in alone]
    assert [len(told.lines) for told in together] == [2, 1]
    assert together[0].values["confidence"] == pytest.approx(0.7)


def test_each_picture_s_true_class_as_target():
    output = torch.tensor([[2.0, 1.0, 0.5], [1.0, 3.0, -1.0]])
    target = TASK.labelled(["3", "cat"], NAMES)
    assert target.about(output) == [["3"], ["cat"]]
    assert target.scores(output).tolist() == [[0.5], [1.0]]
    for truth, words in ((["cat", None], "one has no label"), (["cat", "tiger"], "'tiger' is no class")):
        with pytest.raises(RgavizError, match=words):
            TASK.labelled(truth, NAMES)
    with pytest.raises(RgavizError, match="each picture's true class"):
        TASK.target("label", NAMES, lambda path: pytest.fail("no picture"))


def test_the_name_of_one_class_and_the_number_of_another():
    names, output = ["2", "b", "c"], torch.eye(3)
    with pytest.raises(RgavizError, match="write name:2 or number:2"):
        TASK.target("2", names, lambda path: pytest.fail("no picture"))
    for text, column in (("name:2", 0), ("number:2", 2), ("1", 1), ("c", 2), ("number:0", 0)):
        found = TASK.target(text, names, lambda path: pytest.fail("no picture"))
        assert found.scores(output)[:, 0].tolist() == output[:, column].tolist()


def test_values_for_people():
    error, loss = TASK.measures
    assert (error.label, error.text(12.345)) == ("error (%)", "12.35%")
    assert (loss.label, loss.text(0.12345)) == ("loss", "0.123")
