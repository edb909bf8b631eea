"""Two processes train what one would."""

from __future__ import annotations

import pytest
import tiny
import torch
from folders import files, rows, same
from parametrised import rare
from two_processes import CHANGES, Doubled, fixed

from rgaviz.checkpoint import load_checkpoint
from rgaviz.models import create_model
from rgaviz.tasks import TASKS, How


@pytest.fixture(scope="module", autouse=True)
def light():
    """Networks of full depth: a small learning rate moves the others too little."""


TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2)


@pytest.mark.parametrize("launch", [rare(((),)), rare((TORCHRUN,))], ids=["forked", "torchrun"])
def test_two_processes_equal_one(tmp_path, two_processes, launch):
    made = two_processes(*launch) / "classes"
    whole, interrupted, alone = made / "whole", made / "interrupted", tmp_path / "alone"
    same(whole, interrupted)
    assert load_checkpoint(whole / "rga.pt").training["processes"] == 2

    tiny.run(alone, changes=CHANGES, task=Doubled(halves=False))
    assert files(alone) == files(whole)
    one, two = tiny.weights(alone), tiny.weights(whole)
    torch.manual_seed(0)
    untrained = create_model("resnet18-w16", width=8, image_size=(16, 16)).conv1.weight
    assert (two["rga.conv1.weight"] - untrained).abs().max() > 1e-3  # a hundred times the tolerance
    for name, value in one.items():
        # the unbiased variance of half as many values is a little larger
        tolerance = {"rtol": 2e-2, "atol": 1e-4} if "running_var" in name else {"rtol": 0, "atol": 1e-5}
        torch.testing.assert_close(
            two[name], value, msg=lambda text, name=name: f"{name}: {text}", **tolerance
        )
    for row, other in zip(rows(alone), rows(whole), strict=True):
        assert float(row["train_loss"]) == pytest.approx(float(other["train_loss"]), abs=1e-5)
        assert float(row["train_error"]) == pytest.approx(float(other["train_error"]))
        assert float(row["test_loss"]) == pytest.approx(float(other["test_loss"]), rel=1e-2)

    # The halves gave each process running statistics of its own; measured were those that were saved.
    shared, data = load_checkpoint(made / "shared" / "baseline.pt"), tiny.dataset()
    how = How(data.classes, data.mean, data.std, tiny.CPU, batch_size=21)
    figures = TASKS[data.task].evaluate(shared.model, data.part, how).figures
    assert figures["loss"] == pytest.approx(shared.metrics["test_loss"], abs=1e-5)
    assert figures["error"] == pytest.approx(shared.metrics["test_error"])

    # A batch shared by two, and in parts, is the same batch.
    tiny.run(tmp_path / "one", ["none"], changes=CHANGES, task=fixed())
    one, two = (
        load_checkpoint(folder / "baseline.pt").model.state_dict()
        for folder in (tmp_path / "one", made / "parts")
    )
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-6, msg=name)
    assert (one["conv1.weight"] - untrained).abs().max() > 1e-4

    said = {(made / f"{rank}.txt").read_text() for rank in (0, 1)}
    assert len(said) == 1  # both processes agree on the loss, and refuse an odd batch
    assert "train.batch_size = 15" in said.pop()
