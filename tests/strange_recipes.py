"""Seeded command lines of ``rgaviz train`` and ``rgaviz sweep`` with odd settings, and recipes that nobody writes."""

from __future__ import annotations

import os
import random
from pathlib import Path

from rgaviz.training.config import DataConfig, ModelConfig, TrainConfig, recipe_text

SMALL = ["data.train_size=16", "data.test_size=10", "train.batch_size=8", "train.precision=fp32"]
OF_NETWORKS = (
    "width",
    "s1",
    "s2",
    "last_stride",
    "stem",
    "head",
    "attention_layers",
    "growth",
    "memory_efficient",
)
KEYS = [
    *(
        f"{table.title}.{name}"
        for table in (ModelConfig, DataConfig, TrainConfig)
        for name in table.model_fields
    ),
    *(f"model.{name}" for name in OF_NETWORKS),
]
ODD_KEYS = [
    "", ".", "train", "train.", ".lr", "trian.lr", "train.lr.x", "model.options", "train.__class__",
    "train.self",
    "model.num_classes", "model.image_size", "train.\x1b[31m", "train.a\nb", "a\nb.lr",
    "model." + "x" * 5000, "x" * 5000 + ".lr",
    "train.l\udce9r", "model.\ud800", "[train].lr", "train . lr", "data.train_size ", "model.тренировка",
    "a.b.c.d",
    "train.\u202elr", "model.model_config", "model.model_extra", "train.lr[0]", "=", "model.\0",
]  # fmt: skip
DIGITS = [
    str(sign * 10**power + more) for power in (1, 5, 9, 12, 19, 30) for sign in (1, -1) for more in (0, -1)
]
NUMBERS = [
    *DIGITS, "0", "-0.0", "1", "2", "7", "8", "0.5", "nan", "inf", "-inf", "1e308", "1e-308", "5e-324",
    "0x7fffffffffffffff",
    "9" * 4300, "9" * 5000, "-" + "9" * 5000, "1e9999", "0." + "3" * 5000, "2147483648", "1_000",
]  # fmt: skip
OTHERS = [
    "", "true", "false", "''", '"\\u0000"', '"\\ud800"', "'a\x1b[31mb'", "\x1b[2J", "a\nb", "x\nlr = 2",
    "'\udce9'", "\ud800",
    "'[red]x[/]'", "x" * 5000, "'" + "x" * 10**6 + "'", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z",
    "{}", "{a = 1}",
    "{a = {b = {c = 1}}}", "[", "]", "[" * 2000 + "]" * 2000, "[" * 90 + "]" * 90,
    "{a=" * 500 + "1" + "}" * 500,
    "# nothing", "0 # zero", "'none'", "none", "torchvision", "torchvision:resnet18", "timm:resnet18",
    "timm:" + "x" * 5000,
    "torchvision:../../x", "resnet218", "densenet-bc100", "rga-sc", "'a.toml'", ".", "..", "/", "/dev/zero",
    "/dev/null", "pipe",
    "~", "x" * 300 + ".pt", "'\u202e'", "'\u2028'", "'$x^'", "%s", "{0}", "auto", "cuda",
]  # fmt: skip
LISTS = [
    "[]", "[[]]", "[1]", "[0, 0]", "[-1, 3]", "[16, 16]", "[4096, 4096]", "[4097, 16]", "[8, 4096]",
    "[99999, 99999]",
    "[1e3, 16]", "[true, 16]", "[nan]", "[inf, 1]", "[1, 'a']", "['none']", "['none', 'none']",
    "['rga-sc', 'x']",
    "['none', '']", "['conv5']", "['conv5', 'conv5']", "['conv9']", "['\x1b']", "['../x']",
    "[" + "1," * 20_000 + "1]",
    "[" + "'none'," * 5000 + "]", "[1, 1, 1, 1, 1, 1, 1, 1, 1, 1]", "[1e-320, 1, 1, 1, 1, 1, 1, 1, 1, 1]",
    "[" + "9" * 5000 + "]",
    "[{}]", "[[16, 16]]", "[16, 16, 16]", "['nl+rga-s', 'fc-s']", "[3, 2, 1]", "[1" + "0" * 30 + "]",
]  # fmt: skip
OPTIONS = {
    "--attention": ["", ",", "none,none", "rga-x", "\x1b[31m", "none,\ud800", "x" * 5000, "none", "a\nb",
        "none," * 3000],
    "--epochs": ["0", "-1", "1" + "0" * 12, "9" * 30, "9" * 5000, "x", "\x1b[31m", "1e3", "[/]", "²"],
    "--precision": ["fp16", "", "bf16\nx=1", "'fp32'", "\x1b", "x" * 5000, "true", "[" * 3000],
    "--seed": ["-1", "4294967295", "4294967296", "9" * 5000, "x\ny"],
    "--device": ["", "tpu", "\x1b[31m", "x" * 5000, "cpu:7", "\udce9"],
    "--data-dir": ["nowhere", "/dev/null", "a\nb", "x" * 5000, "\0", "circle", "pipe"],
    "--recipe": ["", ".toml", "shapes\n", "../shapes", "x" * 300 + ".toml", "\0.toml", "\x1b.toml",
        "/dev/zero", "circle.toml"],
}  # fmt: skip
OF_SWEEPS = {
    "--seeds": ["", ",", "-1", "0,0", "x", "9" * 5000, "4294967296", "²", "٣", "0,\x1b", "0 1"],
    "--dataset": ["", ",", "shapes,shapes", "x", "\x1b[31m", "x" * 5000, "shapes,nowhere"],
}


def setting(draw: random.Random) -> tuple[str, str]:
    """A key, seldom an odd one, and an odd value in TOML."""
    key = draw.choice(ODD_KEYS) if draw.random() < 0.1 else draw.choice(KEYS)
    return key, draw.choice(draw.choice([NUMBERS, NUMBERS, OTHERS, LISTS]))


def override(draw: random.Random) -> str:
    """A word behind ``--set``."""
    if draw.random() < 0.05:
        return draw.choice(
            ["", "=", "==", "train.lr", "lr=1", "\0", "train.lr =", "\ud800=1", "x" * 10**6, "a=b=c"]
        )
    return "=".join(setting(draw))


def written(draw: random.Random) -> bytes:
    """A recipe file: settings in tables, in odd forms, or a shipped one that is damaged."""
    how = draw.randrange(6)
    if how == 0:
        content = bytearray(recipe_text(draw.choice(["shapes", "cifar-densenet-bc100"])).encode())
        for _ in range(draw.choice([1, 3, 10])):
            content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        cut = draw.randrange(len(content))
        return bytes(draw.choice([content, content, content[:cut], content + content]))
    if how == 1:
        return draw.choice(
            [
                b"", b"\xff\xfe", b"\xef\xbb\xbf[train]", b"\0", b"[train]\n[train]\n",
                b"[train]\nlr = 1\nlr = 2\n", b"train = 3\n",
                b"[[train]]\nlr = 1\n", b"[train.lr]\nx = 1\n", b"[train]\nlr.x = 1\n", b"train.lr = 0.1\n",
                b"[train]\r\nlr = 1\r\n",
                b"['']\n'' = 1\n", b"[" * 10**6, b"[a" + b".a" * 5000 + b"]\n",
                b"a = " + b"[" * 5000 + b"]" * 5000, b"x = 1\n" * 10**5,
                b"".join(b"[t%d]\n" % number for number in range(20_000)),
                b"[model]\n" + b"".join(b"x%d = 1\n" % n for n in range(5000)),
                b"[train]\nlr = \x1b[31m\n", b"[model]\narch = '''\n" + b"x" * 10**6 + b"'''\n",
                b"# " + b"x" * 2**21,
            ]
        )  # fmt: skip
    tables: dict[str, list[str]] = {
        "train": ["epochs = 3", "warmup = 0.5"],
        "data": ["train_size = 16", "test_size = 10"],
    }
    for _ in range(draw.choice([1, 1, 2, 10])):
        key, value = setting(draw)
        table, _, name = key.partition(".")
        tables.setdefault(table, []).append(f"{name} = {value}")
    lines = [line for table, entries in tables.items() for line in (f"[{table}]", *entries)]
    return "\n".join(lines).encode(errors="surrogatepass" if how == 2 else "replace")


def irregular(path: Path, draw: random.Random) -> None:
    """No file, though it is called one."""
    how = draw.randrange(7)
    if how == 0:
        os.mkfifo(path)
    elif how < 5:
        path.symlink_to(["/dev/zero", "/dev/stdin", "nowhere", path.name][how - 1])
    elif how == 5:
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(2**38)


def asked(folder: Path, seed: int) -> list[str]:
    """The words of a command, for which odd files may have been written to the folder."""
    draw = random.Random(seed)
    words: list[str] = []
    kind = draw.choice(["set", "set", "set", "several", "file", "file", "irregular", "option", "sweep"])
    if kind in ("set", "several"):
        odd = [override(draw) for _ in range(1 if kind == "set" else draw.choice([2, 3, 20]))]
        words = [word for each in [*SMALL, *odd] for word in ("--set", each)]
    elif kind in ("file", "irregular"):
        path = folder / "mine.toml"
        if kind == "irregular":
            irregular(path, draw)
        else:
            path.write_bytes(written(draw))
        words = ["--recipe", str(path)]
    else:
        table = {**OPTIONS, **OF_SWEEPS} if kind == "sweep" else OPTIONS
        name = draw.choice(list(table))
        words = [word for each in SMALL for word in ("--set", each)] + [name, draw.choice(table[name])]
    if kind == "sweep" or draw.random() < 0.2:
        return ["sweep", "-o", "out", *_of_sweep(words)]
    data = draw.choice(["folder", "cifar10"]) if draw.random() < 0.05 else "shapes"
    return ["train", data, "-o", "out", *words]


def _of_sweep(words: list[str]) -> list[str]:
    """The options of ``train`` as ``sweep`` has them: recipes are arguments, seeds have another name."""
    pairs = list(zip(words[::2], words[1::2], strict=True))
    recipes = [value for name, value in pairs if name == "--recipe"] or ["shapes"]
    options = [
        ("--seeds" if name == "--seed" else name, value) for name, value in pairs if name != "--recipe"
    ]
    named = [word for pair in [("--dataset", "shapes"), *options] for word in pair]
    return [*named, "--", *recipes]
