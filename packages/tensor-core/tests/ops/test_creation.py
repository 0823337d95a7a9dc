"""Creation ops; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core


@pytest.mark.parametrize("size", [(2, 3), ([2, 3],), (core.Size([2, 3]),), (core.tensor(2), 3)])
def test_sizes(size):
    assert core.zeros(*size).shape == (2, 3)
    assert core.ones(*size).tolist() == [[1.0] * 3] * 2
    assert core.empty(*size).shape == (2, 3)


def test_size_by_name():
    assert core.zeros(size=(2, 3)).tolist() == [[0.0] * 3] * 2
    assert core.empty(size=[2, 3]).shape == (2, 3)
    with pytest.raises(TypeError, match="size"):
        core.ones()


def test_dtypes_and_out():
    assert core.zeros(1).dtype is core.float32
    assert core.ones(2, dtype=core.int8).tolist() == [1, 1]
    out = core.empty(0)
    assert core.zeros(2, out=out) is out and out.tolist() == [0.0, 0.0]
    with pytest.raises(RuntimeError, match="does not match dtype of out"):
        core.zeros(2, out=out, dtype=core.int64)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: core.zeros(-1), RuntimeError),
        (lambda: core.zeros(2, "a"), TypeError),
        (lambda: core.zeros(2.5), TypeError),
        (lambda: core.zeros(), TypeError),
        (lambda: core.zeros(1, dtype="float32"), TypeError),
        (lambda: core.eye(-1), RuntimeError),
        (lambda: core.arange(5, 1), RuntimeError),
        (lambda: core.arange(0, 1, 0), RuntimeError),
        (lambda: core.arange(0, float("inf")), RuntimeError),
        (lambda: core.arange(0, 2, 0.5, dtype=core.int64), ValueError),
        (lambda: core.linspace(0, 1, -1), RuntimeError),
        (lambda: core.linspace(0, 1, 2.0), TypeError),
        (lambda: core.empty_strided((2,), (1, 1)), RuntimeError),
        (lambda: core.empty_permuted((2, 3), (0, 0)), RuntimeError),
        (lambda: core.full((2,), 300, dtype=core.uint8), RuntimeError),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call()


def test_full_takes_the_type_of_its_value():
    assert core.full((2,), 1).dtype is core.int64
    assert core.full((2,), True).dtype is core.bool
    assert core.full((2,), 1.5).dtype is core.float32
    assert core.full((2,), 1j).dtype is core.complex64
    assert core.full((2,), 1.5, dtype=core.int64).tolist() == [1, 1]
    assert core.full((2,), core.tensor(3.0)).tolist() == [3.0, 3.0]
    assert core.full((2,), -1, dtype=core.uint8).tolist() == [255, 255]
    assert core.scalar_tensor(3).dtype is core.float32


@pytest.mark.parametrize(
    ("arguments", "dtype", "values"),
    [
        ((4,), core.int64, [0, 1, 2, 3]),
        ((1.5,), core.float32, [0.0, 1.0]),
        ((1, 10, 3), core.int64, [1, 4, 7]),
        ((3, 0, -1), core.int64, [3, 2, 1]),
        ((0, 1, 0.25), core.float32, [0.0, 0.25, 0.5, 0.75]),
        ((3, 3), core.int64, []),
    ],
)
def test_arange(arguments, dtype, values):
    found = core.arange(*arguments)
    assert found.dtype is dtype and found.tolist() == values


def test_arange_of_a_given_type():
    assert core.arange(0.5, 3, dtype=core.int64).tolist() == [0, 1, 2]
    assert core.arange(0.5, 3.9, 1.5, dtype=core.int32).tolist() == [0, 1, 2]
    assert core.arange(0, 2, 0.5, dtype=core.int32).tolist() == [0, 0, 0, 0]
    assert core.arange(0, 3, dtype=core.float16).dtype is core.float16


def test_arange_takes_its_numbers_by_name():
    assert core.arange(end=3).tolist() == [0, 1, 2]
    assert core.arange(1, end=3).tolist() == [1, 2]
    assert core.arange(start=1, end=6, step=2).tolist() == [1, 3, 5]
    with pytest.raises(TypeError):
        core.arange()


@pytest.mark.parametrize("arguments", [(2**63,), (0, 2**63, 2**61), (2**63, 0, -(2**62)), (1e19,)])
def test_arange_refuses_bounds_beyond_int64(arguments):
    with pytest.raises(RuntimeError, match="without overflow"):
        core.arange(*arguments, dtype=core.int64)


def test_range_includes_its_end():
    with pytest.warns(UserWarning, match="deprecated"):
        assert core.range(1, 3).tolist() == [1.0, 2.0, 3.0]


def test_linspace():
    assert core.linspace(0, 1, 5).tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert core.linspace(0, 10, 5, dtype=core.int64).tolist() == [0, 2, 5, 7, 10]
    assert core.linspace(-5, 5, 7, dtype=core.int64).tolist() == [-5, -3, -1, 0, 1, 3, 5]
    assert core.linspace(2, 3, 1).tolist() == [2.0] and core.linspace(2, 3, 0).tolist() == []
    assert core.linspace(core.tensor(0.0), 1j, 3).dtype is core.complex64
    np.testing.assert_allclose(core.linspace(0, 1, 50).numpy(), np.linspace(0, 1, 50), rtol=1e-6)


def test_numbers_in_a_row_give_out_their_shape_silently(recwarn):
    for make in (core.linspace, core.logspace):
        out = core.zeros(2)
        assert make(0.0, 2.0, 3, out=out) is out and out.shape == (3,)
    assert not recwarn


def test_logspace():
    assert core.logspace(0, 2, 3).tolist() == [1.0, 10.0, 100.0]
    assert core.logspace(0, 4, 5, base=2.5, dtype=core.int64).tolist() == [1, 2, 6, 15, 39]


def test_eye_and_triangles():
    assert core.eye(2, 3).tolist() == [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    np.testing.assert_array_equal(core.tril_indices(3, 4, 1).numpy(), np.tril_indices(3, 1, 4))
    np.testing.assert_array_equal(core.triu_indices(4, 3, -1).numpy(), np.triu_indices(4, -1, 3))


def test_strides():
    assert core.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert core.empty_permuted((2, 3, 4), (2, 0, 1)).stride() == (3, 1, 6)
    last = core.empty(2, 3, 4, 5, memory_format=core.channels_last)
    assert last.stride() == (60, 1, 15, 3) and not last._is_view()


def test_likes_keep_the_order_of_dimensions():
    x = core.arange(12.0).reshape(3, 4)
    assert core.zeros_like(x.t()).stride() == (1, 4)
    assert core.zeros_like(x[:, ::2]).stride() == (2, 1)
    assert core.ones_like(x.t()[::2]).stride() == (1, 2)
    assert core.ones_like(x.t()).tolist() == [[1.0] * 3] * 4
    assert core.full_like(x.t(), 7).tolist() == [[7.0] * 3] * 4
    assert core.empty_like(x, dtype=core.int8).dtype is core.int8
    assert core.zeros_like(x.t(), memory_format=core.contiguous_format).stride() == (3, 1)


def test_new_methods():
    x = core.ones(2, dtype=core.float64)
    assert x.new_tensor([1, 2]).dtype is core.float64
    assert x.new_zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert x.new_ones((2,), dtype=core.int64).dtype is core.int64
    assert x.new_full((2,), 1).dtype is core.float64
    assert x.new_empty(2, 0).shape == (2, 0)
    assert x.new_zeros(size=(2, 3)).shape == (2, 3) and x.new_ones(size=()).shape == ()
    with pytest.raises(TypeError, match="size"):
        x.new_empty()


@pytest.mark.parametrize(
    ("data", "dtype", "values"),
    [
        (1, core.int64, 1),
        (1.5, core.float32, 1.5),
        (True, core.bool, True),
        (1j, core.complex64, 1j),
        ([True, 2], core.int64, [1, 2]),
        ([1, 2.5, 1j], core.complex64, [1, 2.5, 1j]),
        ([], core.float32, []),
        ([[], []], core.float32, [[], []]),
        ((1, 2), core.int64, [1, 2]),
        (range(3), core.int64, [0, 1, 2]),
        (np.float64(1), core.float64, 1.0),
        ([np.float64(1)], core.float64, [1.0]),
        ([np.float32(1), 2.0], core.float32, [1.0, 2.0]),
        ([np.float64(1), 2.0], core.float64, [1.0, 2.0]),
        ([2.0, np.float16(1)], core.float32, [2.0, 1.0]),
        (np.int32(3), core.int32, 3),
        (np.bool_(True), core.bool, True),
        (np.arange(6).reshape(2, 3).T, core.int64, [[0, 3], [1, 4], [2, 5]]),
        ([core.tensor(1.0, dtype=core.float16), 2], core.float16, [1.0, 2.0]),
        ([core.tensor(1), 2.5], core.float32, [1.0, 2.5]),
        ([np.array([1, 2]), np.array([3.0, 4.0])], core.float64, [[1.0, 2.0], [3.0, 4.0]]),
        ([np.array([1, 2]), [3, 4]], core.int64, [[1, 2], [3, 4]]),
        ([[1.5, 2], np.array([3, 4])], core.float32, [[1.5, 2.0], [3.0, 4.0]]),
        ([core.tensor([1]), core.tensor([3])], core.int64, [1, 3]),
        ([core.tensor([[1.5]]), 2], core.float32, [1.5, 2.0]),
    ],
)
def test_tensor_infers_the_type(data, dtype, values):
    found = core.tensor(data)
    assert found.dtype is dtype and found.tolist() == values


def test_tensor_of_a_given_type():
    assert core.tensor([1.7], dtype=core.int64).tolist() == [1]
    assert core.tensor([-1], dtype=core.uint8).tolist() == [255]
    assert core.tensor([1e40], dtype=core.float32).tolist() == [float("inf")]
    assert core.tensor([0, 2], dtype=core.bool).tolist() == [False, True]
    assert core.tensor([1.5], dtype=core.bfloat16).tolist() == [1.5]


@pytest.mark.parametrize(
    ("data", "dtype", "error", "text"),
    [
        ([[1, 2], [3]], None, ValueError, r"expected sequence of length 2 at dim 1 \(got 1\)"),
        ([[1, 2], 3], None, TypeError, "not a sequence"),
        ([1, [2, 3]], None, TypeError, "'list' object cannot be interpreted as an integer"),
        ("a", None, TypeError, "invalid data type 'str'"),
        (["a"], None, ValueError, "too many dimensions 'str'"),
        (None, None, RuntimeError, "Could not infer dtype of NoneType"),
        ([None], None, RuntimeError, "Could not infer dtype of NoneType"),
        ({1, 2}, None, RuntimeError, "Could not infer dtype of set"),
        (2**63, None, ValueError, "Overflow"),
        ([2**63], None, ValueError, "Overflow"),
        ([300], core.uint8, RuntimeError, "300"),
        ([float("nan")], core.int32, RuntimeError, "int32"),
        ([1j], core.float32, TypeError, "must be real number, not complex"),
        ([core.ones(2), core.ones(2)], None, ValueError, "only one element tensors"),
        ([[1, 2], np.arange(3)], None, ValueError, r"length 2 at dim 1 \(got 3\)"),
        ([[1, 2], np.arange(2), 3], None, TypeError, "."),
        (np.arange(4)[::-1], None, ValueError, "negative"),
        (np.array(["a"]), None, TypeError, "supported types"),
    ],
)
def test_what_is_no_data(data, dtype, error, text):
    with pytest.raises(error, match=text):
        core.tensor(data, dtype=dtype)


def test_tensor_copies():
    array = np.zeros(2)
    found = core.tensor(array)
    array[0] = 1
    assert found.tolist() == [0.0, 0.0]
    with pytest.warns(UserWarning, match="copy construct"):
        assert core.tensor(found).data_ptr() != found.data_ptr()


def test_sharing():
    array = np.zeros((2, 3))
    for share in (core.from_numpy, core.as_tensor, core.asarray):
        array[0, 0] = 0
        tensor = share(array.T)
        tensor[0, 0] = 5
        assert array[0, 0] == 5 and tensor.stride() == (1, 3)
    x = core.ones(2)
    assert core.as_tensor(x) is x and core.asarray(x) is x
    assert core.as_tensor(array, dtype=core.float32).dtype is core.float32
    assert core.asarray([1, 2]).tolist() == [1, 2]
    with pytest.raises(ValueError, match="can't alias"):
        core.asarray([1, 2], copy=False)
    with pytest.raises(TypeError, match="expected np.ndarray"):
        core.from_numpy([1])
    with pytest.raises(ValueError, match="negative"):
        core.from_numpy(array[::-1])
    packed = np.zeros(3, [("a", "i1"), ("b", "f4")])
    with pytest.raises(ValueError, match="multiple of the element byte size"):
        core.from_numpy(packed["b"])


def test_frombuffer():
    buffer = bytearray(b"abcd")
    found = core.frombuffer(buffer, dtype=core.uint8)
    assert found.tolist() == [97, 98, 99, 100]
    found[0] = 122
    assert buffer[0] == 122
    assert core.frombuffer(bytearray(b"abcd"), dtype=core.int32).tolist() == [1684234849]
    assert core.frombuffer(buffer, dtype=core.uint8, offset=1, count=2).tolist() == [98, 99]
    with pytest.raises(ValueError, match="str has no Python buffer protocol"):
        core.frombuffer("abcd", dtype=core.uint8)
    for arguments in (
        {"dtype": core.int64},
        {"dtype": core.uint8, "offset": 5},
        {"dtype": core.uint8, "count": 9},
        {"dtype": core.uint8, "count": 0},
    ):
        with pytest.raises(ValueError):
            core.frombuffer(buffer, **arguments)
    with pytest.warns(UserWarning, match="not writable"):
        core.frombuffer(b"ab", dtype=core.uint8)


def test_arange_wraps_around_in_narrow_integers():
    # Recorded from PyTorch.
    assert core.arange(-3, 2, dtype=core.uint8).tolist() == [253, 254, 255, 0, 1]
    assert core.arange(0, 600, 100, dtype=core.int8).tolist() == [0, 100, -56, 44, -112, -12]


def test_sequences_are_pytorchs_to_the_last_bit():
    # Recorded from PyTorch 2.13 on an x86 CPU with AVX2.
    line = core.arange(0, 5, 0.1)
    assert line[[9, 18, 26, 28, 31, 36]].tolist() == [
        0.9000000357627869, 1.8000000715255737, 2.6000001430511475, 2.8000001907348633,
        3.1000001430511475, 3.6000001430511475,
    ]  # fmt: skip
    line = core.linspace(-3, 3, 50)
    assert line[[6, 11, 15, 24]].tolist() == [
        -2.265305995941162, -1.6530611515045166, -1.1632652282714844, -0.061224460601806641,
    ]  # fmt: skip
    line = core.linspace(-3, 3, 50, dtype=core.bfloat16)
    assert line[[11, 14, 17]].tolist() == [-1.6484375, -1.28125, -0.921875]
    line = core.logspace(-2.3, 1.9, 50, dtype=core.bfloat16)
    assert line[:3].tolist() == [0.005035400390625, 0.006134033203125, 0.007476806640625]
