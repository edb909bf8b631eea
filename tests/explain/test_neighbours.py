"""A picture's map is its own: in any company, on every run; and memory does not grow with the company."""

from __future__ import annotations

import gc
import weakref
from typing import ClassVar

import numpy as np
import pytest
import torch
from reference_cams import assert_close
from torch.utils._python_dispatch import TorchDispatchMode

from rgaviz.errors import RgavizError
from rgaviz.explain.cam import cam
from rgaviz.explain.methods import LARGEST_KERNEL, METHODS, kpcacam
from rgaviz.explain.probes import VARIANTS

IMAGES = torch.randn(3, 3, 12, 16, generator=torch.Generator().manual_seed(1))
OWN = [name for name, method in METHODS.items() if not method.maps]


@pytest.fixture
def network(model):
    model.train()
    for _ in range(5):
        model(torch.randn(8, 3, 12, 16))
    return model.eval()


@pytest.mark.parametrize("name", METHODS)
def test_in_any_company(name, network):
    def maps(images, targets):
        return cam(network, images, methods=[name], targets=targets)[name]

    expected = maps(IMAGES, [4, 0, 2])
    np.testing.assert_array_equal(maps(IMAGES, [4, 0, 2]), expected)
    assert_close(maps(IMAGES.flip(0), [2, 0, 4])[::-1], expected)
    for row, target in enumerate([4, 0, 2]):
        assert_close(maps(IMAGES[row][None], [target]), expected[row][None])
    copies = maps(IMAGES[:1].expand(17, -1, -1, -1), [4] * 17)
    assert_close(copies[16][None], expected[:1])


@pytest.mark.parametrize("name", METHODS)
def test_whatever_was_drawn_before(name, network):
    expected = cam(network, IMAGES, methods=[name])[name]
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    np.testing.assert_array_equal(cam(network, IMAGES, methods=[name])[name], expected)


class Largest(TorchDispatchMode):
    """The size of the largest tensor that was made."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for each in made if isinstance(made, tuple | list) else [made]:
            if isinstance(each, torch.Tensor):
                self.numbers = max(self.numbers, each.untyped_storage().nbytes())
        return made


@pytest.mark.parametrize("name", OWN)
def test_memory_is_that_of_one_picture(name, network):
    """No tensor is larger than of one picture, but for the pass over all of them."""

    def largest(images):
        with Largest() as found:
            cam(network, images, methods=[name], targets=[0] * len(images))
        return found.numbers

    with Largest() as whole, torch.no_grad():
        network(IMAGES[:1].repeat(VARIANTS, 1, 1, 1))
    one = max(largest(IMAGES[:1]), whole.numbers)
    assert largest(IMAGES[:1].repeat(VARIANTS, 1, 1, 1)) <= one


def test_an_eigen_method_of_a_large_map_takes_the_economical_form():
    """The full one would take (h w)^2 numbers: 2.3 GB here."""
    values = torch.randn(1, 4, 156, 156)
    found = METHODS["eigencam"].maps(values, values)[0]
    rows = values[0].flatten(1).T
    rows = rows - rows.mean(0)
    direction = torch.linalg.eigh(rows.T @ rows).eigenvectors[:, -1]
    expected = (rows @ direction).view(156, 156)
    assert min((found - expected).abs().max(), (found + expected).abs().max()) < 1e-3


def test_a_layer_too_large_for_a_kernel_is_refused_in_one_line():
    side = int(LARGEST_KERNEL**0.5) + 1
    with pytest.raises(
        RgavizError, match=rf"{side}x{side}, which takes 0\.1 GiB; choose a deeper layer"
    ) as caught:
        kpcacam(torch.randn(1, 2, side, side), torch.randn(1, 2, side, side))
    assert "\n" not in str(caught.value)


class Pass:
    """Lives as long as the pass it is a part of."""

    alive: ClassVar[weakref.WeakSet] = weakref.WeakSet()


class Mark(torch.autograd.Function):
    """The identity, which leaves a :class:`Pass`."""

    @staticmethod
    def forward(context, x):
        context.mark = Pass()
        Pass.alive.add(context.mark)
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient


@pytest.mark.parametrize("name", METHODS)
def test_no_picture_leaves_its_pass_in_memory(name, network):
    """Not even until the garbage is collected: a hundred pictures would be there together."""
    made = []

    def mark(module, inputs, output):
        made.append(module)
        return Mark.apply(output)

    handle = network.conv1.register_forward_hook(mark)
    gc.collect()
    gc.disable()
    try:
        cam(network, IMAGES, methods=[name], targets=[4, 0, 2])
        assert made
        assert not Pass.alive
    finally:
        gc.enable()
        handle.remove()
