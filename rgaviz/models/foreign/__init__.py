"""Networks of torchvision and timm, with the weights these libraries publish or with fresh ones.

They are written ``torchvision:NAME`` and ``timm:NAME``. Neither library is imported before such a name is used.
"""

from __future__ import annotations

import difflib
import os
import re
import socket
import ssl
import sys
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlparse

import torch
from torch import Tensor, nn

from rgaviz.errors import CheckpointError, RgavizError, UnknownNameError, one_line, unknown_name
from rgaviz.models.network import shape_text, shapes_only

LIBRARIES = ("torchvision", "timm")
FRESH = "none"  # instead of the name of weights: none, a network as it is before training
IMAGENET_CLASSES = 1000
PATIENCE = 10  # seconds without an answer after which there is no network
STAGES = {f"conv{n + 1}": f"layer{n}" for n in (1, 2, 3, 4)}  # of a ResNet and its kin

# Classifiers with auxiliary heads for training. Without them the output is one tensor; ``transform_input`` is what
# torchvision sets for its own weights, which expect inputs scaled to [-1, 1].
AUXILIARY = ("googlenet", "inception_v3")
AUXILIARY_HEAD = re.compile(r"(aux1|aux2|AuxLogits)\.")
AUXILIARY_OPTIONS = {"aux_logits": False, "init_weights": True, "transform_input": True}
# The files of torchvision's DenseNets are older than the names of its modules: norm.1 is norm1 today.
DENSE_LAYER = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


class Source(NamedTuple):
    """``torchvision:resnet50@IMAGENET1K_V2`` in its parts; ``weights`` is empty for the library's default."""

    library: str
    name: str
    weights: str

    @property
    def arch(self) -> str:
        """What stands before the @, as :func:`rgaviz.create_model` takes it."""
        return f"{self.library}:{self.name}"

    @property
    def network(self) -> str:
        """The network alone: behind timm's dot and behind the @ stand names of weights."""
        return f"{self.library}:{self.name.partition('.')[0]}"

    @property
    def id(self) -> str:
        """A short name for figures and files."""
        weights = {"": "", FRESH: "untrained"}.get(self.weights, self.weights.removeprefix("IMAGENET1K_"))
        return f"{self.name}-{weights}" if weights else self.name


class Preset(NamedTuple):
    """How a library feeds a network: (H, W) in pixels; mean and deviation per channel, of values in [0, 1]."""

    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]


class Loaded(NamedTuple):
    """A network of a library with weights, and what belongs to them; ``source`` names the very weights."""

    model: nn.Module
    source: str
    preset: Preset
    classes: list[str]


def is_foreign(name: Any) -> bool:
    """Whether a name is that of a network of torchvision or timm: it begins with ``torchvision:`` or ``timm:``."""
    return isinstance(name, str) and name.startswith(tuple(f"{library}:" for library in LIBRARIES))


def parse(text: str) -> Source:
    """The parts of ``library:name`` or ``library:name@weights``."""
    library, _, rest = text.partition(":")
    name, _, weights = rest.partition("@")
    return Source(library, name, weights)


def build(arch: str, *, num_classes: int, image_size: tuple[int, int]) -> nn.Module:
    """A network of a library with fresh weights from the global random state.

    Args:
        arch: ``torchvision:NAME`` or ``timm:NAME``.
        num_classes: outputs.
        image_size: (H, W) in pixels; given to the constructor where that asks for it, as those of transformers do.

    Returns:
        The network with ``config`` and ``task``, as :func:`rgaviz.create_model` gives them, and, where it has the
        modules ``layer1`` to ``layer4``, with ``stages`` ``conv2`` to ``conv5``.

    Raises:
        UnknownNameError: the library has no such image classifier.
        RgavizError: the library refuses the size or the number of classes, or is not installed.
    """
    source = parse(arch)
    if source.weights:
        raise RgavizError(
            f"create_model builds fresh weights, so {arch} asks too much: take {source.arch}, or load_checkpoint."
        )
    return _described(_built(source, num_classes, image_size), source, num_classes, image_size)


def preset(arch: str) -> Preset:
    """How the library feeds this network by default.

    Raises:
        UnknownNameError: the library has no such image classifier.
    """
    return PRESETS[parse(arch).library](parse(arch))


def load(text: str) -> Loaded:
    """A network of a library with its weights: from the library's cache, else downloaded into it.

    A progress bar is shown for a download where the standard error output is a terminal.

    Args:
        text: ``torchvision:NAME`` with the default weights, ``torchvision:NAME@WEIGHTS``, ``timm:NAME`` or
            ``timm:NAME.TAG``; ``@none`` behind either gives fresh weights, always the same.

    Raises:
        UnknownNameError: no such network or weights.
        CheckpointError: the weights are not here and cannot be downloaded, or are damaged.
    """
    source = parse(text)
    return LOADERS[source.library](source)


def numbered_classes(count: int) -> list[str]:
    """Names for the outputs of a network of which nothing is known: ``class 0`` ..."""
    return [f"class {index}" for index in range(count)]


def class_names(count: int) -> list[str]:
    """Names for the outputs of a network that does not tell them: ImageNet's for 1000, else ``class 0`` ..."""
    if count != IMAGENET_CLASSES:
        return numbered_classes(count)
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.DEFAULT.meta["categories"])


def adapted(arch: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state_dict as the network built here takes it: without heads for training only, old names renewed."""
    source = parse(arch)
    if source.library != "torchvision":
        return dict(state)
    if source.name in AUXILIARY:
        return {name: value for name, value in state.items() if not AUXILIARY_HEAD.match(name)}
    if source.name.startswith("densenet"):
        return {DENSE_LAYER.sub(r"\1\2", name): value for name, value in state.items()}
    return dict(state)


def _built(source: Source, num_classes: int, image_size: tuple[int, int], **options: Any) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the libraries' about their own future
            return BUILDERS[source.library](source, num_classes, image_size, options)
    except RgavizError:
        raise
    except Exception as error:  # every constructor refuses in its own way
        height, width = image_size
        raise RgavizError(
            f"{source.library} cannot build {source.name} with {num_classes} outputs for images of {height}x{width} "
            f"({one_line(error)}). Try {shape_text(preset(source.arch).image_size)}."
        ) from error


def _described(model: nn.Module, source: Source, num_classes: int, image_size: tuple[int, int]) -> nn.Module:
    """The network with the attributes by which the rest of the package knows it."""
    more: dict[str, Any] = {
        "task": "classification",
        "config": {
            "arch": source.network,
            "attention": "none",
            "num_classes": num_classes,
            "image_size": list(image_size),
        },
    }
    if all(isinstance(getattr(model, name, None), nn.Module) for name in STAGES.values()):
        more["stages"] = dict(STAGES)
    for name, value in more.items():
        setattr(model, name, value)
    return model


# torchvision


def _build_torchvision(
    source: Source, num_classes: int, image_size: tuple[int, int], options: dict[str, Any]
) -> nn.Module:
    from torchvision import models

    _check_torchvision(source)
    height, width = image_size
    if source.name.startswith("vit_"):
        if height != width:
            raise RgavizError(f"{source.arch} takes square images, not {height}x{width}; give equal sides.")
        options["image_size"] = height
    if source.name.startswith("maxvit"):
        options["input_size"] = image_size
    if source.name in AUXILIARY:
        options |= AUXILIARY_OPTIONS
    return models.get_model(source.name, weights=None, num_classes=num_classes, **options)


def _check_torchvision(source: Source) -> None:
    from torchvision import models

    classifiers = models.list_models(module=models)
    if source.name in classifiers:
        return
    if source.name in models.list_models():
        raise UnknownNameError(
            f"torchvision's {source.name} does not classify images in floating point; name a network of "
            "torchvision.models.list_models(module=torchvision.models)."
        )
    raise _unknown(source, classifiers, "torchvision.models.list_models(module=torchvision.models)")


def _unknown(source: Source, known: Iterable[str], listed: str) -> UnknownNameError:
    """Like :func:`rgaviz.errors.unknown_name`, but hundreds of names are not listed."""
    near = difflib.get_close_matches(source.name, list(known), n=1)
    hint = f"Did you mean {source.library}:{near[0]}? " if near else ""
    return UnknownNameError(f"{source.library} has no network {source.name!r}. {hint}{listed} has all names.")


def _torchvision_weights(source: Source) -> Any:
    """The named weights, or the default ones; a member of the enumeration that torchvision has of a network."""
    from torchvision import models

    _check_torchvision(source)
    weights = models.get_model_weights(source.name)
    names = [each.name for each in weights]
    if source.weights in ("", "DEFAULT", FRESH):
        return weights["DEFAULT"]  # an alias of one of them
    if source.weights not in names:
        raise unknown_name(source.weights, [*names, FRESH], f"weights of {source.arch}")
    return weights[source.weights]


def _preset_torchvision(source: Source) -> Preset:
    transforms = _torchvision_weights(source).transforms()
    (side,) = transforms.crop_size
    return Preset((side, side), tuple(transforms.mean), tuple(transforms.std))


def _load_torchvision(source: Source) -> Loaded:
    weights, how = _torchvision_weights(source), _preset_torchvision(source)
    named = source if source.weights == FRESH else source._replace(weights=weights.name)
    text = f"{named.arch}@{named.weights}"
    classes = list(weights.meta["categories"])
    path = None if named.weights == FRESH else _hub_file(weights.url, text, f"{source.arch}@{FRESH}")
    with fresh_weights():
        model = build(source.arch, num_classes=len(classes), image_size=how.image_size)
    if path:
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            model.load_state_dict(adapted(source.arch, state))
        except Exception as error:  # a damaged file can raise nearly anything
            raise _damaged(path, text, error) from error
    return Loaded(model, text, how, classes)


def _hub_file(url: str, text: str, instead: str) -> Path:
    """Where torch keeps a file that it has downloaded; now it has."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / os.path.basename(urlparse(url).path)  # noqa: PTH119  (of a URL)
    if path.is_file():
        return path
    digest = re.search(r"-([0-9a-f]{8,})\.", path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _impatient():
            torch.hub.download_url_to_file(
                url, str(path), digest and digest.group(1), progress=sys.stderr.isatty()
            )
    except Exception as error:
        raise CheckpointError(
            f"{text}: its weights are not in {path.parent} and cannot be downloaded ({_reason(error)}). "
            f"Fetch {url} where there is a network and put it there, or take {instead} (untrained)."
        ) from error
    return path


# timm


def _timm() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module("timm.data")
            return import_module("timm")
    except ImportError as error:
        raise RgavizError('Networks named timm:... need timm: pip install "rgaviz[timm]"') from error


def _timm_config(source: Source) -> Any:
    """What timm knows of a network's weights: their tag, where they are, how pictures are fed."""
    timm = _timm()
    architecture, _, tag = source.name.partition(".")
    known = timm.list_models()
    if architecture not in known:  # timm.is_model also knows names that it has given up
        raise _unknown(source, known, "timm.list_models()")
    tags = [name.partition(".")[2] for name in timm.list_models(f"{architecture}.*", pretrained=True)]
    if tag and tag not in tags:
        raise unknown_name(tag, tags, f"weights of timm:{architecture}")
    if source.weights not in ("", FRESH):
        raise UnknownNameError(
            f"Unknown weights {source.weights!r}. timm's follow a dot, as in "
            f"timm:{architecture}.{(tags or ['TAG'])[0]}; @ takes only {FRESH}."
        )
    return timm.get_pretrained_cfg(source.name)


def _build_timm(
    source: Source, num_classes: int, image_size: tuple[int, int], options: dict[str, Any]
) -> nn.Module:
    if _timm_config(source).fixed_input_size:
        options["img_size"] = tuple(image_size)
    return _timm().create_model(source.name, num_classes=num_classes, **options)


def _preset_timm(source: Source) -> Preset:
    config = _timm().data.resolve_data_config(pretrained_cfg=_timm_config(source).to_dict())
    _, height, width = config["input_size"]
    return Preset((height, width), tuple(config["mean"]), tuple(config["std"]))


def _load_timm(source: Source) -> Loaded:
    config, how = _timm_config(source), _preset_timm(source)
    architecture = source.name.partition(".")[0]
    untrained = f"timm:{architecture}@{FRESH}"
    if source.weights == FRESH:
        with fresh_weights():
            model = build(source.arch, num_classes=IMAGENET_CLASSES, image_size=how.image_size)
        return Loaded(model, f"{source.arch}@{FRESH}", how, class_names(IMAGENET_CLASSES))
    if not config.has_weights:
        raise CheckpointError(
            f"timm has no weights for {architecture}; take {untrained} (untrained), or another."
        )
    text = f"timm:{architecture}.{config.tag}"
    if not config.num_classes:
        raise CheckpointError(f"{text} gives features, no classes; choose weights of a classifier.")
    if config.hf_hub_id:
        path = _hugging_face_file(config, text, untrained)
    else:
        path = _hub_file(config.url, text, untrained)
    # A file named in this way is read with weights_only. Formats of their own are those at the url, not on the hub.
    own_format = config.custom_load and not config.hf_hub_id
    options = {"pretrained": True, "pretrained_cfg_overlay": {"file": str(path), "custom_load": own_format}}
    with fresh_weights():
        try:
            model = _built(source, config.num_classes, how.image_size, **options)
        except RgavizError as error:
            raise _damaged(path, text, error.__cause__ or error) from error
    _described(model, source, config.num_classes, how.image_size)
    return Loaded(model, text, how, class_names(config.num_classes))


def _hugging_face_file(config: Any, text: str, instead: str) -> Path:
    """Where huggingface_hub keeps timm's file; now it does."""
    import huggingface_hub as hub

    repository, _, revision = config.hf_hub_id.partition("@")
    where: dict[str, Any] = {"repo_id": repository, "revision": revision or None}
    names = [config.hf_hub_filename] if config.hf_hub_filename else ["model.safetensors", "pytorch_model.bin"]
    for name in names:
        found = hub.try_to_load_from_cache(filename=name, **where)
        if isinstance(found, str):
            return Path(found)
    cache = Path(hub.constants.HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"
    failure: Exception = FileNotFoundError("no such file")
    try:
        if hub.constants.HF_HUB_OFFLINE:
            raise OSError("HF_HUB_OFFLINE is set")
        _reach(hub.constants.ENDPOINT)
        for name in names:
            try:
                return Path(hub.hf_hub_download(filename=name, **where))
            except hub.errors.EntryNotFoundError as error:
                failure = error
        raise failure
    except Exception as error:
        raise CheckpointError(
            f"{text}: its weights are not in {cache} and cannot be downloaded ({_reason(error)}). "
            f"Download {repository} where there is a network and copy that folder here, or take {instead} (untrained)."
        ) from error


def _reach(url: str) -> None:
    """Fail at once where there is no network: huggingface_hub retries for most of a minute."""
    try:
        urllib.request.urlopen(url, timeout=PATIENCE).close()
    except urllib.error.HTTPError:
        return  # an answer
    except urllib.error.URLError as error:
        if not isinstance(
            error.reason, ssl.SSLError
        ):  # an answer, too; huggingface_hub brings its own certificates
            raise


BUILDERS = {"torchvision": _build_torchvision, "timm": _build_timm}
PRESETS = {"torchvision": _preset_torchvision, "timm": _preset_timm}
LOADERS = {"torchvision": _load_torchvision, "timm": _load_timm}


@contextmanager
def fresh_weights() -> Iterator[None]:
    """Random weights drawn inside the block are always the same, and the global random state is not touched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def undrawn(arch: Any) -> AbstractContextManager[None]:
    """Where a network is built whose weights come from a file: the global random state is not touched.

    Ours have shapes only then; those of the libraries may compute with values while they are built.
    """
    return fresh_weights() if is_foreign(arch) else shapes_only()


@contextmanager
def _impatient() -> Iterator[None]:
    """A firewall may drop what is sent; then do not wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _damaged(path: Path, text: str, error: BaseException) -> CheckpointError:
    return CheckpointError(
        f"{path} does not hold the weights of {text} ({one_line(error)}). Remove it, to have it downloaded again."
    )


def _reason(error: BaseException) -> str:
    """``Name or service not known`` rather than ``<urlopen error [Errno -2] ...>``."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or one_line(reason)
