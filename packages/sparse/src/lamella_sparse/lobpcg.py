"""A few eigenpairs of a large symmetric matrix, from products with it: LOBPCG.

A. V. Knyazev, "Toward the optimal preconditioned eigensolver", SIAM J. Sci. Comput. 23(2), 2001
(the method ``basic``); J. A. Duersch, M. Shao, C. Yang and M. Gu, "A robust and efficient
implementation of LOBPCG", SIAM J. Sci. Comput. 40(5), 2018, with the orthogonalization of
A. Stathopoulos and K. Wu, SIAM J. Sci. Comput. 23(6), 2002 (the method ``ortho``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.arrays import arrays
from lamella_core.dispatch import shared_kernel
from lamella_core.dtype import float32, float64
from lamella_core.ops.decomposition import cholesky, qr
from lamella_core.ops.eigen import eigh
from lamella_core.ops.joining import cat, stack
from lamella_core.ops.norms import norm
from lamella_core.ops.random import randn
from lamella_core.ops.solving import solve_triangular
from lamella_core.type_info import finfo
from lamella_sparse.layer import SparseTensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.tensor import Tensor

__all__ = ["lobpcg"]


class LOBPCG:
    """The state of one iteration, as a tracker sees it.

    The arguments ``A``, ``B``, ``iK``, ``method``, ``iparams``, ``fparams``, ``bparams``; the
    eigenvalues ``E``, vectors ``X``, residuals ``R`` and basis ``S = [X, P, W]``; ``ivars`` (with
    ``istep`` and ``converged_count``), ``fvars``, ``tvars`` (``rerr``) and ``bvars``, where a
    tracker sets ``force_stop`` to end it.
    """

    def __init__(self, A: Tensor, B: Any, X: Tensor, iK: Any, method: str, *params: Any) -> None:
        self.A, self.B, self.iK, self.X, self.method = A, B, iK, X, method
        self.iparams, self.fparams, self.bparams = params
        size = norm(X).item()
        self.fvars: dict[str, float] = {
            "X_norm": size,
            "A_norm": norm(A @ X).item() / size,
            "B_norm": 1.0 if B is None else norm(B @ X).item() / size,
        }
        self.ivars = {"istep": 0, "iterations_left": self.iparams["niter"], "converged_count": 0}
        self.bvars: dict[str, bool] = {}
        self.tvars: dict[str, Tensor] = {}
        self.S, self.P = X, X[:, :0]
        self._search(basic=True)
        self.P = self.P[:, :0]

    def run(self, tracker: Callable[[LOBPCG], None] | None) -> None:
        """Iterates until ``k`` pairs have converged, or as long as ``niter`` allows."""
        ivars, k = self.ivars, self.iparams["k"]
        while True:
            ivars["istep"] += 1
            ivars["iterations_left"] -= 1
            self._measure()
            if tracker is not None:
                tracker(self)
            if (
                ivars["converged_count"] >= k
                or ivars["iterations_left"] == 0
                or self.bvars.get("force_stop")
            ):
                return
            self._extend()

    def _times_b(self, vectors: Tensor) -> Tensor:
        return vectors if self.B is None else self.B @ vectors

    def _measure(self) -> None:
        """Residuals, their relative size (Duersch et al., section 4), and what has converged."""
        X, E = self.X, self.E
        self.R = self.A @ X - self._times_b(X) * E
        scale = self.fvars["A_norm"] + E.abs() * self.fvars["B_norm"]
        rerr = self.tvars["rerr"] = norm(self.R, dim=0) / (norm(X, dim=0) * scale)
        small = (rerr <= self.fparams["tol"]).tolist()
        count = small.index(False) if False in small else len(small)
        self.ivars["converged_count"] = max(count, self.ivars["converged_count"])

    def _extend(self) -> None:
        """One step: search the space of the vectors, the last directions and new residuals."""
        active = self.ivars["converged_count"]
        new = self.R[:, active:]
        if self.iK is not None:
            new = self.iK @ new
        known = cat((self.X, self.P), 1)
        basic = self.method == "basic"
        if not basic:
            new = self._orthonormal(new, known)
        self.S = cat((known, new), 1)
        self.ivars["converged_end"] = self.S._array.shape[1]
        self._search(basic)

    def _search(self, basic: bool) -> None:
        """Rayleigh and Ritz: the best pairs in the span of S, and the directions they came by."""
        S, n = self.S, self.iparams["n"]
        projected = S.mT @ (self.A @ S)
        factor = None
        if basic:
            gram = S.mT @ self._times_b(S)
            scale = gram.diagonal().rsqrt()
            factor = cholesky(gram * scale * scale.unsqueeze(-1))
            half = solve_triangular(factor, projected * scale * scale.unsqueeze(-1), upper=False)
            projected = solve_triangular(factor, half.mT, upper=False)
        values, vectors = eigh((projected + projected.mT) / 2)
        if self.bparams["largest"]:
            values, vectors = values.flip(-1), vectors.flip(-1)
        best = vectors[:, :n]
        if factor is not None:
            best = solve_triangular(factor.mT, best, upper=True) * scale.unsqueeze(-1)
        active = self.ivars["converged_count"]
        beyond = best[:, active:].clone()
        beyond[:n] = 0
        if basic:
            P = S @ beyond
            self.P = P / norm(P, dim=0)
        else:
            # An orthonormal completion: in the span of both, orthogonal to the new vectors.
            self.P = S @ qr(cat((best, beyond), 1))[0][:, n:]
        self.E, self.X = values[:n], S @ best

    def _orthonormal(self, U: Tensor, V: Tensor) -> Tensor:
        """``U`` made B-orthonormal and B-orthogonal to ``V``, which is B-orthonormal."""
        tol = self.fparams["ortho_tol"]
        for i in range(self.iparams["ortho_i_max"]):
            self.ivars["ortho_i"] = i
            U = U - V @ (V.mT @ self._times_b(U))
            for j in range(self.iparams["ortho_j_max"]):
                self.ivars["ortho_j"] = j
                U = self._svqb(U)
                if not U._array.size:
                    return U
                gram = U.mT @ self._times_b(U)
                gram.diagonal().sub_(1)
                if norm(gram).item() < tol:
                    break
            if norm(V.mT @ self._times_b(U)).item() < tol:
                break
        return U

    def _svqb(self, U: Tensor) -> Tensor:
        """A B-orthonormal basis from the eigenvectors of the Gram matrix, its diagonal scaled.

        Directions that rounding alone gave are dropped, or made longer and so replaced.
        """
        gram = U.mT @ self._times_b(U)
        sizes = gram.diagonal()
        U = U[:, sizes > 0]
        if not U._array.size:
            return U
        scale = sizes[sizes > 0].rsqrt()
        gram = (U.mT @ self._times_b(U)) * scale * scale.unsqueeze(-1)
        values, vectors = eigh(gram)
        largest = values[-1].item()
        if self.bparams["ortho_use_drop"]:
            keep = values > self.fparams["ortho_tol_drop"] * largest
            values, vectors = values[keep], vectors[:, keep]
        else:
            values = values.clamp(min=self.fparams["ortho_tol_replace"] * largest)
        return U @ (vectors * scale.unsqueeze(-1) * values.rsqrt())


# ``E`` and ``X`` as they are: where autograd takes up what the iteration found for ``A``.
pairs = arrays()("lobpcg(A: Tensor, E: Tensor, X: Tensor, generalized: bool)")


@shared_kernel("lobpcg")
def _pairs(xp: Any, A: Any, E: Any, X: Any, generalized: bool) -> Any:
    return E, X


def _matrices(tensor: Tensor | None, count: int) -> list[Any]:
    """The matrices of a batch, which a sparse tensor has one of."""
    if tensor is None:
        return [None] * count
    tensor = tensor.detach()
    if isinstance(tensor, SparseTensor):
        return [tensor]
    return list(tensor.reshape(-1, *tensor.shape[-2:]))


def lobpcg(
    A: Tensor,
    k: int | None = None,
    B: Tensor | None = None,
    X: Tensor | None = None,
    n: int | None = None,
    iK: Tensor | None = None,
    niter: int | None = None,
    tol: float | None = None,
    largest: bool | None = None,
    method: str | None = None,
    tracker: Callable[[LOBPCG], None] | None = None,
    ortho_iparams: dict[str, int] | None = None,
    ortho_fparams: dict[str, float] | None = None,
    ortho_bparams: dict[str, bool] | None = None,
) -> tuple[Tensor, Tensor]:
    """The ``k`` largest or smallest eigenpairs of ``A x = e B x``, by LOBPCG.

    Args:
        A: symmetric, ``(..., m, m)``, float32 or float64; ``m >= 3 n``. Where it requires a
            gradient, its symmetric part is taken. One matrix may be sparse, and so may ``B`` and
            ``iK``; a sparse ``A`` has no gradient.
        k: how many; the columns of ``X``, or 1, by default.
        B: symmetric and positive-definite, of the shape of ``A``; the identity by default.
        X: a first guess of the vectors, ``(..., m, n)``; random by default.
        n: how many pairs are iterated, ``k`` by default.
        iK: a preconditioner, ``(..., m, m)``.
        niter: at most so many steps, 1000 by default; -1 for no bound.
        tol: the relative residual that counts as converged, the square root of machine epsilon
            by default.
        largest: the largest (the default) or the smallest eigenvalues.
        method: ``"ortho"``, the default, or ``"basic"``, which can fail where vectors become
            dependent.
        tracker: called in each step with the :class:`LOBPCG`.
        ortho_iparams: ``ortho_i_max``, ``ortho_j_max``, rounds of orthogonalization, 3 each.
        ortho_fparams: ``ortho_tol``, ``ortho_tol_drop``, ``ortho_tol_replace``; ``tol`` each.
        ortho_bparams: ``ortho_use_drop``: drop dependent directions instead of replacing them.

    Returns:
        ``(E, X)``, ``(..., k)`` and ``(..., m, k)``. A gradient is there for ``B=None``; that of
        the vectors needs eigenvalues that occur once.

    Raises:
        ValueError: when ``m`` is less than ``3 n``, or the method is unknown.
        RuntimeError: when shapes or types do not fit.
        LinAlgError: where ``basic`` met dependent vectors.
    """
    shape = A._array.shape
    if A._dtype not in (float32, float64):
        raise RuntimeError(f"lobpcg: A must be float32 or float64, got {A._dtype!r}; convert it")
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise AssertionError(f"A must be square, got shape {list(shape)}")
    m = shape[-1]
    if k is None:
        k = 1 if X is None else X._array.shape[-1]
    n = (k if n is None else n) if X is None else X._array.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than "
            f"3 x the number of requested eigenpairs (={n})"
        )
    if not 0 < k <= n:
        raise ValueError(f"lobpcg: k must be from 1 to n (={n}), got {k}")
    method = "ortho" if method is None else method
    if method not in ("basic", "ortho"):
        raise ValueError(f"lobpcg: expected the method 'basic' or 'ortho', got {method!r}")
    for name, each, expected in (("B", B, shape), ("iK", iK, shape), ("X", X, (*shape[:-1], n))):
        if each is not None and (each._array.shape != expected or each._dtype is not A._dtype):
            raise (RuntimeError if each._array.shape == expected else AssertionError)(
                f"lobpcg: {name} must be of shape {list(expected)} and {A._dtype!r} as A is, got "
                f"{list(each._array.shape)} and {each._dtype!r}"
            )
    tol = finfo(A._dtype).eps ** 0.5 if tol is None else tol
    iparams = {"m": m, "n": n, "k": k, "niter": 1000 if niter is None else niter}
    fparams = {"tol": tol}
    bparams = {"largest": True if largest is None else largest}
    if method == "ortho":
        iparams |= {"ortho_i_max": 3, "ortho_j_max": 3, **(ortho_iparams or {})}
        fparams |= dict.fromkeys(("ortho_tol", "ortho_tol_drop", "ortho_tol_replace"), tol)
        fparams |= ortho_fparams or {}
        bparams |= {"ortho_use_drop": False, **(ortho_bparams or {})}
    sparse = isinstance(A, SparseTensor)
    if A.requires_grad:
        if sparse:
            raise RuntimeError(
                "lobpcg: there is no gradient of a sparse A; detach it, or use A.to_dense()"
            )
        A = (A + A.mT) / 2

    matrices = _matrices(A, 1)
    found = []
    for i, (matrix, b, inverse, guess) in enumerate(
        zip(matrices, *[_matrices(t, len(matrices)) for t in (B, iK, X)], strict=True)
    ):
        if guess is None:
            guess = randn(m, n, dtype=A._dtype, device=A.device)
        if len(shape) > 2:
            iparams["batch_index"] = i
        worker = LOBPCG(matrix, b, guess, inverse, method, dict(iparams), fparams, bparams)
        worker.run(tracker)
        found.append((worker.E[:k], worker.X[:, :k]))
    E = stack([e for e, _ in found]).reshape(*shape[:-2], k)
    vectors = stack([x for _, x in found]).reshape(*shape[:-1], k)
    return (E, vectors) if sparse else pairs(A, E, vectors, B is not None)
