"""Names for the outputs of networks that do not tell them."""

from __future__ import annotations

IMAGENET_CLASSES = 1000


def numbered_classes(count: int) -> list[str]:
    """Names for the outputs of a network of which nothing is known: ``class 0`` ..."""
    return [f"class {index}" for index in range(count)]


def class_names(count: int, *, values: bool = False) -> list[str]:
    """Names for the outputs of a network that does not tell them: ImageNet's for 1000, else ``class 0`` ...

    Args:
        count: how many.
        values: they are numbers and no classes: ``value``, or ``value 0`` ...
    """
    if values:
        return ["value"] if count == 1 else [f"value {index}" for index in range(count)]
    if count != IMAGENET_CLASSES:
        return numbered_classes(count)
    from torchvision.models import ResNet18_Weights

    return list(ResNet18_Weights.DEFAULT.meta["categories"])
