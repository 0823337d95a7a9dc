"""What strides say about the memory format; the recorded answers are PyTorch 2.13's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import lamella_core as core
from lamella_core.formats import suggests_channels_last


@pytest.mark.parametrize(
    ("shape", "strides", "expected"),
    [
        ((2, 4, 6, 8), (192, 1, 32, 4), True),
        ((2, 4, 6, 8), (192, 48, 8, 1), False),
        ((2, 1, 6, 8), (48, 1, 8, 1), True),
        ((2, 1, 6, 8), (48, 48, 8, 1), False),
        ((2, 4, 1, 1), (4, 1, 4, 4), True),
        ((2, 4, 1, 1), (4, 1, 1, 1), False),
        ((1, 1, 1, 1), (1, 1, 1, 1), False),
        ((2, 4, 6, 8), (0, 1, 32, 4), False),
        ((2, 4, 6, 8), (8, 0, 0, 1), False),
        ((2, 2, 6, 8), (192, 1, 32, 4), True),
        ((2, 4, 5, 6, 8), (960, 1, 192, 32, 4), True),
        ((2, 4, 8), (32, 1, 4), False),
    ],
)
def test_suggests_channels_last(shape, strides, expected):
    tensor = core.empty_strided(shape, strides)
    assert suggests_channels_last(tensor._array) == expected


def test_to_a_format_sets_the_strides_of_sizes_of_1():
    to = core.empty(2, 4, 1, 1).to(memory_format=core.channels_last)
    assert to.stride() == (4, 1, 4, 4)
    assert core.empty(2, 4, 1, 1).contiguous(memory_format=core.channels_last).stride() == (
        4,
        1,
        1,
        1,
    )


def test_resize_to_a_format():
    last = core.channels_last
    x = core.empty(0).resize_(2, 3, 4, 5, memory_format=last)
    assert x.stride() == (60, 1, 15, 3)
    template = core.empty(2, 3, 4, 5, memory_format=last)
    kept = core.empty(0).resize_as_(template, memory_format=core.preserve_format)
    assert kept.stride() == (60, 1, 15, 3)
    assert core.empty(0).resize_as_(template).stride() == (60, 20, 5, 1)
    with pytest.raises(RuntimeError, match="Preserve"):
        x.resize_(2, 3, memory_format=core.preserve_format)


def made(shape, order):
    """Numbers laid out with the dimensions in ``order``, outermost first."""
    places = [order.index(dim) for dim in range(len(shape))]
    return core.ones([shape[dim] for dim in order]).permute(places)


CL = (0, 2, 3, 1)
BINARY = [
    # The first operand that has an order decides; PyTorch's strides.
    ("add", (2, 3, 4, 5), CL, (0, 1, 2, 3), (60, 1, 15, 3)),
    ("add", (2, 3, 4, 5), (0, 1, 2, 3), CL, (60, 20, 5, 1)),
    ("mul", (2, 3, 4, 5), CL, None, (60, 1, 15, 3)),
    ("pow", (2, 3, 4, 5), None, CL, (60, 1, 15, 3)),
    ("sub", (3, 4), (1, 0), (0, 1), (1, 3)),
    ("lt", (3, 4), (0, 1), (1, 0), (4, 1)),
    ("atan2", (3, 4), (1, 0), (0, 1), (1, 3)),
    ("xlogy", (3, 4), (1, 0), (0, 1), (1, 3)),
    ("complex", (3, 4), (1, 0), (0, 1), (1, 3)),
    ("mul", (2, 3, 4), (1, 2, 0), (0, 1, 2), (1, 8, 2)),
]


@pytest.mark.parametrize(("op", "shape", "first", "second", "expected"), BINARY)
def test_results_lie_as_the_first_operand_with_an_order(op, shape, first, second, expected):
    operands = [
        core.ones(shape[-1:]) if order is None else made(shape, list(order))
        for order in (first, second)
    ]
    for _ in range(3):
        # The second call and those after it follow what the first found out.
        assert getattr(core, op)(*operands).stride() == expected


def test_results_with_three_operands_and_after_one_another():
    a, b = made((3, 4), [1, 0]), core.ones(3, 4)
    assert core.where(a > 0, b, a).stride() == (1, 3)
    assert core.where(b > 0, b, a).stride() == (4, 1)
    assert core.lerp(a, b, b).stride() == (1, 3)
    assert core.clamp(a, b, b).stride() == (1, 3)
    assert ((a + b) * b).stride() == (1, 3)
    assert (a.double() + b).stride() == (1, 3)
    assert (a[::2] + b[::2]).stride() == (1, 2)
    assert (core.ones(4).expand(3, 4) + a).stride() == (1, 3)
    assert core.ones(4, 1, 2).transpose(0, 2).expand(2, 3, 4).exp().stride() == (1, 2, 6)


def test_values_do_not_depend_on_the_order():
    a = core.arange(12.0).reshape(4, 3).t()
    b = core.arange(12.0).reshape(3, 4)
    for _ in range(2):
        assert (a - b).tolist() == [[0, 2, 4, 6], [-3, -1, 1, 3], [-6, -4, -2, 0]]
        assert (a - core.arange(4.0)).tolist() == [[0, 2, 4, 6], [1, 3, 5, 7], [2, 4, 6, 8]]


def test_the_order_is_known_of_arrays_from_elsewhere():
    b = core.ones(3, 4)
    columns = np.ones((4, 3), np.float32).T
    assert (core.from_numpy(columns) + b).stride() == (1, 3)
    assert (pickle.loads(pickle.dumps(made((3, 4), [1, 0]))) + b).stride() == (1, 3)
    assert (copy.deepcopy(made((3, 4), [1, 0])) + b).stride() == (1, 3)
    assert (core.empty_strided((3, 4), (1, 3)).fill_(1) + b).stride() == (1, 3)
    assert (core.zeros_like(made((3, 4), [1, 0])) + b).stride() == (1, 3)
    other = core.ones(3, 4)
    other.data = made((3, 4), [1, 0])
    assert (other + b).stride() == (1, 3)
    assert (core.ones(4, 3).t_() + b).stride() == (1, 3)


def test_rearranging_ops_keep_the_order():
    a = made((3, 4), [1, 0])
    assert a.sort(1).values.stride() == a.argsort(0).stride() == (1, 3)
    assert a.gather(1, a.long() * 0).stride() == (4, 1)
    assert core.ones(3, 4).nonzero().stride() == (1, 12)


def test_to_a_format_keeps_what_has_it():
    x = core.empty(4, 6, 8, 10, memory_format=core.channels_last)[::2, ::2, ::2, ::2]
    assert x.to(memory_format=core.channels_last) is x
    assert x.contiguous(memory_format=core.channels_last).stride() == (60, 1, 15, 3)
    assert x.to(memory_format=core.contiguous_format).stride() == (60, 20, 5, 1)
    a = made((3, 4), [1, 0])
    assert a.to(memory_format=core.contiguous_format) is a
    assert a.to(core.float64, memory_format=core.contiguous_format).stride() == (4, 1)
