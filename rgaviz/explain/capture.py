"""One forward pass, watched: gates, and a layer where back-propagation ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from rgaviz.attention.slot import hook_before_slot
from rgaviz.ends import input_channels, passed, the_output
from rgaviz.errors import RgavizError, kind_of
from rgaviz.explain.maps import as_map, not_a_map
from rgaviz.explain.sources import mask_of, watched_module


class Capture:
    """What one forward pass left behind.

    Attributes:
        masks: (B, 1, H, W), (B, C, 1, 1) or (B, C, H, W), keyed as by :func:`gates`; there after the block.
        activations: the layer's output, a leaf: gradients stop here. :func:`as_map` makes it (B, K, h, w).
    """

    def __init__(self) -> None:
        self.masks: dict[str, Tensor] = {}
        self.activations: Tensor | None = None


@contextmanager
def capture(
    *, layer: nn.Module | None = None, watched: Mapping[str, nn.Module] | None = None
) -> Iterator[Capture]:
    """Watch the one forward pass inside the block.

    The layer's output is replaced by a copy of itself that starts the graph: with frozen parameters
    nothing before it is recorded, and one backward pass from the head ends there. Other threads' passes are left alone.

    Args:
        layer: the layer whose activations and gradients are wanted.
        watched: the modules whose masks are wanted, from :func:`gates`.

    Raises:
        RgavizError: the layer gives no tensor, or a gate is not used exactly once.
    """
    caught, thread = Capture(), threading.get_ident()
    outputs: dict[str, list[Tensor]] = {key: [] for key in watched or {}}
    handles = []

    def save_output(key: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            if threading.get_ident() == thread:
                outputs[key].append(output.detach())

        return hook

    def start_graph(module: nn.Module, inputs: Any, output: Any) -> Any:
        if threading.get_ident() != thread:
            return output
        if not isinstance(output, Tensor):
            raise not_a_map(f"a {type(output).__name__}")
        leaf = output.detach().requires_grad_()
        caught.activations = leaf
        return leaf.clone()  # an in-place ReLU behind the layer must not touch the leaf

    try:
        for key, module in (watched or {}).items():
            handles.append(watched_module(module).register_forward_hook(save_output(key)))
        if layer is not None:
            handles.append(hook_before_slot(layer, start_graph))
        yield caught
        caught.masks = {key: mask_of(module, outputs[key], key) for key, module in (watched or {}).items()}
    finally:
        for handle in handles:
            handle.remove()


def explained_forward(
    model: nn.Module,
    images: Tensor,
    *,
    layer: nn.Module | None,
    watched: Mapping[str, nn.Module],
    output: str | int | None = None,
) -> tuple[Tensor, Capture]:
    """The network's output and what was captured; the graph reaches back to ``layer`` only.

    Call it inside :func:`rgaviz.explain.lending.lent`.

    Raises:
        RgavizError: the layer is not used or gives no map, or a gate gives no single mask for each image.
    """
    with capture(layer=layer, watched=watched) as caught:
        given = passed(model, images.detach().clone())  # one made in inference mode cannot join a graph
    found = the_output(given, output)
    if layer is not None and caught.activations is None:
        raise RgavizError("The layer to explain is not used in the forward pass; choose another one.")
    if caught.activations is not None:
        count = len(as_map(caught.activations, images.shape[2:]))
        if count != len(images):
            raise RgavizError(
                f"The layer to explain gives {count} maps for {len(images)} images, of windows, say; "
                "choose a layer around them."
            )
    for key, mask in caught.masks.items():
        if len(mask) != len(images):  # of windows, say
            raise RgavizError(
                f"{key} has {len(mask)} masks for {len(images)} images. Name other layers for masks."
            )
    return found, caught


def network_and_inputs(model: Any, images: Any) -> tuple[nn.Module, Tensor]:
    """The network and a normalised batch, from a network or a checkpoint and tensors, arrays or paths.

    Raises:
        RgavizError: no network, or pictures given with a bare one, which does not know its normalisation.
    """
    if not isinstance(model, nn.Module) and not isinstance(getattr(model, "model", None), nn.Module):
        raise RgavizError(
            f"A network is a module or a checkpoint, not {kind_of(model)}; load one with rgaviz.load_checkpoint."
        )
    network = itself(model if isinstance(model, nn.Module) else model.model)
    if not isinstance(model, nn.Module):
        images = model.inputs(images)
    elif not isinstance(images, Tensor):
        raise RgavizError("A bare network takes a normalised tensor; give the checkpoint to pass pictures.")
    _check_images(images, input_channels(network))
    parameter = next(network.parameters(), None)
    return network, images if parameter is None else images.to(parameter)  # its device and precision


def _check_images(images: Tensor, channels: int) -> None:
    """Refuse what is no batch of normalised images.

    Raises:
        RgavizError: another shape, no image, or values that no normalised image has.
    """
    shape = tuple(images.shape)
    if images.layout is not torch.strided or not images.is_floating_point():
        kind = str(images.dtype if images.layout is torch.strided else images.layout).removeprefix("torch.")
        raise RgavizError(
            f"Images are normalised floating point numbers, not {kind}; give a dense float tensor."
        )
    if len(shape) != 4 or not all(shape) or shape[1] != channels:
        raise RgavizError(
            f"Images are a batch (B, {channels}, H, W) for this network, not {shape}; "
            "give images[None] for a single one."
        )
    if not images.isfinite().all():
        raise RgavizError(
            "The images have values that are no finite numbers; look at how they are normalised."
        )


def itself(model: nn.Module) -> nn.Module:
    """The network inside what spreads it over devices or compiles it: its layers keep their names.

    Raises:
        RgavizError: copies of it on several devices.
    """
    while True:
        if isinstance(model, nn.DataParallel) and len(model.device_ids) > 1:
            raise RgavizError(
                f"This network has copies on {len(model.device_ids)} devices, which cannot be explained: give the one "
                "inside, network.module."
            )
        if isinstance(model, nn.DataParallel | nn.parallel.DistributedDataParallel):
            model = cast(nn.Module, model.module)
        elif type(model).__name__ == "OptimizedModule":  # of torch.compile, which takes seconds to import
            model = cast(nn.Module, model._orig_mod)
        else:
            return model
