"""Attention of the user's own code: built by its signature, refused in a line, and never run because a file says so."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from rgaviz import own_code
from rgaviz.attention import build_attention, check_attentions
from rgaviz.checkpoint import load_checkpoint, save_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.explain.gates import gated_layers
from rgaviz.explain.masks import masks
from rgaviz.models import create_model
from rgaviz.models.network import shapes_only
from rgaviz.training.state import network_name

CODE = """
from pathlib import Path
import torch
from torch import nn
from rgaviz.attention import Gate

Path({marker!r}).touch()


class Mine(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.squeeze, self.gate = nn.Conv2d(channels, 1, 1), Gate("spatial")

    def forward(self, x):
        return x * self.gate(self.squeeze(x))


class Sized(Mine):
    def __init__(self, channels, size, deep=3):
        super().__init__(channels)
        self.given = (channels, size, deep)


class Four(Mine):
    def __init__(self, width, extent, first, second):
        super().__init__(width)
        self.given = (width, extent, first, second)


def ratio(channels, size=None, s1=8):
    module = Mine(channels)
    module.given = (channels, size, s1)
    return module


class Starred(Mine):
    def __init__(self, *given):
        super().__init__(given[0])
        self.given = given


class MaskAlone(Mine):
    def forward(self, x):
        return self.gate(self.squeeze(x))


class Two(Mine):
    def forward(self, x):
        return x, x


class Greedy(Mine):
    def __init__(self, channels, size, s1, s2, depth):
        super().__init__(channels)


class Keyword(Mine):
    def __init__(self, channels, *, depth):
        super().__init__(channels)


class Broken(Mine):
    def forward(self, x):
        return x @ x.new_zeros(3, 5, 7)


class Failing(Mine):
    def __init__(self, channels):
        raise ValueError("no luck")


class se(Mine):
    pass


def nothing(channels):
    return None


number = 3
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """The word of a name in a file of the user's, which touches ``ran`` when it runs."""
    monkeypatch.setattr(own_code, "_named", {})
    (tmp_path / "att.py").write_text(CODE.format(marker=str(tmp_path / "ran")))
    return lambda name: f"{tmp_path}/att.py:{name}"


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("Sized", (6, (4, 5), 3)),
        ("Four", (6, (4, 5), 2, 3)),
        ("ratio", (6, (4, 5), 2)),
        ("Starred", (6, (4, 5), 2, 3)),
    ],
)
def test_it_gets_what_it_takes(code, name, given):
    assert build_attention(code(name), 6, (4, 5), 2, 3).given == given


def test_it_is_trained_and_shows_its_mask(code):
    torch.manual_seed(0)
    model = create_model("resnet20", code("Mine"), num_classes=3, image_size=(16, 16)).eval()
    assert model.config["attention"] == code("Mine")
    assert gated_layers(model) == ["conv2"]
    seen, images = [], torch.rand(2, 3, 16, 16)
    model.attention["conv2"].squeeze.register_forward_hook(lambda module, inputs, output: seen.append(output))
    found = masks(model, images)
    assert torch.allclose(torch.as_tensor(found["conv2/spatial"]), seen[0].sigmoid()[:, 0], atol=1e-6)


def test_it_is_built_of_shapes_alone(code):
    with shapes_only():
        model = create_model("timm:test_resnet", code("Mine"), image_size=(64, 64))
    assert gated_layers(model) == ["conv2", "conv3", "conv4", "conv5"]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "MaskAlone",
            "MaskAlone gives (2, 1, 4, 5) for a map of (2, 6, 4, 5); return a map of the same shape",
        ),
        ("Two", "Two gives a value of type tuple for a map; return one tensor"),
        ("Greedy", "Greedy wants depth; it is called with (channels), (channels, size)"),
        ("Keyword", "Keyword wants depth; it is called with"),
        ("Broken", "Broken: RuntimeError: "),
        ("Failing", "Failing: ValueError: no luck (att.py, line "),
        ("nothing", "nothing makes None, not an nn.Module; return one."),
        ("number", "number is a value of type int; name a class or function that makes a module."),
        ("Mime", "Did you mean 'Mine'?"),
    ],
)
def test_what_is_refused(code, name, told):
    with pytest.raises(RgavizError) as caught:
        build_attention(code(name), 6, (4, 5), 2, 3)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_names_of_files(code):
    assert network_name(code("Mine")) == "Mine"
    with pytest.raises(RgavizError, match="se is called like an attention of rgaviz"):
        check_attentions(["none", code("se")])
    with pytest.raises(RgavizError, match="name one twice"):
        check_attentions([code("Mine"), code("Mine")])


def saved(code, tmp_path):
    model = create_model("resnet20", code("Mine"), num_classes=2, image_size=(16, 16))
    save_checkpoint(tmp_path / "a.pt", model, classes=["a", "b"], mean=(0.5,) * 3, std=(0.5,) * 3)
    (tmp_path / "ran").unlink()
    return model.eval()


def evil(tmp_path):
    """A checkpoint that names code which nobody here has named; it has not run yet."""
    (tmp_path / "evil.py").write_text(CODE.format(marker=str(tmp_path / "ran")))
    document = torch.load(tmp_path / "a.pt", weights_only=True)
    document["config"]["attention"] = f"{tmp_path}/evil.py:Mine"
    torch.save(document, tmp_path / "evil.pt")
    return tmp_path / "evil.pt"


def test_no_code_runs_because_a_file_says_so(code, tmp_path):
    saved(code, tmp_path)
    path = evil(tmp_path)
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path)
    assert str(caught.value).endswith(f"name it: --attention {tmp_path}/evil.py:Mine")
    assert not Path(tmp_path / "ran").exists()
    load_checkpoint(path, attention=f"{tmp_path}/evil.py:Mine")
    assert Path(tmp_path / "ran").exists()


def test_the_code_that_is_named_runs_in_place_of_that_in_the_file(code, tmp_path):
    model = saved(code, tmp_path)
    loaded = load_checkpoint(evil(tmp_path), attention=code("Mine"))
    assert loaded.config["attention"] == code("Mine")
    assert not Path(tmp_path / "ran").exists()  # that of evil.py; att.py was imported before
    images = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        assert torch.equal(loaded.model(images), model(images))


def test_a_training_that_named_it_may_load_it(code, tmp_path):
    saved(code, tmp_path)
    check_attentions([code("Mine")])
    assert load_checkpoint(tmp_path / "a.pt").config["attention"] == code("Mine")


def test_what_is_named_is_code(code, tmp_path):
    saved(code, tmp_path)
    with pytest.raises(RgavizError, match="--attention rga-sc names no code of yours"):
        load_checkpoint(tmp_path / "a.pt", attention="rga-sc")
