"""What a file of weights may ask of this machine, counted before and after it is read.

Reading a pickle from a stranger runs no code here, but a few kilobytes can still ask for gigabytes or for a million
levels: parts that unpack or overlap, a bytearray of any length, lists of lists of the same list. Real files are far
below these bounds.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from rgaviz.errors import CheckpointError, RgavizError

LARGEST_PICKLE = 2_000_000  # operations; a ResNet-152 with its optimizer takes 40 thousand
MOST_VALUES = 2_000_000  # numbers, texts and tensors, one that is met again counted again
DEEPEST = 100  # containers within containers
PICKLES = 5  # one behind the other in a file as PyTorch wrote them before 1.6; then come values
SPARE = 2**28  # bytes that building a network may take beside its weights
SHARE = 4  # times its weights, which an initialisation works on
INTO = {
    "APPEND",
    "APPENDS",
    "SETITEM",
    "SETITEMS",
    "ADDITEMS",
    "BUILD",
}  # they fill a container that is there
# Of each operation: whether it takes all down to a mark, how many objects it takes below, and how many it gives.
TAKES = {
    each.name: (
        pickletools.markobject in each.stack_before,
        sum(kind not in (pickletools.markobject, pickletools.stackslice) for kind in each.stack_before),
        len(each.stack_after),
    )
    for each in pickletools.opcodes
}
PUTS = {"BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"}
GETS = {"BINGET", "LONG_BINGET", "GET"}
# Most operations: they give one object and take none.
PLAIN = {name for name, (marked, below, gives) in TAKES.items() if (marked, below, gives) == (False, 0, 1)}
PLAIN -= {*GETS, "MARK"}
TUPLES = {"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "EMPTY_TUPLE"}
ENCODE = "_codecs encode"  # how numpy's bytes are written, as text in Latin-1; other codecs make more of what they get
ARCHIVE = b"PK\x03\x04"  # how a file of PyTorch 1.6 and later begins
IN_MEMORY = 2**24  # bytes of a pickle that is read at once, which is half the time


class Excess(Exception):
    """More than a file of weights would ask for; the message says of what."""


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except Excess as error:
        raise CheckpointError(
            f"{path} is not a checkpoint, or it is damaged: {error}. Ask its author for weights saved with torch.save."
        ) from error


def check_file(path: Path) -> None:
    """Refuse a file whose unpacking could not end well.

    Raises:
        CheckpointError: compressed or overlapping parts, or a pickle that is too long, too deep or asks for room.
    """
    with _told(path), path.open("rb") as file:
        archive = (
            file.read(len(ARCHIVE)) == ARCHIVE
        )  # as PyTorch asks; zipfile looks for what may stand at the end
        file.seek(0)
        if archive:
            _check_archive(file, path.stat().st_size)
        else:
            for _ in range(PICKLES):
                if not _check_pickle(file):
                    break


def _check_archive(file: IO[bytes], size: int) -> None:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
        return  # PyTorch says so
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise Excess("its parts are compressed, which torch.save never does")
    if sum(member.file_size for member in members) > size:
        raise Excess("its parts overlap")
    for member in members:
        if member.filename.rpartition("/")[2] == "data.pkl":
            unread: Any = archive.open(member)
            # Steps are of a few bytes each, which an archive gives slowly.
            small = member.file_size <= IN_MEMORY
            with io.BytesIO(unread.read()) if small else io.BufferedReader(unread) as steps:
                _check_pickle(steps)


def _check_pickle(file: IO[bytes]) -> bool:
    """Follow a pickle's operations without doing them; whether another may stand behind it."""
    # The depth of each object, in a list so that a container may grow, with what it is where that is a text, a
    # function's name or a tuple; None is a mark.
    stack: list[Any] = []
    memo: dict[Any, Any] = {}
    try:
        for count, (operation, argument, _) in enumerate(pickletools.genops(file)):
            if count > LARGEST_PICKLE:
                raise Excess(f"it takes more than {LARGEST_PICKLE} steps to read")
            if operation.name in PLAIN:
                stack.append([1, argument])
            else:
                _follow(operation.name, argument, stack, memo)
            if operation.name in ("GLOBAL", "STACK_GLOBAL") and "bytearray" in str(stack[-1][1]):
                raise Excess("it asks for a bytearray, which could be of any size")
    except Excess:
        raise
    except Exception:  # a damaged pickle; PyTorch says so
        return False
    return True


def _follow(name: str, argument: Any, stack: list[Any], memo: dict[Any, Any]) -> None:
    if name in PUTS:
        memo[len(memo) if argument is None else argument] = stack[-1]
        return
    if name in GETS:
        stack.append(memo[argument])
        return
    if name == "MARK":
        stack.append(None)
        return
    marked, below, gives = TAKES[name]
    taken: list[Any] = []
    if marked:
        while (top := stack.pop()) is not None:
            taken.append(top)
    taken += [stack.pop() for _ in range(below)]
    container = taken.pop() if name in INTO else None
    depth = 1 + max((each[0] for each in taken), default=0)
    if container is not None:
        depth = container[0] = max(container[0], depth)
        stack.append(container)
    else:
        stack.extend([depth, _made(name, taken)] for _ in range(gives))
    if depth > DEEPEST:
        raise Excess(f"it is nested more than {DEEPEST} levels deep")


def _made(name: str, taken: list[Any]) -> Any:
    """What an operation gives, as far as it matters, of what it has taken, the last first."""
    if name in TUPLES:
        return tuple(taken[::-1])
    if name == "STACK_GLOBAL":
        return " ".join(str(each[1]) for each in taken[::-1])
    if name == "REDUCE" and taken[1][1] == ENCODE:
        asked = [each[1] for each in taken[0][1] or ()]
        if len(asked) != 2 or not isinstance(asked[0], str) or asked[1] != "latin1":
            raise Excess("it encodes what is no text in Latin-1, which could be of any size")
    return None


def check_document(document: Any, path: Path) -> Any:
    """What was read, if it is of a size that can be worked with; tensors without what a pickle hung on them.

    Raises:
        CheckpointError: too many values, or too deep.
    """
    with _told(path):
        values, waiting = 0, [(document, 0)]
        while waiting:
            value, depth = waiting.pop()
            values += 1
            if values > MOST_VALUES:
                raise Excess(f"it holds more than {MOST_VALUES} values")
            if depth > DEEPEST:
                raise Excess(f"it is nested more than {DEEPEST} levels deep")
            waiting += [(each, depth + 1) for each in _inside(value)]
    return document


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        for key, each in value.items():
            if isinstance(each, Tensor) and vars(each):
                value[key] = Tensor.detach(each)  # attributes may stand where its methods are looked for
        return [*value, *value.values()]
    return list(value) if isinstance(value, list | tuple | set | frozenset) else []


class Budget(TorchDispatchMode):
    """Building a network inside the block may take so many bytes.

    A header can name any network of a library, whose constructor takes memory before its weights are looked at.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.left = SPARE + SHARE * sum(each.nbytes for each in weights.values() if isinstance(each, Tensor))

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = function(*args, **(kwargs or {}))
        if isinstance(made, Tensor) and made.device.type != "meta" and not made._is_view():
            self.left -= made.nbytes
            if self.left < 0:
                raise RgavizError("its configuration asks for a network that is far larger than its weights.")
        return made
