"""Quantiles of samples."""

from __future__ import annotations

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.common import anywhere, normalize_dim
from lamella_core.conventions.results import write_out
from lamella_core.tensor import Tensor

__all__ = ["nanquantile", "quantile"]

_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


@composite()
def quantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """Quantiles: values at the ranks ``q * (n - 1)`` of the sorted elements.

    Args:
        input: float32 or float64.
        q: a number or a 0-dim or 1-D tensor of the input's dtype, in [0, 1].
        dim: the dimension; none for the flattened input.
        keepdim: whether it stays, with size 1.
        interpolation: between two ranks: ``linear``, ``lower``, ``higher``, ``midpoint`` or
            ``nearest``.

    Returns:
        The input's shape without ``dim``, after a first dimension for a 1-D ``q``. NaN where there
        is one.

    Raises:
        RuntimeError: for another dtype, no elements, or ``q`` out of [0, 1].
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, out)


@composite()
def nanquantile(
    input: Tensor,
    q: Tensor | float,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
    out: Tensor | None = None,
) -> Tensor:
    """:func:`quantile` of the elements that are not NaN; NaN where there is none."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, out)


def _quantile(
    name: str,
    input: Tensor,
    q: Tensor | float,
    dim: int | None,
    keepdim: bool,
    interpolation: str,
    out: Tensor | None,
) -> Tensor:
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(
            f"{name}() interpolation must be one of {', '.join(_INTERPOLATIONS)}, but got "
            f"{interpolation}"
        )
    if input._array.size == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input._dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            f"{name}() input tensor must be either float or double dtype, got "
            f"{input._dtype.class_name}"
        )
    if isinstance(q, Tensor):
        if q._array.ndim > 1:
            raise RuntimeError(f"{name}() q must be a scalar or 1D tensor, got {q._array.ndim}D")
        if q._dtype is not input._dtype:
            raise RuntimeError(
                f"{name}() q tensor must be same dtype as the input tensor, got "
                f"{q._dtype.class_name} and {input._dtype.class_name}"
            )
        in_range = not anywhere(~((q >= 0) & (q <= 1)))
        ranks = q
    else:
        in_range = 0 <= q <= 1
        ranks = input.new_full((), q)
    if not in_range:
        raise RuntimeError(f"{name}() q values must be in the range [0, 1], got {q}")
    if out is not None and out._dtype is not input._dtype:
        raise RuntimeError(
            f"{name}() out tensor must be same dtype as the input tensor, got "
            f"{out._dtype.class_name} and {input._dtype.class_name}"
        )
    ndim = input._array.ndim
    shape = list(input._array.shape)
    if dim is None:
        ordered = input.reshape(-1).sort()[0]
        rest = [1] * ndim if keepdim else []
    else:
        dim = normalize_dim(dim, ndim)
        ordered = (input.movedim(dim, -1) if ndim else input.reshape(1)).sort(-1)[0]
        rest = [*shape[:dim], *([1] if keepdim and ndim else []), *shape[dim + 1 :]]
    result = _at_ranks(ordered, ranks, interpolation, name == "nanquantile")
    if ranks._array.ndim:
        result = result.movedim(-1, 0).reshape([ranks._array.shape[0], *rest])
    else:
        result = result.squeeze(-1).reshape(rest)
    return write_out(name, result, out)


def _at_ranks(ordered: Tensor, q: Tensor, interpolation: str, ignore_nan: bool) -> Tensor:
    # Values ``(..., len(q))`` at the ranks of the quantiles in the sorted last dimension.
    length = ordered._array.shape[-1]
    q = q.reshape(-1)
    missing = ordered.isnan()
    if ignore_nan:
        last = (missing.logical_not().sum(-1, True) - 1).clamp(min=0)
        ranks = q * last.to(q._dtype)
    else:
        ranks = (q * (length - 1)).expand(*ordered._array.shape[:-1], -1)
        ranks = ranks.masked_fill(missing.any(-1, True), length - 1)
    if interpolation == "lower":
        ranks = ranks.floor()
    elif interpolation == "higher":
        ranks = ranks.ceil()
    elif interpolation == "nearest":
        ranks = ranks.round()
    below = ranks.floor().long()
    low = ordered.gather(-1, below)
    if interpolation not in ("linear", "midpoint"):
        return low
    high = ordered.gather(-1, ranks.ceil().long())
    share = 0.5 if interpolation == "midpoint" else ranks - below
    return low.lerp(high, share)
