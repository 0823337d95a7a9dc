"""Numbers and sizes that do not fit; PyTorch 2.13's answers were seen by running it."""

import warnings

import numpy as np
import pytest

import lamella_core as core

INF = float("inf")
ONE_TO_ZERO = [1, 0]


def of(name):
    return core.tensor(ONE_TO_ZERO, dtype=getattr(core, name))


REFUSED = [
    ("uint8", lambda x: x.fill_(300)),
    ("uint8", lambda x: x.fill_(-256)),
    ("uint8", lambda x: x.fill_(-1.0)),
    ("uint8", lambda x: x.fill_(255.5)),
    ("int8", lambda x: x.fill_(127.5)),
    ("int32", lambda x: x.fill_(2**40)),
    ("int64", lambda x: x.fill_(float("nan"))),
    ("float16", lambda x: x.fill_(65505.0)),
    ("float32", lambda x: x.fill_(1e300)),
    ("complex64", lambda x: x.fill_(1e300)),
    ("float32", lambda x: core.full((2,), 1e39)),
    ("float32", lambda x: core.full_like(x, -1e39)),
    ("float32", lambda x: x.masked_fill_(x == 1, 1e300)),
    ("float32", lambda x: x.__setitem__(0, 1e300)),
    ("float32", lambda x: x.__setitem__(core.tensor([0]), 1e300)),
    ("float32", lambda x: core.where(x == 1, x, 1e300)),
    ("float32", lambda x: core.linspace(0, 1e300, 3)),
    ("float32", lambda x: core.add(x, x, alpha=1e300)),
    ("uint8", lambda x: x.clamp(0, 300)),
    ("uint8", lambda x: x.clamp_(0, 300)),
    ("uint8", lambda x: core.clamp_max(x, 300)),
    ("float32", lambda x: x.clamp(0, 1e300)),
    ("uint8", lambda x: core.add(x, x, alpha=300)),
    ("uint8", lambda x: core.threshold(x, 0, 300)),
    ("uint8", lambda x: core.addcmul(x, x, x, value=300)),
    ("uint8", lambda x: core.tensor(300, dtype=core.uint8)),
]


@pytest.mark.parametrize(("name", "call"), REFUSED)
def test_a_number_out_of_range_is_refused(name, call):
    x = of(name)
    with pytest.raises(RuntimeError, match="overflow"):
        call(x)
    assert x.tolist() == of(name).tolist()


TAKEN = [
    ("uint8", lambda x: x.fill_(-255), [1, 1]),
    ("uint8", lambda x: x.fill_(-1), [255, 255]),
    ("uint8", lambda x: x.clamp(-1), [255, 255]),
    ("uint8", lambda x: x + 300, [45, 44]),
    ("bool", lambda x: x.fill_(300), [True, True]),
    ("float32", lambda x: x.fill_(INF), [INF, INF]),
    ("float32", lambda x: x * 1e300 + 1, [INF, float("nan")]),
    ("float32", lambda x: x.clamp(0, INF), [1.0, 0.0]),
    ("float16", lambda x: core.where(x == 1, -1e9, x), [-INF, 0.0]),
    ("uint8", lambda x: core.isin(x, 257), [False, False]),
    ("uint8", lambda x: x**True, [1, 0]),
]


@pytest.mark.parametrize(("name", "call", "expected"), TAKEN)
def test_a_number_that_wraps_around_or_is_infinite(name, call, expected):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(call(of(name)).tolist(), expected)


@pytest.mark.parametrize("value", ["1", None, [1]])
def test_what_is_no_number_is_a_type_error(value):
    x = of("float32")
    mask = x == 1
    for call in (x.fill_, lambda v: x.masked_fill(mask, v), lambda v: core.add(x, x, alpha=v)):
        with pytest.raises(TypeError):
            call(value)
    with pytest.raises(TypeError, match="must be Tensor"):
        core.equal(x, value)


def test_half_precision_is_assigned_infinity():
    x = of("float16")
    x[0] = -1e9
    x[core.tensor([1])] = 70000
    assert x.tolist() == [-INF, INF]


@pytest.mark.parametrize("number", [2**64, -(2**63) - 1])
@pytest.mark.parametrize(
    "call",
    [
        lambda x, n: x + n,
        lambda x, n: x.mul_(n),
        lambda x, n: x == n,
        lambda x, n: x.fill_(n),
        lambda x, n: x.clamp(0, n),
        lambda x, n: core.full((2,), n),
    ],
)
@pytest.mark.parametrize("name", ["float32", "uint8"])
def test_an_integer_of_more_than_64_bits_is_an_overflow(name, call, number):
    with pytest.raises(OverflowError):
        call(of(name), number)


def test_an_assigned_integer_has_63_bits():
    for write in (lambda x: x.__setitem__(0, 2**63), lambda x: core.tensor(2**63, dtype=x.dtype)):
        with pytest.raises(ValueError, match="Overflow when unpacking long long"):
            write(of("int64"))


@pytest.mark.parametrize("size", [(True,), (True, 3), ([True, 1],), (2.0,), (range(2),), ("2",)])
def test_sizes_are_integers(size):
    for make in (core.zeros, core.rand, core.empty):
        with pytest.raises(TypeError, match="must be tuple of ints"):
            make(*size)


def test_numpys_integers_and_tensors_are_sizes():
    assert core.zeros(np.int64(2), 3).shape == core.zeros(core.tensor(2), 3).shape == (2, 3)
    assert core.zeros((np.int32(2),)).shape == (2,)


@pytest.mark.parametrize("size", [(2**62,), (2**40, 2**40)])
def test_more_elements_than_addresses(size):
    for make in (core.zeros, core.ones, core.rand, core.empty):
        with pytest.raises(RuntimeError, match="overflowed|not enough memory"):
            make(size)


@pytest.mark.parametrize("dim", [True, 1.0, "1", np.array(1), core.tensor([1]), core.tensor(True)])
def test_a_dimension_is_an_integer(dim):
    x = core.arange(6.0).reshape(2, 3)
    for call in (x.cumsum, x.softmax, x.flatten, x.unsqueeze, lambda d: x.narrow(d, 0, 1)):
        with pytest.raises(TypeError, match="must be int"):
            call(dim)


def test_numpys_integers_and_tensors_are_dimensions():
    x = core.arange(6.0).reshape(2, 3)
    for dim in (np.int64(0), np.int32(-2), core.tensor(0)):
        assert x.sum(dim).tolist() == [3.0, 5.0, 7.0]
        assert x.amax(dim).tolist() == [3.0, 4.0, 5.0]
        assert x.std(dim).shape == (3,)
    with pytest.raises(ValueError, match="Overflow"):
        x.sum(2**63)
