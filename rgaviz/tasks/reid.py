"""Who a picture shows: person re-identification."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rgaviz.data.order import identities
from rgaviz.data.splits import ImageSplit, Split, as_images
from rgaviz.errors import RgavizError, quoted, unknown_name
from rgaviz.explain.targets import Target, scored
from rgaviz.tasks.answers import Confidence, Evaluation, Line, Measure, Table, Told
from rgaviz.tasks.evidence import of_queries
from rgaviz.tasks.matching import Matching
from rgaviz.tasks.ranking import Ranking, rank
from rgaviz.tasks.task import How, Parts
from rgaviz.tasks.triplet import batch_hard

NORM, SIMILARITY = "norm", "similarity"  # targets; the second is followed by a colon and a picture
LONGEST = 50  # of the curve of matches, in ranks
ALIKE = 1e-4  # directions that differ less are equal but for rounding


class ReIdentification:
    """An identity for each picture: embeddings (B, C), measured by how a gallery is ranked for each query.

    Args:
        matching: how.
    """

    name = "reid"
    heads: tuple[str, ...] = ("bnneck", "linear")
    measures: tuple[Measure, ...] = (
        Measure("rank1", "Rank-1"),
        Measure("mAP", "mAP"),
        Measure("rank5", "Rank-5"),
        Measure("rank10", "Rank-10"),
        Measure("rank20", "Rank-20"),
        Measure("mINP", "mINP"),
    )
    tabulated: tuple[str, ...] = ("rank1", "mAP")
    targets: tuple[str, ...] = ("norm",)
    settings: tuple[str, ...] = (
        "label_smoothing",
        "images_per_identity",
        "triplet_margin",
        "triplet_weight",
    )
    tested: tuple[str, ...] = ("query", "gallery")
    afterwards = ""
    drawn = "cmc"
    open_set = True
    foreign = False  # the loss needs the feature before the neck
    choices: tuple[str, ...] = tuple(each.name for each in fields(Matching))
    dense = False

    def __init__(self, matching: Matching | None = None) -> None:
        self.matching = matching or Matching()

    def measuring(self, **choices: Any) -> ReIdentification:
        for name in choices:
            if name not in self.choices:
                raise unknown_name(name, self.choices, "choice of a measurement")
        return ReIdentification(replace(self.matching, **choices))

    def together(self, config: Any) -> int:
        return config.images_per_identity

    def check(self, split: Split, classes: Sequence[str]) -> None:
        labels = as_images(split).labels
        if labels.ndim != 1 or labels.dtype != torch.int64:
            raise RgavizError(
                f"Labels for {self.name} are (n,) int64, the number of an identity each, not "
                f"{tuple(labels.shape)} {labels.dtype}; mend the data set."
            )

    def order(self, split: Split, config: Any, draw: torch.Generator) -> list[Tensor]:
        return identities(as_images(split).labels, config.batch_size, config.images_per_identity, draw)

    def outputs(self, model: nn.Module, images: Tensor) -> dict[str, Tensor]:
        network: Any = model
        pooled = network.pooled(images)  # (b, C)
        return {"feature": pooled, "logits": network.head(network.neck(pooled))}

    def counted(self, targets: Tensor, config: Any) -> int:
        return len(targets)

    def loss(self, outputs: Mapping[str, Tensor], targets: Tensor, config: Any) -> dict[str, Tensor]:
        logits, count = outputs["logits"], len(targets)
        identity = F.cross_entropy(logits.float(), targets, label_smoothing=config.label_smoothing)
        triplet = batch_hard(outputs["feature"], targets, config.triplet_margin)
        wrong = (logits.argmax(1) != targets).sum()
        return {
            "loss": identity + config.triplet_weight * triplet,
            "identity_loss": identity * count,
            "triplet_loss": triplet * count,
            "error": 100.0 * wrong,
        }

    @torch.inference_mode()
    def evaluate(self, model: nn.Module, parts: Parts, how: How) -> Evaluation:
        model.eval()
        query, gallery = (as_images(parts(name)) for name in self.tested)
        sought, found = (self.features(model, split, how).to(how.device) for split in (query, gallery))
        ranking = self.ranking(sought, found, query, gallery)
        return summary(ranking, query)

    def features(self, model: nn.Module, split: Split, how: How) -> Tensor:
        """Embeddings (n, C) of all images, float32 on the CPU, in every process."""
        embed = self.scored(model)
        rows = []
        for images, _ in how.batches(split):
            with how.autocast():
                found = embed(images).float()
                if self.matching.flip:
                    found = (found + embed(images.flip(3)).float()) / 2
            rows.append(found.cpu())
        if how.processes == 1:
            return torch.cat(rows)
        return gathered(torch.cat(rows) if rows else None, len(split), how)

    def ranking(
        self,
        query: Tensor,
        gallery: Tensor,
        queries: ImageSplit,
        galleries: ImageSplit,
        *,
        top: int = LONGEST,
        itself: Any = None,
    ) -> Ranking:
        """The gallery's images in the order of their distance from each query.

        Args:
            query: embeddings (q, C).
            gallery: embeddings (g, C).
            queries: the images of the former, with cameras.
            galleries: of the latter.
            top: how many of the best to keep of each query.
            itself: (q,) place of each query in the gallery, -1 where it is not there; None where none is.

        Raises:
            RgavizError: no cameras, or not one query with a match.
        """
        cameras = [
            _cameras(split, name) for split, name in zip((queries, galleries), self.tested, strict=True)
        ]
        chosen = self.matching
        return rank(
            query,
            gallery,
            queries.labels.cpu(),
            galleries.labels.cpu(),
            *cameras,
            distance=chosen.distance,
            ap=chosen.ap,
            top=top,
            itself=itself,
            rerank=chosen.rerank,
            within_camera=chosen.within_camera,
        )

    def input_size(self, picture: tuple[int, int], image_size: tuple[int, int]) -> tuple[int, int]:
        return image_size

    def scored(self, model: nn.Module) -> Callable[[Tensor], Tensor]:
        network: Any = model
        return network.embed if self.matching.neck == "after" else network.pooled

    def target(self, text: str, names: Sequence[str], answer: Callable[[str], Tensor]) -> Target:
        if text == NORM:
            return scored(_norm, "norm of the embedding")
        kind, colon, picture = text.partition(":")
        if kind == SIMILARITY and colon and picture:
            return Similarity(answer(picture).detach(), picture)
        raise unknown_name(text, [NORM, f"{SIMILARITY}:PICTURE"], "target of a re-identification network")

    def labelled(self, truth: Sequence[str | None], names: Sequence[str]) -> Target:
        raise RgavizError(
            f"A re-identification network knows no class to explain; choose --target {NORM} or {SIMILARITY}:PICTURE."
        )

    def confidence(self, target: Target, output: Tensor) -> Confidence:
        if isinstance(target, Similarity):
            return Confidence(lambda outputs: target.scores(outputs)[:, 0], "cosine with the other picture")
        own = Similarity(output.detach())
        return Confidence(
            lambda outputs: own.scores(outputs)[:, 0], "cosine with the whole picture", rises=False
        )

    def scores(self, text: str, names: Sequence[str]) -> list[str]:
        return [text.partition(":")[0]]

    def truth(self, text: str, names: Sequence[str], *, folder: bool = False) -> None:
        if (
            folder or not text.isdecimal()
        ):  # a folder may be called anything; who is shown is in a picture's name
            raise RgavizError(f"The label {quoted(text)} is not the number of an identity, such as 7.")

    def told(self, output: Tensor, names: Sequence[str], truth: Sequence[str | None]) -> list[Told]:
        return [Told([Line(f"norm {norm:.3g}")], {"norm": norm}) for norm in _norm(output.float()).tolist()]


@dataclass(frozen=True)
class Similarity:
    """The cosine of each embedding and those of others.

    Attributes:
        others: embeddings (T, C).
        picture: path of the other picture, where they are those of one.
    """

    others: Tensor
    picture: str = ""

    def scores(self, output: Tensor) -> Tensor:
        others = self.others.to(output.device, output.dtype)
        return torch.stack([_cosine(output, other) for other in others], 1)  # (B, C) -> (B, T)

    def about(self, output: Tensor) -> list[list[str]]:
        return [[f"cosine {score:.2f}" for score in scores] for scores in self.scores(output).tolist()]

    def settled(self, output: Tensor) -> list[Similarity]:
        return [self] * len(output)

    def counterpart(self, output: Tensor) -> Similarity:
        return Similarity(output.detach())


def summary(ranking: Ranking, query: ImageSplit) -> Evaluation:
    """The figures in percent, the curve of matches, and what came of every query."""
    figures = {key: 100 * value for key, value in ranking.figures().items()}
    curve = ranking.cmc(LONGEST).tolist()
    rows = [[100 * rate, round(rate * int(ranking.valid.sum()))] for rate in curve]
    ranks = [str(number) for number in range(1, len(curve) + 1)]
    cameras: Any = query.cameras
    people = zip(query.labels.tolist(), cameras.tolist(), strict=True)
    found = zip(
        ranking.average_precision.tolist(), ranking.first.tolist(), ranking.valid.tolist(), strict=True
    )
    queries = [
        [identity, camera, 100 * precision if valid else None, first if valid else None]
        for (identity, camera), (precision, first, valid) in zip(people, found, strict=True)
    ]
    names = list(query.names) or [str(number) for number in range(len(queries))]
    tables = {
        "cmc": Table("rank", ["matched (%)", "queries"], ranks, rows, 2),
        "queries": Table("query", ["identity", "camera", "AP (%)", "first match at"], names, queries, 2),
    }
    lacking = len(queries) - int(ranking.valid.sum())
    told = f"{lacking} of {len(queries)} queries have no match and are left out."
    evidence = of_queries(ranking, query.labels, query.names)
    return Evaluation(figures, tables, ranking, [told] if lacking else [], evidence)


def gathered(own: Tensor | None, count: int, how: How) -> Tensor:
    """The rows (count, C) of all processes: each has some of them, zeros for the others, and all are summed."""
    width = torch.tensor([own.shape[1] if own is not None else 0, own is not None])
    total, having = how.sum(width).tolist()
    rows = torch.zeros(count, int(total) // int(having))
    if own is not None:
        start = sum(len(part) for part in torch.arange(count).tensor_split(how.processes)[: how.rank])
        rows[start : start + len(own)] = own
    return how.sum(rows)


def _norm(embedding: Tensor) -> Tensor:
    """(B, C) -> (B,)."""
    return torch.linalg.vector_norm(embedding, dim=1)


def _cosine(embeddings: Tensor, other: Tensor) -> Tensor:
    """(B, C) and (C,) -> (B,): 0 of a vector of zeros.

    Where both point the same way a cosine has no gradient; what rounding leaves of one would be drawn as a map.
    """
    first, second = (_directions(each) for each in (embeddings, other[None]))
    same = torch.linalg.vector_norm((first - second).detach(), dim=1) < ALIKE
    cosine = (first * second).sum(1)
    return torch.where(same, cosine.detach() + 0 * cosine, cosine)


def _directions(vectors: Tensor) -> Tensor:
    """Vectors (B, C) of length 1, or 0."""
    length = _norm(vectors)[:, None]  # (B,) -> (B, 1)
    return vectors / torch.where(length > 0, length, torch.inf)


def _cameras(split: ImageSplit, part: str) -> Tensor:
    if split.cameras is None:
        raise RgavizError(f"The part {part} does not say which camera took its images; mend the data set.")
    return split.cameras.cpu()
