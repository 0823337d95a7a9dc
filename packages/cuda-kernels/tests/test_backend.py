"""The CUDA backend against NumPy; skipped where there is no CuPy or no GPU."""

import numpy as np
import pytest

import lamella_core as lc
from lamella_cuda_kernels import backend as cupy_backend

cupy = pytest.importorskip("cupy", reason="CuPy is not installed (extras cuda12, cuda13)")

lc.load_backends()
if "cuda" not in lc.backends:
    pytest.skip("CuPy sees no CUDA device", allow_module_level=True)


def on_cuda(array: np.ndarray) -> lc.Tensor:
    return lc.from_numpy(array).to("cuda")


def test_the_entry_point_registered_the_backend() -> None:
    assert isinstance(lc.backends["cuda"], cupy_backend.CupyBackend)


def test_round_trip_and_views() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    tensor = on_cuda(array)
    assert str(tensor.device) == "cuda:0"
    np.testing.assert_array_equal(tensor.t()[1:].cpu().numpy(), array.T[1:])
    view = tensor.as_strided((3, 2), (6, 2), 1)
    np.testing.assert_array_equal(
        view.cpu().numpy(), np.lib.stride_tricks.as_strided(array.ravel()[1:], (3, 2), (24, 8))
    )
    tensor[0].fill_(7)
    assert tensor.cpu()[0].tolist() == [7.0] * 6


@pytest.mark.parametrize("name", ["exp", "tanh", "sqrt", "sum", "cumsum", "argmax", "sort"])
def test_ops_agree_with_the_cpu(name: str) -> None:
    array = np.random.default_rng(0).random((5, 7)).astype(np.float32)
    arguments = (1,) if name in ("cumsum", "argmax", "sort") else ()
    expected = getattr(lc.from_numpy(array), name)(*arguments)
    found = getattr(on_cuda(array), name)(*arguments)
    if name == "sort":
        expected, found = expected[0], found[0]
    np.testing.assert_allclose(found.cpu().numpy(), expected.numpy(), rtol=1e-5)


def test_matmul_agrees_with_numpy() -> None:
    left, right = np.random.default_rng(0).random((2, 8, 8)).astype(np.float32)
    found = on_cuda(left) @ on_cuda(right)
    np.testing.assert_allclose(found.cpu().numpy(), left @ right, rtol=1e-5)


def test_random_numbers_repeat_from_a_seed_and_have_their_moments() -> None:
    lc.manual_seed(3)
    first = lc.randn(100_000, device="cuda").cpu().numpy()
    lc.manual_seed(3)
    np.testing.assert_array_equal(lc.randn(100_000, device="cuda").cpu().numpy(), first)
    assert abs(first.mean()) < 0.02
    assert abs(first.std() - 1) < 0.02


def test_operands_on_two_devices_are_an_error() -> None:
    with pytest.raises(RuntimeError, match="same device"):
        lc.ones(3, device="cuda") + lc.ones(3)
