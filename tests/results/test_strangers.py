"""Results folders from strangers: only regular files inside the folder are read, of the size that is expected."""

from __future__ import annotations

import io
import json
import os
import shutil
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image
from stored import MAP, PICTURE, edit, write

from rgaviz import outputs
from rgaviz.results.manifest import ResultsError
from rgaviz.results.reader import read_results

FILES = ("manifest.json", "maps.npz", "pictures/0.png", "tables/t.csv")


def whole(folder):
    """Results with one of each file."""
    write(folder)
    (folder / "tables").mkdir()
    (folder / "tables/t.csv").write_text("a\n1\n")
    edit(folder, tables={"t": "tables/t.csv"})
    return folder


def read(folder):
    """All that drawing reads."""
    results = read_results(folder)
    return results.picture("0"), results.map("0", "rga", "gradcam"), results.table("t")


def test_links_inside_the_folder_are_followed(tmp_path):
    folder = whole(tmp_path / "r")
    for name in FILES:
        (folder / name).rename(folder / f"real-{name.replace('/', '-')}")
        (folder / name).symlink_to(folder / f"real-{name.replace('/', '-')}")
    (tmp_path / "link").symlink_to(folder)
    picture, values, table = read(tmp_path / "link")
    np.testing.assert_array_equal(picture, PICTURE)
    np.testing.assert_array_equal(values, MAP)
    assert table == [["a"], ["1"]]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("what", ["link", "pipe", "device", "folder"])
def test_what_is_no_file_of_the_folder_is_not_opened(tmp_path, name, what):
    folder, path = whole(tmp_path / "r"), tmp_path / "r" / name
    if what == "link":
        shutil.copy(path, tmp_path / "elsewhere")
    path.unlink()
    if what == "pipe":
        os.mkfifo(path)  # opening it would wait for ever
    elif what == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero" if what == "device" else tmp_path / "elsewhere")
    with pytest.raises(ResultsError, match=r"run the command|give a folder"):
        read(folder)


@pytest.mark.parametrize("name", ["pictures", "tables"])
def test_a_folder_that_is_a_link_is_not_entered(tmp_path, name):
    folder = whole(tmp_path / "r")
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ResultsError, match=rf"Cannot read .*{name}"):
        read(folder)


@pytest.mark.parametrize(
    ("name", "size"), [("manifest.json", 2**40), ("tables/t.csv", 2**40), ("pictures/0.png", 2**40)]
)
def test_gigabytes_are_not_read(tmp_path, name, size):
    folder = whole(tmp_path / "r")
    with (folder / name).open("r+b") as file:
        file.truncate(size)  # takes no room on the disk
    with pytest.raises(ResultsError):
        read(folder)


def test_a_manifest_of_a_great_many_values(tmp_path, monkeypatch):
    folder = whole(tmp_path / "r")
    monkeypatch.setattr(outputs, "MOST_VALUES", 100)
    assert read(folder)
    edit(folder, seed=[{}] * 200)
    with pytest.raises(ResultsError, match="No results in"):
        read(folder)


@pytest.mark.parametrize("kind", ["EPS", "JPEG", "GIF", "TIFF", "BMP", "WEBP"])
def test_only_png_is_decoded(tmp_path, monkeypatch, kind):
    folder = whole(tmp_path / "r")
    Image.fromarray(PICTURE).save(folder / "pictures/0.png", format=kind)
    started = []
    monkeypatch.setattr("subprocess.Popen", lambda *args, **_: started.append(args))
    monkeypatch.setattr("subprocess.check_call", lambda *args, **_: started.append(args))
    with pytest.raises(ResultsError, match=r"Cannot read .*0\.png"):
        read(folder)
    assert started == []


def test_a_picture_of_another_size_is_not_decoded(tmp_path):
    folder = whole(tmp_path / "r")
    Image.new("1", (20_000, 8_000)).save(folder / "pictures/0.png")  # 20 kB; 480 MB as RGB
    tracemalloc.start()
    with pytest.raises(ResultsError, match=r"Cannot read .*0\.png"):
        read(folder)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def npy(shape, content=b"", descr="<f4", fortran_order=False):
    file = io.BytesIO()
    head = {"descr": descr, "fortran_order": fortran_order, "shape": shape}
    np.lib.format.write_array_header_1_0(file, head)
    return file.getvalue() + content


def put(folder, content, kind=zipfile.ZIP_STORED):
    with zipfile.ZipFile(folder / "maps.npz", "w", kind) as archive:
        archive.writestr("0/rga/gradcam.npy", content)


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_maps_however_they_were_packed(tmp_path, kind):
    folder = whole(tmp_path / "r")
    turned = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    file = io.BytesIO()
    np.save(file, turned)
    put(folder, file.getvalue(), kind)
    values = read(folder)[1]
    assert (values.dtype, values.flags.writeable) == (np.float32, True)
    np.testing.assert_array_equal(values, turned)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (npy((5000, 5000), bytes(100_000_000)), zipfile.ZIP_DEFLATED),  # 100 kB of a file
        (npy((5000, 5000)), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(12)), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(20)), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(16)), zipfile.ZIP_BZIP2),
        (npy((2, -2), bytes(16)), zipfile.ZIP_STORED),
        (npy((-2, -2), bytes(16)), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(64), "<f16"), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(32), "|O"), zipfile.ZIP_STORED),
        (npy((2, 2), bytes(16))[:40], zipfile.ZIP_STORED),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", zipfile.ZIP_STORED),
        (b"\x93NUMPY\x03\x00\x10\x00\x00\x00" + b"(" * 16, zipfile.ZIP_STORED),
        (b"\x93NUMPY\x01\x00\x10\x00" + b"(" * 16, zipfile.ZIP_STORED),
    ],
)
def test_a_map_is_as_large_as_it_says_or_not_read(tmp_path, content, kind):
    folder = whole(tmp_path / "r")
    put(folder, content, kind)
    del content
    tracemalloc.start()
    with pytest.raises(ResultsError, match="damaged at '0/rga/gradcam'"):
        read(folder)
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


def test_an_archive_that_unpacks_to_gigabytes(tmp_path):
    folder = whole(tmp_path / "r")
    put(folder, npy((1000, 1000), bytes(4_000_000)), zipfile.ZIP_DEFLATED)
    content = (folder / "maps.npz").read_bytes()
    start = content.index(b"PK\1\2")
    directory, end = content[start : content.index(b"PK\5\6")], content[content.index(b"PK\5\6") :]
    names = (directory[:46] + b"0/rga/%04d.npy..." % i for i in range(300))
    more = b"".join([directory, *names])  # members that share the bytes of the first one
    counts = (301).to_bytes(2, "little") * 2 + len(more).to_bytes(4, "little")
    (folder / "maps.npz").write_bytes(content[:start] + more + end[:8] + counts + end[16:])
    with zipfile.ZipFile(folder / "maps.npz") as archive:
        assert len(archive.namelist()) == 301
    with pytest.raises(ResultsError, match="missing or damaged"):
        read(folder)


@pytest.mark.parametrize("zip64", [False, True])
def test_an_archive_with_a_table_of_contents_of_gigabytes(tmp_path, zip64):
    folder = whole(tmp_path / "r")
    content = (folder / "maps.npz").read_bytes()
    place, size = content.index(b"PK\5\6"), 2**31
    end = content[place : place + 12] + size.to_bytes(4, "little") + content[place + 16 :]
    if zip64:
        record = b"PK\6\6" + bytes(36) + (2**33).to_bytes(8, "little") + bytes(8)
        end = record + b"PK\6\7" + bytes(16) + content[place : place + 12] + b"\xff" * 8 + bytes(2)
    (folder / "maps.npz").write_bytes(content[:place] + end)
    with pytest.raises(ResultsError, match="missing or damaged"):
        read(folder)


def test_what_numpy_writes_is_read(tmp_path):
    """Also where somebody packed the maps again."""
    folder = whole(tmp_path / "r")
    with np.load(folder / "maps.npz") as archive:
        kept = {key: archive[key] for key in archive.files}
    for save in (np.savez, np.savez_compressed):
        save(folder / "maps.npz", **{**kept, "0/rga/gradcam": np.arange(6, dtype=np.int16).reshape(2, 3)})
        np.testing.assert_array_equal(read(folder)[1], np.arange(6).reshape(2, 3))
    assert json.loads((folder / "manifest.json").read_text())["pictures"][0]["size"] == [2, 3]
