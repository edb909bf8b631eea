"""A task of each kind with its images and trained networks; one knows no classes, so that nothing leans on them."""

from __future__ import annotations

import signal

import pytest
import regression
import tiny
from toys import TOYS

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.sets import DATASETS
from rgaviz.tasks import TASKS
from rgaviz.training import loop, signals


@pytest.fixture(scope="package", autouse=True)
def known():
    """The task of the tests is one of ours, and so are its images."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "regression", regression.Regression())
        patch.setitem(DATASETS, "dots", regression.load_dots)
        yield


@pytest.fixture(scope="package", params=TOYS)
def trained(request, tmp_path_factory, known):
    """A task, its images, and checkpoints of four steps, made in one go and in two."""
    images, changes, *_ = TOYS[request.param]
    out, recipe = tmp_path_factory.mktemp(request.param), tiny.recipe(epochs=1, optimizer="adamw", **changes)
    options = {"device": tiny.CPU, "check_every": 1}

    class Stop(tiny.Steps):
        def step(self, step):
            if step.step == 2:
                signal.raise_signal(signal.SIGTERM)

    loop.train(images(), recipe, ["rga-sc"], out / "whole", **options)
    with pytest.raises(signals.Interrupted):
        loop.train(images(), recipe, ["rga-sc"], out / "parts", report=Stop(), **options)
    loop.train(images(), recipe, ["rga-sc"], out / "parts", resume=True, **options)
    whole, parts = (load_checkpoint(out / name / "rga.pt") for name in ("whole", "parts"))
    return TASKS[request.param], images(), whole, parts
