"""Several threads explain: each gets the maps that it would get alone, and the networks come back unchanged."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait

import numpy as np
import pytest
import torch
from snapshots import assert_same, snapshot

from rgaviz.explain.cam import cam
from rgaviz.explain.layers import in_order
from rgaviz.explain.lending import lent
from rgaviz.explain.masks import masks

THREADS = 4


def pictures(seed):
    return torch.randn(1, 3, 12, 16, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("method", ["gradcam", "scorecam", "shapleycam", "fullgrad"])
def test_one_network_explained_by_several_threads(method, model):
    """Half of them in the middle of the others' passes, held there by a hook of the test's."""
    model.train()(torch.randn(8, 3, 12, 16))
    expected = [cam(model, pictures(seed), methods=[method])[method] for seed in range(THREADS)]
    expected_masks = [masks(model, pictures(seed), "conv5")["conv5/spatial"] for seed in range(THREADS)]
    before, start = snapshot(model), threading.Barrier(THREADS)

    def ask(seed):
        start.wait()
        for _ in range(3):
            np.testing.assert_array_equal(
                cam(model, pictures(seed), methods=[method])[method], expected[seed]
            )
            np.testing.assert_array_equal(
                masks(model, pictures(seed), "conv5")["conv5/spatial"], expected_masks[seed]
            )

    with ThreadPoolExecutor(THREADS) as pool:
        for done in [pool.submit(ask, seed) for seed in range(THREADS)]:
            done.result()
    assert_same(model, before)


def test_a_pass_of_another_thread_is_left_alone(model):
    """One that runs while a network is explained neither ends in the maps nor loses its graph."""
    model.eval()
    with torch.no_grad():
        expected = model(pictures(7))
    alone, found = cam(model, pictures(1))["gradcam"], []

    def elsewhere(*call):
        if threading.current_thread() is threading.main_thread() and not found:
            with ThreadPoolExecutor(1) as pool:
                found.append(pool.submit(model, pictures(7)).result())

    handle = model.layer3.register_forward_hook(elsewhere)
    np.testing.assert_array_equal(cam(model, pictures(1))["gradcam"], alone)
    handle.remove()
    torch.testing.assert_close(found[0], expected)


def test_layers_are_found_whoever_else_uses_the_network(model):
    """Passes of other threads are not taken for the one that tells the order of the modules."""
    modules, size = [model.layer2, model.layer4], (12, 16)
    alone = in_order(model, modules, size)
    assert [module for module, _ in alone] == modules

    def elsewhere(*call):
        if threading.current_thread() is threading.main_thread():
            with ThreadPoolExecutor(1) as pool:
                pool.submit(model, pictures(7)).result()

    handle = model.layer3.register_forward_hook(elsewhere)
    assert in_order(model, modules, size) == alone
    handle.remove()


def test_networks_side_by_side_do_not_wait(model):
    """The second is explained while the first still is."""
    from copy import deepcopy

    other = deepcopy(model)

    def elsewhere(*call):
        with ThreadPoolExecutor(1) as pool:
            pool.submit(cam, other, pictures(2)).result(timeout=60)

    handle = model.layer3.register_forward_hook(elsewhere)
    cam(model, pictures(1))
    handle.remove()


class Around(torch.nn.Module):
    """Another network of the same modules."""

    def __init__(self, inside):
        super().__init__()
        self.inside = inside

    def forward(self, images):
        return self.inside(images)


def test_networks_that_share_modules_wait_for_each_other(model):
    """Else one would note the modes that the other has set, and give those back."""
    before = snapshot(model)
    with ThreadPoolExecutor(1) as pool:
        with lent(Around(model)):
            other = pool.submit(cam, Around(model), pictures(1), "inside.layer4")
            done, _ = wait([other], timeout=0.5)  # a tenth of it would do
            assert not done
        assert other.result()
    assert_same(model, before)
