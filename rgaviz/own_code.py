"""The user's own code: what ``net.py:make`` or ``package.module:make`` stands for.

It runs that code, so only what the user named may come here, never what stands in a checkpoint.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from rgaviz.errors import RgavizError, clipped, one_line, quoted, unknown_name

HERE, STANDARD = Path(__file__).parent, Path(traceback.__file__).parent
_named: dict[str, None] = {}  # what the user named in this process, in order
LIBRARIES = ("torchvision", "timm")  # what they name has a colon, too


class InMemory(str):
    """A word for what a caller in Python hands over: a function or class that makes a network, or a network.

    Attributes:
        object: what it stands for.
    """

    object: Any

    def __new__(cls, given: Any) -> InMemory:
        named = given if hasattr(given, "__name__") else type(given)
        name = named.__name__ if named.__name__.isidentifier() else "function"  # of a lambda
        word = super().__new__(cls, f"{named.__module__}:{name}")
        word.object = given
        return word


def is_own_code(word: object) -> bool:
    """Whether a word names something of the user's own code: ``FILE.py:NAME`` or ``package.module:NAME``."""
    if not isinstance(word, str):
        return False
    module, colon, name = word.rpartition(":")
    if not colon or not name.isidentifier() or module.partition(":")[0] in LIBRARIES:
        return False
    return module.endswith(".py") or all(part.isidentifier() for part in module.split("."))


def own_name(word: str) -> str:
    """``FILE.py:NAME`` -> ``NAME``: what a file or a row of a table is called after it."""
    return word.rpartition(":")[2] if is_own_code(word) else word


def own_word(word: str) -> str:
    """``/a/long/way/to/FILE.py:NAME`` -> ``FILE.py:NAME``, for messages."""
    return clipped(word.rpartition("/")[2])


def name_own_code(*words: str | None) -> None:
    """Note what the user names of their own code: files that say it, too, may then run it in this process."""
    _named.update({word: None for word in words if word is not None and is_own_code(word)})


def named_code(word: str) -> str | None:
    """What the user named that a file may mean by a word: the same, else the only one with that name."""
    if word in _named:
        return word
    alike = [each for each in _named if own_name(each) == own_name(word)]
    return alike[0] if len(alike) == 1 else None


def own_object(word: str) -> Any:
    """What a word of the user's names in their own code, which is imported once and kept.

    Args:
        word: ``FILE.py:NAME``, the file as it is seen from the current folder; modules beside it can be imported by
            it. Or ``package.module:NAME``, from the current folder or installed. Or what is in memory.

    Raises:
        RgavizError: no such file, module or name, or the code fails; the message names the line.
    """
    if isinstance(word, InMemory):
        return word.object
    module, _, name = word.rpartition(":")
    loaded = _from_file(Path(module), word) if module.endswith(".py") else _from_package(module, word)
    if not hasattr(loaded, name):
        public = [
            each for each, value in vars(loaded).items() if callable(value) and not each.startswith("_")
        ]
        raise (
            unknown_name(name, public, f"name in {module}")
            if public
            else RgavizError(f"{quoted(module)} defines no function or class; write {quoted(name)} into it.")
        )
    return getattr(loaded, name)


def _from_file(path: Path, word: str) -> ModuleType:
    """A module of one file, under a name that no installed one can have."""
    if not path.is_file():
        raise RgavizError(
            f"{clipped(word)}: there is no file {path}. Name one of yours: net.py:make_network."
        )
    real = path.resolve()
    known = f"rgaviz own code {real}"
    if known in sys.modules:
        return sys.modules[known]
    spec = importlib.util.spec_from_file_location(known, real)
    if spec is None or spec.loader is None:
        raise RgavizError(
            f"{clipped(word)}: {path} is no Python file. Name one of yours: net.py:make_network."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[known] = module  # before it runs: dataclasses and pickles look there
    try:
        with _importing(real.parent), _own_faults(word, str(real)):
            spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[known]
        raise
    return module


def _from_package(name: str, word: str) -> ModuleType:
    with _importing(Path.cwd()), _own_faults(word, name):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise RgavizError(
                    f"{clipped(word)}: there is no module {error.name} here or installed. Name a file, "
                    "net.py:make_network, or go to the folder that holds the package."
                ) from error
            raise


@contextlib.contextmanager
def _importing(folder: Path) -> Iterator[None]:
    """What lies in ``folder`` can be imported, as when Python runs a file there."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))


@contextlib.contextmanager
def running(word: str) -> Iterator[None]:
    """The user's code runs within the block, in which it finds its neighbours, and its faults are one line."""
    module, _, _ = word.rpartition(":")
    with (
        _importing(Path(module).resolve().parent if module.endswith(".py") else Path.cwd()),
        _own_faults(word),
    ):
        yield


@contextlib.contextmanager
def _own_faults(word: str, inside: str = "") -> Iterator[None]:
    """Faults of the user's code as one line, also where it ends the program; what it prints is no answer of ours.

    Args:
        word: what the user named.
        inside: the file whose line is told; by default the last one of the traceback.
    """
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    except RgavizError:
        raise
    except (Exception, SystemExit) as error:
        raise own_fault(word, error, inside) from error


def own_fault(word: str, error: BaseException, inside: str = "") -> RgavizError:
    """The one line for an exception out of the user's own code.

    Args:
        word: what the user named.
        error: what it raised.
        inside: the file whose line is told; by default that of the user's, deepest in the traceback, and no line of
            a library's.
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename == inside]
    own = own or [frame for frame in frames if not _of_library(frame.filename)]
    place = f" ({Path(own[-1].filename).name}, line {own[-1].lineno}). Mend it there." if own else "."
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({Path(error.filename).name}, line {error.lineno}). Mend it there."
        error = SyntaxError(error.msg)
    return RgavizError(f"{own_word(word)}: {type(error).__name__}: {one_line(error)}{place}")


def _of_library(file: str) -> bool:
    """Whether a file is Python's, ours or that of an installed package."""
    path = Path(file)
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return (
        bool(installed) or file.startswith("<") or path.is_relative_to(HERE) or path.is_relative_to(STANDARD)
    )
