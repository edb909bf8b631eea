"""Whether masks matter, and whether maps depend on what a network has learnt: to be tried before any is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from rgaviz.errors import RgavizError, words

if TYPE_CHECKING:
    from rgaviz.analysis.answer import Names
    from rgaviz.analysis.settings import Chosen, Settings
    from rgaviz.analysis.subject import Subject
    from rgaviz.data.splits import Dataset
    from rgaviz.outputs import Output

COMMAND = "sanity"
MIXED = "which are measured by different numbers; ask of those of each task in a command of its own."
EVERY = "all"  # stages, and ways to replace masks


@dataclass(frozen=True)
class Checked:
    """What came of a question.

    Attributes:
        folder: of the results.
        files: the figure, then the tables beside it.
        networks: what each measures as it was trained: a dictionary for each network and measure.
        rows: how that changes: a dictionary for each network, mask, way and measure.
        titles: measure -> what it is called.
        dataset: what was measured on.
        source: where its pictures come from.
        left_out: a line for each picture that cannot be read.
    """

    folder: Path
    files: list[Path]
    networks: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    titles: dict[str, str]
    dataset: str
    source: str
    left_out: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        files = [str(path) for path in self.files]
        kept = {key: value for key, value in vars(self).items() if key not in ("folder", "files")}
        return {"results": str(self.folder), "files": files, **kept}


def sanity(
    checkpoints: Names,
    out: Path | str | None = None,
    *,
    ways: Sequence[str] = (EVERY,),
    mask_layer: str = EVERY,
    count: int | None = None,
    dataset: str | None = None,
    data_dir: Path | str | None = None,
    pattern: str | None = None,
    **settings: Unpack[Settings],
) -> Checked:
    """Measure how networks do without their masks, as ``rgaviz sanity`` does: tables and a figure.

    Args:
        checkpoints: files, ``torchvision:NAME`` or ``timm:NAME``; those without attention are only measured as they
            are.
        out: a figure (``.pdf``, ``.png``, ``.svg``) or a folder; by default ``./rgaviz-sanity/``.
        ways: to replace masks, of ``rgaviz.explain.ablation.WAYS``, or ``all``.
        mask_layer: stages of the masks, with commas, or ``all``.
        count: so many pictures, of re-identification so many queries, drawn with a fixed seed; by default all.
        dataset: what to measure on; by default what each network was trained on.
        data_dir: where the images are.
        pattern: for ``reid-folder``, as :func:`rgaviz.analysis.evaluate.evaluate` takes it.
        settings: of :class:`rgaviz.analysis.settings.Settings`; the figure is a column wide where they do not say it.

    Raises:
        RgavizError: no data, no network with masks, networks for several tasks, or a place that cannot be written.
    """
    from rgaviz.analysis.ablated import CSV, measures_of
    from rgaviz.analysis.ablating import ablate, check_ways, parts_of
    from rgaviz.analysis.images import one_dataset
    from rgaviz.analysis.settings import chosen
    from rgaviz.analysis.subject import load_subjects, one_task, tell_notes
    from rgaviz.analysis.tables import TEX
    from rgaviz.data.sets.crops import names_of_files
    from rgaviz.devices import choose_device
    from rgaviz.explain.ablation import WAYS
    from rgaviz.figures.style import options_of
    from rgaviz.locks import alone
    from rgaviz.outputs import claim, output_place, with_suffix

    said = chosen(settings)
    asked = check_ways([each for way in ways for each in (WAYS if way == EVERY else [way])])
    checkpoints = words(checkpoints, "Checkpoints", "rga.pt")
    if not checkpoints:
        raise RgavizError("There is no network to look into; name a checkpoint, such as rga.pt.")
    if count is not None and count < 2:
        raise RgavizError(f"--count {count} is out of range: choose 2 or more.")
    names_of_files(pattern)
    options = options_of({"width": "column", **with_suffix(said.figure, out)})
    output = output_place(out, COMMAND)
    with alone(output.folder):
        networks = [Path(str(each)) for each in checkpoints]
        claim(output, options.formats, tables={"csv": CSV, "tex": TEX}, inputs=networks)
        subjects = load_subjects(checkpoints, choose_device(said.device), said.given)
        tell_notes(subjects, said.say)
        task = one_task(subjects, MIXED).measuring()
        subjects = _with_masks(subjects, mask_layer, asked)
        opened = one_dataset(subjects, dataset, data_dir, pattern, said.track, said.say)
        told: dict[str, None] = {}
        found = []
        for subject, images in zip(subjects, opened, strict=True):
            parts = parts_of(images, task, count, told.setdefault)
            found.append(ablate(subject, parts, task, asked, said.track))
        for note in told:
            said.say(note)
        damaged = [line for name in task.tested for line in opened[0].part(name).damaged.values()]
        if damaged:
            said.say(f"Note: {len(damaged)} pictures of {opened[0].name} cannot be read and are left out.")
        measures = measures_of(task, found)
        files, rows = _written(subjects, opened[0], found, measures, output, options, said)
    titles = {each.key: each.label for each in measures}
    return Checked(output.folder, files, rows[0], rows[1], titles, opened[0].name, opened[0].source, damaged)


def _with_masks(subjects: Sequence[Subject], layers: str, ways: Sequence[str]) -> list[Subject]:
    """The networks with the layers of their masks.

    Raises:
        RgavizError: none has any, or none that can be replaced in these ways.
    """
    from rgaviz.analysis.ablating import ablations_of, groups_of
    from rgaviz.analysis.subject import with_masks

    if not isinstance(layers, str) or not layers:
        raise RgavizError("--mask-layer names stages with commas, or all: write conv4,conv5, say.")
    found = [with_masks(subject, layers) for subject in subjects]
    if not any(subject.mask_layers for subject in found):
        raise RgavizError(
            "None of these networks has attention that ends in a gate, so there is no mask to replace; give one that "
            "has, such as rga.pt."
        )
    if not any(ablations_of(groups_of(each.checkpoint.model, each.mask_layers), ways) for each in found):
        raise RgavizError(
            f"--way {','.join(ways)}: these networks have no mask that this can be done to; choose mean, say."
        )
    return found


def _written(
    subjects: Sequence[Subject],
    images: Dataset,
    found: Any,
    measures: Any,
    output: Output,
    options: Any,
    said: Chosen,
) -> tuple[list[Path], tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Results, figure and tables; the files, and the rows of networks and of changes."""
    from rgaviz.analysis.ablated import ablation_rows, csv_table, network_rows, tex_table, texts_of
    from rgaviz.analysis.ablating import SEED
    from rgaviz.analysis.tables import write_figure
    from rgaviz.explain.ablation import WAYS

    networks, rows = network_rows(found, measures), ablation_rows(found, measures, said.track)
    comment = f"{told_of(networks, images.name, images.source)}; changes with 95% bootstrap intervals"
    head = {
        "command": COMMAND,
        "command_line": said.command_line,
        "seed": SEED,
        "checkpoints": [subject.record() for subject in subjects],
        "texts": dict(texts_of(measures)),
    }
    numbers = {
        "ablations": [list(rows[0]), *(list(row.values()) for row in rows)],
        "networks": [list(networks[0]), *(list(row.values()) for row in networks)],
        "ways": [["way", "title"], *([name, way.title] for name, way in WAYS.items())],
    }
    tables = {"csv": csv_table(rows), "tex": tex_table(rows, networks, measures, comment)}
    return write_figure(output, head, numbers, options, tables), (networks, rows)


def told_of(networks: Sequence[dict[str, Any]], dataset: str, source: str) -> str:
    """What was measured on, in words."""
    pictures, people = networks[0]["pictures"], networks[0]["people"]
    if people is None:
        return f"{pictures} pictures of {dataset} ({source})"
    return f"{pictures} queries of {dataset} ({source}) that show {people} people"
