"""The printed text of tensors. Unless a comment says otherwise the expected texts were recorded
from PyTorch 2.13 on CPU: ``repr`` of the tensor with these elements, under these options."""

from __future__ import annotations

import math
from collections.abc import Iterator

import ml_dtypes
import numpy as np
import pytest

from lamella_core.printing import (
    format_array,
    format_tensor,
    get_printoptions,
    set_printoptions,
)

INF, NAN = math.inf, math.nan
DEFAULTS = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}


@pytest.fixture(autouse=True)
def _default_options() -> Iterator[None]:
    set_printoptions(profile="default")
    yield
    set_printoptions(profile="default")


def f32(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float32)


def text_of(array: np.ndarray, **keywords: object) -> str:
    """``array`` as a tensor of its own dtype, where the default dtype is float32."""
    name = array.dtype.name
    keywords.setdefault("is_default_dtype", name in ("float32", "complex64"))
    return format_tensor(array, dtype_name=name, **keywords)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (f32(1, 2, 3), "tensor([1., 2., 3.])"),
        (f32(1, 2.5), "tensor([1.0000, 2.5000])"),
        (f32(1, 1000), "tensor([   1., 1000.])"),
        (f32(1, 1001), "tensor([1.0000e+00, 1.0010e+03])"),
        (f32(1e8), "tensor([100000000.])"),
        (f32(1e8 + 8), "tensor([1.0000e+08])"),
        (np.array([1e-4]), "tensor([0.0001], dtype=torch.float64)"),
        # The float32 next to 1e-4 lies below it.
        (f32(1e-4), "tensor([1.0000e-04])"),
        (f32(-0.0, 0.0), "tensor([-0., 0.])"),
        (f32(-0.0, 1.5), "tensor([-0.0000, 1.5000])"),
        (f32(NAN, 1), "tensor([nan, 1.])"),
        (f32(NAN, INF, -INF), "tensor([nan, inf, -inf])"),
        (f32(NAN, 1.5, -INF), "tensor([   nan, 1.5000,   -inf])"),
        (f32(NAN, 0, -INF, 100), "tensor([ nan,   0., -inf, 100.])"),
        (np.float32(3).reshape(()), "tensor(3.)"),
        (np.array(True), "tensor(True)"),
        (np.array([True, False]), "tensor([ True, False])"),
        (np.array([1, -200, 3]), "tensor([   1, -200,    3])"),
        (np.array([2**63], dtype=np.uint64), "tensor([9223372036854775808], dtype=torch.uint64)"),
        (
            np.array([6e4, 1e-7], dtype=np.float16),
            "tensor([6.0000e+04, 1.1921e-07], dtype=torch.float16)",
        ),
        (
            np.array([1.5, 3.14], dtype=ml_dtypes.bfloat16),
            "tensor([1.5000, 3.1406], dtype=torch.bfloat16)",
        ),
    ],
)
def test_number_formats(array: np.ndarray, expected: str) -> None:
    assert text_of(array) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1 + 2j, 3 - 4j], "tensor([1.+2.j, 3.-4.j])"),
        ([1.5 + 2j, 3 - 4j], "tensor([1.5000+2.j, 3.0000-4.j])"),
        ([10.25 - 1j, -1 + 0.5j], "tensor([10.2500-1.0000j, -1.0000+0.5000j])"),
        ([1.5 + 2e9j, 3 - 4j], "tensor([1.5000+2.0000e+09j, 3.0000-4.0000e+00j])"),
        (
            [complex(NAN, 1), complex(1, -INF), complex(-0.0, -0.0)],
            "tensor([nan+1.j, 1.-infj, -0.-0.j])",
        ),
    ],
)
def test_complex_parts_choose_their_formats_apart(values: list[complex], expected: str) -> None:
    assert text_of(np.array(values, dtype=np.complex64)) == expected


@pytest.mark.parametrize(
    ("options", "values", "expected"),
    [
        ({"sci_mode": True}, (1, 2.5), "tensor([1.0000e+00, 2.5000e+00])"),
        ({"sci_mode": True}, (NAN, 0), "tensor([nan, 0.])"),
        (
            {"sci_mode": True},
            (NAN, 0, -INF, 100),
            "tensor([       nan, 0.0000e+00,       -inf, 1.0000e+02])",
        ),
        ({"sci_mode": False}, (1.5, 1e9), "tensor([         1.5000, 1000000000.0000])"),
        ({"precision": 2}, (1 / 3, 2 / 3, 10), "tensor([ 0.33,  0.67, 10.00])"),
        ({"precision": 0}, (0.5, 1.5, 2.5, 3.5, 4.5), "tensor([0, 2, 2, 4, 4])"),
        ({"precision": 0}, (1, 1e5), "tensor([1e+00, 1e+05])"),
    ],
)
def test_options_for_numbers(
    options: dict[str, object], values: tuple[float, ...], expected: str
) -> None:
    set_printoptions(**options)
    assert text_of(f32(*values)) == expected


def test_brackets_of_two_and_three_dimensions() -> None:
    assert text_of(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)) == (
        "tensor([[-1.0000, -0.8182, -0.6364, -0.4545],\n"
        "        [-0.2727, -0.0909,  0.0909,  0.2727],\n"
        "        [ 0.4545,  0.6364,  0.8182,  1.0000]])"
    )
    assert text_of((np.arange(24, dtype=np.float32) / 8).reshape(2, 3, 4)) == (
        "tensor([[[0.0000, 0.1250, 0.2500, 0.3750],\n"
        "         [0.5000, 0.6250, 0.7500, 0.8750],\n"
        "         [1.0000, 1.1250, 1.2500, 1.3750]],\n"
        "\n"
        "        [[1.5000, 1.6250, 1.7500, 1.8750],\n"
        "         [2.0000, 2.1250, 2.2500, 2.3750],\n"
        "         [2.5000, 2.6250, 2.7500, 2.8750]]])"
    )


def test_lines_wrap_at_linewidth() -> None:
    set_printoptions(linewidth=30)
    assert text_of(np.arange(8, dtype=np.float32) + np.float32(0.5)) == (
        "tensor([0.5000, 1.5000,\n"
        "        2.5000, 3.5000,\n"
        "        4.5000, 5.5000,\n"
        "        6.5000, 7.5000])"
    )
    set_printoptions(linewidth=3)
    assert text_of(f32(0.5, 1.5)) == "tensor([0.5000,\n        1.5000])"


def test_summary_shows_the_edges() -> None:
    assert text_of(np.arange(2000)) == "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"
    assert text_of(np.arange(10000).reshape(100, 100)) == (
        "tensor([[   0,    1,    2,  ...,   97,   98,   99],\n"
        "        [ 100,  101,  102,  ...,  197,  198,  199],\n"
        "        [ 200,  201,  202,  ...,  297,  298,  299],\n"
        "        ...,\n"
        "        [9700, 9701, 9702,  ..., 9797, 9798, 9799],\n"
        "        [9800, 9801, 9802,  ..., 9897, 9898, 9899],\n"
        "        [9900, 9901, 9902,  ..., 9997, 9998, 9999]])"
    )
    set_printoptions(edgeitems=1)
    assert text_of(np.arange(2000).reshape(20, 10, 10)) == (
        "tensor([[[   0,  ...,    9],\n"
        "         ...,\n"
        "         [  90,  ...,   99]],\n"
        "\n"
        "        ...,\n"
        "\n"
        "        [[1900,  ..., 1909],\n"
        "         ...,\n"
        "         [1990,  ..., 1999]]])"
    )


def test_summary_threshold_and_no_edgeitems() -> None:
    set_printoptions(edgeitems=1, threshold=5)
    assert text_of(np.arange(5, dtype=np.float32)) == "tensor([0., 1., 2., 3., 4.])"
    set_printoptions(threshold=4)
    assert text_of(np.arange(5, dtype=np.float32)) == "tensor([0.,  ..., 4.])"
    set_printoptions(profile="default", edgeitems=0)
    array = np.arange(2000, dtype=np.float64).reshape(1000, 2)
    assert text_of(array) == "tensor([...], size=(1000, 2), dtype=torch.float64)"
    assert text_of(np.zeros(2, np.uint32)) == "tensor([0, 0], size=(2,), dtype=torch.uint32)"


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.zeros(0, np.float32), "tensor([])"),
        (np.zeros((0, 3), np.float32), "tensor([], size=(0, 3))"),
        (np.zeros((2, 0, 3), np.float16), "tensor([], size=(2, 0, 3), dtype=torch.float16)"),
        (np.zeros((2000, 0), np.float32), "tensor([], size=(2000, 0))"),
        (np.zeros(0, np.int64), "tensor([], dtype=torch.int64)"),
        (np.zeros((2, 0), bool), "tensor([], size=(2, 0), dtype=torch.bool)"),
        (np.zeros(0, np.complex64), "tensor([], dtype=torch.complex64)"),
    ],
)
def test_tensors_without_elements(array: np.ndarray, expected: str) -> None:
    assert text_of(array) == expected


def test_suffixes() -> None:
    array = f32(1.5, 2)
    assert text_of(array, requires_grad=True) == "tensor([1.5000, 2.0000], requires_grad=True)"
    # The node is named in place of requires_grad.
    assert text_of(array, requires_grad=True, grad_fn_name="AddBackward0") == (
        "tensor([1.5000, 2.0000], grad_fn=<AddBackward0>)"
    )
    assert text_of(np.zeros((0, 3)), requires_grad=True) == (
        "tensor([], size=(0, 3), dtype=torch.float64, requires_grad=True)"
    )
    # From PyTorch's documentation (the device of a CUDA tensor), not recorded.
    assert text_of(array.astype(np.float64), device_suffix="cuda:0") == (
        "tensor([1.5000, 2.0000], device='cuda:0', dtype=torch.float64)"
    )


def test_long_suffixes_start_a_line() -> None:
    def halves(count: int) -> np.ndarray:
        return np.arange(count, dtype=np.float64) + 0.5

    assert text_of(halves(5), requires_grad=True) == (
        "tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000], dtype=torch.float64,\n"
        "       requires_grad=True)"
    )
    assert text_of(halves(7), grad_fn_name="AddBackward0") == (
        "tensor([0.5000, 1.5000, 2.5000, 3.5000, 4.5000, 5.5000, 6.5000],\n"
        "       dtype=torch.float64, grad_fn=<AddBackward0>)"
    )
    # This text has 95 characters, and PyTorch wants room for 96.
    row = np.array([7] * 16 + [-3], dtype=np.int32)
    set_printoptions(linewidth=96)
    assert len(text_of(row)) == 95
    set_printoptions(linewidth=95)
    assert text_of(row).endswith(" 7, -3],\n       dtype=torch.int32)")


def test_subclass_name_sets_the_indent() -> None:
    array = np.arange(26, dtype=np.float32) / 2
    assert text_of(array, class_name="S") == (
        "S([ 0.0000,  0.5000,  1.0000,  1.5000,  2.0000,  2.5000,  3.0000,  3.5000,\n"
        "    4.0000,  4.5000,  5.0000,  5.5000,  6.0000,  6.5000,  7.0000,  7.5000,\n"
        "    8.0000,  8.5000,  9.0000,  9.5000, 10.0000, 10.5000, 11.0000, 11.5000,\n"
        "   12.0000, 12.5000])"
    )


class DeviceArray:
    """An array that, like one on an accelerator, is copied to the host on request only."""

    def __init__(self, array: np.ndarray, fetched: list[int]) -> None:
        self._array, self._fetched = array, fetched
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: tuple[slice, ...]) -> DeviceArray:
        return DeviceArray(self._array[key], self._fetched)

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        raise TypeError("implicit copy to the host")

    def get(self) -> np.ndarray:
        self._fetched.append(self._array.size)
        return self._array.copy()


def test_only_shown_elements_are_fetched() -> None:
    array = np.broadcast_to(np.float32(1.5), (10**4, 4, 10**5))
    fetched: list[int] = []
    assert format_array(DeviceArray(array, fetched)) == format_array(array)
    assert sum(fetched) == 6 * 4 * 6


def test_views_print_like_copies() -> None:
    array = np.arange(24.0).reshape(4, 6).T[::-2, 1:]
    assert format_array(array) == format_array(np.ascontiguousarray(array))


def test_unknown_dtype_is_refused() -> None:
    with pytest.raises(TypeError, match="<U1.*expected a boolean, integer"):
        format_array(np.array(["a"]))


def test_printoptions() -> None:
    assert get_printoptions() == DEFAULTS
    set_printoptions(sci_mode=True, linewidth=60)
    assert get_printoptions() == {**DEFAULTS, "sci_mode": True, "linewidth": 60}
    # Every call sets sci_mode, also one that does not name it.
    set_printoptions(precision=3)
    assert get_printoptions() == {**DEFAULTS, "precision": 3, "linewidth": 60}
    set_printoptions(profile="short", precision=7)
    assert get_printoptions() == {**DEFAULTS, "precision": 7, "edgeitems": 2}
    set_printoptions(profile="full")
    assert get_printoptions() == {**DEFAULTS, "threshold": INF}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"precision": -1}, ValueError, "precision must be a whole number .* got -1"),
        ({"precision": 2.0}, ValueError, "precision must be a whole number .* got 2.0"),
        ({"edgeitems": 1.5}, TypeError, "edgeitems must be an integer, got 1.5"),
        ({"edgeitems": -1}, ValueError, "edgeitems must be 0 or more, got -1"),
        ({"threshold": "5"}, TypeError, "threshold must be a number, got '5'"),
        ({"linewidth": "5"}, TypeError, "linewidth must be a number, got '5'"),
        ({"linewidth": INF}, ValueError, "linewidth must be finite, got inf"),
        ({"profile": "tiny"}, ValueError, "profile must be one of 'default', 'short', 'full'"),
    ],
)
def test_bad_options_change_nothing(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        set_printoptions(**{"precision": 7, **options})
    assert get_printoptions() == DEFAULTS
