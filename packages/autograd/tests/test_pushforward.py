"""The rules of forward mode, each against finite differences or a formula."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_autograd.func import jvp
from lamella_autograd.pushforward import laid_out_as
from lamella_core import Tensor, linalg, tensor
from lamella_core.conventions import pointwise
from lamella_core.dispatch import namespace_kernels

RNG = np.random.default_rng(0)
A, B = RNG.standard_normal((3, 3)) + 3 * np.eye(3), RNG.standard_normal((3, 3))
STEP = 1e-6

FUNCTIONS = {
    "linear": lambda a: core.cat([a.t(), a[1:].cumsum(0)]).sum(1),
    "multilinear": lambda a: a @ a.t() @ a,
    "pointwise": lambda a: a.tanh() * a.exp() / (a * a + 1),
    "pointwise, broadcast": lambda a: a * a[0] + a[:, :1],
    "reduction": lambda a: a.prod(1) + a.logsumexp(0) + linalg.vector_norm(a) + a.var(1),
    "reduction of everything": lambda a: a.prod(),
    "transposed": lambda a: linalg.inv(a) + a.softmax(0),
    "transposed, several results": lambda a: linalg.slogdet(a)[1] * a.sort(1)[0],
    "eigenvalues": lambda a: linalg.eigh(a + a.t())[0],
    "in place": lambda a: a.clone().mul_(a).index_fill_(0, tensor([0]), 1.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_against_finite_differences(name: str) -> None:
    f = FUNCTIONS[name]
    expected = (f(tensor(A + STEP * B)) - f(tensor(A - STEP * B))) / (2 * STEP)
    found = jvp(f, (tensor(A),), (tensor(B),))[1]
    assert np.allclose(found.numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)


def test_the_norm_of_zero_has_slope_zero() -> None:
    zero = core.zeros(3)
    assert jvp(linalg.vector_norm, (zero,), (core.ones(3),))[1].item() == 0.0


def test_eigenvectors_keep_their_norms() -> None:
    value = tensor(A)
    _, (_, moved) = jvp(lambda a: tuple(linalg.eig(a)), (value,), (tensor(B),))
    _, vectors = linalg.eig(value)
    assert np.allclose((vectors.conj() * moved).sum(0).real.numpy(), 0)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)])
@pytest.mark.parametrize("full_matrices", [False, True])
def test_the_parts_of_a_singular_value_decomposition(
    shape: tuple[int, int], full_matrices: bool
) -> None:
    matrix, along = (RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape) for _ in range(2))
    parts, moved = jvp(
        lambda a: tuple(linalg.svd(a, full_matrices)), (tensor(matrix),), (tensor(along),)
    )
    U, S, Vh = (each.numpy() for each in parts)
    dU, dS, dVh = (each.numpy() for each in moved)
    k = min(shape)
    # The product of the parts moves as the matrix does, and the vectors stay orthogonal.
    changed = dU[:, :k] * S @ Vh[:k] + U[:, :k] * dS @ Vh[:k] + U[:, :k] * S @ dVh[:k]
    assert np.allclose(changed, along)
    for basis, moved_basis in ((U, dU), (Vh.conj().T, dVh.conj().T)):
        turn = basis.conj().T @ moved_basis
        assert np.allclose((turn + turn.conj().T)[:, :k], 0)


def test_logcumsumexp_beside_a_large_element() -> None:
    x, t = np.array([-3.0, 1000.0, 0.5]), np.array([2.0, -1.0, 1.0])
    found = jvp(lambda a: a.logcumsumexp(0), (tensor(x),), (tensor(t),))[1]
    assert np.allclose(found.numpy(), [2.0, -1.0, -1.0])


def test_complex_functions() -> None:
    z, t = np.array([1 + 2j, -0.5j]), np.array([0.5 - 1j, 2.0 + 0j])
    assert np.allclose(jvp(lambda a: a * a, (tensor(z),), (tensor(t),))[1].numpy(), 2 * z * t)
    # |z| is not holomorphic: its derivative along t is Re(conj(z) t) / |z|.
    found = jvp(abs, (tensor(z),), (tensor(t),))[1]
    assert np.allclose(found.numpy(), (z.conj() * t).real / abs(z))


def test_a_tangent_gets_the_strides_of_its_value() -> None:
    value, tangent = core.zeros(2, 3).t(), core.ones(3, 2)
    assert laid_out_as(tangent, value).stride() == value.stride()


def test_an_op_without_a_derivative_is_named() -> None:
    @pointwise("float", method=False, inplace=False)
    def no_derivative(input: Tensor) -> Tensor:
        """Nothing is known about its slope."""

    namespace_kernels(no_derivative="sin")
    with pytest.raises(NotImplementedError, match="no_derivative"):
        jvp(no_derivative, (core.ones(2),), (core.ones(2),))
