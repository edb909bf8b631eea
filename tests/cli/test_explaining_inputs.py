"""Which networks and pictures the explaining commands take, and those they leave out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rgaviz.results.reader import read_results

FAST = ("--format", "png", "--dpi", "50")
PAIR = ("baseline.pt", "rga.pt")


def test_defaults_say_what_they_took(rga):
    result = rga("masks", "--layer", "conv5", *FAST)
    assert "using the bundled rga.pt" in result.stderr
    assert "bundled photographs" in result.stderr
    newest = Path("runs/a/rga.pt")
    newest.parent.mkdir(parents=True)
    newest.symlink_to(Path("rga.pt").resolve())
    newest.parent.joinpath("epochs").mkdir()
    for name in ("baseline.pt", "rga.resume.pt", "epochs/rga-001.pt"):
        (newest.parent / name).write_bytes(b"later")
    result = rga("masks", "img.jpg", *FAST)
    assert result.stderr.splitlines() == ["No checkpoint given: using the newest under runs/, runs/a/rga.pt"]
    Path("runs").rename("gone")
    assert "using the bundled baseline.pt and rga.pt" in rga("compare", "img.jpg", *FAST).stderr


def test_a_quoted_pattern_of_checkpoints(rga):
    Path("rga.resume.pt").write_bytes(b"no network")
    rga("cam", "[br]*.pt", "img.jpg", *FAST)
    assert read_results("rgaviz-cam").manifest.titles == [
        "input",
        "baseline Grad-CAM (conv5)",
        "rga Grad-CAM (conv5)",
    ]


def test_checkpoints_of_one_name_are_told_apart(rga, place):
    for folder in ("x", "y"):
        Path(folder).mkdir()
        Path(folder, "rga.pt").symlink_to(place / "rga.pt")
    rga("compare", "x/rga.pt", "y/rga.pt", "x/rga.pt", "img.jpg", *FAST)
    assert read_results("rgaviz-compare").manifest.titles[1:4] == [
        f"{n} Grad-CAM (conv5)" for n in ("x-rga", "y-rga", "x-rga'")
    ]


def test_broken_pictures_are_left_out(rga, answer):
    Path("pics/ring/bad.png").write_bytes(b"\x89PNG but not really")
    Path("pics/ring/none.jpg").touch()
    result = rga("masks", "rga.pt", "pics", *FAST, code=1)
    errors = result.stderr.splitlines()
    assert [line.split("'")[1] for line in errors[:2]] == ["pics/ring/bad.png", "pics/ring/none.jpg"]
    assert errors[2:] == ["2 of 5 pictures left out."]
    done = [entry.path for entry in read_results("rgaviz-masks").manifest.pictures]
    assert done == ["other/c.png", "ring/a.png", "square/b.png"]
    told = answer("masks", "rga.pt", "pics", *FAST, code=1)
    assert len(told["failures"]) == 2
    assert set(told["predictions"]) == set(done)


def test_a_label_each_stays_with_its_picture_beside_a_broken_one(rga):
    Path("pics/a.png").write_bytes(b"no picture")  # the first one
    rga("cam", "rga.pt", "pics", "--label", "star,ring,cross,heart", *FAST, code=1)
    found = read_results("rgaviz-cam").manifest.pictures
    assert [(each.path, each.label) for each in found] == [
        ("other/c.png", "ring"),
        ("ring/a.png", "cross"),
        ("square/b.png", "heart"),
    ]


def test_pictures_of_every_kind(rga):
    """16-bit, RGBA, grey, palette, CMYK, animated and rotated ones are shown."""
    from PIL import Image

    Path("odd").mkdir()
    ramp = np.tile(np.arange(32, dtype=np.uint8) * 8, (24, 1))
    Image.fromarray(ramp.astype(np.uint16) * 257).save("odd/deep.png")
    grey = Image.fromarray(ramp)
    grey.save("odd/grey.png")
    grey.convert("RGBA").save("odd/alpha.png")
    grey.convert("P").save("odd/palette.gif", save_all=True, append_images=[grey.convert("P").rotate(90)])
    grey.convert("CMYK").save("odd/ink.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6
    grey.save("odd/turned.jpg", exif=exif)
    rga("masks", "rga.pt", "odd", "--window", "full", *FAST)
    sizes = {each.path: each.size for each in read_results("rgaviz-masks").manifest.pictures}
    assert sizes.pop("turned.jpg") == [32, 24]
    assert sorted(sizes) == ["alpha.png", "deep.png", "grey.png", "ink.jpg", "palette.gif"]
    assert all(size == [24, 32] for size in sizes.values())
    results = read_results("rgaviz-masks")
    shown = {each.path: results.picture(each.id) for each in results.manifest.pictures}
    np.testing.assert_array_equal(shown["deep.png"], shown["grey.png"])
    np.testing.assert_array_equal(shown["alpha.png"], shown["grey.png"])


def test_a_picture_without_a_label_has_no_true_class(refused):
    assert "--target label needs the class of every picture, but one has no label; add --label." in refused(
        "cam", "rga.pt", "pics", "--target", "label", *FAST
    )


def test_labels_with_commas_in_quotes(refused):
    """ImageNet has such names."""
    line = refused("cam", "rga.pt", "pics", "--label", '"ring, a", square, "x,y"', *FAST)
    assert "'ring, a'" in line
