"""The table of methods, and what every one of them keeps to."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from reference_cams import THEIRS, assert_close

from rgaviz.analysis.lists import choices
from rgaviz.explain.cam import cam, explain
from rgaviz.explain.methods import METHODS
from rgaviz.explain.targets import given_classes

SIZE = (12, 16)


def test_every_method_is_known():
    assert set(METHODS) == set(THEIRS)
    assert len({method.title for method in METHODS.values()}) == len(METHODS)
    for method in METHODS.values():
        assert [bool(way) for way in (method.maps, method.weights, method.library)].count(True) == 1


def test_the_list_says_which_are_the_library_s():
    for name, told in choices("methods").items():
        assert ("pytorch-grad-cam" in told) == bool(METHODS[name].library)
        assert ("shares one pass" in told) == bool(METHODS[name].maps)


@pytest.mark.parametrize("name", METHODS)
def test_the_contract(name, model):
    """Raw maps (B, T, h, w); no picture's depend on its neighbours, no score's on the others."""
    model.train()(torch.randn(8, 3, *SIZE))  # running statistics that have seen something
    images = torch.randn(2, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    rows = [[4, 0, 7], [2, 2, 1]]
    options = {"cam_layer": "conv4", "methods": [name]}
    maps = explain(model, images, target=given_classes(rows), **options).cams[name]
    assert maps.shape == (2, 3, *(SIZE if name == "fullgrad" else (3, 4)))
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    if name != "fem":  # no outliers on so small a map
        assert maps.max() > 0
    for image, row in enumerate(rows):
        for column, index in enumerate(row):
            alone = cam(model, images[image][None], "conv4", [name], [index])[name]
            assert_close(maps[image, column][None], alone)
