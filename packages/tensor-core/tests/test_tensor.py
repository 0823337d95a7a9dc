"""What every tensor has without any op."""

from __future__ import annotations

import copy
import pickle

import ml_dtypes
import numpy as np
import pytest

import lamella_core as core


@pytest.fixture
def x():
    return core.arange(12.0).reshape(3, 4)


def test_description(x):
    assert x.shape == x.size() == (3, 4) and x.size(-1) == 4
    assert x.ndim == x.dim() == x.ndimension() == 2
    assert x.numel() == x.nelement() == 12
    assert x.element_size() == x.itemsize == 4 and x.nbytes == 48
    assert x.dtype is core.float32 and x.device == core.device("cpu")
    assert x.is_cpu and not x.is_cuda and x.get_device() == -1
    assert x.is_floating_point() and x.is_signed() and not x.is_complex()
    assert len(x) == 3
    with pytest.raises(IndexError, match=r"range of \[-2, 1\], but got 5"):
        x.size(5)


def test_contiguity(x):
    assert x.is_contiguous() and not x.t().is_contiguous()
    assert x[:, :1].is_contiguous() is False and x[:1, :1].is_contiguous()
    assert core.zeros(3, 0).t().is_contiguous()
    images = core.zeros(2, 3, 4, 5)
    last = images.contiguous(memory_format=core.channels_last)
    assert last.stride() == (60, 1, 15, 3)
    assert last.is_contiguous(memory_format=core.channels_last) and not last.is_contiguous()
    assert not images.is_contiguous(memory_format=core.channels_last)


def test_numbers():
    assert core.tensor(1.5).item() == 1.5 and isinstance(core.tensor(2).item(), int)
    assert core.tensor([[3]]).item() == 3
    assert core.tensor(3, dtype=core.bfloat16).item() == 3.0
    assert float(core.tensor(2)) == 2.0 and int(core.tensor(2.7)) == 2
    assert complex(core.tensor(1j)) == 1j
    assert bool(core.tensor(2.0)) and not bool(core.tensor([0]))
    assert [10, 20, 30][core.tensor(1)] == 20
    assert f"{core.tensor(1.5):.2f}" == "1.50"
    assert core.tensor([[1.5, 2.0]]).tolist() == [[1.5, 2.0]]
    assert core.tensor(True).tolist() is True


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: core.ones(2).item(), RuntimeError),
        (lambda: bool(core.ones(2)), RuntimeError),
        (lambda: bool(core.ones(0)), RuntimeError),
        (lambda: core.ones(2).__index__(), TypeError),
        (lambda: core.tensor(1.5).__index__(), TypeError),
        (lambda: len(core.tensor(1)), TypeError),
        (lambda: list(core.tensor(1)), TypeError),
        (lambda: "a" in core.ones(2), RuntimeError),
    ],
)
def test_errors(call, error):
    with pytest.raises(error):
        call()


def test_iteration(x):
    assert [row.tolist() for row in x] == x.tolist()
    assert next(iter(x)).untyped_storage() is x.untyped_storage()
    assert 5 in x and 50 not in x


def test_numpy_shares_the_memory(x):
    array = x.numpy()
    array[0, 0] = 100
    assert x[0, 0].item() == 100
    assert np.asarray(x).dtype == np.float32
    assert np.array(x, dtype=np.float64).dtype == np.float64


def test_data_is_apart(x):
    same = x.data
    same[0, 0] = 9
    assert x[0, 0].item() == 9 and x._version == 0
    x.data = core.zeros(2)
    assert x.shape == (2,)


def test_data_is_a_tensor(x):
    with pytest.raises(TypeError, match="data has to be a tensor, but got list"):
        x.data = [1]


def test_data_assignment_keeps_the_count_of_writes(x):
    source = core.ones(2)
    source += 1
    x *= 2
    x += 1
    x.data = source
    assert (x._version, source._version) == (2, 1)
    x += 1
    assert (x._version, source._version) == (3, 1)
    assert source.tolist() == [3.0, 3.0]


def test_without_autograd_nothing_requires_grad(x):
    assert x.requires_grad is False and x.is_leaf
    assert x.requires_grad_(False) is x


def test_hash_is_identity(x):
    assert len({x, x, x.clone()}) == 2


def test_deepcopy_keeps_sharing(x):
    first, second = copy.deepcopy([x, x.t()])
    first[0, 1] = 50
    assert second[1, 0].item() == 50 and x[0, 1].item() == 1
    assert second.stride() == (1, 4)


# ------------ pickling, NumPy's functions, subclasses


class Marked(core.Tensor):
    pass


def test_pickling_keeps_the_place_in_the_storage_and_what_is_shared() -> None:
    x = core.arange(6.0).reshape(2, 3)
    x.note = "kept"
    whole, column = pickle.loads(pickle.dumps((x, x[:, 1])))
    assert (column.stride(), column.storage_offset()) == ((3,), 1)
    assert whole.note == "kept" and whole.untyped_storage().nbytes() == 24
    whole[0, 1] = 9
    assert column.tolist() == [9.0, 4.0]
    marked = pickle.loads(pickle.dumps(x.as_subclass(Marked)))
    assert type(marked) is Marked and marked.equal(x)


def test_numpys_functions_of_a_tensor_give_tensors() -> None:
    # As torch 2.13 does, bools as uint8 included.
    x = core.arange(3.0)
    for found, expected in (
        (np.sin(x), np.sin(np.arange(3, dtype=np.float32))),
        (np.isnan(x), np.zeros(3, np.uint8)),
        (np.add(1, x), np.arange(1, 4, dtype=np.float32)),
        (x + np.ones(3), np.arange(1, 4.0)),
        (np.float32(2) ** x, np.array([1, 2, 4], np.float32)),
        (np.float32(2) // core.ones(1), np.array([2], np.float32)),
        (x == np.arange(3), np.ones(3, bool)),
        (np.arange(3) == x, np.ones(3, bool)),
    ):
        assert isinstance(found, core.Tensor)
        assert found.numpy().dtype == expected.dtype
        np.testing.assert_array_equal(found.numpy(), expected)
    assert (x == np.array(["a", "b", "c"])) is False


def test_an_augmented_assignment_of_an_array_makes_a_new_tensor() -> None:
    x = before = core.arange(3.0)
    x += np.ones(3)
    assert x is not before and x.dtype is core.float64 and before.tolist() == [0.0, 1.0, 2.0]
    x += 1
    with pytest.raises(TypeError, match="unsupported operand"):
        x += "a"


def test_subclasses() -> None:
    x = core.ones(2)
    marked = x.as_subclass(Marked)
    marked[0] = 5
    assert x.tolist() == [5.0, 1.0] and repr(marked) == "Marked([5., 1.])"
    with pytest.raises(TypeError, match="subclass of Tensor"):
        x.as_subclass(int)


def test_complex_numbers_as_real_ones() -> None:
    assert float(core.tensor(2 + 0j)) == 2.0 and int(core.tensor(2 + 0j)) == 2
    with pytest.raises(RuntimeError, match="without overflow"):
        float(core.tensor(1 + 2j))


def test_old_names() -> None:
    x = core.arange(6)
    assert x.resize(2, 3).shape == x.resize_as(core.ones(2, 3)).shape == (2, 3)
    assert list(reversed(x))[0].item() == x.__reversed__()[0].item() == 5
    assert not any((x.is_mps, x.is_xla, x.is_xpu, x.is_vulkan, x.is_mtia))
    assert x.const_data_ptr() == x.data_ptr()


@pytest.mark.parametrize(
    ("array", "spec", "expected"),
    [
        (np.array(1.1, np.float32), "", "1.100000023841858"),
        (np.array(1.1, np.float32), ".2f", "1.10"),
        (np.array(1.1, ml_dtypes.bfloat16), ">10", " 1.1015625"),
        (np.array(3), ".2f", "3.00"),
        (np.array(3), ">10", "         3"),
        (np.array(True), "", "True"),
        (np.array(1 + 2j, np.complex64), ".2f", "1.00+2.00j"),
    ],
)
def test_a_tensor_without_dimensions_formats_as_its_number(
    array: np.ndarray, spec: str, expected: str
) -> None:
    assert format(core.from_numpy(array), spec) == expected


def test_a_tensor_with_dimensions_takes_no_format() -> None:
    assert format(core.ones(1)) == "tensor([1.])"
    # PyTorch formats a subclass as it is printed.
    one = core.tensor(1.0).as_subclass(type("Sub", (core.Tensor,), {}))
    assert format(one) == "Sub(1.)"
    with pytest.raises(TypeError, match="passed to Sub.__format__"):
        format(one, ".2f")
    with pytest.raises(TypeError, match="unsupported format string passed to Tensor.__format__"):
        format(core.ones(1), ".2f")


def test_the_array_api_is_a_distribution_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    monkeypatch.setattr(metadata, "entry_points", lambda group: [])
    if not isinstance(vars(core.Tensor)["__array_namespace__"], property):
        pytest.skip("lamella-array-api is in use already")
    assert not hasattr(core.ones(2), "__array_namespace__")
    with pytest.raises(AttributeError, match="lamella-array-api"):
        core.array_api  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        core.no_such_name  # noqa: B018


@pytest.mark.parametrize("number", [int, float, complex])
def test_numbers_are_made_of_one_element(number: type) -> None:
    assert number(core.tensor([2.0])) == 2
    for count in (0, 2):
        with pytest.raises(ValueError, match="only one element tensors"):
            number(core.ones(count))


def test_arrays_of_the_other_byte_order_are_an_error() -> None:
    with pytest.raises(ValueError, match="byte order"):
        core.from_numpy(np.arange(3, dtype=">i4"))


def test_a_range_has_numbers_that_follow_one_another() -> None:
    for dtype, name in ((core.bool, "Bool"), (core.complex64, "ComplexFloat")):
        with pytest.raises(NotImplementedError, match=f"arange_cpu.*{name}"):
            core.arange(3, dtype=dtype)


def test_elements_are_not_deleted() -> None:
    with pytest.raises(TypeError, match="does not support deleting items"):
        del core.ones(2)[0]


def test_named_results_are_pickled_as_pytorchs_are() -> None:
    named = core.ones(2, 2).max(0)
    assert named.__reduce__()[1] == (tuple(named), {})
    again = pickle.loads(pickle.dumps(named))
    assert type(again) is type(named) and again.values.tolist() == [1.0, 1.0]
    assert (named.n_fields, named.n_sequence_fields, named.n_unnamed_fields) == (2, 2, 0)
    with pytest.raises(TypeError, match="takes a 2-sequence"):
        type(named)()
