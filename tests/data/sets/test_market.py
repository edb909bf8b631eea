"""Market-1501 and DukeMTMC-reID from their folders."""

from __future__ import annotations

import pytest
from laid_out import lay_out_market, save_noise

from rgaviz.data.sets import load_dataset
from rgaviz.errors import PictureError, RgavizError

SIZE = (16, 8)


def test_identities_cameras_and_names(tmp_path):
    """Also from the folder above, among other sets."""
    lay_out_market(tmp_path / "Market-1501-v15.09.15")
    lay_out_market(tmp_path / "DukeMTMC-reID")
    for place in (tmp_path, tmp_path / "Market-1501-v15.09.15"):
        data = load_dataset("market1501", data_dir=place, image_size=SIZE)
        assert data.classes == ("3", "5", "9", "1501")
        train, gallery = data.part("train"), data.part("gallery")
        assert train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
        assert train.cameras is not None
        assert train.cameras.tolist() == [1, 2, 3] * 4
        assert train.names[0] == "bounding_box_train/0003_c1s1_000000_01.png"
        assert gallery.labels.tolist() == [0, 0, 2, 7, 1467]
        assert gallery.names[2] == "bounding_box_test/0002_c2s1_000901_01.png"
    save_noise(tmp_path / "Market-1501-v15.09.15" / "query" / "odd.png", 0)
    (left, note) = load_dataset("market1501", data_dir=tmp_path).notes
    assert "market1501 is not as published" in note
    assert "gallery has 5 of 4, not 15,913 of 751" in note
    assert left.startswith("query: 1 file is left out, odd.png first")


def test_duke_was_withdrawn(tmp_path):
    """Told of a copy, and where one asks for the set."""
    lay_out_market(tmp_path)
    first, counts = load_dataset("dukemtmc", data_dir=tmp_path).notes
    assert first.startswith("DukeMTMC-reID was withdrawn by Duke University in 2019")
    assert "dukemtmc is not as published" in counts
    assert "train has 12 of 4, not 16,522 of 702" in counts
    with pytest.raises(RgavizError, match="withdrawn in 2019"):
        load_dataset("dukemtmc")


@pytest.mark.parametrize(
    "name", ["market1501", "dukemtmc", "cuhk03-labeled", "cuhk03-detected", "msmt17", "reid-folder"]
)
def test_without_its_folder_there_is_one_line(tmp_path, name):
    (tmp_path / "file").write_text("no folder")
    for place, told in (
        (None, f"{name} needs --data-dir DIR"),
        (tmp_path, "--data-dir|put there the pictures"),
        (tmp_path / "lost", "not a folder.*--data-dir"),
        (tmp_path / "file", "not a folder.*--data-dir"),
    ):
        with pytest.raises(RgavizError, match=told) as caught:
            load_dataset(name, data_dir=place)
        message = str(caught.value)
        assert message.isprintable()
        assert len(message.replace(str(tmp_path), "")) <= 300


def test_text_with_a_pictures_name_is_refused_when_it_is_read(tmp_path):
    lay_out_market(tmp_path)
    (tmp_path / "query" / "0008_c3s1_000000_00.jpg").write_text("no picture")
    data = load_dataset("market1501", data_dir=tmp_path, image_size=SIZE)
    assert len(data.part("train")) == 12
    with pytest.raises(PictureError, match=r"0008_c3s1_000000_00\.jpg"):
        data.part("query")


@pytest.mark.parametrize("name", ["market1501", "folder", "shapes"])
def test_a_pattern_is_for_ones_own_pictures_alone(tmp_path, name):
    with pytest.raises(RgavizError, match=f"--pattern is for reid-folder, not for {name}; drop it"):
        load_dataset(name, data_dir=tmp_path, pattern=r"(?P<id>\d+)_c(?P<camera>\d+)")
