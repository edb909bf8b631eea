"""Many pictures in blocks: shared by processes, gone on with after a stop, and always the same answer."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pictures import files_below
from PIL import Image
from typer.testing import CliRunner

import rgaviz
from rgaviz.analysis import blocks
from rgaviz.analysis.blocks import Block, blocks_of
from rgaviz.analysis.masks import masks
from rgaviz.cli import app
from rgaviz.errors import Elsewhere, RgavizError

SMALL = {"dpi": 50, "formats": ("png",), "pages": 1}
PICTURES = 40  # three blocks


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """A folder of pictures, one of them damaged; more than a command does anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blocks, "LASTING", 16)  # the data set has 20
    monkeypatch.setattr(blocks, "PAUSE", 0.01)
    Path("photos").mkdir()
    draw = np.random.default_rng(0)
    for number in range(PICTURES):
        pixels = draw.integers(0, 256, (20, 16, 3), np.uint8)
        Image.fromarray(pixels).save(f"photos/{number:02d}.png")
    Path("photos/17.png").write_bytes(b"no picture")


def stopped(at):
    """A progress bar that is interrupted before a picture, counted from 0."""

    def track(items, **_):
        for place, item in enumerate(items):
            if place == at:
                raise KeyboardInterrupt
            yield item

    return track


def results(folder):
    """Every file, and what is left beside."""
    return files_below(Path(folder)), [path.name for path in Path().glob(".rgaviz-*")]


def test_one_that_goes_on_ends_as_one_in_one_go(photos, networks):
    whole = masks(networks["rga"], "photos", "whole", figure=SMALL)
    said = []
    with pytest.raises(KeyboardInterrupt):
        masks(networks["rga"], "photos", "again", figure=SMALL, track=stopped(38), say=said.append)
    # Threads read ahead, so the stop may come a block earlier than its picture.
    (told,) = said
    done = next(
        number for number in (16, 32) if told.startswith(f"Stopped; {number} of 40 pictures are done: ")
    )
    assert not Path("again").exists()
    seen = []

    def counted(items, **told):
        if told["description"] == "explaining":
            seen.append(told["total"])
        return items

    again = masks(
        networks["rga"], "photos", "again", figure=SMALL, track=counted, say=said.append, resume=True
    )
    assert seen == [PICTURES - done]
    assert said[1:] == [f"Note: {done} of 40 pictures are done already."]
    assert results("again") == results("whole")
    assert (again.told, again.failures) == (whole.told, whole.failures)
    assert len(again.failures) == 1


def test_two_processes_answer_as_one(photos, networks, monkeypatch):
    command = dict(methods="gradcam", diff=True, figure=SMALL)
    pair = [networks["baseline"], networks["rga"]]
    whole = rgaviz.compare(pair, "photos", "whole", **command)
    monkeypatch.setenv("WORLD_SIZE", "2")
    shares = []

    def meet():
        """Where process 0 waits for the other one, that one does its share."""
        monkeypatch.setattr(blocks, "_wait_for_all", lambda: None)
        monkeypatch.setenv("RANK", "1")
        with pytest.raises(Elsewhere):
            rgaviz.compare(pair, "photos", "shared", **command)
        shares.extend(path.name for path in Path().glob(".rgaviz-*.blocks/*.npz"))
        monkeypatch.setenv("RANK", "0")

    monkeypatch.setattr(blocks, "_wait_for_all", meet)
    shared = rgaviz.compare(pair, "photos", "shared", **command)
    assert shares == ["000001.npz"]
    assert results("shared") == results("whole")
    assert (shared.told, shared.failures) == (whole.told, whole.failures)


def localized(network, out, **more):
    return rgaviz.localize([network], ["shapes"], out, count=PICTURES, figure=SMALL, **more)


def followed(network, out, **more):
    settings = {"measures": ["deletion", "sensitivity"], "steps": 4, "count": PICTURES, "figure": SMALL}
    return rgaviz.faithfulness([network], ["shapes"], out, **settings, **more)


def looked_at(network, out, **more):
    return rgaviz.statistics(network, "shapes", out, layer="conv5", count=PICTURES, figure=SMALL, **more)


@pytest.mark.parametrize(
    ("ask", "at"), [(localized, 1), (followed, 1), (looked_at, 18)]
)  # blocks, or pictures
def test_numbers_are_shared_and_gone_on_with(photos, networks, monkeypatch, ask, at):
    whole = ask(networks["rga"], "whole")
    with pytest.raises(KeyboardInterrupt):
        ask(networks["rga"], "again", track=stopped(at))
    again = ask(networks["rga"], "again", resume=True)
    monkeypatch.setenv("WORLD_SIZE", "2")

    def meet():
        monkeypatch.setattr(blocks, "_wait_for_all", lambda: None)
        monkeypatch.setenv("RANK", "1")
        with pytest.raises(Elsewhere):
            ask(networks["rga"], "shared")
        monkeypatch.setenv("RANK", "0")

    monkeypatch.setattr(blocks, "_wait_for_all", meet)
    shared = ask(networks["rga"], "shared")
    assert results("again")[1] == []
    assert whole.rows == again.rows == shared.rows
    (mine, _), (theirs, _), (others, _) = (results(name) for name in ("whole", "again", "shared"))
    assert mine == theirs == others


@pytest.mark.slow
@pytest.mark.parametrize(("command", "code"), [("masks", 1), ("evaluate", 0)])  # for a picture is damaged
def test_under_torchrun(photos, networks, command, code):
    words = [command, str(networks["three"]), "--format", "png", "--dpi", "50", "--device", "cpu", "--json"]
    words += ["photos"] if command == "masks" else []
    assert CliRunner().invoke(app, [*words, "-o", "whole"]).exit_code == code
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*start, "-m", "rgaviz", *words, "-o", "shared"], capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout.count('"files"')) == (code, 1)  # one of them tells
    (mine, left), (theirs, _) = results("shared"), results("whole")
    assert not left
    assert {name for name in mine if mine[name] != theirs[name]} == {"manifest.json"}  # its command line


def test_another_question_is_not_gone_on_with(photos, networks):
    with pytest.raises(KeyboardInterrupt):
        masks(networks["rga"], "photos", "out", figure=SMALL, track=stopped(38))
    for changed in ({"layer": "conv4"}, {"labels": "star"}):
        with pytest.raises(
            RgavizError, match="is of other networks, pictures or options: leave out --resume"
        ):
            masks(networks["rga"], "photos", "out", figure=SMALL, resume=True, **changed)
    Image.new("RGB", (16, 20)).save("photos/39.png")
    with pytest.raises(RgavizError, match="is of other networks, pictures or options"):
        masks(networks["rga"], "photos", "out", figure=SMALL, resume=True)
    masks(networks["rga"], "photos", "out", figure=SMALL)
    assert results("out")[1] == []


def test_nothing_to_go_on_with(photos, networks):
    masks(networks["rga"], "photos", "out", figure=SMALL, resume=True)
    assert results("out")[1] == []


def empty(places):
    """A block of nothing for each place."""
    return (Block({}, None) for _ in places)


def broken(folder, fault):
    """What an error does behind the first of three blocks."""
    with blocks_of(40, folder / "out", {}) as found:
        for _block in found.each(empty):
            raise fault


def test_an_error_of_the_users_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "LASTING", 20)
    with pytest.raises(RgavizError, match="no picture"):
        broken(tmp_path, RgavizError("no picture can be read"))
    assert not list(tmp_path.iterdir())


def test_a_block_that_is_damaged_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "LASTING", 20)
    with pytest.raises(KeyboardInterrupt):
        broken(tmp_path, KeyboardInterrupt())
    (next(tmp_path.glob(".rgaviz-*.blocks")) / "000001.npz").write_bytes(b"no archive")
    told = r"000001\.npz is damaged: remove it and go on with --resume"
    with blocks_of(40, tmp_path / "out", {}, resume=True) as found, pytest.raises(RgavizError, match=told):
        list(found.each(empty))


def test_few_pictures_are_not_kept(tmp_path):
    with blocks_of(blocks.LASTING, tmp_path / "out", {}) as found:
        assert found.folder is None
        assert [len(place) for place in found.places] == [16] * 4
    assert not list(tmp_path.iterdir())
