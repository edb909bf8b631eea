"""Small results folders, each with a seeded change that no rgaviz makes."""

from __future__ import annotations

import json
import os
import zipfile

from compared import COLUMNS, ERRORS, LABELS, make
from PIL import Image
from stored import edit

from rgaviz.figures.confusion import CORNER
from rgaviz.results.writer import ResultsWriter

TABLES = {
    "evaluate": {"net": [[CORNER, "cat", "dog"], ["cat", 3, 1], ["dog", 0, 4]]},
    "profile": {"cost": [["label", "cost", "value", "spread"], ["se", 1.5, 7.25, 0.5]]},
    "growth": {
        "growth": [
            ["attention", "x", "latency_ms", "latency_q1_ms", "latency_q3_ms", "memory_mib"],
            ["se", 64, 1.5, 1.25, 1.75, ""],
            ["se", 256, 3.5, 3.25, 3.75, 2.0],
        ],
        "exponents": [["attention", "latency_ms", "memory_mib"], ["se", 0.75, ""]],
    },
    "localize": {
        "summary": [
            ["network", "group", "map", "part", "measure", "mean", "low", "high"],
            ["rga", "cam", "gradcam", "head", "energy", 0.5, 0.25, 0.75],
            ["", "floor", "ones", "head", "energy", 0.125, "", ""],
        ],
        "curves": [
            ["network", "group", "map", "part", "threshold", "iou", "maxboxacc50"],
            ["rga", "cam", "gradcam", "head", 0.0, 0.5, ""],
            ["", "floor", "ones", "head", 0.5, 0.125, 1.0],
        ],
    },
    "faithfulness": {
        "curves": [
            ["network", "group", "map", "curve", "fraction", "mean", "low", "high"],
            ["rga", "cam", "gradcam", "deletion", 0.0, 0.75, 0.5, 1.0],
            ["rga", "cam", "gradcam", "road", 0.5, -0.25, "", ""],
            ["rga", "floor", "random", "deletion", 0.0, 0.75, 0.5, 1.0],
        ]
    },
    "sanity": {
        "ways": [["way", "title"], ["ones", "all ones"]],
        "ablations": [
            ["network", "mask", "way", "measure", "change", "low", "high"],
            ["rga", "conv5/spatial", "ones", "error", 2.5, 1.25, 3.75],
            ["rga", "conv5", "ones", "error", -0.5, "", ""],
        ],
    },
    "sanity-weights": {
        "likeness": [
            ["network", "map", "order", "step", "part", "measure", "mean", "low", "high"],
            ["rga", "gradcam", "cascade", 1, "fc", "spearman", 0.5, 0.25, 0.75],
            ["rga", "gradcam", "others", 0, "", "spearman", 0.125, "", ""],
        ]
    },
    "statistics": {
        "channels": [
            ["network", "mask", "channel", "mean", "deviation", "dead", "saturated", "share", "f", "cat"],
            ["rga", "conv5/channel", 0, 0.5, 0.25, 0.0, 0.0, 0.5, 2.0, 0.75],
        ],
        "summary": [
            ["network", "mask", "class", "entropy", "dead", "saturated", "share", "chance"],
            ["rga", "conv5/channel", "all", 0.5, 0.25, 0.125, 0.5, 0.25],
        ],
    },
    "train": {"curves": [["network", "epoch", "train_loss", "test_loss"], ["rga", 1, 2.5, 2.25]]},
}
COMMANDS = ("compare", "masks", "cam", "histogram", "rank", "relations", "channel-relations", *TABLES)
ODD = [
    None, True, -1, 0, 2**70, 1e308, -0.0, "", "x", "\x1b[31m\n", "\ud83d\ude00", "../../evil", "/etc/hosts",
    "$\\frac", "x" * 5000, [], ["x"], [[[[]]]], {}, {"x": 1}, "nan", "a/b", ".", "{}", "%s", "\\", "a\u202eb",
    [None] * 2000,
]  # fmt: skip
CELLS = [
    "",
    "x",
    "nan",
    "inf",
    "-1",
    "1e23",
    "1e308",
    "9" * 5000,
    "\x1b[0m",
    "$\\frac",
    "\ud83d\ude00",
    '"',
    "x" * 10**6,
]


def results(folder, command):
    """A small folder of a command."""
    if command not in TABLES:
        make(folder, [*COLUMNS, LABELS, ERRORS], [(8, 12), (12, 8)])
        edit(
            folder,
            command=command,
            figure={"formats": ["png"], "dpi": 50, "scale": {"cam": "model", "mask": "shared"}},
        )
        return
    head = {"command": command, "texts": {"loss": "loss"}, "figure": {"formats": ["png"], "dpi": 50}}
    with ResultsWriter(folder, head) as writer:
        for name, rows in TABLES[command].items():
            writer.table(name, rows)


def spots(value, path=()):
    """Every place in a document."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in items:
        yield from spots(each, (*path, key))


def odd_value(folder, draw):
    """Another value, or none, or one more, somewhere in the manifest."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    places = list(spots(document))
    for _ in range(draw.integers(1, 4)):
        inner, spot = document, places[draw.integers(len(places))]
        try:
            for key in spot[:-1]:
                inner = inner[key]
            how = draw.integers(5)
            if how == 0:
                del inner[spot[-1]]
            elif how == 1:
                inner[spot[-1]] = [inner[spot[-1]]] * int(draw.choice([0, 2, 2000]))
            elif how == 2 and isinstance(inner, dict):
                inner[str(ODD[draw.integers(len(ODD))])] = inner[spot[-1]]
            else:
                inner[spot[-1]] = ODD[draw.integers(len(ODD))]
        except (KeyError, IndexError, TypeError):  # an earlier change has taken the place away
            continue
    path.write_text(json.dumps(document))


def odd_text(folder, draw):
    """A manifest that is no document, or of more than there can be."""
    texts = (
        b"",
        b"[" * 10**6,
        b"null",
        b"\xff\xfe",
        b"{" + b'"x":' * 10**5,
        b"[" + b"{}," * 12_000_000 + b"{}]",
    )
    deep = b'{"schema": 2, "command": "masks", "titles": ' + b"[" * 900 + b"]" * 900 + b"}"
    wide = b'{"schema": 2, "command": "masks", "files": [' + b"3," * 2_000_000 + b"3]}"
    digits = b'{"schema": ' + b"9" * 5000 + b"}"
    every = (*texts, deep, wide, digits)
    (folder / "manifest.json").write_bytes(every[draw.integers(len(every))])


def flipped(folder, draw):
    """A few bytes of a file changed, cut or doubled."""
    path = chosen(folder, draw)
    content = bytearray(path.read_bytes())
    for _ in range(draw.integers(1, 6)):
        content[draw.integers(len(content))] ^= 1 << int(draw.integers(8))
    how, place = draw.integers(4), draw.integers(len(content))
    path.write_bytes(content[:place] if how == 0 else content * 2 if how == 1 else content)


def irregular(folder, draw):
    """A link, pipe, device, folder, or nothing, or gigabytes in the place of a file or its folder."""
    path = chosen(folder, draw)
    if path.parent != folder and draw.integers(3) == 0:
        path = path.parent
    outside = folder.parent / "outside"
    how = draw.integers(7)
    if how == 0:
        with (path / "x" if path.is_dir() else path).open("ab") as file:
            file.truncate(2**38)
        return
    path.rename(outside / "moved")
    if how == 1:
        os.mkfifo(path)
    elif how == 2:
        path.symlink_to("/dev/zero")
    elif how == 3:
        path.mkdir()
    elif how == 4:
        path.symlink_to(path)
    elif how == 5:
        path.symlink_to(outside / "moved")


def link_to_write(folder, draw):
    """A link where the figure goes."""
    names = (
        "overlays",
        "masks.png",
        "cam.png",
        "compare.png",
        "histogram.csv",
        "net-confusion.csv",
        "net-confusion.png",
    )
    target = folder.parent / "outside" / str(draw.choice(["", "theirs.txt", "new"]))
    (folder / str(draw.choice(names))).symlink_to(target)


def odd_picture(folder, draw):
    """Another format, size or mode; a bomb."""
    path = next(iter((folder / "pictures").glob("*.png")), folder / "x.png")
    kinds = ("EPS", "JPEG", "GIF", "TIFF", "PNG")
    mode, size = (
        str(draw.choice(["RGB", "L", "1"])),
        [(12, 8), (8, 12), (1, 1), (20_000, 9_000)][draw.integers(4)],
    )
    form = kinds[draw.integers(5)] if size[0] < 100 else "PNG"
    mode = "1" if size[0] > 100 else "L" if form == "EPS" else mode  # which has no pictures of bits
    Image.new(mode, size).save(path, format=form)


def odd_map(folder, draw):
    """An array that no map is, stored or packed."""
    path = folder / "maps.npz"
    if not path.exists():
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = str(draw.choice(list(members)))
    head = b"{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
    shape = [
        b"(2, 2)",
        b"(0, 2)",
        b"(1000000, 1000000)",
        b"(2,)",
        b"()",
        b"(-1, 2)",
        b"(2.0, 2)",
        b"(" * 200,
    ][draw.integers(8)]
    head %= (
        [b"<f4", b">f8", b"|O", b"<U9", b"<c8", b"|b1", b"<M8[D]", b"f4,f4", b"x"][draw.integers(9)],
        shape,
    )
    body = [bytes(16), b"\xff" * 32, bytes(5), bytes(200_000_000)][draw.integers(4)]
    members[name] = b"\x93NUMPY\1\0" + len(head).to_bytes(2, "little") + head + body
    kind = (
        [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2][draw.integers(3)]
        if len(body) < 99
        else zipfile.ZIP_DEFLATED
    )
    with zipfile.ZipFile(path, "w", kind) as archive:
        for each, content in members.items():
            archive.writestr(each, content)


def odd_table(folder, draw):
    """Cells, rows or columns that no table has."""
    path = next(iter((folder / "tables").glob("*.csv")), folder / "x.csv")
    rows = [line.split(",") for line in path.read_text().splitlines()] if path.exists() else [["a"]]
    y = draw.integers(len(rows))
    rows[y][draw.integers(len(rows[y]))] = CELLS[draw.integers(len(CELLS))]
    if draw.integers(3) == 0 and len("".join(rows[-1])) < 100:
        rows += [rows[-1]] * int(draw.choice([1, 300, 100_000]))
    if draw.integers(6) == 0 and len(rows) < 1000:
        rows = [row * 300 for row in rows]
    path.write_text("\n".join(map(",".join, rows)), errors="replace")


def many(folder, draw):
    """Rows, titles and lines by the thousand."""
    path = folder / "manifest.json"
    document = json.loads(path.read_text())
    how, flag = draw.integers(3), {"text": "w" * int(draw.choice([1, 500])), "role": "flag"}
    if how == 0 and document["rows"]:
        document["rows"][0][0]["lines"] = [flag] * 3000
    elif how == 1 and document["rows"]:
        document["titles"] = (document["titles"] * 300)[:300]
        document["rows"] = [(row * 300)[:300] for row in document["rows"]]
    else:
        document["rows"] *= 1500
    document["figure"]["dpi"] = int(draw.choice([50, 600]))
    path.write_text(json.dumps(document))


CHANGES = (
    odd_value,
    odd_value,
    odd_value,
    odd_text,
    flipped,
    irregular,
    link_to_write,
    odd_picture,
    odd_map,
    odd_table,
    many,
)


def chosen(folder, draw):
    """One of the files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return files[draw.integers(len(files))]
