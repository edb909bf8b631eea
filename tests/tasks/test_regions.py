"""What a map of a segmentation network is about."""

from __future__ import annotations

import pytest
import torch
from pytorch_grad_cam.utils.model_targets import SemanticSegmentationTarget
from torch import nn

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import explain
from rgaviz.explain.targets import Target
from rgaviz.tasks.regions import ALL, RegionTarget

NAMES = ("sky", "road", "car")


class Hand(nn.Module):
    """One channel A = [[1, 0], [0, 2]], a 1x1 head with weights -2 and 2: the second class is predicted where A is."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 1, bias=False)
        self.head = nn.Conv2d(1, 2, 1)
        with torch.no_grad():
            self.layer.weight.copy_(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1))
            self.head.weight.copy_(torch.tensor([-2.0, 2.0]).view(2, 1, 1, 1))
            self.head.bias.copy_(torch.tensor([1.0, 0.0]))

    def forward(self, x):
        return self.head(self.layer(x))


@pytest.mark.parametrize(("pixels", "expected"), [(ALL, 4.0), ("predicted", 2.0), ((1, 1), 1.0)])
def test_the_worked_example(pixels, expected):
    """The gradient is 2 at the chosen pixels, so its mean is 2, 1 and 1/2; times A = 2 at (1, 1)."""
    image = torch.zeros(1, 3, 2, 2)
    image[0, 0] = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    target = RegionTarget(("none", "thing"), 1, pixels)
    found = explain(Hand().eval(), image, cam_layer="layer", methods=["gradcam"], target=target)
    cam = torch.as_tensor(found.cams["gradcam"]).flatten(0, -3)[0]
    assert float(cam[1, 1]) == pytest.approx(expected)


def output():
    torch.manual_seed(0)
    return torch.randn(3, 3, 6, 5)


def test_it_is_a_target():
    assert isinstance(RegionTarget(NAMES), Target)


@pytest.mark.parametrize("label", [0, 1, 2])
def test_predicted_pixels_are_those_of_pytorch_grad_cam(label):
    found = output()
    scores = RegionTarget(NAMES, label).scores(found)
    for own, score in zip(found, scores, strict=True):
        mask = (own.argmax(0) == label).float().numpy()
        assert float(score) == pytest.approx(float(SemanticSegmentationTarget(label, mask)(own)), rel=1e-5)


def test_other_pixels():
    found = output()
    assert torch.allclose(RegionTarget(NAMES, 1, ALL).scores(found)[:, 0], found[:, 1].sum((1, 2)))
    assert torch.equal(RegionTarget(NAMES, 1, (4, 2)).scores(found)[:, 0], found[:, 1, 2, 4])
    mask = torch.zeros(6, 5, dtype=torch.bool)
    mask[1:3, 2:] = True
    assert torch.allclose(RegionTarget(NAMES, 1, mask).scores(found)[:, 0], found[:, 1, 1:3, 2:].sum((1, 2)))
    assert torch.equal(
        RegionTarget(NAMES, 1, mask.repeat_interleave(2, 0).repeat_interleave(2, 1)).scores(found),
        RegionTarget(NAMES, 1, mask).scores(found),
    )


def test_the_largest_class_of_each_picture():
    found = torch.zeros(2, 3, 4, 4)
    found[0, 2, :, :3] = found[1, 1] = 5.0
    target = RegionTarget(NAMES)
    assert target.about(found) == [["car"], ["road"]]
    assert target.scores(found).tolist() == [[60.0], [80.0]]


def test_a_class_that_is_predicted_nowhere_is_said_so_and_has_no_gradient():
    found = torch.zeros(1, 3, 4, 4)
    found[:, 0] = 1.0
    found.requires_grad_()
    target = RegionTarget(NAMES, 2)
    assert target.about(found) == [["car"]]
    assert target.doubts(found) == [["predicted nowhere: car"]]
    target.scores(found).sum().backward()
    assert torch.equal(found.grad, torch.zeros_like(found))


def test_what_is_chosen_stays_chosen():
    found = output()
    for target in (RegionTarget(NAMES), RegionTarget(NAMES, 1), RegionTarget(NAMES, 1, (0, 3))):
        other = torch.randn(1, 3, 6, 5)
        for own, settled in zip(found, target.settled(found), strict=True):
            assert torch.equal(settled.scores(own[None]), target.scores(own[None]))
            label, mask = settled.label, settled.pixels
            assert float(settled.scores(other)) == pytest.approx(
                float((other[0, label] * mask).sum()), abs=1e-5
            )


def test_a_picture_does_not_depend_on_its_neighbours():
    found = output()
    target = RegionTarget(NAMES)
    assert torch.equal(target.scores(found)[1:2], target.scores(found[1:2]))


def test_a_pixel_of_pictures_that_are_seen_smaller():
    """Of pictures of 60x50 and 12x10 the pixel (41, 25) is seen at (4, 2) of 5x6, the pixel (8, 5) at (4, 3)."""
    found = output()
    assert torch.equal(
        RegionTarget(NAMES, 1, (41, 25)).placed([(60, 50)] * 3).scores(found)[:, 0], found[:, 1, 2, 4]
    )
    mixed = RegionTarget(NAMES, 1, (8, 5)).placed([(12, 10), (60, 50), (6, 9)])
    expected = [found[0, 1, 2, 4], found[1, 1, 0, 0], found[2, 1, 5, 4]]
    assert mixed.scores(found)[:, 0].tolist() == [float(each) for each in expected]
    assert mixed.about(found) == [["road at 8,5"]] * 3


def test_where_marks_lie():
    assert RegionTarget(NAMES, 1, (3, 0)).places((10, 8)) == ([(3.5 / 8, 0.05)], [])
    assert RegionTarget(NAMES, 1).places((10, 8)) == ([], [])
    mask = torch.zeros(10, 8, dtype=torch.bool)
    mask[2:6, 4:8] = True
    points, (line,) = RegionTarget(NAMES, 1, mask).places((100, 80))
    assert points == []
    x, y = zip(*line, strict=True)
    assert (min(x), max(x)) == pytest.approx((0.5, 1.0), abs=0.04)
    assert (min(y), max(y)) == pytest.approx((0.2, 0.6), abs=0.04)


def test_pixels_that_are_not_there():
    with pytest.raises(RgavizError, match="from 0,0 to 4,5"):
        RegionTarget(NAMES, 1, (5, 0)).scores(output())
    with pytest.raises(RgavizError, match="need an output"):
        RegionTarget(NAMES, 1).scores(torch.zeros(2, 3))
