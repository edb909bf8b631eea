"""What each question of an analysis takes, as a multiple of the forward passes that it needs at least.

ResNet-18 of a quarter of the width with RGA-SC at 128x128, generated shapes, Grad-CAM at conv5 and the mask there. The
passes are counted by hand: ``localize`` and ``statistics`` need one for each picture; ``faithfulness`` one, and one for
each step of deletion and insertion of each of four maps (Grad-CAM, mask, Random-CAM, random order). ROAD is beside
pytorch-grad-cam's, used as its documentation shows, for as many pictures and a map of each; that both give the same is
what the tests see to.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from explain_pass import trained_looking
from measure import Claim, Result, alternate, run, seconds
from PIL import Image
from pytorch_grad_cam.metrics.road import ROADLeastRelevantFirst, ROADMostRelevantFirst
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget

from rgaviz.analysis.gathering import gather
from rgaviz.analysis.grouped import grouped
from rgaviz.analysis.locating import locate
from rgaviz.analysis.perturbing import Asked, perturb
from rgaviz.analysis.sample import Sample, sample
from rgaviz.analysis.subject import Subject, load_subjects, with_cam, with_masks
from rgaviz.checkpoint.given import Given
from rgaviz.data.sets import load_truth
from rgaviz.data.sets.shapes import generate
from rgaviz.explain.faithfulness import PERCENT
from rgaviz.progress import hush, silent

SIZE, MAPS = 128, 4  # pixels of a side, maps of faithfulness
PASSES, FEW = 64, 4  # pictures of a forward pass of the floor, and of ROAD


def subject(model: torch.nn.Module) -> Subject:
    """The network with the layers of its maps."""
    given = Given(image_size=(SIZE, SIZE), mean="0.5,0.5,0.5", std="0.25,0.25,0.25")
    (found,) = load_subjects([model], torch.device("cpu"), given, ["rga"])
    return with_masks(with_cam(found, "conv5"), "conv5")


def pictures(folder: Path, count: int, one: Subject) -> Sample:
    """So many generated pictures as files."""
    images = generate(count, (SIZE, SIZE), seed=0, split="test").images
    for number, image in enumerate(images):
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / f"{number:04d}.png")
    return sample([str(folder)], None, one, folder / "out", silent, hush)


def passes(model: torch.nn.Module, count: int) -> None:
    """So many pictures through the network, nothing kept."""
    images = torch.randn(PASSES, 3, SIZE, SIZE)
    with torch.inference_mode():
        for start in range(0, count, PASSES):
            model(images[: min(PASSES, count - start)])


def library(model: torch.nn.Module, images: torch.Tensor, maps: np.ndarray) -> None:
    """ROAD of one map for each picture, both orders at all percentiles."""
    targets = [ClassifierOutputSoftmaxTarget(int(each)) for each in model(images).argmax(1)]
    for order in (ROADMostRelevantFirst, ROADLeastRelevantFirst):
        for percent in PERCENT:
            order(percentile=percent)(images, maps, targets, model)


def measure(quick: bool) -> Result:
    """Time each question, and the passes that it needs."""
    count, steps, repeats = (2, 2, 1) if quick else (32, 20, 3)
    model = trained_looking("resnet18-w16", SIZE, torch.randn(8, 3, SIZE, SIZE), stem="imagenet", s1=4, s2=4)
    one = subject(model)
    truth = load_truth("shapes", image_size=(SIZE, SIZE), test_size=count)
    every = list(range(count))
    data = grouped([one], "shapes", data_dir=None, pattern=None, part=None, by=None, track=silent)
    with tempfile.TemporaryDirectory() as name:
        shown = pictures(Path(name), count, one)

        def follow(places: list[int], *measures: str) -> Any:
            return perturb([one], shown, places, Asked(["gradcam"], None, list(measures), steps))

        needed = {
            "localize": count,
            "statistics": count,
            "faithfulness, deletion and insertion": count * (1 + MAPS * 2 * (steps + 1)),
        }
        works = {
            "localize": partial(locate, [one], truth, every, methods=["gradcam"]),
            "statistics": partial(gather, [one], data, every, threshold=0.5),
            "faithfulness, deletion and insertion": partial(follow, every, "deletion", "insertion"),
        }
        floors = {f"passes of {each}": partial(passes, model, number) for each, number in needed.items()}
        few = every[: 1 if quick else FEW]
        images = torch.randn(len(few), 3, SIZE, SIZE)
        maps = np.random.default_rng(0).random((len(few), SIZE, SIZE))
        road = {
            "ROAD, ours": partial(follow, few, "road"),
            "ROAD, pytorch-grad-cam": partial(library, model, images, maps),
        }
        times = alternate(
            {each: seconds(work) for each, work in {**works, **floors, **road}.items()}, repeats
        )
    rows = [
        [each, f"{needed[each]}", f"{times[each]:.2f} s", f"{times[each] / times[f'passes of {each}']:.2f}x"]
        for each in works
    ]
    mine, theirs = times["ROAD, ours"] / MAPS, times["ROAD, pytorch-grad-cam"]
    rows += [[f"ROAD of a map of {len(few)}, ours", "", f"{mine:.2f} s", "1.00x"]]
    rows += [
        [f"ROAD of a map of {len(few)}, pytorch-grad-cam", "", f"{theirs:.2f} s", f"{theirs / mine:.2f}x"]
    ]
    claims = [Claim("ROAD faster than pytorch-grad-cam's", theirs / mine, 1.0)]
    return Result([f"{count} pictures of {SIZE}x{SIZE}", "passes at least", "time", "ratio"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")
