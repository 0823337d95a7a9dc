"""``assert_close``: texts and tolerances are those that PyTorch 2.13 gave for the same calls."""

from __future__ import annotations

import numpy as np
import pytest

import lamella
from lamella import tensor
from lamella.testing import assert_allclose, assert_close


@pytest.mark.parametrize(
    ("name", "rtol", "atol"),
    [
        ("float16", 1e-3, 1e-5),
        ("bfloat16", 1.6e-2, 1e-5),
        ("float32", 1.3e-6, 1e-5),
        ("float64", 1e-7, 1e-7),
        ("complex64", 1.3e-6, 1e-5),
        ("complex128", 1e-7, 1e-7),
    ],
)
def test_tolerance_of_a_type(name: str, rtol: float, atol: float) -> None:
    kind = getattr(lamella, name)
    zero = tensor([0.0, 1.0], dtype=kind)
    assert_close(tensor([0.9 * atol, 1.0], dtype=kind), zero)
    with pytest.raises(AssertionError, match=f"up to {atol} allowed") as caught:
        assert_close(tensor([1.2 * atol, 1.0], dtype=kind), zero)
    assert f"(up to {rtol} allowed)" in str(caught.value)


def test_text_of_tensors() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(tensor([[1.0, 2.0], [3.0, 4.0]]), tensor([[1.1, 2.0], [3.0, 5.0]]))
    assert str(caught.value) == (
        "Tensor-likes are not close!\n\nMismatched elements: 2 / 4 (50.0%)\n"
        "Greatest absolute difference: 1.0 at index (1, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.20000000298023224 at index (1, 1) (up to 1.3e-06 allowed)"
    )


def test_text_of_integers_in_containers() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close({"a": [tensor([1, 5]), 0]}, {"a": [tensor([1, 2]), 0]})
    assert str(caught.value) == (
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 3 at index (1,)\n"
        "Greatest relative difference: 1.5 at index (1,)\n\n"
        "The failure occurred for item ['a'][0]"
    )


def test_text_of_numbers() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(1.0, 1.1)
    assert str(caught.value) == (
        "Scalars are not close!\n\nExpected 1.1 but got 1.0.\n"
        "Absolute difference: 0.10000000000000009 (up to 1e-07 allowed)\n"
        "Relative difference: 0.09090909090909098 (up to 1e-07 allowed)"
    )


@pytest.mark.parametrize(
    ("actual", "expected", "text"),
    [
        (tensor([1.0]), tensor([1.0, 2.0]), "'shape' do not match: torch.Size([1]) != torch.Size"),
        (tensor([1.0]), tensor([1]), "'dtype' do not match: torch.float32 != torch.int64."),
        ([1, 2], [1], "The length of the sequences mismatch: 2 != 1"),
        ({"a": 1}, {"b": 1}, "Missing keys in the actual mapping: ['b']\nAdditional keys in"),
        (None, 1, "None mismatch: None is not 1"),
        (True, False, "Booleans mismatch: True is not False"),
        (True, 1, "The (d)types do not match: <class 'bool'> != <class 'int'>."),
        (1, 1.0, "The (d)types do not match: <class 'int'> != <class 'float'>."),
        (tensor([float("nan")]), tensor([float("nan")]), "absolute difference: nan at index (0,)"),
        (tensor(2**53 + 1), tensor(2**53), "Expected 9007199254740992 but got 9007199254740993."),
        (np.ones(2), np.zeros(2), "Greatest relative difference: inf at index (0,)"),
        (lamella.eye(2).to_sparse(), lamella.eye(2), "'layout' do not match: torch.sparse_coo"),
        (lamella.eye(2).to_sparse(), 2 * lamella.eye(2).to_sparse(), "Sparse COO values are not"),
    ],
)
def test_what_differs(actual: object, expected: object, text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_close(actual, expected)
    assert text in str(caught.value)


def test_what_agrees() -> None:
    for value in (None, 1, 2.5, 1j, True, tensor([]), np.ones(2), [tensor(1.0), {"a": 1}]):
        assert_close(value, value)
    assert_close(tensor([1.0]), tensor([1.0], dtype=lamella.float64), check_dtype=False)
    assert_close(tensor([float("nan")]), tensor([float("nan")]), equal_nan=True)
    assert_close(tensor([1, 5]), tensor([1, 2]), rtol=0, atol=5)
    assert_close(lamella.eye(2).to_sparse(), lamella.eye(2), check_layout=False)
    assert_close(lamella.ones(2, 3), lamella.ones(3, 2).t())
    with pytest.raises(AssertionError, match=r"attribute 'stride\(\)'"):
        assert_close(lamella.ones(2, 3), lamella.ones(3, 2).t(), check_stride=True)


def test_arguments() -> None:
    one, other = tensor([1.0]), tensor([1.1])
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(one, other, rtol=0.2)
    assert_close(one, other, rtol=0.2, atol=0)
    with pytest.raises(AssertionError, match=r"^ours$"):
        assert_close(one, other, msg="ours")
    with pytest.raises(AssertionError, match=r"^ours: Tensor-likes are not close!"):
        assert_close(one, other, msg=lambda text: f"ours: {text}")
    with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
        assert_close(one, [1.0])
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close("a", "a")
    parameter = lamella.nn.Parameter(lamella.ones(1))
    assert_close(parameter, one)
    with pytest.raises(TypeError, match="No comparison pair"):
        assert_close(parameter, one, allow_subclasses=False)


def test_assert_allclose() -> None:
    nan = tensor([float("nan")])
    with pytest.warns(FutureWarning, match="assert_allclose"):
        assert_allclose(nan, nan.double())
    with pytest.warns(FutureWarning), pytest.raises(AssertionError, match="up to 0.0001 allowed"):
        assert_allclose([1.0, 2.0], tensor([1.0, 3.0]))
