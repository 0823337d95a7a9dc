"""What strides say about the memory format; the recorded answers are PyTorch 2.13's."""

from __future__ import annotations

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
