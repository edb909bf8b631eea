"""Files of weights: from the caches of torch and huggingface_hub, else downloaded into them."""

from __future__ import annotations

import os
import re
import socket
import ssl
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import torch

from rgaviz.errors import CheckpointError, clipped, one_line

PATIENCE = 10  # seconds without an answer after which there is no network


def hub_file(url: str, text: str, instead: str) -> Path:
    """Where torch keeps a file that it has downloaded; now it has.

    Args:
        url: of the file.
        text: names the weights, for messages.
        instead: what to take where there is no network.

    Raises:
        CheckpointError: the file is not there and cannot be downloaded.
    """
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
            f"Fetch {url} elsewhere and put it there, or take {instead}."
        ) from error
    return path


def hugging_face_file(config: Any, text: str, instead: str) -> Path:
    """Where huggingface_hub keeps timm's file; now it does. Arguments and faults as of :func:`hub_file`.

    Args:
        config: timm's, of the weights.
        text: names the weights, for messages.
        instead: what to take where there is no network.
    """
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
            f"Download {repository} elsewhere and copy that folder here, or take {instead}."
        ) from error


def damaged(path: Path, text: str, error: BaseException) -> CheckpointError:
    """The error for a file in a cache that does not hold what it should."""
    return CheckpointError(
        f"{path} does not hold the weights of {text} ({clipped(error, 60)}). Remove it, to have it downloaded again."
    )


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


@contextmanager
def _impatient() -> Iterator[None]:
    """A firewall may drop what is sent; then do not wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: BaseException) -> str:
    """``Name or service not known`` rather than ``<urlopen error [Errno -2] ...>``."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or one_line(reason)
