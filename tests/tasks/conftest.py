"""A task of each kind with its images and trained networks; one knows no classes, so that nothing leans on them."""

from __future__ import annotations

import signal
from contextlib import contextmanager

import pytest
import regression
import tiny
from toys import TOYS

from rgaviz.checkpoint import load_checkpoint
from rgaviz.data.sets import DATASETS
from rgaviz.tasks import TASKS
from rgaviz.training import loop, signals


@contextmanager
def registered():
    """The task of the tests is one of ours, and so are its images; networks are of half the depth."""
    with tiny.shallow(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(TASKS, "regression", regression.Regression())
        patch.setitem(DATASETS, "dots", regression.load_dots)
        yield


@pytest.fixture(scope="module", autouse=True)
def known():
    """No longer than the tests of a module: others compare the registries with what stands in the sources."""
    with registered():
        yield


@pytest.fixture(scope="session", params=TOYS)
def trained(request, tmp_path_factory):
    """A task, its images, and checkpoints of four steps, made in one go and in two."""
    with registered():
        return made(request.param, tmp_path_factory.mktemp(request.param))


def made(name, out):
    images, changes, *_ = TOYS[name]
    recipe = tiny.recipe(epochs=1, optimizer="adamw", **changes)
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
    return TASKS[name], images(), whole, parts
