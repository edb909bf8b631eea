"""Results for the page of a report: two networks, four pictures, every kind of panel that has a view."""

from __future__ import annotations

import numpy as np

from rgaviz.results.manifest import Box, Line, MapRef, Panel, Picture, Point, Swatch
from rgaviz.results.writer import ResultsWriter

EVIL = "\"><img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>{{ 7*7 }}"
PIXELS = np.random.default_rng(0).integers(0, 256, (8, 6, 3), np.uint8)
MAPS = {  # picture -> first network's, second network's
    "0": ([[0.0, 0.5], [1.0, 0.25]], [[0.0, 0.5], [1.0, 0.25]]),
    "1": ([[2.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [1.0, 1.0]]),
    "2": ([[0.0, 1.0], [0.5, 0.0]], [[0.1, 0.9], [0.5, 0.3]]),
    "3": ([[0.0, 1.0], [np.nan, 0.0]], [[0.0, 1.0], [0.2, 0.3]]),
}
CONFIDENCES = {"0": (0.5, 0.6), "1": (0.9, 0.2), "2": (0.7, 0.8), "3": (0.1, 0.4)}
RIGHT = {"0": (True, True), "1": (True, False), "2": (False, False), "3": (True, True)}
SAYS = {"0": ("dog", "dog"), "1": ("dog", "cat"), "2": ("cat", "cat"), "3": ("dog", "dog")}
TITLES = ["input", "a CAM", "b CAM", "a − b", "mask", "labels", "errors", "says"]


def panels(number: str, evil: bool = False) -> list[Panel]:
    """A row."""
    text = EVIL if evil else f"picture {number}"
    refs = [MapRef(checkpoint=each, name="gradcam", group="cam") for each in "ab"]
    lines = [Line(text=text, role="right")]
    rows = [Panel(kind="picture", picture=number, lines=lines)]
    for place, ref in enumerate(refs):
        values = {
            "confidence": CONFIDENCES[number][place],
            "correct": RIGHT[number][place],
            "label": SAYS[number][place],
        }
        marks = [Point(x=0.5, y=0.25)]
        boxes = [Box(left=0.1, top=0.2, right=0.5, bottom=0.9)]
        drawn = {"marks": marks, "boxes": boxes, "outlines": [[*marks, Point(x=1, y=1), Point(x=0, y=1)]]}
        rows.append(Panel(kind="map", picture=number, map=ref, values=values, lines=lines, **drawn))
    rows.append(Panel(kind="difference", picture=number, map=refs[0], minus=refs[1]))
    bars = MapRef(checkpoint="b", name="conv5/channel", group="mask")
    rows.append(Panel(kind="bars", picture=number, map=bars))
    for kind in ("labels", "errors"):
        ref = MapRef(checkpoint="b", name=kind, group="labels")
        rows.append(Panel(kind=kind, picture=number, map=ref))
    return [*rows, Panel(kind="text", lines=lines)]


def write_gallery(folder, evil=False, pictures=tuple(MAPS), names=None):
    """The results of ``rgaviz compare`` in a folder; ``evil``: every word of them is hostile."""
    head = {
        "command": "compare",
        "command_line": EVIL if evil else "rgaviz compare a.pt b.pt",
        "titles": [EVIL] * len(TITLES) if evil else TITLES,
        "target": EVIL if evil else None,
        "checkpoints": [{"id": "a", "arch": EVIL if evil else "resnet20"}, {"id": "b", "notes": [EVIL]}],
        "classes": [Swatch(name=EVIL if evil else "road", colour=[10, 20, 30])],
        "texts": {"loss": EVIL},
    }
    labels = np.zeros((8, 6), np.uint8)
    with ResultsWriter(folder, head) as writer:
        for number in pictures:
            path = EVIL.replace("/", "_") if evil else (names or {}).get(number, f"{number}.png")
            first, second = (np.array(each, np.float32) for each in MAPS[number])
            maps = {"a/gradcam": first, "b/gradcam": second, "b/labels": labels, "b/errors": labels}
            maps["b/conv5/channel"] = np.array([0.1, 0.9, 0.5], np.float32)
            writer.picture(Picture(id=number, path=path, size=[8, 6]), PIXELS, maps)
            writer.row(panels(number, evil))
        writer.table("numbers", [["name", EVIL if evil else "value"], [EVIL if evil else "x", 1.0 / 3]])
    return folder


def write_located(folder):
    """Of the same pictures a table of where maps lie."""
    with ResultsWriter(folder, {"command": "of-tomorrow"}) as writer:
        rows = [[f"{number}.png", "a", "gradcam", "object", 0.1 * int(number)] for number in MAPS]
        writer.table("pictures", [["picture", "network", "map", "part", "energy"], *rows])
    return folder
