"""Boxes of COCO's JSON: https://cocodataset.org/#format-data, object detection."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, FailFast, Field, FiniteFloat, ValidationError

from rgaviz.data.boxes import Box, Said, box_truth
from rgaviz.data.find import PicturePath
from rgaviz.data.truth import Truth
from rgaviz.errors import RgavizError, clipped, one_line
from rgaviz.progress import Say, hush
from rgaviz.regular import read_regular

LARGEST = 2**29  # bytes: instances_train2017.json has 470 million
LONGEST_NAME = 1000  # letters


class _Stored(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class _Image(_Stored):
    id: int
    file_name: Annotated[str, Field(max_length=LONGEST_NAME)]
    width: Annotated[int, Field(ge=1)] | None = None
    height: Annotated[int, Field(ge=1)] | None = None


class _Annotation(_Stored):
    image_id: int
    category_id: int
    bbox: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4)]


class _Category(_Stored):
    id: int
    name: Annotated[str, Field(max_length=LONGEST_NAME)]


class _Document(_Stored):
    images: Annotated[list[_Image], FailFast()]
    annotations: Annotated[list[_Annotation], FailFast()]
    categories: Annotated[list[_Category], FailFast()]


def coco_truth(pictures: Sequence[PicturePath], path: Path, say: Say = hush) -> Truth:
    """Pictures with the boxes that a file of COCO's has for them, by ``file_name``, at the same place or anywhere.

    Only ``bbox`` is read of annotations, of crowds too.

    Args:
        pictures: those without boxes are left out.
        path: of the file.
        say: is told how many have none.

    Raises:
        RgavizError: the file cannot be read, is none of COCO's, or has no boxes for these pictures.
    """
    document = _document(path)
    kinds = {each.id: each.name for each in document.categories}
    boxes: dict[int, list[Box]] = defaultdict(list)
    for number, each in enumerate(document.annotations):
        left, top, width, height = each.bbox
        if each.category_id not in kinds or not (width > 0 and height > 0):
            fault = "is of no category" if each.category_id not in kinds else "is empty"
            raise RgavizError(f"{path}: the box of annotation {number} {fault}; mend it, or leave it out.")
        boxes[each.image_id].append(Box(kinds[each.category_id], (left, top, left + width, top + height)))
    by_name: dict[str, list[_Image]] = defaultdict(list)
    for image in document.images:
        for name in {image.file_name, image.file_name.rpartition("/")[2]}:
            by_name[name].append(image)
    said: list[Said | None] = []
    for picture in pictures:
        image = _one(
            by_name.get(picture.relative.as_posix()) or by_name.get(picture.path.name, []), picture, path
        )
        said.append(None if image is None else Said(boxes[image.id], _size(image)))
    return box_truth(said, pictures, path, [path], say)


def _one(images: Sequence[_Image], picture: PicturePath, path: Path) -> _Image | None:
    """The one image of a name.

    Raises:
        RgavizError: there are several.
    """
    if len(images) > 1:
        raise RgavizError(
            f"{path} has {len(images)} images {clipped(picture.path.name)}: name the folder above theirs, so that they "
            "can be told apart."
        )
    return images[0] if images else None


def _size(image: _Image) -> tuple[int, int] | None:
    return None if image.height is None or image.width is None else (image.height, image.width)


def _document(path: Path) -> _Document:
    try:
        return _Document.model_validate_json(read_regular(path, LARGEST))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        fault = clipped(f"{where}: {first['msg']}" if where else first["msg"])
        raise RgavizError(
            f"{path} is no file of COCO's ({fault}): give one with images, annotations with bbox, and categories."
        ) from None
    except (OSError, ValueError) as error:
        raise RgavizError(
            f"{path} cannot be read ({one_line(error)}): give a JSON file of COCO's."
        ) from error
