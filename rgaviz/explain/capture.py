"""One forward pass, watched: layers by name, gates, and a target layer where back-propagation ends."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate
from rgaviz.errors import RgavizError, UnknownNameError, unknown_name


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The module called ``name``.

    Args:
        model: a network.
        name: a stage (``"conv5"``: the output of its attention slot, what the next layer sees) or any dotted
            module name (``"layer4"``: the map before the attention).

    Raises:
        UnknownNameError: no such layer; the message lists what exists.
    """
    stages = stage_names(model)
    modules = dict(model.named_modules())
    path = stages.get(name, name)
    if path in modules and path:
        return modules[path]
    top = [each for each, _ in model.named_children() if each != "attention"]
    near = difflib.get_close_matches(name, [*stages, *modules], n=1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise UnknownNameError(
        f"Unknown layer {name!r}. {hint}Choose a stage ({', '.join(stages) or 'this network has none'}) "
        f"or a dotted module name below {', '.join(top)}."
    )


def stage_names(model: nn.Module) -> dict[str, str]:
    """Stage name -> dotted module name; empty for a network without stages."""
    stages = getattr(model, "stages", None)
    return stages if isinstance(stages, dict) else {}  # timm's networks have a Sequential of that name


def gates(model: nn.Module, layer: str) -> dict[str, Gate]:
    """The gates within a layer, keyed ``"conv5/spatial"``; where a kind occurs twice, by module path.

    Raises:
        UnknownNameError: no such layer.
    """
    found = [(path, m) for path, m in find_layer(model, layer).named_modules() if isinstance(m, Gate)]
    kinds = [gate.kind for _, gate in found]
    single = len(kinds) == len(set(kinds))
    return {f"{layer if single else f'{layer}.{path}'}/{gate.kind}": gate for path, gate in found}


def gated_layers(model: nn.Module) -> list[str]:
    """The stages that have a gate, in order; for a network without stages, every module that ends in one."""
    stages = stage_names(model)
    if stages:
        return [name for name in stages if gates(model, name)]
    paths = [path for path, module in model.named_modules() if isinstance(module, Gate)]
    return list(dict.fromkeys(path.rpartition(".")[0] or path for path in paths))


def default_cam_layer(model: nn.Module) -> str:
    """The last stage, where maps are most about the class."""
    stages = stage_names(model)
    if not stages:
        raise RgavizError("This network has no named stages; name the layer to explain.")
    return list(stages)[-1]


def expand_layers(model: nn.Module, layers: str) -> list[str]:
    """``"conv5"``, ``"conv4,conv5"`` or ``"all"`` as a list of layers that have gates.

    Raises:
        UnknownNameError: no such layer, or one without attention.
    """
    gated = gated_layers(model)
    if not gated:
        raise RgavizError(
            "This network has no attention, so no masks; choose one trained with --attention rga-sc."
        )
    if layers == "all":
        return gated
    names = [name.strip() for name in layers.split(",")]
    for name in names:
        try:
            found, kind = gates(model, name), "layer with attention"
        except UnknownNameError:
            found, kind = {}, "layer"
        if not found:
            raise unknown_name(name, gated, kind)
    return names


@contextmanager
def unchanged(model: nn.Module, *, trainable: bool = False) -> Iterator[None]:
    """Lend a network in eval mode, with autograd on; whatever happens, it comes back as it was.

    Args:
        model: the network.
        trainable: whether its parameters ask for gradients meanwhile.
    """
    # Children too: Ablation-CAM swaps a layer, and an interrupt would leave it so.
    modules = [(module, module.training, dict(module._modules)) for module in model.modules()]
    parameters = [(each, each.requires_grad, each.grad) for each in model.parameters()]
    model.eval()
    for parameter, _, _ in parameters:
        parameter.requires_grad_(trainable)
    try:
        with torch.inference_mode(False), torch.enable_grad():  # the caller may have turned autograd off
            yield
    finally:
        for module, mode, children in modules:
            module.training = mode
            module._modules.update(children)
        for parameter, wanted, gradient in parameters:
            parameter.requires_grad_(wanted)
            parameter.grad = gradient


class Capture:
    """What one forward pass left behind.

    Attributes:
        masks: gate outputs as they are, keyed as by :func:`gates`.
        activations: the target layer's output (B, K, h, w), a leaf: gradients stop here.
    """

    def __init__(self) -> None:
        self.masks: dict[str, Tensor] = {}
        self.activations: Tensor | None = None


@contextmanager
def capture(*, target: nn.Module | None = None, watched: dict[str, Gate] | None = None) -> Iterator[Capture]:
    """Watch the forward passes inside the block.

    The target layer's output is replaced by a copy of itself that starts the graph: with frozen parameters
    nothing before it is recorded, and one backward pass from the head ends there.

    Args:
        target: the layer whose activations and gradients are wanted.
        watched: the gates whose masks are wanted.
    """
    caught = Capture()
    handles = []

    def save_mask(key: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            caught.masks[key] = output.detach()

        return hook

    def start_graph(module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not (isinstance(output, Tensor) and output.ndim == 4 and output.numel() > 0):
            raise RgavizError(
                "The layer to explain must give one map (B, C, H, W); choose a convolutional one."
            )
        leaf = output.detach().requires_grad_()
        caught.activations = leaf
        return leaf.clone()  # an in-place ReLU behind the layer must not touch the leaf

    try:
        handles += [gate.register_forward_hook(save_mask(key)) for key, gate in (watched or {}).items()]
        if target is not None:
            handles.append(target.register_forward_hook(start_graph))
        yield caught
    finally:
        for handle in handles:
            handle.remove()


def network_and_inputs(model: Any, images: Any) -> tuple[nn.Module, Tensor]:
    """The network and a normalised batch, from a network or a checkpoint and tensors, arrays or paths.

    Raises:
        RgavizError: pictures given with a bare network, which does not know its normalisation.
    """
    if isinstance(model, nn.Module):
        if not isinstance(images, Tensor):
            raise RgavizError(
                "A bare network takes a normalised tensor; give the checkpoint to pass pictures."
            )
        return model, _on_device(model, images)
    return model.model, _on_device(model.model, model.inputs(images))


def _on_device(model: nn.Module, images: Tensor) -> Tensor:
    parameter = next(model.parameters(), None)
    return images if parameter is None else images.to(parameter.device)


def explained_forward(
    model: nn.Module, images: Tensor, *, target: nn.Module | None, watched: dict[str, Gate]
) -> tuple[Tensor, Capture]:
    """Logits (B, classes) and what was captured; the graph reaches back to ``target`` only.

    Call it inside :func:`unchanged`.
    """
    with capture(target=target, watched=watched) as caught:
        logits = model(images.detach().clone())  # one made in inference mode cannot join a graph
    if target is not None and caught.activations is None:
        raise RgavizError("The layer to explain is not used in the forward pass; choose another one.")
    return logits, caught
