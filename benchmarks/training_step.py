"""A ResNet-50 training step: no attention, RGA-SC, and RGA-SC in the direct form.

Shapes: images (8, 3, 256, 128), RGA-SC after all four stages, s1 = s2 = 8, last stride 1. float32,
channels_last and memory kept as our loop trains, cross-entropy over 751 classes, SGD with Nesterov momentum;
forward, backward and update are timed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from direct_rga import check_equal
from measure import Claim, Result, alternate, run, seconds
from torch import Tensor, nn

import rgaviz
from rgaviz.devices import keep_freed_memory
from rgaviz.profiling.direct import direct_form

CLASSES = 751  # the identities of Market-1501


def network(attention: str, arch: str, size: tuple[int, int]) -> nn.Module:
    """A fresh network; the same backbone each time."""
    torch.manual_seed(0)
    return rgaviz.create_model(arch, attention, num_classes=CLASSES, image_size=size, last_stride=1)


def with_direct_form(model: nn.Module) -> nn.Module:
    """The same network, its attention in the direct form."""
    for name, module in model.attention.items():  # type: ignore[operator,union-attr]
        model.attention[name] = direct_form(module)  # type: ignore[index,operator]
    return model


def training_step(model: nn.Module, images: Tensor, labels: Tensor) -> Callable[[], object]:
    """One step of ``model`` on a batch, as a function."""
    model = model.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True)

    def step() -> None:
        loss = F.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def measure(quick: bool) -> Result:
    """Time the three networks."""
    arch, size, batch, repeats = ("resnet18", (64, 32), 2, 2) if quick else ("resnet50", (256, 128), 8, 9)
    keep_freed_memory()
    baseline, ours = network("none", arch, size), network("rga-sc", arch, size)
    direct = with_direct_form(network("rga-sc", arch, size))
    # float64 through fifty layers: a looser tolerance than a single module's.
    check_equal(ours, direct, torch.randn(2, 3, *size), tolerance=1e-6)
    images, labels = torch.randn(batch, 3, *size), torch.randint(CLASSES, (batch,))
    networks = {"no attention": baseline, "RGA-SC, ours": ours, "RGA-SC, direct form": direct}
    steps = {name: seconds(training_step(model, images, labels)) for name, model in networks.items()}
    times = alternate(steps, repeats)
    relative = {name: value / times["no attention"] for name, value in times.items()}
    rows = [[name, f"{1000 * times[name]:.0f} ms", f"{relative[name]:.2f}x"] for name in times]
    claims = [
        Claim(
            "ResNet-50 + RGA-SC training step, of the baseline's",
            relative["RGA-SC, ours"],
            1.30,
            at_most=True,
        )
    ]
    return Result([f"{arch} training step", "time", "of the baseline"], rows, claims)


if __name__ == "__main__":
    run(measure, __doc__ or "")
