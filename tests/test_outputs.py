"""Which names a command may take: its own files, files the user named, strangers' and inputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rgaviz.errors import OutputError
from rgaviz.outputs import Output, begins, claim, claim_file, output_place, own_files
from rgaviz.writing import csv_bytes

TABLES = {"csv": "attention,"}


def mine(path: Path, text: str = "mine") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def ledger(folder: Path, *files: str) -> None:
    mine(folder / "manifest.json", json.dumps({"schema": 2, "files": list(files)}))


def test_places():
    assert output_place(None, "cam") == Output(Path("rgaviz-cam"), Path("rgaviz-cam/cam"))
    assert output_place(Path("out.d"), "cam") == Output(Path("out.d"), Path("out.d/cam"))
    named = output_place(Path("figs/fig.v2.PNG"), "cam")
    assert named == Output(Path("figs/fig.v2"), Path("figs/fig.v2"), named=True)
    with pytest.raises(OutputError, match=r"figures are \.pdf, \.png, \.svg, not \.jpg"):
        output_place(Path("fig.jpg"), "cam")


def test_pages_of_a_named_figure_and_of_a_folder():
    named, folder = output_place(Path("fig.pdf"), "evaluate"), output_place(Path("out"), "evaluate")
    assert [named.page(), named.page("-rga", "rga-confusion")] == [Path("fig"), Path("fig-rga")]
    assert [folder.page(), folder.page("-2")] == [Path("out/evaluate"), Path("out/evaluate-2")]
    assert folder.page("-rga", "rga-confusion") == Path("out/rga-confusion")


@pytest.mark.parametrize("name", ["cam.pdf", "cam-3.pdf", "manifest.json", "maps.npz"])
def test_in_a_folder_only_our_own_are_replaced(tmp_path, name):
    output = output_place(tmp_path, "cam")
    mine(tmp_path / name)
    for others in ("cam.txt", "cam.png", "camera-1.pdf", "cam-mine.pdf"):
        mine(tmp_path / others)
    with pytest.raises(
        OutputError, match=f"{name} is there and was not written by rgaviz: .* another folder"
    ):
        claim(output, ["pdf"])
    ledger(tmp_path, name)
    claim(output, ["pdf"])
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(OutputError, match="is there and was not written by rgaviz"):
        claim(output, ["pdf"])


def test_a_figure_that_the_user_named_is_replaced_but_no_table(tmp_path):
    output = output_place(tmp_path / "fig.pdf", "profile")
    mine(tmp_path / "fig.pdf")
    claim(output, ["pdf"], tables=TABLES)
    mine(tmp_path / "fig.csv", "my,own")
    with pytest.raises(
        OutputError, match=r"fig\.csv is there and was not written by rgaviz: .* another name"
    ):
        claim(output, ["pdf"], tables=TABLES)
    mine(tmp_path / "fig.csv", "attention,macs")
    claim(output, ["pdf"], tables=TABLES)
    mine(tmp_path / "fig/maps.npz")
    with pytest.raises(OutputError, match=r"fig/maps\.npz is there"):
        claim(output, ["pdf"], tables=TABLES)
    claim(output, tables=TABLES)  # which writes no results


def test_a_figure_beside_our_table_is_ours(tmp_path):
    output = output_place(tmp_path, "profile")
    mine(tmp_path / "profile.pdf")
    with pytest.raises(OutputError, match=r"profile\.pdf is there"):
        claim(output, ["pdf"], tables=TABLES)
    mine(tmp_path / "profile.csv", "attention,macs")
    claim(output, ["pdf"], tables=TABLES)


def test_inputs_folders_and_places(tmp_path):
    output = output_place(tmp_path / "fig.png", "cam")
    for name in ("fig.png", "fig.csv"):
        with pytest.raises(OutputError, match="is an input; the figure would replace it"):
            claim(output, ["png"], tables=TABLES, inputs=[tmp_path / "x" / ".." / name])
    claim(output, ["png"], inputs=[tmp_path / "fig.csv"])
    with pytest.raises(OutputError, match="is an input"):
        claim(output, ["png"], pages=[tmp_path / "other"], inputs=[tmp_path / "other.png"])
    (tmp_path / "fig.png").mkdir()
    with pytest.raises(OutputError, match=r"Cannot write .*fig\.png: it is a folder\. .* another name"):
        claim(output, ["png"])
    mine(tmp_path / "file")
    with pytest.raises(OutputError, match=r"Cannot write .*file/out: .*file is no writable folder"):
        claim(output_place(tmp_path / "file/out", "cam"), ["png"])


def test_a_single_file(tmp_path):
    path, ours = tmp_path / "table.md", begins("| network")
    claim_file(path, ours)
    with pytest.raises(OutputError, match="is the input"):
        claim_file(path, ours, inputs=[path])
    mine(path, "| network | x |")
    claim_file(path, ours)
    mine(path)
    with pytest.raises(OutputError, match="is there and was not written by rgaviz"):
        claim_file(path, ours)
    with pytest.raises(OutputError, match="is a folder; name a file in it"):
        claim_file(tmp_path, ours)


def test_the_ledger_of_a_stranger(tmp_path):
    for text in ("", "[1]", "{}", '{"schema": "2"}', '{"schema": true}', "[" * 100_000):
        mine(tmp_path / "manifest.json", text)
        assert own_files(tmp_path) == []
    ledger(tmp_path, "../x", "/etc/passwd", "a\\b", "", "fig.pdf", "tables/a.csv")
    assert own_files(tmp_path) == ["manifest.json", "fig.pdf", "tables/a.csv"]
    for files in (3, None, [3], {"x": 1}):
        mine(tmp_path / "manifest.json", json.dumps({"schema": 2, "files": files}))
        assert own_files(tmp_path) == ["manifest.json"]


def test_csv_keeps_digits_and_leaves_none_empty():
    assert csv_bytes([["a, b", None], [0.1 + 0.2, 3]]) == b'"a, b",\n0.30000000000000004,3\n'


def test_csv_takes_names_that_are_no_text():
    assert csv_bytes([["caf\udce9", 1]]) == rb"caf\udce9,1" + b"\n"


def test_a_name_that_no_file_can_have(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write .*: File name too long"):
        claim_file(tmp_path / ("x" * 300), lambda path: True)
