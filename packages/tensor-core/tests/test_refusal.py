"""Wrong arguments: the exceptions are those that PyTorch 2.13 raises for the same calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import lamella_core as core

if TYPE_CHECKING:
    from collections.abc import Callable

X = core.ones(2, 3)
CALLS: list[tuple[Callable[[], object], str]] = [
    (lambda: core.gather(X, 0, 0), r"gather\(\): argument 'index' .* must be Tensor, not int"),
    (lambda: X.mm(1), r"mm\(\): argument 'mat2' .* must be Tensor, not int"),
    (lambda: core.sort(1), r"sort\(\): argument 'input' \(position 1\) must be Tensor, not int"),
    (lambda: core.sort(X, descending=None, dim="a"), r"sort\(\): argument 'dim'"),
    (lambda: core.stack(3), r"must be tuple of Tensors, not int"),
    (lambda: core.cat(X, "a"), r"cat\(\): argument 'tensors'"),
    (lambda: X.sum("a"), r"sum\(\): argument 'dim' .* must be int or tuple of ints"),
    (lambda: core.unsqueeze(1, 0), r"unsqueeze\(\): argument 'input'"),
    (lambda: core.select(X, index="a", axis=0), r"select\(\): argument 'index' .* int, not str"),
    (lambda: core.add(X, X, alpha=X), r"add\(\): argument 'alpha' .* Number, not Tensor"),
    (lambda: core.cumsum(X, 0, dtype=3), r"cumsum\(\): argument 'dtype' .* torch.dtype"),
    (lambda: core.permute_copy(X, [0, "a"]), r"must be tuple of ints, not list of int, str"),
]


@pytest.mark.parametrize(("call", "text"), CALLS)
def test_wrong_types_are_named(call: Callable[[], object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        call()


def test_an_integer_of_more_than_64_bits() -> None:
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        core.topk(X, 2**70)


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(IndexError, match="Dimension out of range"):
        core.sort(X, 5)
    with pytest.raises(RuntimeError, match="must match the size"):
        X + core.ones(4)


def test_what_led_to_it_is_the_cause() -> None:
    with pytest.raises(TypeError) as caught:
        core.sort(1)
    assert isinstance(caught.value.__cause__, AttributeError)


def test_integers_of_numpy_and_tensors_are_integers() -> None:
    assert core.sort(X, np.int64(1))[0].shape == (2, 3)
    assert core.diagonal(X, core.tensor(1)).shape == (2,)


def test_sizes_beyond_memory_are_pytorchs_error() -> None:
    calls = (lambda: core.zeros(2**58), lambda: core.linspace(0, 1, 2**62), lambda: core.eye(2**40),
             lambda: core.arange(1e300))  # fmt: skip
    for call in calls:
        with pytest.raises(RuntimeError, match="memory"):
            call()


def test_multipliers_that_the_type_does_not_hold() -> None:
    left = core.ones(2, 2)
    for call in (
        lambda: X.addmm(left, X, alpha=1j),
        lambda: X.addmm(left, X, beta=1e39),
        lambda: X.addcmul(X, X, value=1e39),
        lambda: X.lerp(X, 1e39),
        lambda: core.hardshrink(X.half(), 1e39),
    ):
        with pytest.raises(RuntimeError, match="without overflow"):
            call()


@pytest.mark.parametrize("make", [core.zeros, core.empty, core.rand, core.randn])
def test_negative_sizes_are_named(make) -> None:
    with pytest.raises(RuntimeError, match=r"non-negative, got -1 in size \[2, -1\]"):
        make(2, -1)


def test_places_and_counts_are_integers() -> None:
    for call in (
        lambda: core.tril(X, 2.0),
        lambda: core.tril(X, True),
        lambda: X.chunk(True),
        lambda: X.topk(True),
        lambda: core.randint(0, 2.0, (2,)),
        lambda: X.diagonal(1.0),
        lambda: X.roll(True),
    ):
        with pytest.raises(TypeError, match="must be int"):
            call()
    assert len(X.split(core.tensor(1))) == len(X.chunk(core.tensor(2))) == 2


def test_out_has_the_results_type_where_pytorch_asks_for_it() -> None:
    wide = core.zeros(2, 3, dtype=core.float64)
    for call in (core.neg, core.tril, core.abs, core.msort):
        with pytest.raises(RuntimeError, match="Expected out tensor to have dtype"):
            call(X, out=wide)
    assert core.add(X, X, out=wide) is wide and wide.tolist() == [[2.0] * 3] * 2
    assert core.exp(X, out=wide).dtype is core.float64
    with pytest.raises(TypeError, match="tuple of 2 Tensors"):
        core.sort(X, out=(wide,))
    with pytest.raises(TypeError, match="must be Tensor"):
        core.zeros(2, out=3)


def test_switches_are_bools_alone() -> None:
    # What PyTorch 2.13 refuses: numbers, NumPy's bools and None would each do as true or false.
    true = np.True_
    for call in (
        lambda: X.sum(0, keepdim=1),
        lambda: X.max(0, 1),
        lambda: X.std(0, unbiased=1),
        lambda: X.sort(descending=true),
        lambda: X.argsort(0, 0),
        lambda: X.topk(1, largest=None),
        lambda: X.logsumexp(0, 1),
        lambda: X.logsumexp(0, keepdims=1),
        lambda: core.isclose(X, X, equal_nan=1),
        lambda: core.cholesky_inverse(X, 1),
        lambda: X.to(core.float64, copy=1),
        lambda: X.clone().copy_(X, 1),
        lambda: X.requires_grad_(0),
        lambda: core.zeros(2, requires_grad=0),
        lambda: core.rand(2, pin_memory=1),
        lambda: core.tensor([1.0], requires_grad=None),
    ):
        with pytest.raises(TypeError, match="must be bool"):
            call()
    assert core.zeros_like(core.zeros(2, requires_grad=None), pin_memory=None).shape == (2,)
    assert X.sort(stable=None)[0].shape == (2, 3)


def test_arguments_left_out_are_named() -> None:
    with pytest.raises(TypeError, match=r"cumsum\(\) missing 1 required .* 'dim'"):
        X.cumsum()
    with pytest.raises(TypeError, match=r"gather\(\) missing 1 required .* 'index'"):
        core.gather(X, axis=0)


@pytest.mark.parametrize("wrong", [True, np.True_, 1.0])
def test_a_bool_or_a_float_is_no_integer(wrong: object) -> None:
    vector, matrix = core.arange(3.0), core.eye(2)
    for call in (
        lambda: core.diag_embed(vector, wrong),
        lambda: core.matrix_power(matrix, wrong),
        lambda: core.combinations(vector, wrong),
        lambda: core.narrow(X, 0, 0, wrong),
        lambda: X.narrow(0, wrong, 1),
        lambda: X.select(0, wrong),
        lambda: X.hsplit(wrong),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("number", [np.float64(2), np.int64(2), core.tensor(2.0)])
def test_numbers_of_numpy_and_of_tensors_without_dimensions_are_taken(number: object) -> None:
    assert core.add(X, np.float64(1), alpha=number).tolist() == [[3.0] * 3] * 2
    assert core.where(X > 1, number, X).tolist() == [[1.0] * 3] * 2
    assert core.isin(X, number).tolist() == [[False] * 3] * 2
    assert core.isclose(X, X + 3, number).all()
    doubled = core.float_power(X * 2, number)
    assert doubled.dtype is core.float64 and doubled.tolist() == [[4.0] * 3] * 2
    assert [part.tolist() for part in core.arange(4).hsplit(np.int64(2))] == [[0, 1], [2, 3]]


def test_a_call_is_made_again_for_its_numbers_alone() -> None:
    with pytest.raises(RuntimeError, match="broadcast|match"):
        core.add(X, core.ones(4), alpha=np.float64(2))


def test_an_integer_is_no_switch_of_a_conversion() -> None:
    with pytest.raises(TypeError, match="non_blocking"):
        X.type(core.float64, 1)


def test_sizes_beyond_memory_raise_pytorchs_error() -> None:
    for call in (
        lambda: core.ones(1).expand(2**50).clone(),
        lambda: core.ones(1).resize_(2**50),
        lambda: core.combinations(core.arange(10_000), 6),
    ):
        with pytest.raises(RuntimeError, match="not enough memory"):
            call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: X.round(decimals=True),
        lambda: X.round(decimals=1.0),
        lambda: X.size(True),
        lambda: X.stride(False),
        lambda: X.repeat_interleave(True),
        lambda: X.repeat_interleave(2.0),
        lambda: core.tril_indices(True, 2),
        lambda: core.triu_indices(2, 2, True),
        lambda: core.randperm(True),
        lambda: core.is_nonzero(2.0),
        lambda: X.unfold(1, 2, True),
        lambda: X.clone().random_(2.0),
        lambda: X.clone().random_(True, 3),
    ],
)
def test_bools_and_floats_are_no_integers(call: Callable[[], object]) -> None:
    with pytest.raises(TypeError):
        call()


def test_numbers_that_fill_and_count_may_be_numpys() -> None:
    assert core.full((2,), np.int32(2)).tolist() == [2, 2]
    assert core.full((2,), np.float32(2.5)).dtype is core.float32
    assert sorted(core.randperm(core.tensor(3)).tolist()) == [0, 1, 2]
    assert X.round(decimals=np.int64(1)).tolist() == X.tolist()
