"""The network of a recipe, and the module that training runs."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.devices import available_memory
from rgaviz.errors import RgavizError, clipped, lookup, one_line
from rgaviz.models import create_model, model_heads
from rgaviz.models.foreign import is_foreign
from rgaviz.models.network import Network, set_task
from rgaviz.tasks import Task
from rgaviz.training.config import Recipe

COPIES = 3  # of the weights in a training: themselves, gradients, and an optimizer's sums


def build_model(recipe: Recipe, attention: str, task: Task, num_classes: int) -> Network:
    """The network of a recipe with this attention, fresh weights from the global random state.

    Raises:
        RgavizError: it cannot be built, or the task does not train such a head or a network of another library.
    """
    if is_foreign(recipe.model.arch) and not task.foreign:
        raise RgavizError(
            f"A network for {task.name} needs an embedding beside its logits, which {clipped(recipe.model.arch)} does "
            "not tell; set model.arch to one of ours: rgaviz list models."
        )
    if not is_foreign(recipe.model.arch):
        heads = model_heads(recipe.model.arch)
        if not set(heads) & set(task.heads):
            raise RgavizError(
                f"{recipe.model.arch} has no head for {task.name}, which takes {' or '.join(task.heads)}; set "
                "model.arch to a network that has one: rgaviz list models."
            )
    given = {name: value for name, value in recipe.model.options.items() if value is not None}
    # The stages of a baseline are named like those of its pair, where there are any.
    usual = {"attention_layers": ("all",)} if is_foreign(recipe.model.arch) else {"head": task.heads[0]}
    options = {**usual, **given}
    if "head" in options:
        lookup(dict.fromkeys(task.heads), options["head"], f"head for {task.name}")
    model = build_fresh(recipe, attention, num_classes, **options)
    set_task(model, task.name)
    return model


def build_fresh(recipe: Recipe, attention: str, num_classes: int, **options: Any) -> Network:
    """The network of a recipe with this attention and these options, whatever it is for.

    Raises:
        RgavizError: it cannot be built.
    """
    height, width = recipe.data.image_size
    try:
        return create_model(
            recipe.model.arch, attention, num_classes=num_classes, image_size=(height, width), **options
        )
    except (RuntimeError, TypeError, OverflowError) as error:  # sizes beyond what a tensor can have
        raise RgavizError(
            f"The network of the recipe cannot be built ({one_line(error)}); give smaller numbers in [model]."
        ) from error


def refuse_too_large(model: nn.Module, device: torch.device) -> None:
    """Refuse a network that does not fit into the device's memory with its gradients and an optimizer's sums.

    Args:
        model: of shapes only.
        device: it is to be trained on.

    Raises:
        RgavizError: it does not fit.
    """
    wanted, there = 4 * COPIES * sum(each.numel() for each in model.parameters()), available_memory(device)
    if wanted > there:
        raise RgavizError(
            f"Training this network takes {wanted / 2**30:.0f} GiB for its weights alone, of which {there / 2**30:.0f} "
            "are free; give smaller numbers in [model]."
        )


class Outputs(nn.Module):
    """A network as its task runs it in training: the one module that is wrapped and compiled."""

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self.task, self.model = task, model

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return self.task.outputs(self.model, images)
