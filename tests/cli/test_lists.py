"""``rgaviz list`` and ``rgaviz recipe``."""

from __future__ import annotations

import tomllib

import pytest

from rgaviz.analysis.lists import LISTS
from rgaviz.attention import ATTENTIONS
from rgaviz.data.sets import DATASETS
from rgaviz.explain.methods import METHODS
from rgaviz.figures.style import VENUES
from rgaviz.models import MODELS
from rgaviz.tasks import TASKS
from rgaviz.training.config import load_recipe, recipe_names

REGISTRIES = {
    "recipes": recipe_names(),
    "models": MODELS,
    "attentions": ATTENTIONS,
    "tasks": TASKS,
    "datasets": DATASETS,
    "methods": METHODS,
    "venues": VENUES,
}


@pytest.mark.parametrize("what", LISTS)
def test_every_name_with_its_meaning(rga, answer, what):
    told = answer("list", what)
    assert set(told) == set(REGISTRIES[what])
    assert all(len(meaning) > 5 for meaning in told.values())
    assert [line.split()[0] for line in rga("list", what).stdout.splitlines()] == list(told)


def test_a_recipe_copied_is_the_recipe(rga, place):
    for name in recipe_names():
        text = rga("recipe", name).stdout
        tomllib.loads(text)
        (place / "my.toml").write_text(text)
        assert load_recipe("my.toml") == load_recipe(name)
