"""The hash of elements, held to NumPy's exclusive or of their bits."""

import numpy as np
import pytest

import lamella as torch


def bits(array):
    wide = array.astype(np.float64 if array.dtype.kind == "f" else np.int64)
    return wide.view(np.uint64)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int8", "int64", "bool"])
@pytest.mark.parametrize("dim", [None, 0, -1, (0, 2), (2, 1, 0)])
def test_as_numpy(dtype, dim):
    array = (np.arange(30).reshape(2, 3, 5) % 11 - 4.5).astype(dtype)
    x = torch.from_numpy(array)
    places = () if dim is None else dim
    axis = None if dim is None else dim
    for keep in (False, True):
        wanted = np.bitwise_xor.reduce(bits(array), axis=axis, keepdims=keep)
        result = torch.hash_tensor(x, places, keepdim=keep)
        assert result.dtype is torch.uint64
        np.testing.assert_array_equal(result.numpy(), wanted)
    assert torch.hash_tensor(x, []).shape == ()
    assert x.permute(2, 0, 1).hash_tensor().item() == np.bitwise_xor.reduce(bits(array), axis=None)


def test_bad_input():
    x = torch.ones(2, 3)
    with pytest.raises(RuntimeError, match="Unknown hash_tensor mode: 1"):
        torch.hash_tensor(x, mode=1)
    with pytest.raises(RuntimeError, match="torch.uint64 does not match"):
        torch.hash_tensor(x, out=torch.zeros((), dtype=torch.int64))
    with pytest.raises(RuntimeError, match="with the 'dim' argument"):
        torch.hash_tensor(torch.zeros(0))
    with pytest.raises(IndexError, match="dim 1 to have non-zero size"):
        torch.hash_tensor(torch.zeros(2, 0), 1)
    with pytest.raises(NotImplementedError, match="hash_tensor"):
        torch.hash_tensor(x * 1j)
