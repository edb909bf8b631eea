"""What each task takes for how far a network holds to what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rgaviz.errors import RgavizError
from rgaviz.explain.targets import one_class, scored, top_classes
from rgaviz.tasks import TASKS
from rgaviz.tasks.classification import Classification
from rgaviz.tasks.regions import RegionTarget
from rgaviz.tasks.reid import Similarity

NAMES = ["a", "b", "c"]


def test_the_probability_of_the_class_that_was_said():
    """It stays that class where another one is said of a variant."""
    output = torch.tensor([[0.0, 2.0, 1.0]])
    (target,) = top_classes(1, NAMES).settled(output)
    found = Classification().confidence(target, output)
    variants = torch.tensor([[0.0, 2.0, 1.0], [3.0, 0.0, -1.0]])
    expected = np.exp([2.0, 0.0]) / np.exp(variants.numpy()).sum(1)
    np.testing.assert_allclose(found.scores(variants), expected, rtol=1e-6)
    assert (found.title, found.rises) == ("probability of the class", True)
    shares = torch.tensor([[0.25, 0.5, 0.25], [0.0, 1.0, 0.0]])  # a softmax was there already
    np.testing.assert_allclose(found.scores(shares), [0.5, 1])


@pytest.mark.parametrize("kind", ["sigmoid", "multilabel"])
def test_of_classes_that_exclude_nothing_each_has_its_own(kind):
    output = torch.tensor([[0.0, 2.0, 1.0]])
    (target,) = one_class(2, NAMES).settled(output)
    found = Classification(kind).confidence(target, output)
    np.testing.assert_allclose(found.scores(output), [1 / (1 + np.exp(-1))], rtol=1e-6)


def test_what_has_no_probability_is_refused():
    output = torch.tensor([[0.0, 2.0, 1.0]])
    contrast = Classification().target("contrast:a,b", NAMES, lambda path: output)
    value = Classification("value").target("value", NAMES, lambda path: output)
    for task, target in ((Classification(), contrast), (Classification("value"), value)):
        with pytest.raises(RgavizError, match="choose a class"):
            task.confidence(target.settled(output)[0], output)
    with pytest.raises(RgavizError, match="choose a class"):
        TASKS["segmentation"].confidence(scored(lambda some: some.sum((1, 2, 3))), torch.zeros(1, 3, 2, 2))


def test_the_cosine_with_the_whole_picture():
    output, others = (
        torch.tensor([[3.0, 4.0]]),
        torch.tensor([[3.0, 4.0], [6.0, 8.0], [-3.0, -4.0], [4.0, -3.0]]),
    )
    task = TASKS["reid"]
    found = task.confidence(task.target("norm", [], lambda path: output).settled(output)[0], output)
    np.testing.assert_allclose(found.scores(others), [1, 1, -1, 0], atol=1e-6)
    assert not found.rises


def test_the_cosine_with_another_picture():
    output, other = torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0]])
    found = TASKS["reid"].confidence(Similarity(other, "b.png").settled(output)[0], output)
    np.testing.assert_allclose(found.scores(output), [0.6], rtol=1e-6)
    assert found.rises


def test_the_mean_probability_at_the_targets_pixels():
    """Of the pixels of the picture as it is, whatever is predicted then; against a slow loop."""
    rng = torch.Generator().manual_seed(0)
    output, variants = torch.randn(1, 3, 4, 5, generator=rng), torch.randn(6, 3, 4, 5, generator=rng)
    predicted = output.argmax(1)[0]
    for target, label in (
        (RegionTarget(NAMES, 1), 1),
        (RegionTarget(NAMES), int(predicted.flatten().mode().values)),
    ):
        found = TASKS["segmentation"].confidence(target.settled(output)[0], output).scores(variants)
        for row, logits in enumerate(variants.double()):
            shares = [
                (logits[label, y, x].exp() / logits[:, y, x].exp().sum()).item()
                for y, x in np.ndindex(4, 5)
                if predicted[y, x] == label
            ]
            assert found[row] == pytest.approx(np.mean(shares), abs=1e-6)
    everywhere = TASKS["segmentation"].confidence(RegionTarget(NAMES, 1, "all").settled(output)[0], output)
    np.testing.assert_allclose(everywhere.scores(variants), variants.softmax(1)[:, 1].mean((1, 2)), rtol=1e-5)


def test_of_a_class_that_is_nowhere_nothing_is_said():
    output = torch.zeros(1, 3, 4, 5)
    output[:, 0] = 5
    found = TASKS["segmentation"].confidence(RegionTarget(NAMES, 2).settled(output)[0], output)
    assert found.scores(torch.randn(2, 3, 4, 5)).isnan().all()
