"""Ready parametrizations."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from lamella_autograd import no_grad, rename
from lamella_core import (
    Tensor,
    cat,
    dot,
    eye,
    finfo,
    geqrf,
    linalg,
    matrix_exp,
    mv,
    randn,
    zeros_like,
)
from lamella_nn.functional import normalize
from lamella_nn.modules.module import Module
from lamella_nn.utils.parametrize import register_parametrization
from lamella_nn.utils.spectral_norm import matrix_of, output_dim
from lamella_nn.utils.weight_norm import norm_except_dim

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]


class _OrthMaps(Enum):
    """The maps from matrices to orthogonal ones."""

    matrix_exp = auto()
    cayley = auto()
    householder = auto()


class _Orthogonal(Module):
    """Maps a tensor of matrices to orthogonal ones of the same shape; see ``orthogonal``."""

    base: Tensor | None

    def __init__(
        self, weight: Tensor, orthogonal_map: _OrthMaps, *, use_trivialization: bool = True
    ) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map is _OrthMaps.householder:
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, X: Tensor) -> Tensor:
        """The orthogonal matrices that belong to X."""
        wide = X.shape[-2] < X.shape[-1]
        if wide:
            X = X.mT
        rows, columns = X.shape[-2:]
        if self.orthogonal_map is _OrthMaps.householder:
            Q = _of_reflections(X)
        else:
            lower = X.tril()
            if rows != columns:
                missing = zeros_like(X[..., :1]).expand(*X.shape[:-1], rows - columns)
                lower = cat([lower, missing], dim=-1)
            skew = lower - lower.mH
            if self.orthogonal_map is _OrthMaps.matrix_exp:
                Q = matrix_exp(skew)
            else:
                unit = eye(rows, dtype=X.dtype, device=X.device)
                Q = linalg.solve(unit - skew / 2, unit + skew / 2)
            Q = Q[..., :columns]
        base = getattr(self, "base", None)
        if base is not None:
            Q = base @ Q
        return Q.mT if wide else Q

    def right_inverse(self, Q: Tensor) -> Tensor:
        """What ``forward`` maps to Q, or to the orthogonal factor of Q where Q is not orthogonal.

        Raises:
            ValueError: Q has not the shape of the weight.
            NotImplementedError: the map has no inverse that could be computed.
        """
        if Q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {Q.shape}."
            )
        wide = Q.shape[-2] < Q.shape[-1]
        if wide:
            Q = Q.mT
        rows, columns = Q.shape[-2:]
        if hasattr(self, "base"):
            if not _is_orthogonal(Q):
                Q = _orthogonal_factor(Q)
            if rows != columns:
                Q = cat([Q, _complement(Q)], dim=-1)
            self.base = Q
            # Every map sends this to the identity.
            negative = zeros_like(Q[..., :columns])
            negative.diagonal(dim1=-2, dim2=-1).fill_(-1)
            return negative.mT if wide else negative
        if self.orthogonal_map is not _OrthMaps.householder:
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        reflections, factors = geqrf(Q)
        diagonal = reflections.diagonal(dim1=-2, dim2=-1)
        signs = diagonal.sgn()
        # A factor of zero stands for no reflection; forward makes one of every column.
        signs[factors == 0] *= -1
        diagonal.copy_(signs)
        return reflections.mT if wide else reflections


def _of_reflections(X: Tensor) -> Tensor:
    """The product of the reflections whose vectors lie below the diagonal, which holds signs."""
    vectors = X.tril(diagonal=-1)
    factors = 2.0 / (1.0 + (vectors * vectors).sum(dim=-2))
    Q = linalg.householder_product(vectors, factors)
    return Q * X.diagonal(dim1=-2, dim2=-1).detach().unsqueeze(-2)


def _is_orthogonal(Q: Tensor) -> bool:
    rows, columns = Q.shape[-2:]
    if rows < columns:
        return False
    unit = eye(columns, dtype=Q.dtype, device=Q.device)
    return bool(((Q.mH @ Q - unit).abs() < 10 * columns * finfo(Q.dtype).eps).all())


def _orthogonal_factor(A: Tensor) -> Tensor:
    """Q of A = Q R, with a positive diagonal of R, which makes it unique."""
    reflections, factors = geqrf(A)
    Q = linalg.householder_product(reflections, factors)
    return Q * reflections.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _complement(Q: Tensor) -> Tensor:
    """Columns, drawn at random, that make a square orthogonal matrix of Q."""
    rows, columns = Q.shape[-2:]
    N = randn(*Q.shape[:-2], rows, rows - columns, dtype=Q.dtype, device=Q.device)
    # Once may leave a part along Q that rounding made; twice is enough (Kahan and Parlett).
    for _ in range(2):
        N = _orthogonal_factor(N - Q @ (Q.mH @ N))
    return N


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keep a tensor of matrices orthogonal: columns (or, of wide ones, rows) are orthonormal.

    The maps, of a skew-symmetric A made from the lower triangle of what is learnt, are
    ``"matrix_exp"``, Q = exp(A); ``"cayley"``, Q = (I - A/2)⁻¹ (I + A/2); and ``"householder"``, a
    product of reflections.

    Args:
        module: has the tensor.
        name: of the tensor, with at least two dimensions; the last two are those of the matrices.
        orthogonal_map: by default ``"matrix_exp"`` for square or complex matrices, else
            ``"householder"``.
        use_trivialization: learn Q relative to its value at registration, which is kept as the
            buffer ``parametrizations.<name>.0.base`` (M. Lezcano-Casado, "Trivializations for
            Gradient-Based Optimization on Manifolds", 2019).

    Returns:
        The module. The first Q is the orthogonal factor of the tensor, except for
        ``use_trivialization=False`` with one of the first two maps.

    Raises:
        ValueError: there is no such tensor, it has too few dimensions, the map is unknown, or it
            is ``"householder"`` and the tensor complex.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    chosen = getattr(_OrthMaps, orthogonal_map, None)
    if chosen is None:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    parametrization = _Orthogonal(weight, chosen, use_trivialization=use_trivialization)
    register_parametrization(module, name, parametrization, unsafe=True)
    return module


class _WeightNorm(Module):
    """Maps a length and a direction to a weight; see ``weight_norm``."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """``g v / |v|``."""
        weight = weight_v * (weight_g / norm_except_dim(weight_v, self.dim))
        return rename(weight, "WeightNormInterfaceBackward0")

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """The weight's length, and the weight for its direction."""
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int = 0) -> Module:
    """Learn a weight as a length and a direction: ``w = g v / |v|``.

    From T. Salimans and D. Kingma, "Weight Normalization" (2016). The length becomes the parameter
    ``parametrizations.<name>.original0``, the direction ``original1``. States of
    ``utils.weight_norm``, the older form, can be loaded.

    Args:
        module: changed in place, and returned.
        name: of the weight.
        dim: the dimension whose slices have a length each; one length for all when None.

    Raises:
        ValueError: there is no such tensor.
        IndexError: there is no such dimension.
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: Any, prefix: str, *_: Any) -> None:
        for older, newer in (("_g", "original0"), ("_v", "original1")):
            key = f"{prefix}{name}{older}"
            if key in state_dict:
                state_dict[f"{prefix}parametrizations.{name}.{newer}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    """Divides a weight by its largest singular value; see ``spectral_norm``."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-weight.ndim}, "
                f"{weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim == 1:
            return
        self.n_power_iterations = n_power_iterations
        with no_grad():
            matrix = matrix_of(weight, self.dim)
            rows, columns = matrix.shape
            u = matrix.new_empty(rows).normal_(0, 1)
            v = matrix.new_empty(columns).normal_(0, 1)
            self.register_buffer("_u", normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", normalize(v, dim=0, eps=eps))
            # From random vectors, a few steps for a start.
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, steps: int) -> None:
        for _ in range(steps):
            self._u.copy_(normalize(mv(matrix, self._v), dim=0, eps=self.eps))
            self._v.copy_(normalize(mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight over its largest singular value; a vector over its length."""
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = matrix_of(weight, self.dim)
        if self.training:
            with no_grad():
                self._iterate(matrix, self.n_power_iterations)
        # The next call writes into the buffers; the graph of this one needs what they are.
        u, v = self._u.clone(), self._v.clone()
        return weight / dot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """The value itself: where its norm is 1 already, the way forward changes nothing."""
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divide a weight, as a matrix, by its largest singular value.

    From T. Miyato et al., "Spectral Normalization for Generative Adversarial Networks" (2018). The
    singular value is found by power iteration, which goes on at each access in training.

    Args:
        module: changed in place, and returned.
        name: of the weight; a vector is divided by its length.
        n_power_iterations: steps an access.
        eps: the least length that vectors are divided by.
        dim: the dimension of the weight that belongs to outputs; by default 1 for transposed
            convolutions and 0 for all others.

    Raises:
        ValueError: there is no such tensor, or ``n_power_iterations`` is not positive.
        IndexError: there is no such dimension.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    chosen = output_dim(module) if dim is None else dim
    register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, chosen, eps))
    return module
