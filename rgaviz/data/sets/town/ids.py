"""What is labelled in a street of the data set ``streets``, by the ids of Cityscapes."""

from __future__ import annotations

EGO, STATIC, DYNAMIC = 1, 4, 5  # the own car's bonnet, and things of no class: ignored
ROAD, WALK, BUILDING, FENCE, POLE, SIGN = 7, 8, 11, 13, 17, 20
VEGETATION, TERRAIN, SKY, PERSON, CAR = 21, 22, 23, 24, 26

# Names and colours are Cityscapes', too.
STREET_CLASSES: dict[int, tuple[str, tuple[int, int, int]]] = {
    ROAD: ("road", (128, 64, 128)),
    WALK: ("sidewalk", (244, 35, 232)),
    BUILDING: ("building", (70, 70, 70)),
    FENCE: ("fence", (190, 153, 153)),
    POLE: ("pole", (153, 153, 153)),
    SIGN: ("traffic sign", (220, 220, 0)),
    VEGETATION: ("vegetation", (107, 142, 35)),
    TERRAIN: ("terrain", (152, 251, 152)),
    SKY: ("sky", (70, 130, 180)),
    PERSON: ("person", (220, 20, 60)),
    CAR: ("car", (0, 0, 142)),
}
