"""How good networks are at their task: what it measures, its tables and confusion matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.errors import Elsewhere, RgavizError, words
from rgaviz.progress import Say, Track, is_main_process, process_count

if TYPE_CHECKING:
    import torch

    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.settings import Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.splits import Dataset
    from rgaviz.figures.style import FigureOptions
    from rgaviz.tasks import Evaluation, Task

COUNTS, CURVE, SHARES = (
    "confusion",
    "cmc",
    "class_iou",
)  # the tables that are drawn, each in a figure of its own
FIGURES = {
    COUNTS: "evaluate",
    CURVE: "cmc",
    SHARES: "iou",
}  # table -> what decides the figure, see rgaviz.figures.draw
OF_ALL = (CURVE, SHARES)  # whose first page is of all networks
MIXED = "which are measured by different numbers; measure those of each task in a command of its own."


@dataclass(frozen=True)
class Measured:
    """What came of measuring a network.

    Attributes:
        network: its name in the figure.
        checkpoint: its file, or what it is called in its library.
        dataset: the name of the data set.
        source: where the images came from, in words.
        images: how many there are.
        evaluation: the figures and tables of the network's task.
        task: what the network is for.
        files: its figure, and the table beside it.
        left_out: a line for each image that cannot be read, without which all was measured.
    """

    network: str
    checkpoint: str
    dataset: str
    source: str
    images: int
    evaluation: Evaluation
    task: Task
    files: list[Path] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """The headline in words, e.g. ``error 12.34%``, with the part that was measured where it is not ``test``."""
        first = self.task.measures[0]
        part = "" if self.part == "test" else f"{self.part} "
        return f"{part}{first.title} {first.text(self.evaluation.figures[first.key])}"

    @property
    def part(self) -> str:
        """What the images are called: a part of the data set."""
        from rgaviz.tasks.task import measured_part

        return measured_part(self.task)

    def cells(self) -> dict[str, dict[str, str]]:
        """What people are told, table -> row -> text: under "" the measures, then every table of one column."""
        figures, tables = self.evaluation.figures, self.evaluation.tables
        told = {measure.label: measure.number(figures[measure.key]) for measure in self.task.measures}
        columns = {name: column for name, table in tables.items() if (column := table.told())}
        less = f", {len(self.left_out)} left out" if self.left_out else ""
        return {
            "": {f"{self.part} images": f"{self.images} ({self.dataset}, {self.source}{less})", **told},
            **columns,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        figures, tables = self.evaluation.figures, self.evaluation.tables
        return {
            "network": self.network,
            "checkpoint": self.checkpoint,
            "dataset": self.dataset,
            "source": self.source,
            "part": self.part,
            "images": self.images,
            "left_out": self.left_out,
            **{f"test_{key}": value for key, value in figures.items()},
            **{name: table.plain() for name, table in tables.items()},
            "files": [str(path) for path in self.files],
        }


def evaluate(
    checkpoints: Names,
    out: Path | str | None = None,
    *,
    dataset: str | None = None,
    data_dir: Path | str | None = None,
    choices: Mapping[str, Any] | None = None,
    pattern: str | None = None,
    **settings: Unpack[Settings],
) -> list[Measured]:
    """Measure networks on their test images, as ``rgaviz evaluate`` does.

    Of classifiers each one's confusion matrix is drawn, of re-identification networks the curves of matches in one
    figure, of segmentation networks the IoU of every class in one and each one's confusion; of others nothing is
    written.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-evaluate/``.
        dataset: what to measure on; by default what each network was trained on.
        data_dir: where the images are.
        choices: how the networks' task measures, where not as usual: fields of :class:`rgaviz.tasks.matching.Matching`
            or :class:`rgaviz.tasks.whole.Covering`.
        pattern: for ``reid-folder``, a regular expression with groups ``id`` and ``camera`` for the names of files.
        settings: of :class:`rgaviz.analysis.settings.Settings`; the figure is a column wide where they do not say it.

    Returns:
        An answer for each network.

    Raises:
        RgavizError: no data, data of another task or of other classes, networks for several tasks, or a place that
            cannot be written.
    """
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, one_task, tell_notes
    from rgaviz.data.sets import load_dataset
    from rgaviz.data.sets.crops import names_of_files
    from rgaviz.devices import choose_device
    from rgaviz.figures.draw import claim_figure, draw
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import output_place, with_suffix
    from rgaviz.tasks import TASKS
    from rgaviz.tasks.choices import check_choices

    said = chosen(settings)
    checkpoints = words(checkpoints, "Checkpoints", "rga.pt")
    if not checkpoints:
        raise RgavizError("There is no network to measure; name a checkpoint, such as rga.pt.")
    names_of_files(pattern)
    check_choices(TASKS.values(), choices or {})
    options = options_of({"width": "column", **with_suffix(said.figure, out)})
    output = output_place(out, "evaluate")
    with alone(output.folder):
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        one_task(subjects, MIXED)
        # Their outputs may differ.
        task, *_ = [each.checkpoint.task.measuring(**(choices or {})) for each in subjects]
        networks = [subject.id for subject in subjects]
        if task.drawn:  # before an hour of work
            claim_figure(FIGURES[task.drawn], output, options, networks)
        place = None if data_dir is None else Path(data_dir)
        load, tell = lru_cache(maxsize=1)(load_dataset), cache(said.say)  # what networks share, once
        measured = [measure(each, task, dataset, place, pattern, load, said.track, tell) for each in subjects]
        if not is_main_process():
            raise Elsewhere(
                "This process has measured its share of the images; the answer is that of process 0."
            )
        if task.drawn not in measured[0].evaluation.tables:
            said.say(f"Note: there is no figure of how networks for {task.name} are measured.")
            return measured
        write_results(output.folder, subjects, measured, task.drawn, options, said.command_line)
        drawing = draw(output.folder, output, options)
        for note in drawing.notes:
            said.say(f"Note: {note}")
        pages = drawing.pages
        common, own = (pages[0], pages[1:]) if task.drawn in OF_ALL else ([], pages)
        files = own or [[] for _ in measured]
        return [replace(each, files=[*common, *page]) for each, page in zip(measured, files, strict=True)]


def _shared(device: torch.device) -> dict[str, Any]:
    """What :class:`rgaviz.tasks.How` is told of several processes, which torchrun has started, if it has."""
    if process_count() == 1:
        return {}
    from rgaviz.training.processes import Processes

    processes = Processes(device)
    return {"rank": processes.rank, "processes": processes.count, "sum": processes.sum}


def write_results(
    folder: Path,
    subjects: Sequence[Subject],
    measured: Sequence[Measured],
    drawn: str,
    options: FigureOptions,
    command_line: str,
) -> None:
    """A results folder with all tables of each network: the one that is drawn under its name, others behind it."""
    from rgaviz.analysis.request import versions
    from rgaviz.figures.draw import record_options
    from rgaviz.results.writer import ResultsWriter

    head = {
        "command": FIGURES[drawn],
        "command_line": command_line,
        "versions": versions(),
        "checkpoints": [
            {
                **subject.record(),
                "images": each.images,
                "left_out": each.left_out,
                "measured": {"part": each.part, **each.evaluation.figures},
            }
            for subject, each in zip(subjects, measured, strict=True)
        ],
        "figure": record_options(options),
        "texts": {each.network: f"{each.network}: {each.summary}" for each in measured},
    }
    with ResultsWriter(folder, head) as writer:
        for each in measured:
            writer.table(each.network, each.evaluation.tables[drawn].lines())
        for each in measured if drawn in OF_ALL else ():
            for name in (name for name in each.evaluation.tables if name != drawn):
                own = f"{each.network}-{name}"
                while own in writer.tables:  # a network may be called like that
                    own += "'"
                writer.table(own, each.evaluation.tables[name].lines())


def measure(
    subject: Subject,
    task: Task,
    dataset: str | None,
    data_dir: Path | None,
    pattern: str | None,
    load: Callable[..., Dataset],
    track: Track,
    say: Say,
) -> Measured:
    """What a task measures of one network on its test images; arguments as :func:`evaluate`, and what loads those.

    Raises:
        RgavizError: no data, or data of another task or of other classes.
    """
    from rgaviz.analysis.images import measured_images
    from rgaviz.devices import memory_told
    from rgaviz.ends import OneOutput
    from rgaviz.tasks import How

    checkpoint = subject.checkpoint
    images = measured_images(subject, dataset, data_dir, pattern, load, track)
    for note in images.notes:
        say(f"Note: {note}")
    device = next(checkpoint.model.parameters()).device
    network = (
        checkpoint.model if checkpoint.output is None else OneOutput(checkpoint.model, checkpoint.output)
    )
    how = How(
        checkpoint.classes,
        checkpoint.mean,
        checkpoint.std,
        device,
        track=track,
        title=subject.id,
        **_shared(device),
    )
    with memory_told(
        f"A picture of {images.name}", "see it by parts with --window, or measure smaller ones."
    ):
        found = task.evaluate(network, lambda part: images.part(part).to(device), how)
    parts = {part: images.part(part) for part in task.tested}
    left_out = [line for split in parts.values() for line in split.damaged.values()]
    for part, split in parts.items():
        if split.damaged:
            every = len(split.damaged) + len(split)
            say(
                f"Note: {len(split.damaged)} of {every} pictures of {images.name}, {part}, cannot be read, and what is "
                f"measured is of the others: {next(iter(split.damaged.values()))}"
            )
    for note in found.notes:
        say(f"Note: {subject.id}: {note}")
    count, source = sum(map(len, parts.values())), images.source
    return Measured(
        subject.id, str(checkpoint.path), images.name, source, count, found, task, left_out=left_out
    )
