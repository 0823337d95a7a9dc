"""Pointwise kernels over blocks of large arrays: NumPy's own expressions are the reference."""

import numpy as np
import pytest

import lamella_core as core
from lamella_core.backends.numpy_blocks import converted
from lamella_core.parallel import set_thread_count, thread_count

MANY = core.ones(2_000_000, dtype=core.int64)
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


MIXED = {
    "integers and floats": (lambda i, x: i + x, lambda i, x: i.astype(np.float32) + x),
    "integers and a number": (lambda i, x: i * 1.5, lambda i, x: i.astype(np.float32) * 1.5),
    "a number and integers": (lambda i, x: 2.5 - i, lambda i, x: 2.5 - i.astype(np.float32)),
    "a comparison": (lambda i, x: i > x, lambda i, x: i.astype(np.float32) > x),
    "integers alone": (lambda i, x: i.exp(), lambda i, x: np.exp(i.astype(np.float32))),
    "float64": (lambda i, x: x.double() - x, lambda i, x: x.astype(np.float64) - x),
    "three": (lambda i, x: core.addcmul(x, i, i), lambda i, x: x + i * i),
    "a row": (lambda i, x: x * i[0], lambda i, x: x * i[0].astype(np.float32)),
    "half": (lambda i, x: x.half().sigmoid(), lambda i, x: 1 / (1 + np.exp(-x))),
    "bfloat16": (lambda i, x: (x.bfloat16() * 2.0).float(), lambda i, x: 2 * x),
    "not a number": (lambda i, x: x.half().isnan(), lambda i, x: np.isnan(x)),
}


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("turned", [False, True], ids=["rows", "columns"])
@pytest.mark.parametrize("name", MIXED)
def test_operands_of_other_types(name, turned):
    call, expected = MIXED[name]
    i = np.random.default_rng(0).integers(-5, 6, (ROWS, COLUMNS))
    x = numbers(ROWS, COLUMNS)
    given = [core.from_numpy(each) for each in (i, x)]
    if turned:
        given, i, x = [each.t() for each in given], i.T, x.T
    result = call(*given)
    assert result.is_contiguous() is not turned or name == "a row"
    tolerance = {"half": 1e-3, "bfloat16": 1e-2}.get(name, 1e-6)
    np.testing.assert_allclose(result.numpy(), expected(i, x), rtol=tolerance, atol=tolerance)


@pytest.mark.usefixtures("_threads")
def test_results_of_another_type_than_the_target():
    i = np.random.default_rng(0).integers(-5, 6, (ROWS, COLUMNS))
    x = numbers(ROWS, COLUMNS)
    target = core.from_numpy(x.copy())
    target.add_(core.from_numpy(i)).mul_(core.from_numpy(i[0]).double())
    np.testing.assert_allclose(target.numpy(), (x + i) * i[0], rtol=1e-6)
    wide = core.empty(ROWS, COLUMNS, dtype=core.float64)
    core.add(core.from_numpy(x), core.from_numpy(i), out=wide)
    np.testing.assert_array_equal(wide.numpy(), x + i.astype(np.float32))
    with pytest.raises(RuntimeError, match="can't be cast"):
        core.from_numpy(i).add_(1.5)
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        core.from_numpy(x[:1].copy()).add_(core.from_numpy(i))


def test_rows_that_are_longer_than_a_block():
    x = numbers(3, 400_000)
    i = np.arange(400_000) % 7
    result = core.lerp(core.from_numpy(x), core.from_numpy(i).float(), 0.5)
    np.testing.assert_allclose(result.numpy(), (x + i) / 2, rtol=1e-5, atol=1e-6)
    column = core.from_numpy(i[:, None].copy()) + core.from_numpy(x[:, 0].copy())
    np.testing.assert_array_equal(column.numpy(), i[:, None].astype(np.float32) + x[:, 0])


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x.add_(y.new_ones(1, dtype=core.float64)),
        lambda x, y: x.mul_(MANY),
        lambda x, y: core.mul(MANY, y, out=x),
        lambda x, y: x.add_(y, alpha=0.5),
        lambda x, y: x.addcmul_(y, y, value=0.5),
        lambda x, y: x.lerp_(y, 0.5),
        lambda x, y: x.normal_(),
        lambda x, y: x.uniform_(),
    ],
    ids=[
        "one number",
        "mul_ by integers",
        "mul of integers",
        "add_",
        "addcmul_",
        "lerp_",
        "normal_",
        "uniform_",
    ],
)
def test_in_place_needs_no_array_of_the_size_of_the_tensor(peak, write):
    x, y = core.ones(2_000_000), core.ones(2_000_000)
    write(x, y)
    with peak:
        write(x, y)
    assert peak.most < 0.15 * x.nbytes


def _many(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape) + 4 * np.eye(shape[-1])


@pytest.mark.parametrize("batch", [(9000,), (2, 3, 1500), (4500, 2)])
def test_matrices_of_a_batch_go_in_parts(batch: tuple[int, ...]) -> None:
    a, b = _many(*batch, 3, 3), _many(*batch[-1:], 3, 3)
    A, B = core.from_numpy(a), core.from_numpy(b)
    solution = core.linalg.solve(A, B).numpy()
    np.testing.assert_allclose(a @ solution, np.broadcast_to(b, a.shape), atol=1e-12)
    np.testing.assert_allclose(core.linalg.inv(A).numpy(), np.linalg.inv(a), atol=1e-12)
    np.testing.assert_allclose(core.linalg.det(A).numpy(), np.linalg.det(a))
    Q, R = core.linalg.qr(A)
    np.testing.assert_allclose((Q @ R).numpy(), a, atol=1e-12)
    Q, R = core.linalg.qr(A, "r")
    assert Q.shape == (0,) and R.shape == a.shape
    U, S, Vh = core.linalg.svd(A)
    np.testing.assert_allclose((U * S.unsqueeze(-2) @ Vh).numpy(), a, atol=1e-12)
    np.testing.assert_allclose(core.linalg.pinv(A, atol=S[..., -1] * 0).numpy(), np.linalg.inv(a))


def test_matrices_without_an_answer_are_found_in_all_parts() -> None:
    a = _many(9000, 3, 3)
    a[7000] = 0
    inverse, info = core.linalg.inv_ex(core.from_numpy(a))
    assert info.nonzero().tolist() == [[7000]] and info[7000] == 1
    assert inverse[7000].isnan().all() and inverse[6999].isfinite().all()
    with pytest.raises(core.linalg.LinAlgError, match="Batch element 7000"):
        core.linalg.solve(core.from_numpy(a), core.from_numpy(a))
    with pytest.raises(core.linalg.LinAlgError, match="Batch element"):
        core.linalg.cholesky(core.from_numpy(a))


def test_batches_without_matrices_and_matrices_without_elements() -> None:
    assert core.linalg.inv(core.ones(0, 300, 300)).shape == (0, 300, 300)
    assert core.linalg.solve(core.eye(300), core.ones(300, 0)).shape == (300, 0)
    assert core.linalg.det(core.ones(50_000, 0, 0)).eq(1).all()


@pytest.mark.parametrize("op", ["inv", "det", "svdvals", "eigvalsh", "qr", "eigh"])
def test_matrices_of_a_batch_need_a_part_of_its_memory(peak, op) -> None:
    x = core.from_numpy(_many(30_000, 8, 8).astype(np.float32))
    call = getattr(core.linalg, op)
    call(x)
    with peak:
        results = call(x)
    results = results if isinstance(results, tuple) else (results,)
    assert peak.most - sum(each.nbytes for each in results) < 0.15 * x.nbytes


@pytest.mark.parametrize("times", [1, 9])
def test_float16_is_widened_exactly(times):
    # All its numbers, with denormal ones, infinities and NaN, laid out in several ways.
    every = np.tile(np.arange(65536, dtype=np.uint16).view(np.float16), (times, 1))
    for x in (every, every.T, every[:, ::2], every[:, ::-1], every.reshape(4, -1)[:3].T):
        found = converted(x, np.dtype(np.float32))
        np.testing.assert_array_equal(found, x.astype(np.float32))


@pytest.mark.parametrize("special", [0.0, 65504.0, 65519.99, 65520.0, 1e38, np.inf, np.nan])
def test_float32_is_narrowed_to_float16_as_numpy_rounds(special):
    # Every number of float16, what is halfway to the next, and neighbours of both.
    every = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    middle = (every[1:] + every[:-1]) / 2
    near = [np.nextafter(x, np.float32(to)) for x in (every, middle) for to in (-1, 1e9)]
    numbers = np.concatenate([every, middle, *near, -every, -middle, [special, -special]])
    numbers = np.resize(numbers.astype(np.float32), (9, 40_000))
    with np.errstate(over="ignore"):
        for x in (numbers[0], numbers, numbers.T, numbers[:, ::2], numbers[:, ::-1]):
            expected = x.astype(np.float16)
            found = converted(x, expected.dtype)
            np.testing.assert_array_equal(found, expected)
            np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))
