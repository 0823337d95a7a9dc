"""The type lattice, held to tables that PyTorch 2.13 printed.

They were made with ``torch.promote_types`` and ``torch.result_type`` over all pairs. PyTorch's
complex32 is not a type here: where it stands there (float16 with a complex operand that has no
dimensions), the result is complex64.
"""

from __future__ import annotations

import pytest

import lamella_core as core
from lamella_core.dtype import ALL
from lamella_core.promotion import can_cast, promote_types, result_dtype

CODES = "b1 u1 i1 i2 i4 i8 f2 bf f4 f8 c8 c16".split()
# Those of the wide unsigned types, the last three, are told apart in test_dtype.py.
OF_CODE = dict(zip(CODES, ALL[:-3], strict=True))

PAIRS = """
 b1  b1  u1  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
 u1  u1  u1  i2  i2  i4  i8  f2  bf  f4  f8  c8 c16
 i1  i1  i2  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
 i2  i2  i2  i2  i2  i4  i8  f2  bf  f4  f8  c8 c16
 i4  i4  i4  i4  i4  i4  i8  f2  bf  f4  f8  c8 c16
 i8  i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8 c16
 f2  f2  f2  f2  f2  f2  f2  f2  f4  f4  f8  c8 c16
 bf  bf  bf  bf  bf  bf  bf  f4  bf  f4  f8  c8 c16
 f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  f8  c8 c16
 f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8 c16 c16
 c8  c8  c8  c8  c8  c8  c8  c8  c8  c8 c16  c8 c16
c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""

# Rows: a tensor with dimensions; columns: a tensor without.
ZERO_DIM = """
 b1  b1  u1  i1  i2  i4  i8  f2  bf  f4  f8  c8 c16
 u1  u1  u1  u1  u1  u1  u1  f2  bf  f4  f8  c8 c16
 i1  i1  i1  i1  i1  i1  i1  f2  bf  f4  f8  c8 c16
 i2  i2  i2  i2  i2  i2  i2  f2  bf  f4  f8  c8 c16
 i4  i4  i4  i4  i4  i4  i4  f2  bf  f4  f8  c8 c16
 i8  i8  i8  i8  i8  i8  i8  f2  bf  f4  f8  c8 c16
 f2  f2  f2  f2  f2  f2  f2  f2  f2  f2  f2  c8  c8
 bf  bf  bf  bf  bf  bf  bf  bf  bf  bf  bf  c8  c8
 f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  f4  c8  c8
 f8  f8  f8  f8  f8  f8  f8  f8  f8  f8  f8 c16 c16
 c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8  c8
c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16 c16
"""

# Rows: a tensor, with dimensions or without; columns: True, 1, 1.0, 1j.
NUMBERS = """
 b1  b1  i8  f4  c8
 u1  u1  u1  f4  c8
 i1  i1  i1  f4  c8
 i2  i2  i2  f4  c8
 i4  i4  i4  f4  c8
 i8  i8  i8  f4  c8
 f2  f2  f2  f2  c8
 bf  bf  bf  bf  c8
 f4  f4  f4  f4  c8
 f8  f8  f8  f8 c16
 c8  c8  c8  c8  c8
c16 c16 c16 c16 c16
"""


def rows(table: str) -> list[tuple[str, list[str]]]:
    return [(line.split()[0], line.split()[1:]) for line in table.strip().splitlines()]


@pytest.mark.parametrize(("left", "expected"), rows(PAIRS))
def test_promote_types(left, expected):
    found = [promote_types(OF_CODE[left], OF_CODE[right]) for right in CODES]
    assert found == [OF_CODE[code] for code in expected]


@pytest.mark.parametrize(("left", "expected"), rows(ZERO_DIM))
def test_a_zero_dim_tensor_beside_one_with_dimensions(left, expected):
    tensor = core.ones(1, dtype=OF_CODE[left])
    found = [result_dtype((tensor, core.ones((), dtype=OF_CODE[right]))) for right in CODES]
    assert found == [OF_CODE[code] for code in expected]


@pytest.mark.parametrize("shape", [(1,), ()])
@pytest.mark.parametrize(("left", "expected"), rows(NUMBERS))
def test_a_number_beside_a_tensor(left, expected, shape):
    tensor = core.ones(shape, dtype=OF_CODE[left])
    found = [result_dtype((tensor, number)) for number in (True, 1, 1.0, 1j)]
    assert found == [OF_CODE[code] for code in expected]


def test_a_number_beside_an_integer_tensor_follows_the_default_type():
    core.set_default_dtype(core.float64)
    try:
        assert result_dtype((core.ones(1, dtype=core.int8), 1.0)) is core.float64
        assert result_dtype((core.ones(1, dtype=core.int8), 1j)) is core.complex128
    finally:
        core.set_default_dtype(core.float32)


def test_ops_follow_a_default_type_that_is_changed_after_their_first_call():
    i, b = core.tensor([4, 9]), core.tensor([True, False])
    calls = (core.sqrt, core.deg2rad, lambda x: x / 2, lambda x: x / x, lambda x: x.atan2(i))
    try:
        for kind in (core.float32, core.float64, core.float16, core.bfloat16, core.float32):
            core.set_default_dtype(kind)
            assert [call(x).dtype for call in calls for x in (i, b)] == [kind] * 10
        core.set_default_dtype(core.float64)
        # sqrt of 2 in float64, which a detour by float32 does not give.
        assert core.sqrt(core.tensor(2)).item() == 1.4142135623730951
    finally:
        core.set_default_dtype(core.float32)


def test_only_the_category_counts_for_a_write():
    assert can_cast(core.float64, core.float16)
    assert can_cast(core.int64, core.uint8)
    assert not can_cast(core.float32, core.int64)
    assert not can_cast(core.complex64, core.float64)
    assert not can_cast(core.uint8, core.bool)
