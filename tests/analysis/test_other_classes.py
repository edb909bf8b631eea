"""Networks that label pixels with different classes, in one figure."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from streets_networks import CLASSES, COLOURS, MEAN, STD, save_network, save_scene

import rgaviz
from rgaviz.analysis.compare import compare
from rgaviz.analysis.pixels import palette_of, truth_id
from rgaviz.analysis.subject import load_subjects
from rgaviz.data.colours import default_colours
from rgaviz.results.reader import read_results

CPU = torch.device("cpu")


def predicted(path, picture):
    """Labels (h, w) of one picture, at its own size."""
    image = cv2.imread(str(picture))[..., ::-1] / 255.0
    image = torch.from_numpy((image - MEAN) / STD).float().permute(2, 0, 1)[None]
    with torch.no_grad():
        return rgaviz.load_checkpoint(path).model(image)[0].argmax(0).numpy()


def test_classes_of_several_networks_are_joined_by_name(tmp_path):
    paths = [
        save_network(tmp_path / "a.pt"),
        save_network(tmp_path / "b.pt", 1, classes=["sky", "boat"], training={"colours": "red"}),
        save_network(tmp_path / "truth.pt", 2),
    ]
    subjects = load_subjects(paths, CPU)
    palette = palette_of(subjects)
    assert [each.name for each in palette.classes] == [*CLASSES, "boat"]
    assert palette.classes[4].colour == list(default_colours(2)[1])
    assert palette.tables["b"][:3].tolist() == [1, 4, 255]
    assert truth_id(subjects) == "truth'"


def test_two_classes_never_have_one_colour(tmp_path):
    mixed = [COLOURS[0], list(default_colours(3)[2])]
    paths = [
        save_network(tmp_path / "a.pt"),
        save_network(tmp_path / "b.pt", 1, classes=["lane", "car"], training={"colours": mixed}),
        save_network(tmp_path / "c.pt", 2, classes=["way", "boat", "ship"], training={}),
        save_network(tmp_path / "d.pt", 3, classes=["x", "y"], training={"colours": [[1, 2, 3], [1, 2, 3]]}),
    ]
    found = {each.name: tuple(each.colour) for each in palette_of(load_subjects(paths, CPU)).classes}
    assert list(found) == [*CLASSES, "lane", "way", "boat", "ship", "x", "y"]
    assert len(set(found.values())) == len(found)
    assert [list(found[name]) for name in CLASSES] == COLOURS
    assert [found[name] for name in ("way", "boat", "ship", "x")] == [*default_colours(3), (1, 2, 3)]


def test_a_network_of_other_classes_has_no_errors(tmp_path):
    files = [save_scene(tmp_path, f"p{n}", size, n) for n, size in enumerate([(40, 60), (33, 20)])]
    first = save_network(tmp_path / "baseline.pt")
    renamed = save_network(tmp_path / "deutsch.pt", 1, classes=["Straße", "Himmel", "Auto", "Baum"])
    turned = save_network(tmp_path / "turned.pt", 2, classes=CLASSES[::-1])
    said = []
    answer = compare(
        [first, renamed, turned],
        [tmp_path / "images"],
        tmp_path / "out",
        figure={"formats": ("png",), "dpi": 50},
        say=said.append,
    )
    results = read_results(answer.folder)
    titles = results.manifest.titles
    assert [each for each in titles if "errors" in each] == ["baseline errors", "turned errors"]
    assert [each for each in titles if "labels" in each] == [
        f"{n} labels" for n in ("baseline", "deutsch", "turned")
    ]
    (line,) = [each for each in said if "no errors panel" in each]
    assert line.startswith("Note: deutsch has no errors panel: the truth is read by the classes of baseline")
    for number, (picture, file) in enumerate(files):
        truth = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
        wrong = np.where(truth == 255, 255, 3 - predicted(turned, picture) != truth)
        np.testing.assert_array_equal(results.errors(str(number), "turned", "errors"), wrong)
