"""What is labelled in a street of the data set ``streets``, by the ids of Cityscapes."""

from __future__ import annotations

EGO, STATIC, DYNAMIC = 1, 4, 5  # the own car's bonnet, and things of no class: ignored
ROAD, WALK, BUILDING, FENCE, POLE, SIGN = 7, 8, 11, 13, 17, 20
VEGETATION, TERRAIN, SKY, PERSON, CAR = 21, 22, 23, 24, 26

LABELLED = (
    ROAD,
    WALK,
    BUILDING,
    FENCE,
    POLE,
    SIGN,
    VEGETATION,
    TERRAIN,
    SKY,
    PERSON,
    CAR,
)  # what has a class
