"""Pointwise kernels over blocks of large arrays: NumPy's own expressions are the reference."""

import tracemalloc

import numpy as np
import pytest

import lamella_core as core
from lamella_core.parallel import set_thread_count, thread_count

ROWS, COLUMNS = 611, 503  # more than one block, and no multiple of one


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def _threads(request):
    before = thread_count()
    set_thread_count(request.param)
    yield
    set_thread_count(before)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def celu(x):
    return np.where(x > 0, x, np.expm1(x))


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize(
    "layout",
    [lambda x: x, lambda x: x.T, lambda x: x[::2], lambda x: x[:, ::2], lambda x: x[:, 1:]],
    ids=["whole", "transposed", "rows", "columns", "offset"],
)
def test_every_layout(layout):
    array = layout(numbers(2 * ROWS, 2 * COLUMNS))
    result = core.celu(core.from_numpy(array))
    np.testing.assert_allclose(result.numpy(), celu(array), rtol=2e-5, atol=1e-6)


def test_a_result_has_the_order_of_dimensions_that_the_input_has():
    assert core.celu(core.ones(ROWS, COLUMNS).t()).stride() == (1, COLUMNS)


@pytest.mark.usefixtures("_threads")
def test_operands_of_other_shapes_and_orders():
    x, y, row = numbers(ROWS, COLUMNS), numbers(COLUMNS, ROWS, seed=1), numbers(COLUMNS, seed=2)
    given = [core.from_numpy(each) for each in (x, y, row)]
    result = core.addcmul(given[0], given[1].t(), given[2], value=2)
    np.testing.assert_allclose(result.numpy(), x + 2 * y.T * row, rtol=1e-5, atol=1e-5)


def test_shapes_that_do_not_fit():
    with pytest.raises(RuntimeError, match="must match"):
        core.lerp(core.ones(ROWS, COLUMNS), core.ones(ROWS + 1, COLUMNS), 0.5)


def test_in_place_between_parts_of_one_memory():
    """Each element meets what another was before, not what a block before made of it."""
    array = numbers(2 * ROWS * COLUMNS)
    tensor = core.from_numpy(array.copy())
    half = array.size // 2
    tensor[:half].lerp_(tensor[::2], 0.25)
    expected = array[:half] + np.float32(0.25) * (array[::2] - array[:half])
    np.testing.assert_allclose(tensor.numpy()[:half], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x.add_(y, alpha=0.5),
        lambda x, y: x.addcmul_(y, y, value=0.5),
        lambda x, y: x.lerp_(y, 0.5),
        lambda x, y: x.normal_(),
        lambda x, y: x.uniform_(),
    ],
    ids=["add_", "addcmul_", "lerp_", "normal_", "uniform_"],
)
def test_in_place_needs_no_array_of_the_size_of_the_tensor(write):
    x, y = core.ones(2_000_000), core.ones(2_000_000)
    write(x, y)
    tracemalloc.start()
    write(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.15 * x.nbytes
