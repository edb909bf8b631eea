"""Every attention of Tables 1 to 3 trains for re-identification at the sizes of its recipes."""

from __future__ import annotations

import pytest
import torch

from rgaviz.attention import ATTENTIONS
from rgaviz.errors import RgavizError
from rgaviz.models.network import shapes_only
from rgaviz.tasks import TASKS
from rgaviz.training.config import load_recipe
from rgaviz.training.network import Outputs, build_model
from rgaviz.training.optim import build_optimizer
from rgaviz.training.sweep import refuse_unbuildable

TASK = TASKS["reid"]


@pytest.mark.parametrize("name", ["market1501-small", "people"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_step_is_made_with_maps_of_the_recipe_sizes(name, attention):
    torch.manual_seed(0)
    recipe = load_recipe(name, ["model.width=16"])  # thin, to be quick
    network = build_model(recipe, attention, TASK, 2).train()
    before = {key: value.detach().clone() for key, value in network.named_parameters()}
    outputs = Outputs(TASK, network)(torch.randn(4, 3, *recipe.data.image_size))
    TASK.loss(outputs, torch.tensor([0, 0, 1, 1]), recipe.train)["loss"].backward()
    build_optimizer(network, recipe.train).step()
    learned = {key: value for key, value in network.named_parameters() if value.requires_grad}
    assert all(value.grad is not None and value.grad.isfinite().all() for value in learned.values())
    unchanged = [key for key, value in learned.items() if torch.equal(value, before[key])]
    # The scale of a non-local block's output starts at 0, so nothing before it has a gradient yet.
    assert all(attention.startswith("nl") and "attention" in key for key in unchanged)
    assert all(value.isfinite().all() for value in learned.values())


@pytest.mark.parametrize("name", ["market1501", "market1501-small"])
@pytest.mark.parametrize("attention", ATTENTIONS)
def test_the_networks_can_be_built_in_full_width(name, attention):
    with shapes_only():
        network = build_model(load_recipe(name), attention, TASK, 751)
    assert network.config["attention"] == attention


def test_what_cannot_be_built_is_refused_with_its_recipe():
    small = load_recipe("market1501-small", ["model.s1=64"])
    good = small.changed(model=small.model.changed(attention=("none", "se")))
    refuse_unbuildable({"good": good})
    with pytest.raises(RgavizError) as caught:
        refuse_unbuildable({"good": good, "mine.toml": small})
    said = str(caught.value)
    assert said.startswith("Recipe mine.toml, attention rga-sc: ")
    assert "s1=s2=" in said
    assert "\n" not in said
