"""One forward pass, watched: layers by name, gates, and a target layer where back-propagation ends."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from rgaviz.attention.gate import Gate
from rgaviz.errors import RgavizError, UnknownNameError, unknown_name
from rgaviz.explain.gates import mask_kind, mask_of, watched_module

NORMS = ("norm1", "ln_1")  # before the attention of a block: timm's, torchvision's
EXTRA_TOKENS = 5  # before those of the patches: a class token and four registers, or a distillation token


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
    named = f"Choose a stage ({', '.join(stages)}) or" if stages else "This network has no stages; choose"
    raise UnknownNameError(
        f"Unknown layer {name!r}. {hint}{named} a dotted module name below {', '.join(top)}."
    )


def stage_names(model: nn.Module) -> dict[str, str]:
    """Stage name -> dotted module name; empty for a network without stages."""
    stages = getattr(model, "stages", None)
    return stages if isinstance(stages, dict) else {}  # timm's networks have a Sequential of that name


def gates(model: nn.Module, layer: str) -> dict[str, nn.Module]:
    """The modules within a layer that a mask leaves: gates of ours, and attention modules of other libraries.

    They are keyed ``"conv5/spatial"``; where a layer has a kind twice, by module path: ``"layer4.0.se/channel"``.

    Raises:
        UnknownNameError: no such layer.
    """
    modules = find_layer(model, layer).named_modules()
    found = [(path, module, kind) for path, module in modules if (kind := mask_kind(module))]
    kinds = [kind for _, _, kind in found]
    single = len(kinds) == len(set(kinds))
    whole = stage_names(model).get(layer, layer)
    return {f"{layer if single else f'{whole}.{path}'}/{kind}": module for path, module, kind in found}


def gated_layers(model: nn.Module) -> list[str]:
    """The stages that have a gate, in order; for a network without stages, every module that ends in one.

    A module that holds nothing but such modules, like timm's CBAM, is one layer.
    """
    stages = stage_names(model)
    if stages:
        return [name for name in stages if gates(model, name)]
    modules = dict(model.named_modules())
    ending = dict.fromkeys(
        (_parent(path) or path) if isinstance(module, Gate) else path
        for path, module in modules.items()
        if path and mask_kind(module)
    )

    def widest(path: str) -> str:
        parent = _parent(path)
        siblings = [f"{parent}.{name}" for name, _ in modules[parent].named_children()]
        return parent if parent and all(each in ending for each in siblings) else path

    return list(dict.fromkeys(widest(path) for path in ending))


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def default_cam_layer(model: nn.Module, image_size: Sequence[int] | None = None) -> str:
    """The last stage, where maps are most about the class; without stages, the last layer that gives a map.

    That layer is found by a forward pass on zeros: of the modules with weights that give a map with more than one
    position the last to finish, which is the outermost of those that give the same map. Where a network ends in
    tokens it is the norm before the last attention: behind it, often only the class token reaches the class.

    Args:
        model: a network; not changed.
        image_size: (H, W) of its input; by default ``model.config["image_size"]``.

    Raises:
        RgavizError: the network has no map, or ends in tokens without such a norm.
    """
    stages = stage_names(model)
    if stages:
        return list(stages)[-1]
    configured: Any = model  # a network of ours, or one from elsewhere that was given a configuration
    size: Sequence[int] = image_size or configured.config["image_size"]
    shapes = _output_shapes(model, size)
    spread = [name for name, shape in shapes if sum(n > 1 for n in shape[1:]) > 1]  # else it is one vector
    grids = [(name, len(shape)) for name, shape in shapes if math.prod(_grid(shape, size) or [0]) > 1]
    maps = [name for name, axes in grids if axes == 4]
    norms = [name for name, axes in grids if axes == 3 and name.rpartition(".")[2] in NORMS]
    if not maps and not norms:
        raise RgavizError(
            "This network has no layer with a map (B, C, h, w); there is nothing to explain it by."
        )
    if maps and spread[-1] == maps[-1]:
        return maps[-1]
    if norms:
        return norms[-1]
    raise RgavizError(
        f"This network ends in {spread[-1]!r}, which is no map (B, C, h, w), and has no norm before an attention "
        f"({', '.join(NORMS)}) that gives tokens: name a layer with --layer (the last map is {maps[-1]!r})."
    )


def _output_shapes(model: nn.Module, size: Sequence[int]) -> list[tuple[str, tuple[int, ...]]]:
    """Name and output shape of every module with weights, in the order they finish."""
    shapes: list[tuple[str, tuple[int, ...]]] = []

    def note(name: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                shapes.append((name, tuple(output.shape)))

        return hook

    # Neither a pooling layer nor a dropout is where a network looks, though its output may have the form of a map.
    weighted = [
        (name, m) for name, m in model.named_modules() if name and next(m.parameters(), None) is not None
    ]
    first = next(model.parameters(), torch.zeros(()))
    handles = [module.register_forward_hook(note(name)) for name, module in weighted]
    try:
        with unchanged(model):
            model(torch.zeros(1, 3, *size, device=first.device, dtype=first.dtype))
    finally:
        for handle in handles:
            handle.remove()
    return shapes


def as_map(output: Tensor, image_size: Sequence[int]) -> Tensor:
    """A layer's output as a map (B, C, h, w): itself, a map with the channels last, or patch tokens (B, N, C).

    Tokens are those of a grid (h, w) in exactly the image's proportions, row after row, behind up to five others
    (class, distillation, registers), which the map leaves out. A shape that could be either is (B, C, h, w).

    Args:
        output: what the layer gave for a batch of images, or the gradient of that.
        image_size: (H, W) of those images.

    Raises:
        RgavizError: the output is none of these.
    """
    grid = _grid(output.shape, image_size)
    if grid is None:
        raise _no_map(tuple(output.shape))
    if output.ndim == 3:
        patches = output[:, -math.prod(grid) :]  # (B, N, C) -> (B, h * w, C)
        return patches.transpose(1, 2).unflatten(2, grid)  # (B, h * w, C) -> (B, C, h, w)
    return output.permute(0, 3, 1, 2) if _channels_last(output.shape, image_size) else output


def _no_map(given: object) -> RgavizError:
    return RgavizError(
        f"The layer to explain must give one map (B, C, H, W), or patch tokens (B, N, C) in a grid of the image's "
        f"proportions, not {given}; choose a convolutional one, or a transformer's norm before an attention."
    )


def _grid(shape: Sequence[int], size: Sequence[int]) -> tuple[int, int] | None:
    """Rows and columns of the map that an output of this shape is, for an image of (H, W); None if it is none."""
    if len(shape) == 4:
        first = 1 if _channels_last(shape, size) else 2
        return (shape[first], shape[first + 1]) if math.prod(shape[1:]) > 0 else None
    if len(shape) != 3:
        return None
    rows, columns = (each // math.gcd(*size) for each in size)  # the smallest grid of these proportions
    scale = math.isqrt(shape[1] // (rows * columns))
    grid = (scale * rows, scale * columns)
    return grid if math.prod(grid) > 1 and shape[1] - math.prod(grid) <= EXTRA_TOKENS else None


def _channels_last(shape: Sequence[int], size: Sequence[int]) -> bool:
    """Whether (B, h, w, C) explains a shape, and (B, C, h, w) does not: maps keep the image's proportions."""

    def fits(height: int, width: int) -> bool:
        return abs(height * size[1] - width * size[0]) <= max(size)  # one row or column more or less

    return fits(*shape[1:3]) and not fits(*shape[2:4])


def expand_layers(model: nn.Module, layers: str) -> list[str]:
    """``"conv5"``, ``"conv4,conv5"`` or ``"all"`` as a list of layers that have gates.

    Raises:
        UnknownNameError: no such layer, or one without attention.
    """
    gated = gated_layers(model)
    if not gated:
        raise RgavizError(
            "This network has no attention that ends in a gate, so no masks; choose one that has, such as rga.pt."
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
        masks: (B, 1, H, W), (B, C, 1, 1) or (B, C, H, W), keyed as by :func:`gates`; there after the block.
        activations: the target layer's output, a leaf: gradients stop here. :func:`as_map` makes it (B, K, h, w).
    """

    def __init__(self) -> None:
        self.masks: dict[str, Tensor] = {}
        self.activations: Tensor | None = None


@contextmanager
def capture(
    *, target: nn.Module | None = None, watched: Mapping[str, nn.Module] | None = None
) -> Iterator[Capture]:
    """Watch the one forward pass inside the block.

    The target layer's output is replaced by a copy of itself that starts the graph: with frozen parameters
    nothing before it is recorded, and one backward pass from the head ends there.

    Args:
        target: the layer whose activations and gradients are wanted.
        watched: the modules whose masks are wanted, from :func:`gates`.

    Raises:
        RgavizError: the target gives no tensor, or a gate is not used exactly once.
    """
    caught = Capture()
    outputs: dict[str, list[Tensor]] = {key: [] for key in watched or {}}
    handles = []

    def save_output(key: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Tensor) -> None:
            outputs[key].append(output.detach())

        return hook

    def start_graph(module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor):
            raise _no_map(f"a {type(output).__name__}")
        leaf = output.detach().requires_grad_()
        caught.activations = leaf
        return leaf.clone()  # an in-place ReLU behind the layer must not touch the leaf

    try:
        for key, module in (watched or {}).items():
            handles.append(watched_module(module).register_forward_hook(save_output(key)))
        if target is not None:
            handles.append(target.register_forward_hook(start_graph))
        yield caught
        caught.masks = {key: mask_of(module, outputs[key], key) for key, module in (watched or {}).items()}
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
    model: nn.Module, images: Tensor, *, target: nn.Module | None, watched: Mapping[str, nn.Module]
) -> tuple[Tensor, Capture]:
    """Logits (B, classes) and what was captured; the graph reaches back to ``target`` only.

    Call it inside :func:`unchanged`.

    Raises:
        RgavizError: the target is not used or gives no map, or a gate gives no single mask for each image.
    """
    with capture(target=target, watched=watched) as caught:
        logits = model(images.detach().clone())  # one made in inference mode cannot join a graph
    if target is not None and caught.activations is None:
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
    return logits, caught
