import numpy as np
import pytest

from lamella_core import Tensor, complex128, float64, manual_seed, rand
from lamella_nn import Linear
from lamella_nn.utils.parametrizations import orthogonal


def gram(Q: Tensor) -> np.ndarray:
    Q = Q.detach().numpy()
    return Q.conj().T @ Q if Q.shape[0] >= Q.shape[1] else Q @ Q.conj().T


@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (5, 3), (3, 5)])
def test_the_matrix_stays_orthogonal_while_it_is_trained(
    shape: tuple[int, int], kind: str, trivial: bool
) -> None:
    manual_seed(0)
    module = Linear(*shape, bias=False, dtype=float64)
    orthogonal(module, orthogonal_map=kind, use_trivialization=trivial)
    original = module.parametrizations.weight.original
    for _ in range(2):
        np.testing.assert_allclose(gram(module.weight), np.eye(min(shape)), atol=1e-12)
        module(rand(2, shape[0], dtype=float64)).square().sum().backward()
        original.data = original.data - original.grad
    np.testing.assert_allclose(gram(module.weight), np.eye(min(shape)), atol=1e-12)


def test_the_first_value_is_the_factor_of_the_qr_decomposition() -> None:
    module = Linear(3, 5, bias=False, dtype=float64)
    Q, R = np.linalg.qr(module.weight.detach().numpy())
    orthogonal(module)
    np.testing.assert_allclose(module.weight.detach().numpy(), Q * np.sign(np.diag(R)), atol=1e-12)


def test_complex_matrices_become_unitary() -> None:
    module = orthogonal(Linear(3, 4, dtype=complex128))
    np.testing.assert_allclose(gram(module.weight), np.eye(3), atol=1e-12)
    with pytest.raises(ValueError, match="householder"):
        orthogonal(Linear(3, 4, dtype=complex128), orthogonal_map="householder")
