"""Targets: what they score, how they are called, and that a choice made on one output stays made."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from reference_cams import assert_close, library_maps
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam, explain
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import Target, given_classes, one_class, scored, top_classes

LOGITS = torch.tensor([[0.0, 1.0, 2.0], [3.0, 0.0, 1.0]])
SHUFFLED = LOGITS.roll(1, 1)  # other classes are best
IMAGES = torch.randn(3, 3, 8, 12, generator=torch.Generator().manual_seed(1))

CLASSES = [
    (top_classes(1), [[2], [0]]),
    (top_classes(5), [[2, 1, 0], [0, 2, 1]]),
    (one_class(1), [[1], [1]]),
    (given_classes([2, 1]), [[2], [1]]),
    (given_classes(np.array([2, 1], dtype=np.int32)), [[2], [1]]),
    (given_classes(torch.tensor([[0, 1], [2, 2]])), [[0, 1], [2, 2]]),
    (given_classes([2.0, 1.0]), [[2], [1]]),
]
OTHERS = [
    scored(lambda output: output.norm(dim=1), "length"),
    scored(lambda output: output[:, [0, 2]] - output[:, [1, 1]], "first", "last"),
]


@pytest.mark.parametrize(("target", "expected"), CLASSES)
def test_classes(target, expected):
    assert target.classes(LOGITS).tolist() == expected
    assert target.about(LOGITS) == [[str(index) for index in row] for row in expected]
    by_hand = [[float(LOGITS[b, index]) for index in row] for b, row in enumerate(expected)]
    assert target.scores(LOGITS).tolist() == by_hand


def test_captions():
    assert top_classes(2, "abc").about(LOGITS) == [["c", "b"], ["a", "c"]]
    assert one_class(1, ["cat", "dog", "cow"]).about(LOGITS) == [["dog"], ["dog"]]
    assert given_classes([0, 2], "abc").about(LOGITS) == [["a"], ["c"]]
    assert OTHERS[1].about(LOGITS) == [["first", "last"]] * 2
    assert scored(lambda output: output[:, 0]).about(LOGITS) == [["score 1"]] * 2
    assert scored(lambda output: output).about(LOGITS) == [["score 1", "score 2", "score 3"]] * 2


@pytest.mark.parametrize("target", [*(target for target, _ in CLASSES), *OTHERS])
def test_the_contract(target):
    """Shapes, gradients, rows that do not mix, and a choice that stays."""
    assert isinstance(target, Target)
    output = LOGITS.clone().requires_grad_()
    scores = target.scores(output)
    assert [len(row) for row in target.about(LOGITS)] == [scores.shape[1]] * 2
    (gradient,) = torch.autograd.grad(scores[0].sum(), output)
    assert gradient[0].any()
    assert not gradient[1].any()
    settled = target.settled(LOGITS)
    assert len(settled) == 2
    for row, each in enumerate(settled):
        again = each.scores(torch.stack([LOGITS[row], SHUFFLED[row], LOGITS[row]]))  # (3, T)
        assert again[0].tolist() == again[2].tolist() == scores[row].tolist()
        assert each.about(LOGITS[row][None]) == each.about(SHUFFLED[row][None]) == [target.about(LOGITS)[row]]


def test_what_is_best_is_chosen_once():
    best, second = top_classes(1).settled(LOGITS)
    assert best.scores(SHUFFLED).tolist() == [[1.0], [0.0]]  # class 2 of both, not their best
    assert second.scores(SHUFFLED[1:]).tolist() == [[1.0]]  # class 0


@pytest.mark.parametrize(
    ("target", "output", "words"),
    [
        (given_classes([1, 2, 0]), LOGITS, "3 targets for 2 images"),
        (given_classes([1, 3]), LOGITS, "outside the 3 classes (0 to 2)"),
        (one_class(-1), LOGITS, "outside the 3 classes (0 to 2)"),
        (one_class(0), torch.zeros(2, 3, 4, 4), "needs an output (B, classes), not (2, 3, 4, 4)"),
    ],
)
def test_errors_are_one_line(target, output, words):
    for call in (target.scores, target.about, target.settled):
        with pytest.raises(RgavizError) as caught:
            call(output)
        assert words in str(caught.value)
        assert "\n" not in str(caught.value)


class Net(nn.Module):
    """Two outputs: a vector of features, and what is made of it; nothing here is linear behind the layer."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.mix, self.fc = nn.Conv2d(5, 7, 3, padding=1), nn.Linear(7, 6)

    def embed(self, x):
        return self.mix(self.bn(self.conv(x)).tanh()).sigmoid().mean((2, 3))

    def dense(self, x):
        return self.mix(self.bn(self.conv(x)).tanh())  # (B, 7, H, W)

    def forward(self, x):
        return self.fc(self.embed(x)).tanh()


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(3)
    return Net().eval()


def length(output):
    return output.norm(dim=1)


def pair(output):
    return output[:, 1] + 2 * output[:, 4]


def by_hand(model, function, call=None):
    """Plain Grad-CAM at ``bn``, image after image, by a backward pass through the whole network."""
    twin, maps = copy.deepcopy(model), []
    for image in IMAGES:
        kept = []
        handle = twin.bn.register_forward_hook(lambda module, inputs, output, kept=kept: kept.append(output))
        output = getattr(twin, call or "forward")(image[None])
        handle.remove()
        (gradient,) = torch.autograd.grad(function(output).sum(), kept[0])
        weights = gradient[0].mean((1, 2))  # (K,)
        maps.append(sum(w * a for w, a in zip(weights, kept[0][0], strict=True)).relu())
    return torch.stack(maps).detach().numpy()


@pytest.mark.parametrize("function", [length, pair])
def test_a_function_of_the_output_against_plain_autograd(function, model):
    expected = by_hand(model, function)
    assert expected.any((1, 2)).all()
    for targets in (function, scored(function, "own")):
        found = cam(model, IMAGES, "bn", targets=targets)["gradcam"]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * expected.max())
    assert not np.allclose(found, cam(model, IMAGES, "bn")["gradcam"], atol=1e-2 * expected.max())


@pytest.mark.parametrize("method", [name for name, method in METHODS.items() if not method.classes])
@pytest.mark.parametrize("function", [length, pair])
def test_a_function_of_the_output_against_the_library(function, method, model, raw):
    """Whose target is a function of one image's output."""
    twin = copy.deepcopy(model)
    about = [lambda output: function(output[None])[0]] * 3
    expected = library_maps(method, twin, twin.bn, IMAGES, about)
    assert_close(cam(model, IMAGES, "bn", [method], function)[method], expected)
    assert expected.any()


def test_several_scores_are_several_maps(model):
    both = scored(lambda output: torch.stack([length(output), pair(output)], 1), "length", "pair")
    methods = ["gradcam", "scorecam", "shapleycam"]
    found = explain(model, IMAGES, cam_layer="bn", methods=methods, target=both)
    assert found.about == [["length", "pair"]] * 3
    for method in methods:
        assert found.cams[method].shape == (3, 2, 8, 12)
        for column, function in enumerate((length, pair)):
            alone = cam(model, IMAGES, "bn", [method], function)[method]
            np.testing.assert_allclose(found.cams[method][:, column], alone, rtol=1e-5)
    np.testing.assert_array_equal(cam(model, IMAGES, "bn", targets=both)["gradcam"], found.cams["gradcam"])


@pytest.mark.parametrize(
    ("call", "function", "shape"),
    [("embed", length, (3, 7)), ("dense", lambda output: output[:, 2, 3, 5], (3, 7, 8, 12))],
)
def test_another_output_of_the_network(call, function, shape, model):
    target = scored(function, "own")
    methods = ["gradcam", "ablationcam", "fullgrad"]
    before = dict(model.named_modules())
    found = explain(
        model, IMAGES, forward=getattr(model, call), cam_layer="bn", methods=methods, target=target
    )
    assert dict(model.named_modules()) == before
    assert found.output.shape == shape
    torch.testing.assert_close(found.output, getattr(model, call)(IMAGES).detach())
    expected = by_hand(model, function, call)
    np.testing.assert_allclose(found.cams["gradcam"][:, 0], expected, rtol=1e-4, atol=1e-4 * expected.max())

    class Only(nn.Module):  # the library takes a module
        def __init__(self):
            super().__init__()
            self.net = copy.deepcopy(model)

        def forward(self, x):
            return getattr(self.net, call)(x)

    only = Only()
    for method in methods:
        theirs = cam(only, IMAGES, "net.bn", [method], function)[method]
        np.testing.assert_allclose(found.cams[method][:, 0], theirs, rtol=1e-5)
        assert theirs.any()


def test_a_choice_stays_made_in_passes_of_a_method_s_own(model):
    """The best class of an image is asked of its perturbed copies too, which may have another."""
    with torch.no_grad():
        best = model(IMAGES).argmax(1)
    methods = [name for name, method in METHODS.items() if method.library]
    found = cam(model, IMAGES, "bn", methods)
    for method, maps in cam(model, IMAGES, "bn", methods, best).items():
        np.testing.assert_array_equal(found[method], maps)


class Half:
    """Lacks ``settled``, which only some methods need."""

    def scores(self, output):
        return output[:, :1]

    def about(self, output):
        return [["first"]] * len(output)


@pytest.mark.parametrize(
    "target",
    [
        Half(),
        object(),
        "dog",
        ["dog"] * 3,
        [0.5, 1, 2],
        [float("nan")],
        [[[1]]],
        {"class": 1},
        [length] * 3,
        type(OTHERS[0]),
    ],
)
@pytest.mark.parametrize("method", ["gradcam", "scorecam"])
def test_what_is_no_target_is_refused_in_one_line(target, method, model):
    for call in (
        lambda: cam(model, IMAGES, "bn", [method], target),
        lambda: explain(model, IMAGES, cam_layer="bn", methods=[method], target=target),
    ):
        with pytest.raises(
            RgavizError, match=r"not (a \w+|Half|Scored); give rgaviz\.explain\.targets"
        ) as caught:
            call()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"targets": length, "methods": ["gradcam", "finercam"]}, "finercam compares classes"),
        ({"targets": lambda output: output.sum()}, "scores () for 3 images"),
        ({"targets": scored(length, "one", "two")}, "1 scores for an image; name as many, not 2"),
        ({"targets": lambda output: output.argmax(1).float()}, "no gradient at the layer"),
        ({"targets": length, "layer": "aside"}, "no gradient at the layer"),
        ({"targets": scored(lambda output: output[:2, 0], "cut")}, "scores (2, 1) for 3 images"),
    ],
)
def test_targets_that_do_not_fit(options, words):
    class Aside(Net):
        """With a layer that the output does not depend on."""

        def __init__(self):
            super().__init__()
            self.aside = nn.Conv2d(3, 4, 1)

        def forward(self, x):
            self.aside(x)
            return super().forward(x)

    torch.manual_seed(3)
    with pytest.raises(RgavizError) as caught:
        cam(Aside().eval(), IMAGES, **{"layer": "bn", **options})
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
