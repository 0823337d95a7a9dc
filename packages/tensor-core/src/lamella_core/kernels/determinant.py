"""Array kernels of determinants."""

from __future__ import annotations

from typing import Any

from lamella_core.dispatch import shared_kernel


@shared_kernel("linalg_det")
def det(xp: Any, input: Any) -> Any:
    return xp.linalg.det(input)


@shared_kernel("linalg_slogdet")
def slogdet(xp: Any, input: Any) -> Any:
    sign, logabsdet = xp.linalg.slogdet(input)
    return sign, logabsdet
