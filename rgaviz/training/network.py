"""The network of a recipe, and the module that training runs."""

from __future__ import annotations

from torch import Tensor, nn

from rgaviz.errors import lookup
from rgaviz.models import create_model
from rgaviz.models.foreign import is_foreign
from rgaviz.models.network import Network
from rgaviz.tasks import Task
from rgaviz.training.config import Recipe


def build_model(recipe: Recipe, attention: str, task: Task, num_classes: int) -> Network:
    """The network of a recipe with this attention, fresh weights from the global random state.

    Raises:
        RgavizError: it cannot be built, or the task does not train such a head.
    """
    height, width = recipe.data.image_size
    given = {name: value for name, value in recipe.model.options.items() if value is not None}
    options = given if is_foreign(recipe.model.arch) else {"head": task.heads[0], **given}
    if "head" in options:
        lookup(dict.fromkeys(task.heads), options["head"], f"head for {task.name}")
    model = create_model(
        recipe.model.arch, attention, num_classes=num_classes, image_size=(height, width), **options
    )
    model.task = task.name
    return model


class Outputs(nn.Module):
    """A network as its task runs it in training: the one module that is wrapped and compiled."""

    def __init__(self, task: Task, model: nn.Module) -> None:
        super().__init__()
        self.task, self.model = task, model

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return self.task.outputs(self.model, images)
