"""Networks of timm: built, loaded from its cache, and refused in one line."""

from __future__ import annotations

import pytest
import torch
from foreign_networks import refused

from rgaviz.checkpoint import load_checkpoint
from rgaviz.errors import CheckpointError, RgavizError
from rgaviz.models import create_model
from rgaviz.models.foreign import from_timm


@pytest.fixture
def timm():
    return pytest.importorskip("timm")


def test_without_timm(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(from_timm, "import_module", missing)
    assert 'pip install "rgaviz[timm]"' in refused(RgavizError, create_model, "timm:resnet18")


def test_a_network_of_timm(timm):
    torch.manual_seed(0)
    expected = timm.create_model("test_resnet", num_classes=7)
    torch.manual_seed(0)
    model = create_model("timm:test_resnet", num_classes=7, image_size=(40, 56))
    for key, value in expected.state_dict().items():
        assert torch.equal(model.state_dict()[key], value), key
    assert list(model.stages) == ["conv2", "conv3", "conv4", "conv5"]
    assert model.config["arch"] == "timm:test_resnet"


def test_the_size_is_given_to_transformers_of_timm(timm):
    model = create_model("timm:test_vit", num_classes=3, image_size=(64, 96))
    assert model.eval()(torch.zeros(1, 3, 64, 96)).shape == (1, 3)


@pytest.fixture
def hugging_face(tmp_path, monkeypatch):
    """An empty cache of huggingface_hub."""
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return tmp_path / "hf"


@pytest.mark.parametrize(
    ("name", "tag", "side"),
    [("test_resnet", "r160_in1k", 160), ("vit_tiny_patch16_224", "augreg_in21k_ft_in1k", 224)],
)
def test_weights_of_timm_come_from_the_cache(timm, hugging_face, name, tag, side):
    """The second has a format of its own, elsewhere than in this cache."""
    from safetensors.torch import save_file

    model = timm.create_model(name).eval()
    folder = hugging_face / f"models--timm--{name}.{tag}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    save_file(model.state_dict(), folder / "snapshots" / "abc" / "model.safetensors")
    x = torch.randn(1, 3, side, side)
    for source in (f"timm:{name}", f"timm:{name}.{tag}"):
        loaded = load_checkpoint(source)
        assert loaded.path == f"timm:{name}.{tag}"
        assert loaded.config["arch"] == f"timm:{name}"
        assert loaded.image_size == (side, side)
        assert loaded.mean == model.pretrained_cfg["mean"]
        assert loaded.classes[0] == "tench"
        with torch.no_grad():
            assert torch.equal(loaded.model(x), model(x))
    (folder / "snapshots" / "abc" / "model.safetensors").write_bytes(b"no")
    assert "Remove it" in refused(CheckpointError, load_checkpoint, f"timm:{name}")


def test_timm_without_network_and_cache(timm, hugging_face, capfd):
    line = refused(CheckpointError, load_checkpoint, "timm:test_resnet")
    assert line.startswith("timm:test_resnet.r160_in1k: its weights are not in /")
    assert "models--timm--test_resnet.r160_in1k and cannot be downloaded " in line
    assert "(Name or service not known)" in line
    assert "timm:test_resnet@none" in line
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("timm:seresnet19", "Did you mean timm:"),
        ("timm:adv_inception_v3", "Did you mean timm:inception_v3?"),  # as timm called it once
        ("timm:hf-hub:someone/theirs", "has no network"),
        ("timm:resnet18.a9_in1k", "a1_in1k"),
        ("timm:resnet18@V1", "as in timm:resnet18.a1_in1k; @ takes only none."),
        ("timm:seresnet18", "timm:seresnet18@none"),
        ("timm:vit_small_patch14_dinov2", "gives features, no classes"),
    ],
)
def test_unknown_weights_of_timm(timm, hugging_face, source, words):
    assert words in refused(RgavizError, load_checkpoint, source)


def test_an_untrained_network_of_timm(timm):
    loaded = load_checkpoint("timm:test_resnet@none")
    assert loaded.path == "timm:test_resnet@none"
    assert loaded.image_size == (160, 160)
    assert len(loaded.classes) == 1000
