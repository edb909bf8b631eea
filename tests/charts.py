"""Tables that charts are drawn from, by command."""

from __future__ import annotations

CHARTS = {
    "evaluate": {"net": [["true \\ predicted", "cat", "dog"], ["cat", 3, 1], ["dog", 0, 4]]},
    "cmc": {"net": [["rank", "matched (%)"], [1, 62.5], [2, 75.5]]},
    "iou": {"net": [["class", "IoU (%)"], ["road", 91.5], ["car", None], ["sky", 0.0]]},
    "profile": {
        "cost": [["label", "cost", "value", "spread"], ["se", 1.5, 7.25, 0.5], ["rga", 2.5, 6.0, None]]
    },
    "growth": {
        "growth": [
            ["attention", "x", "latency_ms", "latency_q1_ms", "latency_q3_ms", "memory_mib"],
            ["se", 64, 1.5, 1.25, 1.75, None],
            ["se", 256, 3.5, 3.25, 3.75, None],
        ],
        "exponents": [["attention", "latency_ms", "memory_mib"], ["se", 0.75, None]],
    },
    "localize": {
        "summary": [
            ["network", "group", "map", "part", "measure", "mean", "low", "high"],
            ["rga", "cam", "gradcam", "head", "energy", 0.5, 0.25, 0.75],
            ["rga", "mask", "conv5/spatial", "head", "energy", 0.5, None, None],
            ["rga", "floor", "randomcam", "head", "energy", 0.25, 0.125, 0.375],
            ["", "floor", "ones", "head", "energy", 0.125, None, None],
            ["rga", "cam", "gradcam", "head", "contrast", -0.5, None, None],
        ],
        "curves": [
            ["network", "group", "map", "part", "threshold", "iou", "maxboxacc50"],
            ["rga", "cam", "gradcam", "head", 0.0, 0.25, None],
            ["rga", "cam", "gradcam", "head", 0.5, 0.75, None],
            ["rga", "floor", "randomcam", "head", 0.0, 0.25, 0.5],
            ["", "floor", "ones", "head", 0.0, 0.25, 0.5],
            ["rga", "cam", "gradcam", "torso", 0.0, 0.25, 0.5],
        ],
    },
    "faithfulness": {
        "curves": [
            ["network", "group", "map", "curve", "fraction", "mean", "low", "high"],
            ["rga", "cam", "gradcam", "deletion", 0.0, 0.75, 0.5, 1.0],
            ["rga", "cam", "gradcam", "deletion", 1.0, 0.25, 0.125, 0.5],
            ["rga", "cam", "gradcam", "road", 0.5, -0.25, None, None],
            ["rga", "floor", "randomcam", "deletion", 0.0, 0.75, 0.5, 1.0],
            ["rga", "floor", "randomcam", "deletion", 1.0, 0.5, 0.25, 0.75],
            ["rga", "cam", "gradcam", "road_most", 0.5, 0.25, None, None],
        ]
    },
    "sanity": {
        "ways": [["way", "title"], ["ones", "all ones"], ["mean", "its mean"]],
        "ablations": [
            ["network", "mask", "way", "measure", "change", "low", "high"],
            ["rga", "conv5/spatial", "ones", "error", 2.5, 1.25, 3.75],
            ["rga", "conv5/spatial", "mean", "error", 0.5, None, None],
            ["rga", "conv5", "ones", "error", -0.5, -1.0, 0.25],
        ],
    },
    "sanity-weights": {
        "likeness": [
            ["network", "map", "order", "step", "part", "measure", "mean", "low", "high"],
            ["rga", "gradcam", "cascade", 1, "fc", "spearman", 0.5, 0.25, 0.75],
            ["rga", "gradcam", "cascade", 2, "conv1", "spearman", 0.25, None, None],
            ["rga", "gradcam", "single", 2, "conv1", "spearman", 0.375, None, None],
            ["rga", "gradcam", "others", 0, "", "spearman", 0.125, None, None],
            ["rga", "gradcam", "labels", 0, "", "spearman", -0.125, None, None],
            ["rga", "conv5/channel", "cascade", 1, "fc", "spearman", None, None, None],
        ]
    },
    "statistics": {
        "summary": [
            ["network", "mask", "class", "entropy", "dead", "saturated", "share", "chance"],
            ["rga", "conv5/channel", "all", 0.5, 0.25, 0.125, 0.5, 0.25],
            ["rga", "conv5/channel", "cat", 0.5, 0.25, 0.125, None, None],
        ],
        "channels": [
            ["network", "mask", "channel", "mean", "deviation", "dead", "saturated", "share", "f", "cat"],
            ["rga", "conv5/channel", 0, 0.5, 0.25, 0.0, 0.0, 0.5, 2.0, 0.75],
            ["rga", "conv5/channel", 1, 0.25, 0.125, 0.0, 0.0, None, None, None],
        ],
    },
    "train": {
        "curves": [
            ["network", "epoch", "train_loss", "train_error", "test_loss", "test_error"],
            ["rga", 1, 2.5, 50.0, 2.25, 45.0],
            ["rga", 2, 1.5, 40.0, 1.25, None],
        ]
    },
}


TEXTS = {"evaluate": {"net": "the title"}, "train": {"loss": "loss", "error": "error (%)"}}
