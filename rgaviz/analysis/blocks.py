"""Work on many pictures in blocks, each kept on the disk when it is done.

So several processes share the work without a word between them, and a command that was stopped goes on. A block's
numbers depend on its own pictures alone, and blocks are cut in the same places whoever works on them: the answer is the
same, bit by bit, for any number of processes and stops.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np

from rgaviz.errors import Elsewhere, OutputError, RgavizError
from rgaviz.progress import Say, hush, process_count, process_rank
from rgaviz.writing import atomic_write, json_bytes

BLOCK = 16  # pictures
LASTING = 64  # pictures: one process does fewer again sooner than it keeps them
QUESTION = "question.json"
PAUSE = 0.1  # seconds between looks at what other processes have done


class Block(NamedTuple):
    """What came of some pictures: arrays, and what JSON can hold."""

    arrays: dict[str, np.ndarray]
    plain: Any


# Given the places of the pictures of some blocks, makes these blocks, in that order.
Work = Callable[[Sequence[range]], Iterator[Block]]


@dataclass
class Blocks:
    """The blocks of one question; a context that removes what was kept when the answer is there.

    After an error of the user's nothing is kept either. What a stopped command leaves lies beside its output in a
    hidden folder, and the next command for the same output goes on from it or removes it.

    Attributes:
        count: how many pictures there are.
        folder: where done blocks are kept; None where they are not.
        rank: of this process.
        processes: how many share the work.
        say: is told how to go on.
    """

    count: int
    folder: Path | None = None
    rank: int = 0
    processes: int = 1
    say: Say = hush

    @property
    def places(self) -> list[range]:
        """The places of each block's pictures among all."""
        return [range(start, min(start + BLOCK, self.count)) for start in range(0, self.count, BLOCK)]

    def each(self, work: Work) -> Iterator[Block]:
        """All blocks in order, once this process has made those of its share that are not kept.

        Raises:
            Elsewhere: this is not process 0.
        """
        places = self.places
        if self.folder is None:
            yield from work(places)
            return
        own = [
            number for number in range(self.rank, len(places), self.processes) if not self._is_kept(number)
        ]
        for number, block in zip(own, work([places[number] for number in own]), strict=True):
            atomic_write(self._file(number), _packed(block))
        if self.rank:
            raise Elsewhere(
                "This process has done its share of the pictures; the answer is that of process 0."
            )
        for number in range(len(places)):
            while not self._is_kept(number):
                time.sleep(PAUSE)
            yield self._read(number)

    def kept(self) -> int:
        """How many pictures are done."""
        return sum(len(place) for number, place in enumerate(self.places) if self._is_kept(number))

    def _file(self, number: int) -> Path:
        assert self.folder is not None
        return self.folder / f"{number:06d}.npz"

    def _is_kept(self, number: int) -> bool:
        return self.folder is not None and self._file(number).is_file()

    def _read(self, number: int) -> Block:
        path = self._file(number)
        try:
            with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
                return Block(arrays, json.loads(arrays.pop(PLAIN).tobytes()))
        except Exception as error:  # of numpy, zipfile or json: a file that is not ours, or damaged
            raise RgavizError(
                f"{path} is damaged: remove it and go on with --resume, or leave out --resume to begin again."
            ) from error

    def __enter__(self) -> Blocks:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.folder is None or self.rank:
            return
        if kind is None or (isinstance(error, RgavizError) and not isinstance(error, OutputError)):
            shutil.rmtree(self.folder, ignore_errors=True)
        elif done := self.kept():
            self.say(
                f"Stopped; {done} of {self.count} pictures are done: go on by the same command with --resume."
            )


def blocks_of(
    count: int,
    output: Path,
    question: Mapping[str, Any],
    *,
    resume: bool = False,
    say: Say = hush,
) -> Blocks:
    """The blocks of a question, for all processes that :mod:`torchrun` or ``accelerate launch`` started, or this one.

    Args:
        count: how many pictures there are.
        output: the folder of the results, beside which blocks are kept.
        question: all that the numbers depend on, as JSON has it.
        resume: go on with what is kept of the same question; with nothing there, begin.
        say: is told how much is there already.

    Raises:
        RgavizError: what is kept is of another question.
        OutputError: nothing can be kept there.
    """
    rank, processes = process_rank(), process_count()
    place = _place(output)
    if processes == 1 and count <= LASTING:
        shutil.rmtree(place, ignore_errors=True)
        return Blocks(count)
    found = Blocks(count, place, rank, processes, say)
    if not rank:
        _begin(place, question, resume)
    if processes > 1:
        _wait_for_all()
    if not rank and (done := found.kept()):
        say(f"Note: {done} of {count} pictures are done already.")
    return found


def _begin(place: Path, question: Mapping[str, Any], resume: bool) -> None:
    """Make the folder, unless it is there and to be gone on with."""
    asked = json_bytes({"sha256": hashlib.sha256(json_bytes(question)).hexdigest()})
    known = place / QUESTION
    if resume and known.is_file():
        if known.read_bytes() != asked:
            raise RgavizError(
                "What is kept of an earlier command for this output is of other networks, pictures or options: leave "
                "out --resume to begin again, or choose another place with -o."
            )
        return
    shutil.rmtree(place, ignore_errors=True)
    atomic_write(known, asked)


def _place(output: Path) -> Path:
    """The hidden folder of the blocks: beside the output, or in it where nothing can be written beside it."""
    beside = output.parent
    inside = beside.exists() and not os.access(beside, os.W_OK)
    return (output if inside else beside) / f".rgaviz-{zlib.crc32(os.fsencode(output.name)):08x}.blocks"


def _wait_for_all() -> None:
    """Until all processes are here."""
    from accelerate import PartialState

    PartialState(cpu=True).wait_for_everyone()


PLAIN = "plain"


def _packed(block: Block) -> bytes:
    """As an uncompressed archive of arrays, the plain data among them."""
    file = io.BytesIO()
    plain = np.frombuffer(json.dumps(block.plain).encode(), np.uint8)
    np.savez(file, **{PLAIN: plain, **block.arrays})
    return file.getvalue()
