"""What options make of a recipe."""

from rgaviz.training.start import recipe_settings


def test_attention_layers_as_typed():
    recipe = recipe_settings("shapes", attention_layers="conv4, conv5")
    assert recipe.model.options["attention_layers"] == ("conv4", "conv5")
