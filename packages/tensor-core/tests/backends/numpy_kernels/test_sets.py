"""Different elements, membership and searching of many elements, against NumPy's."""

import numpy as np
import pytest

import lamella_core as core

COUNT = 280_000  # several parts, the last of them not full
KINDS = ["float16", "bfloat16", "bool", "uint8", "int8", "int16", "int64"]
LAYOUTS = {
    "flat": lambda x: x,
    "rows": lambda x: x.reshape(-1, 500),
    "columns": lambda x: x.reshape(-1, 500).swapaxes(0, 1),
    "gaps": lambda x: x[::2],
}


def numbers(kind):
    x = np.random.default_rng(0).integers(0 if kind == "uint8" else -60, 60, COUNT)
    return (x > 0).astype(np.float64) if kind == "bool" else x.astype(np.float64)


def tensor_of(x, kind):
    return core.from_numpy(x).to(getattr(core, kind))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_unique(kind, layout):
    x = numbers(kind)
    tensor, x = layout(tensor_of(x, kind)), layout(x)
    expected = np.unique(x, return_inverse=True, return_counts=True)
    values, places, counts = tensor.unique(return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(values.double().numpy(), expected[0])
    np.testing.assert_array_equal(places.numpy(), expected[1].reshape(x.shape))
    np.testing.assert_array_equal(counts.numpy(), expected[2])
    assert values.dtype is tensor.dtype and core.equal(tensor.unique(), values)


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_unique_has_the_first_zero_and_every_nan(kind):
    # PyTorch 2.13: of two zeros the one that comes first, and each NaN by itself.
    for zeros in ([-0.0, 0.0], [0.0, -0.0]):
        x = numbers(kind)
        x[x == 0] = 1
        x[[5000, 200_000]] = zeros
        values = tensor_of(x, kind).unique().float().numpy()
        np.testing.assert_array_equal(np.signbit(values[values == 0]), np.signbit(zeros[:1]))
    x[::1000] = np.nan
    values, places, counts = tensor_of(x, kind).unique(return_inverse=True, return_counts=True)
    assert np.isnan(values.float().numpy()[-COUNT // 1000 :]).all()
    np.testing.assert_array_equal(places.numpy()[::1000], np.arange(280) + len(values) - 280)
    assert (counts.numpy()[-280:] == 1).all()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_unique_consecutive(kind, layout):
    x = np.repeat(numbers(kind)[: COUNT // 4], 4)
    if kind.endswith("float16"):
        x[9::700] = np.nan
    tensor, x = layout(tensor_of(x, kind)), layout(x).ravel()
    starts = np.append(0, np.flatnonzero(x[1:] != x[:-1]) + 1)
    values, places, counts = core.unique_consecutive(tensor, True, True)
    np.testing.assert_array_equal(values.double().numpy(), x[starts])
    np.testing.assert_array_equal(counts.numpy(), np.diff(starts, append=x.size))
    expected = np.repeat(np.arange(starts.size), counts.numpy())
    np.testing.assert_array_equal(places.numpy(), expected.reshape(tensor.shape))


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "int64"])
@pytest.mark.parametrize("shape", [(14_000, 20), (2, 140_000), (20, 7, 2000), (1, COUNT)])
def test_unique_consecutive_rows(shape, kind):
    x = numbers(kind).reshape(shape)
    x[1::2] = x[: len(x) - len(x) % 2 : 2]
    values, places = core.unique_consecutive(tensor_of(x, kind), True, dim=0)
    np.testing.assert_array_equal(values.double().numpy(), x[::2])
    np.testing.assert_array_equal(places.numpy(), np.arange(len(x)) // 2)
    turned = core.unique_consecutive(tensor_of(x, kind).movedim(0, -1), dim=-1)
    assert core.equal(turned, values.movedim(0, -1))


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bool"])
def test_isin(kind, layout):
    x, some = numbers(kind), np.array([3.0, 5, 7, 0])
    if kind.endswith("float16"):
        x[::1000] = some[2] = np.nan
        some[3] = -0.0
    tensor, x = layout(tensor_of(x, kind)), layout(x)
    for invert in (False, True):
        found = core.isin(tensor, tensor_of(some, kind), invert=invert)
        np.testing.assert_array_equal(found.numpy(), np.isin(x, some) ^ invert)
    # NumPy's, too, finds no NaN among others.
    assert core.isin(tensor, tensor).numpy().sum() == np.count_nonzero(x == x)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "bool"])
def test_searchsorted(kind, right):
    x, side = numbers(kind), "right" if right else "left"
    if kind.endswith("float16"):
        x[::1000] = np.nan
        x[1::1000] = -0.0
    edges = np.sort(x[::7])
    edges = edges[~np.isnan(edges)]
    expected = edges.searchsorted(x, side)
    boundaries, tensor = tensor_of(edges, kind), tensor_of(x, kind)
    for layout in LAYOUTS.values():
        found = core.searchsorted(boundaries, layout(tensor), right=right, out_int32=True)
        np.testing.assert_array_equal(found.numpy(), layout(expected))
        assert found.dtype is core.int32
    many = np.sort(np.nan_to_num(x))
    for few in (tensor[:50], tensor[:1].squeeze(0)):
        found = core.searchsorted(tensor_of(many, kind), few, right=right)
        np.testing.assert_array_equal(found.numpy(), many.searchsorted(few.double().numpy(), side))
    for shape in ((2, -1), (1, -1), (400, -1)):
        rows, ordered = np.nan_to_num(x).reshape(shape), np.sort(np.nan_to_num(x).reshape(shape))
        found = core.searchsorted(tensor_of(ordered, kind), tensor_of(rows, kind), right=right)
        expected = [a.searchsorted(b, side) for a, b in zip(ordered, rows, strict=True)]
        np.testing.assert_array_equal(found.numpy(), expected)


@pytest.mark.parametrize("kind", ["float16", "bfloat16", "float32", "int64"])
def test_searchsorted_through_an_order(kind):
    rng = np.random.default_rng(3)
    x, values = rng.integers(-60, 60, (2, 300)), rng.integers(-60, 60, (2, 140_000))
    order = np.argsort(x, -1)
    sequence, wanted = tensor_of(x.astype(float), kind), tensor_of(values.astype(float), kind)
    found = core.searchsorted(sequence, wanted, sorter=core.from_numpy(order)).numpy()
    for row in (0, 1):
        expected = np.searchsorted(x[row], values[row], sorter=order[row])
        np.testing.assert_array_equal(found[row], expected)


def test_no_more_room_than_a_constant_is_needed(peak):
    x = core.rand(1_000_000)
    half, brief, flags, digits = x.half(), x.bfloat16(), x > 0.5, (x * 100).long()
    ordered, rows = half.sort().values, half.view(1000, 1000).sort(1).values
    small, brief_order = digits.to(core.int8), ordered.bfloat16()
    for call in (
        lambda: half.unique(), lambda: flags.unique(return_inverse=True),
        lambda: brief.unique(return_inverse=True, return_counts=True),
        lambda: digits.unique_consecutive(return_counts=True), lambda: core.isin(half, half),
        lambda: half.unique_consecutive(return_inverse=True), lambda: core.isin(small, 3),
        lambda: rows.unique_consecutive(dim=0), lambda: core.searchsorted(ordered, half),
        lambda: core.searchsorted(brief_order, brief[:9]), lambda: core.frexp(half),
        lambda: core.searchsorted(rows, rows), lambda: core.searchsorted(rows[:1], rows[:1]),
        lambda: core.searchsorted(ordered[None], half[None]), lambda: core.frexp(brief),
    ):  # fmt: skip
        results = call()
        results = results if isinstance(results, tuple) else (results,)
        room = sum(each.numel() * each.element_size() for each in results)
        del results
        with peak:
            _ = call()
        assert peak.most - room < 1e6
