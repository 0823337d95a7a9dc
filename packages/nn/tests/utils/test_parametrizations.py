import numpy as np
import pytest

import lamella_core as torch
import lamella_nn as nn
from lamella_core import Tensor, complex128, float64, manual_seed, rand
from lamella_nn import Linear
from lamella_nn.utils import parametrizations
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


@pytest.mark.parametrize("dim", [0, 1, None])
def test_weight_norm(dim):
    module = nn.Linear(3, 2)
    weight = module.weight.detach().numpy().copy()
    assert parametrizations.weight_norm(module, dim=dim) is module
    g = module.parametrizations.weight.original0
    axes = None if dim is None else 1 - dim
    lengths = np.sqrt((weight**2).sum(axes, keepdims=dim is not None))
    np.testing.assert_allclose(g.detach().numpy(), lengths, rtol=1e-6)
    g.data *= 3
    np.testing.assert_allclose(module.weight.detach().numpy(), 3 * weight, rtol=1e-5)
    module.weight = torch.ones(2, 3)
    np.testing.assert_allclose(module.weight.detach().numpy(), np.ones((2, 3)), rtol=1e-6)


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_weight_norm_reads_states_of_the_older_form():
    older = nn.utils.weight_norm(nn.Linear(3, 2))
    module = parametrizations.weight_norm(nn.Linear(3, 2))
    module.load_state_dict(older.state_dict())
    np.testing.assert_allclose(
        module.weight.detach().numpy(), older.weight.detach().numpy(), rtol=1e-6
    )


def test_spectral_norm():
    torch.manual_seed(0)
    module = parametrizations.spectral_norm(nn.ConvTranspose1d(2, 3, 2), n_power_iterations=30)
    original = module.parametrizations.weight.original.detach().numpy()
    largest = np.linalg.svd(original.swapaxes(0, 1).reshape(3, -1), compute_uv=False)[0]
    np.testing.assert_allclose(module.weight.detach().numpy(), original / largest, rtol=1e-4)
    assert list(module.state_dict())[-2:] == [
        "parametrizations.weight.0._u", "parametrizations.weight.0._v",
    ]  # fmt: skip
    before = module.state_dict()["parametrizations.weight.0._u"].clone()
    module.eval()
    assert torch.equal(module.weight, module.weight)
    assert torch.equal(module.state_dict()["parametrizations.weight.0._u"], before)
    (module.weight.sum() + module.weight.sum()).backward()


def test_spectral_norm_of_a_vector_is_its_length():
    module = parametrizations.spectral_norm(nn.BatchNorm1d(4))
    assert module.weight.tolist() == [0.5] * 4


def test_errors_of_norms():
    with pytest.raises(ValueError, match="name 'weights'"):
        parametrizations.weight_norm(nn.Linear(2, 2), "weights")
    with pytest.raises(IndexError, match=r"\[-2, 1\], but got 3"):
        parametrizations.weight_norm(nn.Linear(2, 2), dim=3)
    with pytest.raises(ValueError, match="name 'weights'"):
        parametrizations.spectral_norm(nn.Linear(2, 2), "weights")
    with pytest.raises(ValueError, match="n_power_iterations=0"):
        parametrizations.spectral_norm(nn.Linear(2, 2), n_power_iterations=0)
    with pytest.raises(IndexError, match=r"\[-2, 1\] but got 2"):
        parametrizations.spectral_norm(nn.Linear(2, 2), dim=2)
