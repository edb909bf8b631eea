"""Networks of the user's own code as baselines."""

import re

import pytest
import tiny
import torch
from own_networks import write_nets

import rgaviz
from rgaviz.checkpoint import load_record
from rgaviz.errors import RgavizError
from rgaviz.runs.read import read_runs

NEWS = """

class Norms(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU())
        self.fc = nn.Linear(4, num_classes)

    def forward(self, x):
        return self.fc(self.body(x).mean((2, 3)))
"""


@pytest.fixture
def nets(tmp_path):
    path = write_nets(tmp_path)
    path.write_text(path.read_text() + NEWS)
    return path


def train(nets, name, out, **options):
    return tiny.run(out, ("none",), changes={"model": {"arch": f"{nets}:{name}"}}, **options)


def test_one_is_trained_told_in_tables_and_resumed(nets, tmp_path):
    out = tmp_path / "run"
    (row,) = train(nets, "Norms", out)
    checkpoint = rgaviz.load_checkpoint(out / "baseline.pt", f"{nets}:Norms")
    assert int(checkpoint.model.state_dict()["body.1.num_batches_tracked"]) == 2 * tiny.STEPS
    (found,), notes = read_runs([out])
    assert (found.arch, notes) == (f"{nets}:Norms", [])
    assert list(found.parameters.values()) == [sum(each.numel() for each in checkpoint.model.parameters())]
    before = checkpoint.model.state_dict()
    assert train(nets, "Norms", out, resume=True) == [row]
    after = rgaviz.load_checkpoint(out / "baseline.pt", f"{nets}:Norms").model.state_dict()
    torch.testing.assert_close(after, before, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "Grey",
            r"RuntimeError: .*nets.py, line \d+\). Mend it there. .*image of 3x16x16 \(data.image_size\)",
        ),
        ("bands", r"RuntimeError: .*got 3 channels instead\. It was given"),
        ("Several", "gives a value of type Answer for one image"),
        ("four", r"gives 1x4 for one image, .* on \d+ classes takes logits alone"),
        ("fails", "no luck"),
        ("Norm", "Did you mean 'Norms'"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_is_written(nets, tmp_path, name, told):
    nets.write_text(nets.read_text() + "\n\ndef four():\n    return Norms(4)\n")
    with pytest.raises(RgavizError, match=told) as caught:
        train(nets, name, tmp_path / "run")
    assert not re.search(r"\n", str(caught.value))
    assert not (tmp_path / "run").exists()


def test_a_record_of_own_attention_needs_no_code(tmp_path):
    model = rgaviz.create_model("resnet20", "rga-s", num_classes=2, image_size=16)
    saved = {"classes": ["a", "b"], "mean": (0.5,) * 3, "std": (0.25,) * 3}
    rgaviz.save_checkpoint(tmp_path / "att.pt", model, **saved)
    document = torch.load(tmp_path / "att.pt", weights_only=True)
    document["config"]["attention"] = "no/such.py:Attention"
    torch.save(document, tmp_path / "att.pt")
    with pytest.raises(RgavizError, match=r"--attention no/such\.py:Attention"):
        rgaviz.load_checkpoint(tmp_path / "att.pt")
    record = load_record(tmp_path / "att.pt")
    assert record.config["attention"] == "no/such.py:Attention"
    assert record.parameters == sum(each.numel() for each in model.parameters())
