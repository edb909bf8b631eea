"""Which pictures words stand for, and what they are called."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from PIL import Image
from saved import write

from rgaviz.data.find import find_pictures
from rgaviz.errors import PictureError


def touch(folder: Path, *names: str) -> None:
    for name in names:
        write(folder / name, Image.new("RGB", (2, 2)))


def relatives(*arguments) -> list[str]:
    return [str(found.relative) for found in find_pictures(arguments)]


def test_folder_is_searched_recursively_in_order(tmp_path):
    touch(tmp_path, "b.jpg", "cats/a.PNG", "cats/.hidden.png", ".cache/x.png", "a10.png")
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "folder.png").mkdir()
    found = find_pictures([tmp_path])
    assert [str(picture.relative) for picture in found] == ["a10.png", "b.jpg", "cats/a.PNG"]
    assert [picture.label for picture in found] == [tmp_path.name, tmp_path.name, "cats"]
    assert [picture.path for picture in found] == [tmp_path / picture.relative for picture in found]
    assert isinstance(found[0].relative, PurePosixPath)


def test_hidden_parents_of_the_folder_given_do_not_matter(tmp_path):
    touch(tmp_path / ".data", "a.png")
    assert relatives(tmp_path / ".data") == ["a.png"]


def test_file_keeps_its_name_and_any_suffix(tmp_path):
    write(tmp_path / "cats" / "photo", Image.new("RGB", (2, 2)), format="png")
    (found,) = find_pictures([str(tmp_path / "cats" / "photo")])
    assert (str(found.relative), found.label) == ("photo", "cats")


def test_relative_argument(tmp_path, monkeypatch):
    touch(tmp_path / "cats", "a.png")
    monkeypatch.chdir(tmp_path / "cats")
    (found,) = find_pictures(["a.png"])
    assert (found.path, found.label) == (Path("a.png"), "cats")
    assert relatives(".") == ["a.png"]
    assert relatives("*.png", "./a.png", "../cats/a.png") == ["a.png"]


def test_pattern(tmp_path):
    touch(tmp_path, "x/b.png", "x/a.png", "y/a.png", "x/.h.png")
    (tmp_path / "x" / "notes.txt").write_text("no picture")
    assert relatives(f"{tmp_path}/x/*") == ["a.png", "b.png"]
    assert relatives(f"{tmp_path}/*/a.*") == ["x/a.png", "y/a.png"]
    assert relatives(f"{tmp_path}/**/*.png") == ["x/a.png", "x/b.png", "y/a.png"]


def test_literal_name_wins_over_a_pattern(tmp_path):
    touch(tmp_path, "a[1].png", "a1.png")
    assert relatives(tmp_path / "a[1].png") == ["a[1].png"]
    assert relatives(f"{tmp_path}/a[12].png") == ["a1.png"]


def test_same_file_is_kept_once(tmp_path):
    touch(tmp_path, "x/a.png", "x/b.png")
    assert relatives(tmp_path / "x" / "b.png", tmp_path / "x", f"{tmp_path}/x/../x/*.png") == [
        "b.png",
        "a.png",
    ]


def test_colliding_names_are_lengthened(tmp_path):
    touch(tmp_path, "x/a.jpg", "y/a.png", "y/b.png", "x/z/c.png", "y/z/c.png")
    assert relatives(tmp_path / "x/a.jpg", tmp_path / "y/a.png", tmp_path / "y/b.png") == [
        "x/a.jpg",
        "y/a.png",
        "b.png",
    ]
    assert relatives(tmp_path / "x/z/c.png", tmp_path / "y/z/c.png") == ["x/z/c.png", "y/z/c.png"]
    assert relatives(tmp_path / "x", tmp_path / "y") == [
        "x/a.jpg",
        "x/z/c.png",
        "y/a.png",
        "b.png",
        "y/z/c.png",
    ]


def test_lengthening_into_another_name(tmp_path):
    touch(tmp_path, "p/x/a.png", "q/a.png", "r/x/a.png")
    # p/x/a.png and q/a.png collide as "a"; lengthened, the first meets the x/a.png of folder r.
    names = relatives(tmp_path / "p/x/a.png", tmp_path / "q/a.png", tmp_path / "r")
    assert names == ["p/x/a.png", "q/a.png", "r/x/a.png"]


def test_two_inputs_that_would_write_one_file(tmp_path):
    touch(tmp_path, "a.jpg", "a.png")
    for arguments in ([tmp_path], [tmp_path / "a.jpg", tmp_path / "a.png"]):
        with pytest.raises(PictureError, match=r"a\.jpg.*a\.png.*rename one, or run them separately"):
            find_pictures(arguments)


def test_nothing_found(tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    for argument in (str(tmp_path), f"{tmp_path}/*.png", f"{tmp_path}/none.png", "", "x" * 300):
        with pytest.raises(PictureError) as caught:
            find_pictures([argument])
        told = str(caught.value)
        assert repr(argument) in told or (len(argument) > 200 and repr(argument)[:50] in told)
    assert find_pictures([]) == []


def told(*arguments) -> tuple[list[str], list[str]]:
    said: list[str] = []
    return [str(found.relative) for found in find_pictures(arguments, said.append)], said


def test_what_is_no_file_is_left_out_and_told(tmp_path):
    touch(tmp_path, "a.png")
    assert told(tmp_path) == (["a.png"], [])
    (tmp_path / "gone.png").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "circle.png").symlink_to("circle.png")
    note = f"Note: 3 left out that are no files, or links to folders: {tmp_path}/circle.png, ..."
    assert told(tmp_path) == (["a.png"], [note])


def test_links_to_folders_are_not_followed_in_circles(tmp_path):
    touch(tmp_path, "x/a.png")
    for name in ("me", "myself", "x/up"):
        (tmp_path / name).symlink_to(tmp_path)
    names, notes = told(tmp_path)
    assert (names, len(notes)) == (["x/a.png"], 1)
    assert relatives(f"{tmp_path}/**/*.png") == ["x/a.png"]
    assert len(relatives(f"{tmp_path}/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*/*.png")) <= 1


def test_folders_too_deep_are_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    os.chdir(tmp_path)
    for argument in (".", "**/*.png"):
        with pytest.raises(PictureError, match="more than 100 deep: name the one that has the pictures"):
            find_pictures([argument])
    os.system("rm -rf d")  # pytest's own removal would recurse
