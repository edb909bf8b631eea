"""One training: what it computes, and what it leaves behind."""

from __future__ import annotations

import pytest
import tiny
import torch
import torch.nn.functional as F
from folders import files, rows
from tiny import STEPS
from torch.torch_version import TorchVersion

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.batches import train_batches
from rgaviz.data.order import epoch_generator, shuffled
from rgaviz.data.sets import load_dataset
from rgaviz.errors import RgavizError
from rgaviz.models import create_model
from rgaviz.training import loop
from rgaviz.training.config import DataConfig, ModelConfig
from rgaviz.training.optim import learning_rate


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_files_rows_and_checkpoints(request, precision):
    out, answer = request.getfixturevalue(precision)
    assert files(out) == ["baseline.pt", "metrics.csv", "rga.pt"]
    table = rows(out)
    assert list(table[0]) == [
        *("network", "epoch", "train_loss", "train_error", "test_loss", "test_error"),
        *("seconds", "images_per_second"),
    ]
    assert [(row["network"], row["epoch"]) for row in table] == [
        ("baseline", "1"),
        ("baseline", "2"),
        ("rga", "1"),
        ("rga", "2"),
    ]
    assert [{key: str(value) for key, value in row.items()} for row in answer] == [table[1], table[3]]
    for name, attention in (("baseline", "none"), ("rga", "rga-sc")):
        checkpoint = load_checkpoint(out / f"{name}.pt")
        assert checkpoint.config["attention"] == attention
        assert checkpoint.classes == list(tiny.dataset().classes)
        assert checkpoint.training["dataset"] == "shapes"
        assert checkpoint.training["precision"] == precision
        assert checkpoint.training["processes"] == 1
        assert checkpoint.training["recipe"]["train"]["lr"] == 0.05
        history = [{"network": name, **row} for row in checkpoint.history]
        assert [{k: str(v) for k, v in row.items()} for row in history] == [
            row for row in table if row["network"] == name
        ]
        last = checkpoint.history[-1]
        assert checkpoint.metrics == {
            key: last[key] for key in ("test_error", "test_loss", "train_error", "train_loss")
        }
        test = tiny.dataset().part("test")
        wrong = sum(
            prediction.index != label
            for prediction, label in zip(
                checkpoint.predict([image.numpy() for image in test.images]),
                test.labels.tolist(),
                strict=True,
            )
        )
        if precision == "fp32":
            assert last["test_error"] == pytest.approx(100 * wrong / 21)


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_decay": 0.1, "label_smoothing": 0.2},
        {
            "weight_decay": 0.1,
            "decay_all": True,
            "schedule": "steps",
            "milestones": (1,),
            "warmup_lr": 0.0002,
            "clip_norm": 0.5,
        },
    ],
)
def test_it_is_stochastic_gradient_descent(tmp_path, changes):
    """Against the plainest of loops; at a small learning rate, lest rounding grow into differences."""
    changes = {**changes, "lr": 0.0005}
    (row,) = tiny.run(tmp_path, ["none"], seed=3, changes=changes)
    data, config = tiny.dataset(), tiny.recipe(**changes).train
    torch.manual_seed(3)
    model = create_model("resnet18-w16", width=8, image_size=(16, 16)).to(memory_format=torch.channels_last)
    buffers = [torch.zeros_like(parameter) for parameter in model.parameters()]
    clipped = 0
    for epoch in range(2):
        losses, right = [], 0
        draw = epoch_generator(3, epoch)
        split = data.part("train")
        options = {"augmentation": "shift-mirror", "mean": data.mean, "std": data.std}
        batches = train_batches(split, shuffled(70, 16, draw), draw, **options)
        for step, (images, labels) in enumerate(batches):
            logits = model(images)
            loss = F.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
            model.zero_grad()
            loss.backward()
            rate, scale = learning_rate(config, epoch + step / STEPS), 1.0
            if config.clip_norm is not None:
                norm = sum(float(each.grad.square().sum()) for each in model.parameters()) ** 0.5
                scale = min(1.0, config.clip_norm / norm)
                clipped += scale < 1
            with torch.no_grad():
                for parameter, buffer in zip(model.parameters(), buffers, strict=True):
                    decay = config.weight_decay if config.decay_all or parameter.ndim > 1 else 0
                    gradient = scale * parameter.grad + decay * parameter
                    buffer.mul_(0.9).add_(gradient)
                    parameter -= rate * (gradient + 0.9 * buffer)
            losses.append(loss.item())
            right += int((logits.argmax(1) == labels).sum())
    assert bool(clipped) == ("clip_norm" in changes)
    trained = load_checkpoint(tmp_path / "baseline.pt").model.state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(
            trained[name], value, rtol=1e-5, atol=1e-5, msg=lambda text, name=name: f"{name}: {text}"
        )
    assert row["train_loss"] == pytest.approx(sum(losses) / STEPS, abs=1e-4)
    assert row["train_error"] == pytest.approx(100 * (1 - right / 64), abs=1e-6)


def test_a_batch_in_parts_is_the_same_batch(tmp_path):
    """Apart from batch normalisation, which is given fixed statistics here."""
    trained = {}
    for number in (1, 3, 4):  # parts of 16, of 6, 6 and 4, of 4 images
        fixed = tiny.First(outputs=lambda _, model, __: model.eval())
        changes = {
            "epochs": 1,
            "accumulate": number,
            "lr": 0.01,
            "clip_norm": 1.0,
            "class_weights": (2.0, *[0.5] * 9),
        }
        (row,) = tiny.run(tmp_path / str(number), ["none"], changes=changes, task=fixed)
        assert fixed.calls["outputs"] == STEPS * number
        trained[number] = row, load_checkpoint(tmp_path / str(number) / "baseline.pt").model.state_dict()
    row, whole = trained.pop(1)
    torch.manual_seed(0)
    fresh = create_model("resnet18-w16", width=8, image_size=(16, 16)).conv1.weight
    assert (whole["conv1.weight"] - fresh).abs().max() > 1e-4
    for other, parts in trained.values():
        assert other["train_loss"] == pytest.approx(row["train_loss"], rel=1e-5)
        assert other["train_error"] == pytest.approx(row["train_error"], rel=1e-5)
        for name, value in whole.items():
            torch.testing.assert_close(parts[name], value, rtol=1e-4, atol=1e-6, msg=name)


def test_a_pair_starts_alike_and_sees_the_same_data(tmp_path):
    initial, seen = {}, {}

    def watch(call, model, images):
        attention = model.config["attention"]
        if attention not in initial:
            initial[attention] = {key: value.clone() for key, value in model.state_dict().items()}
        seen.setdefault(attention, []).append(images.clone())

    tiny.run(tmp_path, task=tiny.First(outputs=watch))
    baseline, rga = initial["none"], initial["rga-sc"]
    assert set(baseline) < set(rga)
    assert all(torch.equal(value, rga[key]) for key, value in baseline.items())
    assert len(seen["none"]) == len(seen["rga-sc"]) == 2 * STEPS
    assert all(torch.equal(one, other) for one, other in zip(seen["none"], seen["rga-sc"], strict=True))


def test_a_pair_has_the_same_labels(tmp_path):
    class Labels(tiny.First):
        def loss(self, outputs, targets, config):
            seen.append(targets.clone())
            return super().loss(outputs, targets, config)

    seen = []
    tiny.run(tmp_path, changes={"epochs": 1}, task=Labels())
    assert len(seen) == 2 * STEPS
    assert all(torch.equal(one, other) for one, other in zip(seen[:STEPS], seen[STEPS:], strict=True))


def test_reports_and_names(tmp_path):
    report = tiny.Steps()
    options = {"changes": {"epochs": 1}, "settings": {"command": "train it"}, "check_every": 3}
    tiny.run(tmp_path, ["rga-s", "none"], report=report, **options)
    assert files(tmp_path) == ["baseline.pt", "metrics.csv", "rga-s.pt"]
    assert report.starts == [("rga-s", 0, 1), ("baseline", 0, 1)]
    assert [(each.network, each.epoch, each.epochs, each.step, each.steps) for each in report.steps] == [
        ("rga-s", 0, 1, 3, 4),
        ("rga-s", 0, 1, 4, 4),
        ("baseline", 0, 1, 3, 4),
        ("baseline", 0, 1, 4, 4),
    ]
    assert all(each.images_per_second > 0 for each in report.steps)
    for row, step in zip(report.rows, report.steps[1::2], strict=True):
        assert row["network"] == step.network
        assert row["train_loss"] == pytest.approx(step.means["loss"])
        assert row["train_error"] == pytest.approx(step.means["error"])
    assert load_checkpoint(tmp_path / "rga-s.pt").training["command"] == "train it"


def test_evaluated_every_other_epoch_and_at_the_end(tmp_path):
    task, report = tiny.First(), tiny.Steps()
    changes = {"epochs": 3, "evaluate_every": 2, **tiny.OFTEN}
    (answer,) = tiny.run(tmp_path / "some", ["none"], changes=changes, task=task, report=report)
    assert task.calls["evaluate"] == 2
    first, *others = rows(tmp_path / "some")
    assert first["test_loss"] == first["test_error"] == ""
    assert float(first["train_error"]) > 0
    assert all(float(row["test_error"]) > 0 for row in others)
    assert "test_error" not in report.rows[0]
    assert float(others[-1]["test_loss"]) == answer["test_loss"]
    tiny.run(tmp_path / "all", ["none"], changes={"epochs": 3})
    some, every = (load_checkpoint(tmp_path / name / "baseline.pt") for name in ("some", "all"))
    assert all(
        torch.equal(value, some.model.state_dict()[k]) for k, value in every.model.state_dict().items()
    )
    assert some.metrics == every.metrics


def test_a_network_is_trained_with_the_augmentation_and_the_weights_of_its_recipe(tmp_path):
    """Without augmentation the first batch is the pictures themselves; weights of 2 double the loss."""
    seen, losses = [], []
    for weights in (None, (2.0,) * 10):
        report = tiny.Steps()
        changes = {"epochs": 1, "augment": "none", "class_weights": weights, "warmup": 0.5}
        watch = tiny.First(outputs=lambda call, model, images: seen.append(images.clone()))
        tiny.run(
            tmp_path, ["none"], changes=changes, task=watch, report=report, check_every=1, overwrite=True
        )
        losses.append(report.steps[0].means["loss"])
    data, (order, *_) = tiny.dataset(), shuffled(70, 16, epoch_generator(0, 0))
    pictures = data.part("train").images[order].permute(0, 3, 1, 2) / 255
    shift, scale = (torch.tensor(each)[:, None, None] for each in (data.mean, data.std))
    torch.testing.assert_close(seen[0], (pictures - shift) / scale, rtol=1e-4, atol=1e-5)
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-5)


def test_a_pair_begins_with_the_backbone_it_is_given(tmp_path, fp32):
    class Begins(tiny.First):
        def outputs(self, model, images):
            first.setdefault(model.config["attention"], model.state_dict()["layer3.0.conv1.weight"].clone())
            return super().outputs(model, images)

    first, given = {}, fp32[0] / "baseline.pt"
    recipe = tiny.recipe(epochs=1)
    recipe = recipe.changed(model=recipe.model.changed(pretrained=str(given)))
    loop.train(tiny.dataset(), recipe, tiny.PAIR, tmp_path / "out", device=tiny.CPU, task=Begins())
    weight = load_checkpoint(given).model.state_dict()["layer3.0.conv1.weight"]
    assert torch.equal(first["none"], weight)
    assert torch.equal(first["rga-sc"], weight)
    (tmp_path / "wrong.pt").write_bytes(b"no weights")
    before = (tmp_path / "out" / "baseline.pt").read_bytes()
    recipe = recipe.changed(model=recipe.model.changed(pretrained=str(tmp_path / "wrong.pt")))
    with pytest.raises(RgavizError, match=r"wrong\.pt"):
        loop.train(tiny.dataset(), recipe, tiny.PAIR, tmp_path / "out", device=tiny.CPU, overwrite=True)
    assert (tmp_path / "out" / "baseline.pt").read_bytes() == before


@pytest.mark.parametrize("arch", ["timm:resnet10t", "torchvision:squeezenet1_1"])
def test_a_network_of_a_library_is_trained(tmp_path, arch):
    model = ModelConfig(arch=arch, attention=("none",))
    recipe = tiny.recipe(epochs=1, lr=0.001).changed(
        model=model, data=DataConfig(image_size=(32, 32), train_size=32, test_size=10)
    )
    images = load_dataset("shapes", image_size=(32, 32), train_size=32, test_size=10)
    (row,) = loop.train(images, recipe, ("none",), tmp_path, device=tiny.CPU)
    found = load_checkpoint(tmp_path / "baseline.pt")
    assert found.config["arch"] == arch
    assert found.metrics["test_error"] == row["test_error"]


def test_an_older_compiler_does_not_recompute(tmp_path, monkeypatch):
    recipe = tiny.recipe(compile=True)
    model = recipe.model.changed(
        arch="densenet-bc100", memory_efficient=True, attention_layers=None, width=None
    )
    monkeypatch.setattr(torch, "__version__", TorchVersion("2.8.0+cu128"))
    with pytest.raises(RgavizError, match=r"PyTorch 2\.8\.0\+cu128 .* take 2\.9, or leave out --compile"):
        loop.train(tiny.dataset(), recipe.changed(model=model), ("none",), tmp_path, device=tiny.CPU)
    assert not files(tmp_path)
