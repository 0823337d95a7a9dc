"""Deterministic mode and the precision of products; what PyTorch 2.13 gives for the same calls."""

import math

import numpy as np
import pytest

import lamella as lc
from lamella import _determinism
from lamella_core import dispatch


@pytest.fixture(autouse=True)
def _off_afterwards():
    yield
    lc.use_deterministic_algorithms(False)
    lc.set_float32_matmul_precision("highest")


def test_memory_that_is_not_set_is_filled() -> None:
    lc.use_deterministic_algorithms(True)
    for made in (lc.empty(3), lc.empty_like(lc.ones(2)), lc.ones(1).new_empty(2), lc.Tensor(2),
                 lc.empty(2, dtype=lc.float16), lc.empty(2, dtype=lc.bfloat16)):  # fmt: skip
        assert all(map(math.isnan, made.tolist()))
    assert lc.empty(2, dtype=lc.int32).tolist() == [2**31 - 1] * 2
    assert lc.empty(1, dtype=lc.uint8).item() == 255
    assert lc.empty(1, dtype=lc.bool).item() is True
    assert lc.zeros(2).tolist() == [0.0, 0.0]
    lc.use_deterministic_algorithms(False)
    assert "empty" not in dispatch.backends["cpu"].kernels


@pytest.mark.parametrize(
    ("mode", "level", "on", "warns"),
    [(0, 0, False, False), (1, 1, True, True), (2, 2, True, False), ("default", 0, False, False),
     ("warn", 1, True, True), ("error", 2, True, False)],
)  # fmt: skip
def test_debug_modes(mode, level: int, on: bool, warns: bool) -> None:
    lc.set_deterministic_debug_mode(mode)
    assert lc.get_deterministic_debug_mode() == level
    assert lc.are_deterministic_algorithms_enabled() is on
    assert lc.is_deterministic_algorithms_warn_only_enabled() is warns


def test_wrong_modes() -> None:
    for mode, error in ((3, RuntimeError), ("x", RuntimeError), (None, TypeError)):
        with pytest.raises(error):
            lc.set_deterministic_debug_mode(mode)
    with pytest.raises(TypeError, match="must be bool, not int"):
        lc.use_deterministic_algorithms(1)


def test_precision_of_products() -> None:
    for name in ("high", "medium", "highest"):
        lc.set_float32_matmul_precision(name)
        assert lc.get_float32_matmul_precision() == name
    with pytest.warns(UserWarning, match="is not one of"):
        lc.set_float32_matmul_precision("low")
    assert lc.get_float32_matmul_precision() == "highest"
    with pytest.raises(RuntimeError, match="expects a str"):
        lc.set_float32_matmul_precision(1)


def test_what_resize_adds_is_filled() -> None:
    usual = vars(lc.Tensor)["resize_"]
    lc.use_deterministic_algorithms(True)
    x = lc.ones(2).resize_(4)
    assert x[:2].tolist() == [1.0, 1.0]
    assert all(map(math.isnan, x[2:].tolist()))
    assert lc.ones(1, dtype=lc.int16).resize_as_(lc.ones(2, 1)).tolist() == [[1], [2**15 - 1]]
    assert lc.ones(3).resize_(2).resize_(3).tolist() == [1.0, 1.0, 1.0]
    lc.use_deterministic_algorithms(False)
    assert vars(lc.Tensor)["resize_"] is usual


def test_memory_may_be_left_as_it_is(monkeypatch) -> None:
    def sevens(size, dtype, device):
        return np.full(size, 7, dtype)

    filled = _determinism._filled(sevens)
    assert filled((2,), np.dtype("int8"), None).tolist() == [127, 127]
    monkeypatch.setattr(lc.utils.deterministic, "fill_uninitialized_memory", False)
    assert filled((2,), np.dtype("int8"), None).tolist() == [7, 7]


def test_put_says_nothing_of_places_named_twice() -> None:
    place, value = lc.tensor([1]), lc.tensor([2.0])
    lc.use_deterministic_algorithms(True)
    with pytest.raises(RuntimeError, match="put does not have a deterministic implementation"):
        lc.zeros(3).put_(place, value)
    assert lc.zeros(3).put_(place, value, accumulate=True).tolist() == [0.0, 2.0, 0.0]
    lc.use_deterministic_algorithms(True, warn_only=True)
    with pytest.warns(UserWarning, match="put does not have"):
        assert lc.put(lc.zeros(3), place, value).tolist() == [0.0, 2.0, 0.0]
    lc.use_deterministic_algorithms(False)
    assert lc.zeros(3).put_(place, value).tolist() == [0.0, 2.0, 0.0]
