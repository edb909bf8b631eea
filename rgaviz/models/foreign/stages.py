"""Where the stages of another library's network end: found by what its layers give, for no two name them alike.

A stage is what lies at one resolution, a quarter of the picture's or less. Its map is the last one there on the way
from the picture to the classes: the output of ``layer2`` in a ResNet, of ``features.15`` in a VGG.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rgaviz.ends import input_channels

LAST = 5  # the stage before the classes is conv5, as in a ResNet and in a VGG
FEWEST = 2  # a network of patches has one resolution
SMALLEST_REDUCTION = 3.5  # 4, but for rounding
STEP = 1.5  # times smaller is another resolution: 2, but for borders that are cut off


class Stage(NamedTuple):
    """Where a stage ends: dotted name of the module, channels and (H, W) of its map."""

    module: str
    channels: int
    size: tuple[int, int]


class _Node(NamedTuple):
    """A step on the way through the network; ``inside`` are the containers around it, the outermost first."""

    path: str
    shape: tuple[int, ...]
    weighted: bool
    inside: tuple[str, ...]


def find_stages(
    model: nn.Module, image_size: tuple[int, int], usual: tuple[int, int], known: Sequence[str] = ()
) -> dict[str, Stage]:
    """Stage name -> where it ends, in order; empty for a network without stages, such as a vision transformer.

    Nothing is computed: shapes alone go through the network.

    Args:
        model: the network, its head being the last layer with weights.
        image_size: (H, W) in pixels, for the sizes of the maps.
        usual: (H, W) at which resolutions are told apart; in small pictures the last ones are alike.
        known: dotted names of modules that the library itself says its stages end with, if it does.
    """
    shapes = _shapes(model, usual)
    at = usual
    if not shapes:  # it takes one size alone
        shapes, at = _shapes(model, image_size), image_size
    nodes = _nodes(model, shapes)
    groups = _groups(nodes, at)
    ends = [_end(group, nodes) for group in groups]
    told = _told(known, groups)
    if known and not told:  # on ways of its own
        return {}
    paths = told if len(told) == len(ends) else ends
    own = shapes if at == image_size else _shapes(model, image_size)
    if len(paths) < FEWEST or not all(len(own.get(path, ())) == 4 for path in paths):
        return {}
    first = LAST + 1 - len(paths)
    sizes = {path: own[path] for path in paths}
    return {
        f"conv{first + n}": Stage(path, sizes[path][1], (sizes[path][2], sizes[path][3]))
        for n, path in enumerate(paths)
    }


def _shapes(model: nn.Module, size: tuple[int, int]) -> dict[str, tuple[int, ...]]:
    """Shape of what every module gives that is called once, in the order they finish; empty where none can be told."""
    found: dict[str, list[tuple[int, ...]]] = {}

    def noting(name: str) -> Any:
        def note(module: nn.Module, inputs: Any, output: Any) -> None:
            found.setdefault(name, []).append(tuple(output.shape) if isinstance(output, Tensor) else ())

        return note

    named = {each: name for name, each in model.named_modules() if name}
    handles = [each.register_forward_hook(noting(name)) for each, name in named.items()]
    try:
        with suppress(Exception), _evaluating(model), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state: Mapping[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
            weightless = {name: value.to("meta") for name, value in state.items()}
            functional_call(model, weightless, (torch.zeros(2, input_channels(model), *size, device="meta"),))
            return {name: calls[0] for name, calls in found.items() if len(calls) == 1}
    finally:
        for handle in handles:
            handle.remove()
    return {}


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _nodes(model: nn.Module, shapes: Mapping[str, tuple[int, ...]]) -> list[_Node]:
    """The steps from the picture to where positions are lost, in the order they finish."""
    places = {name: n for n, name in enumerate(shapes)}
    weighted = [name for name, each in model.named_modules() if any(True for _ in each.parameters(False))]
    head = max((name for name in weighted if name in places), key=places.__getitem__, default="")

    def walk(module: nn.Module, path: str, inside: tuple[str, ...]) -> Iterator[_Node]:
        children = [(f"{path}.{name}" if path else name, each) for name, each in module.named_children()]
        for name, child in children:
            if isinstance(child, nn.Sequential) and type(child).forward is nn.Sequential.forward:
                yield from walk(child, name, (*inside, name) if name in places else inside)
            elif isinstance(child, nn.ModuleList):  # which nobody calls
                yield from walk(child, name, inside)
            elif name in places:
                has = any(True for _ in child.parameters())
                yield _Node(name, shapes[name], has, inside)

    ordered = sorted(walk(model, "", ()), key=lambda node: places[node.path])
    classifier = head.partition(".")[0]
    nodes = []
    for node in ordered:
        pooled = "." not in node.path and node.shape[2:] == (1, 1)
        if pooled or node.path.partition(".")[0] == classifier:
            break
        nodes.append(node)
    return nodes


def _groups(nodes: Sequence[_Node], picture: tuple[int, int]) -> list[list[_Node]]:
    """The nodes by resolution, as far as they are stages."""
    groups: list[tuple[float, list[_Node]]] = []
    for node in nodes:
        if len(node.shape) != 4 or min(node.shape) < 1:
            continue
        rows, columns = (side / own for side, own in zip(picture, node.shape[2:], strict=True))
        if max(rows, columns) > STEP * min(rows, columns):  # no (B, C, H, W)
            continue
        if not groups or rows > STEP * groups[-1][0]:
            groups.append((rows, []))
        groups[-1][1].append(node)
    kept = [group for reduction, group in groups if reduction >= SMALLEST_REDUCTION]
    return [group for group in kept if any(node.weighted for node in group)][-LAST:]


def _end(group: Sequence[_Node], nodes: Sequence[_Node]) -> str:
    """The last module of a stage, of those that are outermost: what leads to the next stage lies deeper."""
    units = [_unit(node, group, nodes) for node in group]
    outermost = min(depth for _, depth in units)
    return [name for name, depth in units if depth == outermost][-1]


def _unit(node: _Node, group: Sequence[_Node], nodes: Sequence[_Node]) -> tuple[str, int]:
    """The outermost container of a node that holds no other stage's, else the node; and in how many it lies."""
    for depth, container in enumerate(node.inside):
        held = [each for each in nodes if container in each.inside]
        if all(each in group for each in held):
            return container, depth
    return node.path, len(node.inside)


def _told(known: Sequence[str], groups: Sequence[Sequence[_Node]]) -> list[str]:
    """Of each group the last module that the library names, as far as it is on the way."""
    found = []
    for group in groups:
        there = {name for node in group for name in (node.path, *node.inside)}
        ends = [name for name in known if name in there]
        found += ends[-1:]
    return found
