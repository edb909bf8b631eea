"""Results of schema 1, as rgaviz wrote them first: a list of columns, and one picture per row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, FailFast, Field, TypeAdapter, ValidationError, model_validator

from rgaviz.results.manifest import (
    RIGHTNESS,
    Few,
    Fraction,
    Group,
    Key,
    Line,
    Manifest,
    Name,
    Panel,
    Size,
    Stored,
    checked,
)


class Earlier(Stored):
    """A part of such a manifest, whose unknown keys were let be, and odd values that no figure needs."""

    model_config = ConfigDict(extra="ignore")


def fitting(kind: type[Stored], values: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The values without those of these fields that cannot stand there."""
    kept = dict(values)
    for name in names:
        field: Any = kind.model_fields[name]
        key = field.alias or name
        try:
            TypeAdapter(field.annotation).validate_python(kept.get(key), strict=True)
        except ValidationError:
            kept.pop(key, None)
    return kept


class Side(Earlier):
    """A map in a column."""

    checkpoint: Key
    map: Name


class Column(Earlier):
    """A column of panels."""

    kind: Literal["picture", "map", "bars", "difference"]
    title: str
    checkpoint: Key | None = None
    map: Name | None = None
    group: Literal["cam", "mask", "difference"] | None = None
    minus: Side | None = None

    @model_validator(mode="before")
    @classmethod
    def _group_where_it_says_something(cls, values: Any) -> Any:
        drawn = isinstance(values, dict) and values.get("kind") in ("map", "bars")
        return fitting(cls, values, ["group"]) if isinstance(values, dict) and not drawn else values

    @model_validator(mode="after")
    def _whole(self) -> Self:
        needed = {"picture": (), "difference": ("checkpoint", "map", "minus")}
        lacking = [
            name
            for name in needed.get(self.kind, ("checkpoint", "map", "group"))
            if getattr(self, name) is None
        ]
        if lacking:
            raise ValueError(f"lacks {', '.join(lacking)}")
        if self.group == "difference" and self.kind in ("map", "bars"):
            raise ValueError("has a group that is none of cam, mask")
        return self


class Told(Earlier):
    """What stands under a panel."""

    label: str | None = Field(default=None, alias="prediction")
    confidence: Fraction | None = None
    correct: bool | None = None
    target: str | None = None
    warnings: Annotated[list[str], FailFast()] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _texts_alone(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        kept = fitting(cls, values, ["label", "target"])
        if isinstance(kept.get("warnings"), list):
            kept["warnings"] = [text for text in kept["warnings"] if isinstance(text, str)]
        if isinstance(kept.get("confidence"), bool):
            kept["confidence"] = float(kept["confidence"])
        return kept


class Entry(Earlier):
    """A picture with what stands under its panels, by column number."""

    id: Key
    path: Name
    size: Size
    label: str | None = None
    panels: Annotated[dict[str, Told], Few] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _label_a_text(cls, values: Any) -> Any:
        return fitting(cls, values, ["label"]) if isinstance(values, dict) else values


class Layout(Earlier):
    """The columns and the pictures."""

    columns: Annotated[list[Column], Few]
    pictures: Annotated[list[Entry], FailFast()]
    checkpoints: Annotated[list[Any], Few]


# Of a manifest, beside what is drawn.
METADATA = ("command_line", "seed", "versions", "target", "checkpoints", "figure", "files")


def upgraded(manifest: dict[str, Any]) -> dict[str, Any]:
    """A manifest of schema 1 as the content of a :class:`Manifest`.

    Raises:
        ValueError: what is needed for drawing is missing or impossible; the message says where.
    """
    layout: Layout = checked(Layout, {key: manifest[key] for key in Layout.model_fields if key in manifest})
    kept = fitting(Manifest, {key: manifest[key] for key in METADATA if key in manifest}, METADATA)
    command = manifest.get("command")
    return {
        **kept,
        "command": command if isinstance(command, str) else "compare",  # all of them drew one figure
        "titles": [column.title for column in layout.columns],
        "pictures": [entry.model_dump(exclude={"panels"}) for entry in layout.pictures],
        "rows": [
            [_panel(layout.columns, number, entry).model_dump() for number in range(len(layout.columns))]
            for entry in layout.pictures
        ],
    }


def _panel(columns: list[Column], number: int, entry: Entry) -> Panel:
    column, told = columns[number], entry.panels.get(str(number), Told())
    lines = []
    if number == 0:
        lines.append(Line(text=entry.path))
        lines += [] if entry.label is None else [Line(text=f"label: {entry.label}")]
    if told.label is not None:
        sure = "" if told.confidence is None else f" {100 * told.confidence:.0f}%"
        lines.append(Line(text=f"{told.label}{sure}", role=RIGHTNESS[told.correct]))
    if told.target not in (None, told.label):
        lines.append(Line(text=f"target: {told.target}"))
    lines += [Line(text=text, role="flag") for text in told.warnings]
    content: dict[str, Any] = {"kind": column.kind, "picture": entry.id, "lines": lines}
    content["values"] = told.model_dump(exclude={"warnings"}, exclude_defaults=True)
    if column.checkpoint is not None and column.map is not None:
        content["map"] = _ref(columns, column.checkpoint, column.map, column.group)
    if column.minus is not None:
        content["minus"] = _ref(columns, column.minus.checkpoint, column.minus.map, None)
    return Panel(**content)


def _ref(columns: list[Column], checkpoint: str, name: str, group: str | None) -> dict[str, Any]:
    """A map in its group: that of the map's own column; what is only subtracted is a class activation map."""
    own: dict[tuple[str | None, str | None], Group] = {
        (column.checkpoint, column.map): column.group  # pyright: ignore[reportAssignmentType]
        for column in columns
        if column.kind == "map"
    }
    known = group if group in ("cam", "mask") else own.get((checkpoint, name), "cam")
    return {"checkpoint": checkpoint, "name": name, "group": known}
