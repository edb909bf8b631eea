"""DenseNets: the counts of Table 7, torchvision's network, slow loops, and recomputation that changes no bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from dense import SMALL, STAGES, outcome
from pictures import save_picture
from torch import nn

import rgaviz
from rgaviz.analysis.compare import compare_request
from rgaviz.analysis.run import run
from rgaviz.analysis.subject import load_subjects
from rgaviz.data.find import find_pictures
from rgaviz.errors import RgavizError, UnknownNameError
from rgaviz.explain.capture import capture
from rgaviz.explain.layers import default_cam_layer, find_layer
from rgaviz.models import count_parameters, create_model
from rgaviz.models.densenet import DenseNet
from rgaviz.tasks import TASKS
from rgaviz.training.config import load_recipe
from rgaviz.training.optim import learning_rate
from rgaviz.training.run import build_model

ARCHS = ["densenet100", "densenet115", "densenet-bc100", "densenet-bc115"]


@pytest.mark.parametrize(
    ("arch", "attention", "counts"),
    [
        ("densenet100", "none", (6_979_642, 7_084_852)),
        ("densenet100", "rga-sc", (7_121_730, 7_226_940)),
        ("densenet115", "none", (9_302_122, 9_423_532)),
        ("densenet-bc100", "none", (769_162, 800_032)),
        ("densenet-bc100", "rga-sc", (817_667, 848_537)),
        ("densenet-bc115", "none", (932_986, 967_636)),
    ],
)
def test_parameters_of_table_7(arch, attention, counts):
    with torch.device("meta"):
        models = [create_model(arch, attention, num_classes=classes) for classes in (10, 100)]
    assert tuple(count_parameters(model) for model in models) == counts


def test_from_24_channels_the_plain_network_with_attention_has_the_papers_count():
    with torch.device("meta"):
        assert count_parameters(create_model("densenet100", "rga-sc", num_classes=100, width=24)) == 7_335_610


@pytest.mark.parametrize(
    ("arch", "image_size", "expected"),
    [
        ("densenet-bc100", (32, 32), [(108, 16, 16), (150, 8, 8), (342, 8, 8)]),
        ("densenet100", (16, 16), [(400, 8, 8), (784, 4, 4), (1168, 4, 4)]),
        ("densenet-bc100", (31, 45), [(108, 15, 22), (150, 7, 11), (342, 7, 11)]),
        ("densenet-bc100", (65, 70), [(108, 8, 9), (150, 4, 4), (342, 4, 4)]),
    ],
)
def test_stages(arch, image_size, expected):
    """Attention is built for the sizes that the maps really have."""
    model = create_model(arch, "rga-s", image_size=image_size, attention_layers=STAGES, s1=2, s2=2).eval()
    found = []
    for name in STAGES:
        slot = find_layer(model, name)
        slot.register_forward_hook(lambda module, inputs, output: found.append(tuple(output.shape[1:])))
    with torch.no_grad():
        assert model(torch.zeros(1, 3, *image_size)).shape == (1, 10)
    assert list(model.stages) == STAGES
    assert found == expected


def with_statistics(model: nn.Module, image_size: tuple[int, int]) -> nn.Module:
    """The network in float64, its normalisations and running statistics no longer those of the first day."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias)
    model.double().train()
    with torch.no_grad():
        model(torch.randn(4, 3, *image_size, dtype=torch.float64))
    return model


@pytest.mark.parametrize("image_size", [(80, 72), (17, 20)])
def test_bc_is_torchvisions_network(image_size):
    torch.manual_seed(0)
    theirs = torchvision.models.DenseNet(12, (16, 16, 16), 10, num_classes=7)  # type: ignore[arg-type]
    if min(image_size) <= 64:  # the stem of small images, which torchvision does not have
        theirs.features.conv0 = nn.Conv2d(3, 10, 3, padding=1, bias=False)
        theirs.features.norm0 = theirs.features.relu0 = theirs.features.pool0 = nn.Identity()
    theirs = with_statistics(theirs, image_size)
    ours = create_model("densenet-bc100", num_classes=7, image_size=image_size, width=10).double()
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    images = torch.randn(3, 3, *image_size, dtype=torch.float64)
    expected, found = outcome(theirs, images), outcome(ours, images)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9, msg=name)


def direct(weights: dict[str, torch.Tensor], images: torch.Tensor, depth: int) -> torch.Tensor:
    """A plain DenseNet of CIFAR in training, from its definition: every layer sees all maps before it."""

    def normalised(x, name):
        variance, mean = torch.var_mean(x, (0, 2, 3), correction=0, keepdim=True)
        x = (x - mean) / (variance + 1e-5).sqrt()
        scale, shift = (weights[f"features.{name}.{each}"][:, None, None] for each in ("weight", "bias"))
        return (x * scale + shift).relu()

    x = F.conv2d(images, weights["features.conv0.weight"], padding=1)
    for block in (1, 2, 3):
        maps = [x]
        for layer in range(1, depth + 1):
            name = f"denseblock{block}.denselayer{layer}"
            seen = normalised(torch.cat(maps, 1), f"{name}.norm1")
            maps.append(F.conv2d(seen, weights[f"features.{name}.conv1.weight"], padding=1))
        x = torch.cat(maps, 1)
        if block < 3:
            name = f"transition{block}"
            x = torch.einsum(
                "oi,bihw->bohw",
                weights[f"features.{name}.conv.weight"][:, :, 0, 0],
                normalised(x, f"{name}.norm"),
            )
            x = (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4
    x = normalised(x, "norm5").mean((2, 3))
    return x @ weights["classifier.weight"].T + weights["classifier.bias"]


def test_the_plain_network_is_its_definition():
    torch.manual_seed(0)
    model = with_statistics(DenseNet(5, bc=False, num_classes=5, image_size=(8, 12), width=16), (8, 12))
    images = torch.randn(2, 3, 8, 12, dtype=torch.float64)
    expected = direct(dict(model.named_parameters()), images, 5)
    torch.testing.assert_close(model(images), expected, rtol=1e-9, atol=1e-9)


def test_initial_weights():
    torch.manual_seed(0)
    model = create_model("densenet-bc100", "rga-sc")
    weight = model.features.denseblock2.denselayer3.conv2.weight  # (12, 48, 3, 3)
    assert weight.std().item() == pytest.approx((2 / (9 * 12)) ** 0.5, rel=0.05)
    assert model.head.bias.abs().max() == 0


def test_explaining():
    images = torch.randn(2, 3, 16, 14)
    found = []
    for efficient in (False, True):
        torch.manual_seed(1)
        model = create_model("densenet-bc100", "rga-sc", **SMALL, memory_efficient=efficient)
        found.append({**rgaviz.masks(model, images), "cam": rgaviz.cam(model, images)["gradcam"]})
    shapes = {name: value.shape for name, value in found[0].items()}
    assert shapes == {
        "transition1/spatial": (2, 8, 7),
        "transition1/channel": (2, 99),
        "transition2/spatial": (2, 4, 3),
        "transition2/channel": (2, 145),
        "cam": (2, 4, 3),
    }
    assert all(np.array_equal(value, found[1][name]) for name, value in found[0].items())


def test_the_last_stage_is_what_is_pooled():
    torch.manual_seed(0)
    model = create_model("densenet-bc100", "rga-s", **{**SMALL, "attention_layers": STAGES[2:]}).eval()
    assert default_cam_layer(model) == "denseblock3"
    images = torch.randn(2, 3, 16, 14)
    with torch.no_grad(), capture(layer=find_layer(model, "denseblock3")) as caught:
        logits = model(images)
    assert caught.activations.min() >= 0
    torch.testing.assert_close(logits, model.head(caught.activations.mean((2, 3))))


def test_a_checkpoint_gives_the_same_logits(tmp_path):
    torch.manual_seed(0)
    model = create_model("densenet-bc115", "rga-sc", **SMALL, memory_efficient=True).train()
    images = torch.randn(3, 3, 16, 14)
    model(images)
    rgaviz.save_checkpoint(tmp_path / "a.pt", model, classes=list("abcde"), mean=(0.5,) * 3, std=(0.5,) * 3)
    loaded = rgaviz.load_checkpoint(tmp_path / "a.pt").model
    assert loaded.config == model.config
    assert loaded.config["memory_efficient"] is True
    with torch.no_grad():
        assert torch.equal(loaded(images), model.eval()(images))


def test_compared_with_a_resnet(tmp_path, networks):
    torch.manual_seed(0)
    model = create_model("densenet-bc100", "rga-sc", image_size=(16, 16), width=6)
    classes = rgaviz.load_checkpoint(networks["baseline"]).classes
    rgaviz.save_checkpoint(tmp_path / "dense.pt", model, classes=classes, mean=(0.5,) * 3, std=(0.5,) * 3)
    subjects = load_subjects([networks["baseline"], tmp_path / "dense.pt"], torch.device("cpu"))
    request = compare_request(subjects)
    picture = save_picture(tmp_path / "picture.png")
    outcome = run(request, find_pictures([str(picture)]), tmp_path / "out")
    assert outcome.failures == []
    assert [(each.kind, each.map and each.map.name) for each in request.columns[1:]] == [
        ("map", "gradcam"),
        ("map", "gradcam"),
        ("map", "transition1/spatial"),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"arch": "densenet100", "last_stride": 2}, "densenet100 has no option last_stride"),
        ({"arch": "resnet20", "memory_efficient": True}, "resnet20 has no option memory_efficient"),
        ({"arch": "resnet20", "memory_efficient": False}, "resnet20 has no option memory_efficient"),
        (
            {"arch": "densenet100", "image_size": (3, 32)},
            r"3x32 is too small .* \(small\); give sides of 4 pixels",
        ),
        (
            {"arch": "densenet100", "image_size": (12, 32), "stem": "imagenet"},
            r"12x32 is too small .* \(imagenet\); give sides of 13 pixels",
        ),
        ({"arch": "densenet100", "width": 0}, "positive"),
        ({"arch": "densenet-bc100", "attention": "rga-sc", "image_size": (4, 4)}, r"s1=s2=\d works"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(RgavizError, match=message) as caught:
        create_model(**call)
    assert "\n" not in str(caught.value)


def test_stages_of_another_network_are_refused_with_a_suggestion():
    with pytest.raises(UnknownNameError, match="Did you mean 'transition1'"):
        create_model("densenet100", "rga-s", attention_layers=["transiton1"])


@pytest.mark.parametrize("arch", ARCHS)
def test_table_7_as_huang_et_al_train_it(arch):
    recipe = load_recipe(f"cifar-{arch}")
    train = recipe.train
    assert recipe.model.attention == (("none",) if arch.endswith("115") else ("none", "rga-sc"))
    assert (train.epochs, train.batch_size, train.label_smoothing) == (300, 64, 0)
    assert (train.momentum, train.weight_decay, train.decay_all) == (0.9, 1e-4, True)
    rates = {0: 0.1, 149.9: 0.1, 150: 0.01, 224.9: 0.01, 225: 0.001, 299.9: 0.001}
    for epoch, rate in rates.items():
        assert learning_rate(train, epoch) == pytest.approx(rate)
    with torch.device("meta"):
        config = build_model(recipe, "rga-sc", TASKS["classification"], 10).config
        efficient = load_recipe(f"cifar-{arch}", ["model.memory_efficient=true"])
        assert build_model(efficient, "none", TASKS["classification"], 10).config["memory_efficient"] is True
    assert (config["arch"], config["image_size"]) == (arch, [32, 32])
    assert config["attention_layers"] == ["transition1"]
    assert (config["s1"], config["s2"], config["memory_efficient"]) == (8, 8, False)
