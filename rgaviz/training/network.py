"""The network of a recipe, and the module that training runs."""

from __future__ import annotations

from torch import Tensor, nn

from rgaviz.models import create_model
from rgaviz.models.network import Network
from rgaviz.tasks import Task
from rgaviz.training.config import Recipe


def build_model(recipe: Recipe, attention: str, num_classes: int) -> Network:
    """The network of a recipe with this attention, fresh weights from the global random state."""
    height, width = recipe.data.image_size
    return create_model(
        recipe.model.arch,
        attention,
        num_classes=num_classes,
        image_size=(height, width),
        **recipe.model.options,
    )


class Outputs(nn.Module):
    """A network as its task runs it in training: the one module that is wrapped and compiled."""

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self.task, self.model = task, model

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return self.task.outputs(self.model, images)
