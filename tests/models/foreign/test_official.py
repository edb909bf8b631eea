"""The authors' checkpoints: the same features, logits and masks, and a clear no to anything else."""

from __future__ import annotations

import io
import re

import pytest
import torch
from official_network import KINDS, OfficialNetwork, images, random_network
from parametrised import mostly
from torch import nn

from rgaviz.errors import CheckpointError
from rgaviz.explain.gates import gated_layers, gates
from rgaviz.models import count_parameters, create_model
from rgaviz.models.foreign.official import convert, recognise

IDS = 11
NAMES = {"rgas": "rga-s", "rgac": "rga-c", "rgasc": "rga-sc"}


@pytest.fixture(scope="module")
def state():
    """Names and shapes of a network with both kinds of attention."""
    with torch.device("meta"):
        return OfficialNetwork("rgasc", IDS).state_dict()


def converted(document):
    """Our network of an official document."""
    config, weights = convert(document)
    with torch.device("meta"):
        model = create_model(**config)
    model.load_state_dict(weights, assign=True)
    return model.eval()


@torch.no_grad()
def outcomes(model, pictures):
    """Features before and behind the neck, logits and all masks of one of our networks."""
    seen: dict[str, torch.Tensor] = {}
    for layer in gated_layers(model):
        for key, gate in gates(model, layer).items():
            gate.register_forward_hook(lambda module, inputs, output, key=key: seen.update({key: output}))
    before = model.pooled(pictures)
    behind = model.neck(before)
    return {"before": before, "behind": behind, "logits": model.head(behind), **seen}


@torch.no_grad()
def expected_outcomes(network, pictures):
    """The same of an official one."""
    before, behind, logits = network(pictures)
    return {"before": before, "behind": behind, "logits": logits, **network.masks()}


def assert_same(ours, theirs, tolerance):
    assert set(ours) == set(theirs)
    assert len([key for key in theirs if key.startswith("conv")]) in (4, 8)
    for key, values in theirs.items():
        assert values.std() > 0.01, key  # a constant would show nothing
        torch.testing.assert_close(
            ours[key], values, rtol=0, atol=tolerance, msg=lambda m, key=key: f"{key}: {m}"
        )


@pytest.mark.parametrize("branch", mostly(KINDS, "rgas", "rgac"))  # the third has what both have
def test_equals_the_official_network(branch):
    theirs = random_network(branch, IDS).double()
    model = converted(theirs.state_dict())
    sizes = {"num_classes": IDS, "image_size": [256, 128], "s1": 8, "s2": 8, "last_stride": 1}
    expected = {"arch": "resnet50", "attention": NAMES[branch], "head": "bnneck", **sizes}
    assert expected.items() <= model.config.items()
    pictures = images().double()[:1]
    ours = outcomes(model, pictures)
    assert_same(ours, expected_outcomes(theirs, pictures), 1e-10)


@pytest.mark.slow
def test_a_file_of_pytorch_0_4_in_single_precision():
    """As their script writes it: another file format, no batch counters; and saved from several GPUs."""
    theirs = random_network("rgasc", IDS)
    weights = {f"module.{k}": v for k, v in theirs.state_dict().items() if "num_batches" not in k}
    optimizer = torch.optim.Adam(theirs.parameters()).state_dict()
    document = {"state_dict": weights, "epoch": 600, "best_top1": 0, "optimizer": optimizer}
    file = io.BytesIO()
    torch.save(document, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    read = torch.load(file, weights_only=True)
    assert recognise(read)
    assert recognise(read["state_dict"])
    model = converted(read)
    assert_same(outcomes(model, images()), expected_outcomes(theirs, images()), 1e-4)
    counters = [value for key, value in model.state_dict().items() if "num_batches" in key]
    assert counters
    assert not any(counters)


@pytest.mark.parametrize("branch", KINDS)
def test_parameters_with_the_identities_of_cuhk03(branch):
    """25,082,944 of ResNet-50 with 767 identities and the modules of the paper, 31.40M in all for RGA-SC."""
    with torch.device("meta"):
        model = create_model("resnet50", NAMES[branch], num_classes=767, image_size=(256, 128), head="bnneck")
    modules = {"rgas": 3_223_800, "rgac": 3_090_296, "rgasc": 6_314_096}
    assert count_parameters(model) == 25_082_944 + modules[branch]


def test_what_is_recognised(state):
    assert recognise(state)
    assert not recognise(create_model("resnet18-w16", "rga-sc").state_dict())
    assert not recognise({key: value for key, value in state.items() if "rga_att" not in key})
    assert not recognise({})
    assert not recognise({"state_dict": [1, 2], "epoch": 3})


def fault(state):
    with pytest.raises(CheckpointError) as caught:
        convert(state)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda s: s.pop("cls.weight"), "missing: cls.weight)"),
        (lambda s: s.pop("backbone.rga_att3.gg_channel.1.running_var"), "missing: backbone.rga_att3.gg_chan"),
        (lambda s: s.update({"drop.weight": torch.zeros(2)}), "unexpected: drop.weight)"),
        (
            lambda s: s.update({"backbone.rga_att1.gg_spatial.0.weight": torch.zeros(256, 6144, 1, 1)}),
            "of another shape: backbone.rga_att1.gg_spatial.0.weight 256x6144x1x1 instead of 256x4096x1x1)",
        ),
        (lambda s: s.update({"cls.weight": torch.zeros(7)}), "cls.weight 7 instead of 7x2048"),
        (lambda s: s.update({"cls.weight": torch.tensor(7.0)}), "cls.weight a number instead of 1x2048"),
        (
            lambda s: s.update({"cls.weight": torch.zeros(0, 2048)}),
            "cls.weight 0x2048 instead of 1x2048",
        ),
        (
            lambda s: [s.pop(key) for key in list(s) if "layer4" in key],
            "missing: backbone.layer4.0.conv1.weight, backbone.layer4.0.bn1.weight, backbone.layer4.0.bn1.bias and 4",
        ),
    ],
)
def test_what_differs_is_told_in_one_line(state, change, told):
    changed = dict(state)
    change(changed)
    assert told in fault(changed)


def test_all_kinds_of_faults_are_told_together(state):
    changed = {**state, "extra": torch.zeros(1), "feat_bn.bias": torch.zeros(3)}
    del changed["backbone.conv1.weight"]
    found = fault(changed)
    order = (
        r"missing: backbone.conv1.weight; unexpected: extra; of another shape: feat_bn.bias 3 instead of 2048"
    )
    assert re.search(order, found)
    assert "rga-sc at 256x128" in found


def test_other_weights_are_refused():
    assert "not the RGA authors' weights" in fault(nn.Linear(2, 2).state_dict())
    assert "not the RGA authors' weights" in fault({"epoch": 3})
