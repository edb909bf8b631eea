"""The batch-hard triplet loss of Hermans et al. (arXiv 1703.07737).

Written out: the losses of pytorch-metric-learning normalise features and leave out terms that are 0 unless told not to,
and would be one more package for a dozen lines.
"""

from __future__ import annotations

import torch
from torch import Tensor


def batch_hard(features: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean over the images of max(0, farthest of its identity - nearest of another + margin), Euclidean.

    An image counts as one of its own identity, at distance 0. Where two features are equal the gradient is 0.

    Args:
        features: (b, d), of any precision; distances are float32.
        labels: (b,) at least two different ones.
        margin: by how much other identities must be farther away.
    """
    features = features.float()
    with torch.no_grad():
        distances = torch.cdist(features, features)  # (b, b), by products: good enough to choose by
        same = labels[:, None] == labels  # (b, b)
        farthest = distances.masked_fill(~same, -1).argmax(1)  # (b,)
        nearest = distances.masked_fill(same, torch.inf).argmin(1)  # (b,)
    # Differences: of near features the rounding of products would be all that is left.
    positive, negative = (
        torch.linalg.vector_norm(features - features.index_select(0, each), dim=1)
        for each in (farthest, nearest)
    )
    return (positive - negative + margin).clamp(min=0).mean()
