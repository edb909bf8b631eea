"""``all`` in place of methods: those that a network's target can have."""

from __future__ import annotations

import pytest
import torch
from pictures import save_picture
from streets_networks import save_network

from rgaviz.analysis.cam import cam, cam_request, possible_methods
from rgaviz.analysis.compare import compare_request
from rgaviz.analysis.subject import load_subjects
from rgaviz.errors import UnknownNameError
from rgaviz.explain.methods import METHODS
from rgaviz.results.reader import read_results

CPU = torch.device("cpu")
OTHERS = [name for name in METHODS if name != "finercam"]


@pytest.fixture(scope="module")
def labelling(tmp_path_factory):
    return save_network(tmp_path_factory.mktemp("labelling") / "rga.pt", attention="rga-sc")


def test_of_a_classifier_all_are_drawn(networks):
    subjects = load_subjects([networks["baseline"], networks["rga"]], CPU)
    for target in (None, "top5", "label"):
        assert possible_methods(["all"], subjects, target) == (list(METHODS), [])
    assert possible_methods(["gradcam"], subjects, None) == (["gradcam"], [])
    assert compare_request(subjects, ["all"]).methods == list(METHODS)
    with pytest.raises(UnknownNameError, match=r"baseline\.pt: .*'nothing'"):
        cam_request(subjects, ["all"], "nothing")


def test_of_a_network_that_labels_pixels_those_that_compare_no_classes(labelling):
    request = cam_request(load_subjects([labelling], CPU), ["all"])
    assert request.methods == OTHERS
    assert [column.map.name for column in request.columns if column.kind == "map"] == OTHERS
    assert (
        "finercam: left out of all methods, for the target is no class to compare with others."
        in request.notes
    )


@pytest.mark.slow
def test_they_are_drawn(tmp_path, labelling):
    picture = save_picture(tmp_path / "p.png", (16, 24))
    answer = cam(
        [labelling], [picture], tmp_path / "o", methods="all", figure={"formats": ("png",), "dpi": 50}
    )
    assert answer.failures == []
    (row,) = read_results(answer.folder).manifest.rows
    assert [panel.map.name for panel in row if panel.kind == "map"] == OTHERS
