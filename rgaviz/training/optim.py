"""How weights are changed: learning rates and groups of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

    from rgaviz.training.config import TrainConfig


def weight_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    """Parameters with and without weight decay: by default matrices and kernels only."""
    parameters = list(model.parameters())
    decayed = [each for each in parameters if config.decay_all or each.ndim > 1]
    others = [each for each in parameters if not (config.decay_all or each.ndim > 1)]
    return [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


def one_cycle(config: TrainConfig, epoch: float) -> float:
    """Learning rate, linear from 0 to ``lr`` within the warm-up and from there to 0 at the end."""
    if epoch < config.warmup:
        return config.lr * epoch / config.warmup
    return config.lr * (config.epochs - epoch) / (config.epochs - config.warmup)


def steps(config: TrainConfig, epoch: float) -> float:
    """Learning rate of He et al.: small at first, then ``lr``, a tenth after each milestone."""
    if epoch < config.warmup:
        return config.warmup_lr
    return config.lr * 0.1 ** sum(epoch >= milestone for milestone in config.milestones)


SCHEDULES = {"one-cycle": one_cycle, "steps": steps}


def learning_rate(config: TrainConfig, epoch: float) -> float:
    """Learning rate at ``epoch`` (fractional, from 0): a function of the step alone, so nothing to save."""
    return SCHEDULES[config.schedule](config, epoch)
