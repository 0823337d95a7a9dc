"""Covariances and correlations of variables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamella_core import dtype as dtypes
from lamella_core.composite import composite
from lamella_core.conventions.common import anywhere
from lamella_core.dtype import FLOATING
from lamella_core.ops.complex_parts import complex
from lamella_core.warning import warn

if TYPE_CHECKING:
    from lamella_core.tensor import Tensor

__all__ = ["corrcoef", "cov"]


def _as_rows(op_name: str, input: Tensor) -> Tensor:
    ndim = input._array.ndim
    if ndim > 2:
        raise RuntimeError(
            f"{op_name}(): expected input to have two or fewer dimensions but got an input with "
            f"{ndim} dimensions"
        )
    return input if ndim == 2 else input.reshape(1, -1)


def _check_weights(name: str, weights: Tensor, category: int, count: int) -> None:
    if weights._array.ndim > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights._array.ndim} dimensions"
        )
    if weights._dtype.category != category:
        kind = "floating point" if category == FLOATING else "integral"
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with "
            f"{weights._dtype.class_name} dtype"
        )
    if weights._array.size != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the "
            f"input but got {weights._array.size} != {count}"
        )
    if count and anywhere(weights < 0):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Covariance matrix of variables, the rows of ``input``, from observations, its columns.

    ``C[i, j] = sum_k w[k] (x[i, k] - m[i]) conj(x[j, k] - m[j]) / d`` with the weighted means
    ``m``, ``w = fweights * aweights`` and ``d = sum w - correction * sum(w aweights) / sum w``.

    Args:
        input: ``(variables, observations)``; one variable where there are fewer dimensions.
        correction: by how much the divisor is less than the count of observations.
        fweights: how often each observation is to count; integers.
        aweights: how much each observation is to count; floating.

    Returns:
        ``(variables, variables)``; a scalar for one variable.

    Raises:
        RuntimeError: for more dimensions, bools, or weights that do not fit or are negative.
    """
    rows = _as_rows("cov", input)
    if input._dtype is dtypes.bool_:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    count = rows._array.shape[1]
    if fweights is not None:
        _check_weights("fweights", fweights, dtypes.INTEGER, count)
    if aweights is not None:
        _check_weights("aweights", aweights, FLOATING, count)
    if rows._dtype.category < FLOATING:
        rows = rows.to(dtypes.defaults.floating)
    weights = fweights
    if aweights is not None:
        weights = aweights if fweights is None else fweights * aweights
    if weights is None:
        total = count
        mean = rows.sum(1, keepdim=True) / count
    else:
        weights = weights.reshape(-1)
        total = weights.sum()
        if count and anywhere(total == 0):
            raise RuntimeError("cov(): weights sum to zero, can't be normalized")
        mean = (rows * weights).sum(1, keepdim=True) / total
    if aweights is None or correction == 0:
        divisor = total - correction
    else:
        divisor = total - correction * (weights * aweights.reshape(-1)).sum() / total
    if divisor <= 0 if weights is None else anywhere(divisor <= 0):
        warn("cov(): degrees of freedom is <= 0")
    divisor = max(divisor, 0) if weights is None else divisor.clamp(min=0)
    centred = rows - mean
    weighted = centred if weights is None else centred * weights
    return ((weighted @ centred.t().conj()) / divisor).squeeze()


@composite
def corrcoef(input: Tensor) -> Tensor:
    """Pearson's correlation coefficients: ``R[i, j] = C[i, j] / sqrt(C[i, i] C[j, j])``.

    Args:
        input: as in :func:`cov`, whose matrix ``C`` is.

    Returns:
        ``(variables, variables)`` in [-1, 1]; a scalar for one variable.

    Raises:
        RuntimeError: for more than two dimensions, or bools.
    """
    _as_rows("corrcoef", input)
    matrix = cov(input)
    if not matrix._array.ndim:
        return matrix / matrix
    deviation = matrix.diagonal()
    if matrix._dtype.is_complex:
        deviation = deviation.real
    deviation = deviation.sqrt()
    result = matrix / deviation.unsqueeze(1) / deviation
    if result._dtype.is_complex:
        return complex(result.real.clamp(-1, 1), result.imag.clamp(-1, 1))
    return result.clamp(-1, 1)
