"""Derivatives of determinants."""

from __future__ import annotations

from typing import Any

from lamella_autograd.derivatives.operators import conj
from lamella_autograd.formulas import derivative
from lamella_core.conventions.common import anywhere
from lamella_core.ops.determinant import det
from lamella_core.ops.eigen import svd
from lamella_core.ops.joining import stack
from lamella_core.ops.solving import inv, inv_ex
from lamella_core.tensor import Tensor


def _as_matrix(value: Tensor) -> Tensor:
    return value.unsqueeze(-1).unsqueeze(-1)


def _det_input(grad: Tensor, input: Tensor, result: Tensor) -> Tensor:
    if not anywhere(result == 0):
        return _as_matrix(grad * conj(result)) * inv(input).mH
    return _as_matrix(grad) * _cofactors(input)


def _cofactors(input: Tensor) -> Tensor:
    """The conjugate transpose of the adjugate, from the SVD: singular matrices have one, too."""
    U, S, Vh = svd(input, full_matrices=False)
    size = S._array.shape[-1]
    products = stack([_without(S, i) for i in range(size)], -1)
    phase = conj(det(U) * det(Vh))
    return _as_matrix(phase) * ((U * products.unsqueeze(-2).to(U._dtype)) @ Vh)


def _without(values: Tensor, place: int) -> Tensor:
    """The product of all values along the last dimension but one."""
    size = values._array.shape[-1]
    before = values.narrow(-1, 0, place).prod(-1)
    return before * values.narrow(-1, place + 1, size - place - 1).prod(-1)


def _slogdet_input(grads: Any, input: Tensor, results: Any) -> Tensor | None:
    of_sign, of_log = grads
    sign = results[0]
    slope = None if of_log is None else of_log.to(input._dtype)
    if of_sign is not None and input._dtype.is_complex:
        # d sign = sign * i Im tr(A^-1 dA)
        turn = (conj(of_sign) * sign).imag
        turned = turn * -1j
        slope = turned if slope is None else slope + turned
    if slope is None:
        return None
    return _as_matrix(slope) * inv_ex(input)[0].mH


derivative("linalg_det", input=_det_input)
derivative("linalg_slogdet", input=_slogdet_input, keeps=(0,))
