"""How weights are changed: optimizers, learning rates and groups of parameters, by name.

A learning rate is a function of the epoch alone (fractional, from 0 to ``epochs``), so there is nothing to save.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from torch.optim import Optimizer

    from rgaviz.training.config import TrainConfig

POWER = 0.9  # of "poly", as in all of its sources

Groups = list[dict[str, Any]]


def weight_groups(model: nn.Module, config: TrainConfig) -> Groups:
    """Parameters with and without weight decay: by default matrices and kernels only."""
    parameters = list(model.parameters())
    decayed = [each for each in parameters if config.decay_all or each.ndim > 1]
    others = [each for each in parameters if not (config.decay_all or each.ndim > 1)]
    return [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def sgd(groups: Groups, config: TrainConfig) -> Optimizer:
    """Stochastic gradient descent with Nesterov momentum."""
    from torch.optim import SGD

    return SGD(groups, lr=config.lr, momentum=config.momentum, nesterov=config.momentum > 0)


def sgd_plain(groups: Groups, config: TrainConfig) -> Optimizer:
    """Stochastic gradient descent with momentum, without Nesterov's step ahead."""
    from torch.optim import SGD

    return SGD(groups, lr=config.lr, momentum=config.momentum)


def adam(groups: Groups, config: TrainConfig) -> Optimizer:
    """Adam of Kingma and Ba (arXiv 1412.6980); the weight decay is a part of the gradient."""
    from torch.optim import Adam

    return Adam(groups, lr=config.lr, betas=(config.momentum, 0.999))


def adamw(groups: Groups, config: TrainConfig) -> Optimizer:
    """Adam with the weight decay beside the gradient, of Loshchilov and Hutter (arXiv 1711.05101)."""
    from torch.optim import AdamW

    return AdamW(groups, lr=config.lr, betas=(config.momentum, 0.999))


OPTIMIZERS = {"sgd": sgd, "sgd-plain": sgd_plain, "adam": adam, "adamw": adamw}


def build_optimizer(model: nn.Module, config: TrainConfig) -> Optimizer:
    """The optimizer of a recipe for the weights of a network."""
    return OPTIMIZERS[config.optimizer](weight_groups(model, config), config)


def one_cycle(config: TrainConfig, epoch: float) -> float:
    """Linear from 0 to ``lr`` within the warm-up and from there to 0 at the end, after Smith (arXiv 1708.07120)."""
    if epoch < config.warmup:
        return config.lr * epoch / config.warmup
    return config.lr * (config.epochs - epoch) / (config.epochs - config.warmup)


def steps(config: TrainConfig, epoch: float) -> float:
    """``warmup_lr`` in the warm-up, then ``lr``, times ``gamma`` after each milestone: He et al. (arXiv 1512.03385)."""
    if epoch < config.warmup:
        return config.warmup_lr
    return config.lr * config.gamma ** sum(epoch >= milestone for milestone in config.milestones)


def warmup_steps(config: TrainConfig, epoch: float) -> float:
    """Linear from ``warmup_lr`` to ``lr`` in the warm-up, then as ``steps``: RGA's code for re-identification."""
    if epoch < config.warmup:
        return config.warmup_lr + (config.lr - config.warmup_lr) * epoch / config.warmup
    return steps(config, epoch)


def poly(config: TrainConfig, epoch: float) -> float:
    """Linear up in the warm-up, then by the power 0.9 of what is left down to 0: DeepLab (arXiv 1606.00915)."""
    if epoch < config.warmup:
        return config.lr * epoch / config.warmup
    return config.lr * _left(config, epoch) ** POWER


def cosine(config: TrainConfig, epoch: float) -> float:
    """Linear up in the warm-up, then half a cosine down to 0: Loshchilov and Hutter (arXiv 1608.03983)."""
    if epoch < config.warmup:
        return config.lr * epoch / config.warmup
    return config.lr * (1 - math.cos(math.pi * _left(config, epoch))) / 2


def _left(config: TrainConfig, epoch: float) -> float:
    """What is left of the training behind the warm-up: 1 at its start, 0 at the end; never negative by rounding."""
    return max(0.0, (config.epochs - epoch) / (config.epochs - config.warmup))


SCHEDULES = {
    "one-cycle": one_cycle,
    "steps": steps,
    "warmup-steps": warmup_steps,
    "poly": poly,
    "cosine": cosine,
}
RISING = ("one-cycle", "poly", "cosine")  # the warm-up must end before the training does


def learning_rate(config: TrainConfig, epoch: float) -> float:
    """Learning rate at ``epoch`` (fractional, from 0)."""
    return SCHEDULES[config.schedule](config, epoch)
