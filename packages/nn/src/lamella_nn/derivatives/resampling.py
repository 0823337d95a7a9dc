"""The derivative of resampling, which is resampling with the roles of its ends exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_autograd import derivative
from lamella_nn.ops.resampling import resample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamella_core import Tensor


def _turned(
    size: int, places: Sequence[Sequence[int]], shares: Sequence[Sequence[float]] | None
) -> tuple[list[list[int]], list[list[float]]]:
    """Each element gathers from the outputs that it went into; a share of 0 fills up the rest."""
    uses: list[list[tuple[int, float]]] = [[] for _ in range(size)]
    for k, indices in enumerate(places):
        for i, at in enumerate(indices):
            uses[at].append((i, 1.0 if shares is None else shares[k][i]))
    most = max(1, *map(len, uses))
    for each in uses:
        each += [(each[0][0] if each else 0, 0.0)] * (most - len(each))
    turned = [[each[k][0] for each in uses] for k in range(most)]
    return turned, [[each[k][1] for each in uses] for k in range(most)]


def _resample(
    grad: Tensor,
    input_shape: tuple[int, ...],
    places: Sequence[Sequence[Sequence[int]]],
    shares: Sequence[Sequence[Sequence[float]]] | None,
) -> Tensor:
    given = [None] * len(places) if shares is None else shares
    sizes = input_shape[len(input_shape) - len(places) :]
    turned = [_turned(*each) for each in zip(sizes, places, given, strict=True)]
    return resample(grad, [each[0] for each in turned], [each[1] for each in turned])


derivative("resample", input=_resample)
