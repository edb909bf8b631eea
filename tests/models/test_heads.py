"""The head of re-identification: what it computes, what stays fixed, and that old files need none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import rgaviz
from rgaviz.bundled import bundled
from rgaviz.errors import UnknownNameError
from rgaviz.models import create_model
from rgaviz.training.config import TrainConfig
from rgaviz.training.optim import weight_groups

SMALL = {"width": 8, "s1": 2, "s2": 2, "num_classes": 5, "image_size": (16, 16)}


def network(head="bnneck", arch="resnet18-w16", attention="rga-sc"):
    """In eval mode, none of its statistics has a default value."""
    torch.manual_seed(0)
    model = create_model(arch, attention, head=head, **SMALL).train()
    with torch.no_grad():
        model(torch.randn(16, 3, 16, 16))
        if head == "bnneck":
            nn.init.uniform_(model.neck.weight, 0.5, 2)
    return model.eval()


def images(count=3):
    return torch.randn(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("arch", "last", "channels"),
    [("resnet18-w16", "conv5", 64), ("resnet20", "conv4", 32), ("densenet-bc100", "denseblock3", 338)],
)
@torch.no_grad()
def test_the_embedding_is_the_normalised_mean_of_the_last_map(arch, last, channels):
    model, seen = network(arch=arch), {}
    model.get_submodule(model.stages[last]).register_forward_hook(lambda m, i, o: seen.update({last: o}))
    embedding = model.embed(images())
    assert embedding.shape == (3, channels)

    pooled = torch.stack([picture.flatten(1).sum(1) / picture[0].numel() for picture in seen[last]])  # (B, C)
    neck = model.neck
    scale = neck.weight / (neck.running_var + neck.eps).sqrt()
    expected = (pooled - neck.running_mean) * scale  # no shift
    torch.testing.assert_close(embedding, expected)
    torch.testing.assert_close(model.pooled(images()), pooled)
    torch.testing.assert_close(model(images()), expected @ model.head.weight.T)  # no bias


@torch.no_grad()
def test_a_linear_head_embeds_the_mean_itself():
    model = network("linear")
    pooled = model.pooled(images())
    assert torch.equal(model.embed(images()), pooled)
    assert torch.equal(model(images()), F.linear(pooled, model.fc.weight, model.fc.bias))
    assert not [key for key in model.state_dict() if key.startswith("neck")]


def test_how_it_starts():
    torch.manual_seed(0)
    model = create_model("resnet18", head="bnneck", num_classes=767)
    assert model.head is model.fc
    assert model.head.bias is None
    assert model.head.weight.std().item() == pytest.approx(0.001, rel=0.01)
    assert torch.equal(model.neck.weight, torch.ones(512))
    assert torch.equal(model.neck.bias, torch.zeros(512))
    assert [key for key, value in model.named_parameters() if not value.requires_grad] == ["neck.bias"]


def test_a_pair_with_this_head_starts_from_one_backbone():
    states = []
    for attention in ("none", "rga-sc"):
        torch.manual_seed(5)
        states.append(create_model("resnet18-w16", attention, head="bnneck").state_dict())
    plain, attended = states
    assert "neck.weight" in plain
    assert all(torch.equal(value, attended[key]) for key, value in plain.items())


@pytest.mark.parametrize("decay_all", [True, False])
def test_training_leaves_the_shift_alone(decay_all):
    """Identity loss behind the neck and a loss on the feature before it, from one forward pass."""
    model = network().train()
    before = {key: value.clone() for key, value in model.named_parameters()}
    config = TrainConfig(weight_decay=0.1, decay_all=decay_all)
    optimizer = torch.optim.SGD(weight_groups(model, config), lr=0.1, momentum=0.9)
    passes = []
    model.conv1.register_forward_hook(lambda m, i, o: passes.append(1))
    for _ in range(2):
        optimizer.zero_grad()
        pooled = model.pooled(images(8))
        logits = model.head(model.neck(pooled))
        loss = F.cross_entropy(logits, torch.arange(8) % 5) + F.relu(0.3 + pooled[0] - pooled[1]).mean()
        loss.backward()
        optimizer.step()
    assert len(passes) == 2
    same = [key for key, value in model.named_parameters() if torch.equal(value, before[key])]
    assert same == ["neck.bias"]


def test_explaining_gives_the_shift_back_frozen():
    model = network()
    rgaviz.masks(model, images())
    rgaviz.cam(model, images(), methods=["gradcam", "fullgrad"])
    assert [key for key, value in model.named_parameters() if not value.requires_grad] == ["neck.bias"]


@torch.no_grad()
def test_gradcam_through_the_neck():
    """In eval mode the logits are linear in the last map, so the weights of Grad-CAM are known."""
    model, seen, shown = network(), {}, []
    handle = model.attention["conv5"].register_forward_hook(lambda m, i, o: seen.update(conv5=o))
    model(images())
    handle.remove()
    scale = model.neck.weight / (model.neck.running_var + model.neck.eps).sqrt()
    for target in range(5):
        weights = model.head.weight[target] * scale / seen["conv5"][0, 0].numel()  # (C,)
        expected = torch.einsum("c,bchw->bhw", weights, seen["conv5"]).relu()
        found = torch.from_numpy(rgaviz.cam(model, images(), targets=[target] * 3)["gradcam"])
        torch.testing.assert_close(
            found, expected, rtol=1e-4, atol=1e-4 * seen["conv5"].max() * weights.max()
        )
        shown.append(expected.max() > 0)
    assert sum(shown) >= 2


@torch.no_grad()
def test_a_checkpoint_brings_the_head_back(tmp_path):
    model = network()
    assert model.config["head"] == "bnneck"
    rgaviz.save_checkpoint(tmp_path / "a.pt", model, classes=list("abcde"), mean=(0.5,) * 3, std=(0.2,) * 3)
    again = rgaviz.load_checkpoint(tmp_path / "a.pt").model
    assert again.config == model.config
    assert not again.neck.bias.requires_grad
    assert again.neck.weight.requires_grad
    assert torch.equal(again.embed(images()), model.embed(images()))
    assert torch.equal(again(images()), model(images()))


def test_files_from_before_there_was_a_choice_have_a_linear_head(tmp_path):
    document = torch.load(bundled("weights/rga.pt"), weights_only=True)
    document["config"].pop("head", None)
    torch.save(document, tmp_path / "old.pt")
    model = rgaviz.load_checkpoint(tmp_path / "old.pt").model
    assert isinstance(model.neck, nn.Identity)
    assert model.config["head"] == "linear"


def test_an_unknown_head_is_refused():
    with pytest.raises(UnknownNameError, match=r"Unknown head 'bnnek'. Did you mean 'bnneck'\?"):
        create_model("resnet18-w16", head="bnnek")
