"""Learning rates against values worked out by hand, optimizers against their equations."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from rgaviz.training.config import TrainConfig, load_recipe
from rgaviz.training.optim import OPTIMIZERS, SCHEDULES, build_optimizer, learning_rate, weight_groups


def test_one_cycle():
    train = TrainConfig(epochs=10, lr=0.4, warmup=2.0)
    for epoch, rate in {0: 0.0, 0.5: 0.1, 1: 0.2, 2: 0.4, 4: 0.3, 6: 0.2, 9.5: 0.025, 10: 0.0}.items():
        assert math.isclose(learning_rate(train, epoch), rate, abs_tol=1e-12)
    assert learning_rate(train.changed(warmup=0.0), 0) == 0.4


@pytest.mark.parametrize("depth", [110, 218])
def test_steps_as_he_et_al_have_them(depth):
    train = load_recipe(f"cifar-resnet{depth}").train
    rates = {0: 0.01, 0.99: 0.01, 1: 0.1, 80.9: 0.1, 81: 0.01, 121.9: 0.01, 122: 0.001, 163.9: 0.001}
    for epoch, rate in rates.items():
        assert math.isclose(learning_rate(train, epoch), rate)


def test_warmup_steps_as_the_authors_of_rga_have_them():
    """8e-6 to 8e-4 within 20 epochs, halved at 80, 120, ..., 360 of 600."""
    train = TrainConfig(
        schedule="warmup-steps",
        epochs=600,
        lr=8e-4,
        warmup=20.0,
        warmup_lr=8e-6,
        milestones=tuple(range(80, 361, 40)),
        gamma=0.5,
    )
    rates = {
        0: 8e-6,
        5: 2.06e-4,
        10: 4.04e-4,
        20: 8e-4,
        79.9: 8e-4,
        80: 4e-4,
        120: 2e-4,
        359: 6.25e-6,
        599: 3.125e-6,
    }
    for epoch, rate in rates.items():
        assert math.isclose(learning_rate(train, epoch), rate, rel_tol=1e-12)


def test_poly():
    train = TrainConfig(schedule="poly", epochs=40, lr=0.01, warmup=0.0)
    # 0.5^0.9 = 0.535887, 0.1^0.9 = 0.125893
    for epoch, rate in {0: 0.01, 20: 0.00535886731, 36: 0.00125892541, 40: 0.0}.items():
        assert math.isclose(learning_rate(train, epoch), rate, rel_tol=1e-8)
    warm = train.changed(warmup=8.0)
    for epoch, rate in {0: 0.0, 4: 0.005, 8: 0.01, 24: 0.00535886731, 40: 0.0}.items():
        assert math.isclose(learning_rate(warm, epoch), rate, rel_tol=1e-8)


def test_cosine():
    train = TrainConfig(schedule="cosine", epochs=12, lr=0.2, warmup=0.0)
    for epoch, rate in {0: 0.2, 3: 0.1 + 0.1 / math.sqrt(2), 4: 0.15, 6: 0.1, 8: 0.05, 12: 0.0}.items():
        assert math.isclose(learning_rate(train, epoch), rate, abs_tol=1e-12)
    warm = train.changed(warmup=4.0)
    for epoch, rate in {0: 0.0, 1: 0.05, 4: 0.2, 8: 0.1, 12: 0.0}.items():
        assert math.isclose(learning_rate(warm, epoch), rate, abs_tol=1e-12)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("warmup", [0.0, 0.7])
def test_every_rate_is_real_and_none_is_negative(schedule, warmup):
    """Also at and behind the end, where rounding may lead: a power of a negative number would be complex."""
    train = TrainConfig(schedule=schedule, epochs=3, lr=0.1, warmup=warmup, milestones=(1,))
    for epoch in (0, 0.35, 0.7, 1, 2.9999999, 3, 3 * (1 + 1e-15)):
        rate = learning_rate(train, epoch)
        assert type(rate) is float
        assert -1e-15 <= rate <= 0.1 + 1e-15
    if schedule in ("one-cycle", "poly", "cosine"):
        assert learning_rate(train, 3) == 0
        assert learning_rate(train, 2.9) < learning_rate(train, 2.8)


def by_hand(name, value, gradients, config):
    """The weights after some steps, a number at a time."""
    first = second = 0.0
    for step, gradient in enumerate(gradients, start=1):
        if name in ("sgd", "sgd-plain"):
            gradient += config.weight_decay * value
            first = config.momentum * first + gradient
            value -= config.lr * (gradient + config.momentum * first if name == "sgd" else first)
            continue
        if name == "adam":
            gradient += config.weight_decay * value
        else:
            value -= config.lr * config.weight_decay * value
        first = config.momentum * first + (1 - config.momentum) * gradient
        second = 0.999 * second + 0.001 * gradient**2
        mean, square = first / (1 - config.momentum**step), second / (1 - 0.999**step)
        value -= config.lr * mean / (math.sqrt(square) + 1e-8)
    return value


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers(name):
    config = TrainConfig(optimizer=name, lr=0.01, momentum=0.8, weight_decay=0.1)
    layer = nn.Linear(1, 1, bias=False).double()
    start = layer.weight.item()
    optimizer = build_optimizer(layer, config)
    gradients = [0.5, -1.0, 2.0, 0.25]
    for gradient in gradients:
        layer.weight.grad = torch.tensor([[gradient]], dtype=torch.float64)
        optimizer.step()
    assert layer.weight.item() == pytest.approx(by_hand(name, start, gradients, config), rel=1e-12)


@pytest.mark.parametrize("decay_all", [False, True])
def test_what_is_decayed(decay_all):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    decayed, others = weight_groups(network, TrainConfig(weight_decay=0.1, decay_all=decay_all))
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    assert [each.ndim for each in decayed["params"]] == ([4, 1, 1, 1] if decay_all else [4])
    assert len(decayed["params"]) + len(others["params"]) == 4
