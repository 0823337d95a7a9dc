"""``out=`` of large results: the values, whatever memory it shares, and no memory beside it."""

import threading
from functools import partial

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import linalg
from lamella_core.offers import offers

COUNT = 400_000
SHAPE = (400, 1000)


def flat():
    return lc.from_numpy(np.random.default_rng(0).random(COUNT, dtype=np.float32))


def wide():
    return flat().view(SHAPE)


PLACES = lc.from_numpy(np.random.default_rng(1).integers(0, 400, SHAPE))
MASK = lc.from_numpy(np.random.default_rng(2).random(SHAPE) > 0.5)

# A call, and what NumPy makes of the same.
CALLS = {
    "where": (lambda x, out: lc.where(MASK, x, 2.0, out=out), lambda a: np.where(MASK, a, 2)),
    "gather": (
        lambda x, out: lc.gather(x, 0, PLACES, out=out),
        lambda a: np.take_along_axis(a, PLACES.numpy(), 0),
    ),
    "index_select": (
        lambda x, out: lc.index_select(x, 0, PLACES[:, 0], out=out),
        lambda a: a[PLACES.numpy()[:, 0]],
    ),
    "take": (
        lambda x, out: lc.take(x, PLACES - 400, out=out),
        lambda a: a.ravel()[PLACES.numpy() - 400],
    ),
    "cumsum": (lambda x, out: lc.cumsum(x, 1, out=out), lambda a: a.cumsum(1)),
    "cumsum of rows": (lambda x, out: lc.cumsum(x, 0, out=out), lambda a: a.cumsum(0)),
    "tril": (lambda x, out: lc.tril(x, out=out), np.tril),
    "index_add": (
        lambda x, out: lc.index_add(x, 0, PLACES[:5, 0], x[:5] * 1, out=out),
        lambda a: _added(a, PLACES.numpy()[:5, 0]),
    ),
    "softmax": (
        lambda x, out: lc.softmax(x, 1, out=out),
        lambda a: np.exp(a) / np.exp(a).sum(1, keepdims=True),
    ),
}


def _added(array, places):
    result = array.copy()
    np.add.at(result, places, array[:5])
    return result


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", ["apart", "itself", "shifted", "columns", "transposed", "empty"])
def test_values_do_not_depend_on_the_memory_of_out(name, kind):
    if name in ("gather", "index_select", "take") and kind in ("itself", "shifted"):
        pytest.skip("PyTorch refuses an out that is the input")
    if name == "softmax" and kind == "shifted":
        pytest.skip("PyTorch refuses an out that is a part of the input")
    call, expected = CALLS[name]
    base = lc.zeros(COUNT + 1000)
    x = base[:COUNT].view(SHAPE).copy_(wide())
    out = {
        "apart": lambda: lc.zeros(SHAPE),
        "itself": lambda: x,
        "shifted": lambda: base[1000:].view(SHAPE),
        "columns": lambda: lc.zeros(400, 2000)[:, 500:1500],
        "transposed": lambda: lc.zeros(1000, 400).t(),
        "empty": lambda: lc.zeros(0),
    }[kind]()
    result = expected(x.numpy().copy())
    before, strides = out._version, out.stride()
    assert call(x, out) is out
    np.testing.assert_allclose(out.numpy(), result, rtol=2e-5)
    assert out._version > before
    assert kind == "empty" or out.stride() == strides
    assert not offers


@pytest.mark.parametrize("name", CALLS)
def test_a_large_out_needs_no_memory_beside_it(peak, name):
    call, _ = CALLS[name]
    x, out = wide(), lc.zeros(SHAPE)
    call(x, out)
    with peak:
        call(x, out)
    # ``take`` and ``index_add`` make an operand of their own here.
    assert peak.most < (PLACES.numel() * 8 + 100_000 if name == "take" else 700_000)


def test_two_views_of_one_numpy_array_are_told_apart():
    array = np.arange(COUNT + 1, dtype=np.float64)
    expected = array[:-1].cumsum()
    lc.cumsum(lc.from_numpy(array[:-1]), 0, out=lc.from_numpy(array[1:]))
    assert (array[1:] == expected).all()


def test_addmm_reads_its_input_before_it_is_written():
    a, b = np.random.default_rng(3).random((2, 400, 400))
    x = lc.ones(400, 400, dtype=lc.float64)
    lc.addmm(x, lc.from_numpy(a), lc.from_numpy(b), beta=3, alpha=2, out=x)
    np.testing.assert_allclose(x.numpy(), 3 + 2 * a @ b)


def test_addmm_into_another_tensor():
    a, b = np.random.default_rng(3).random((2, 400, 400))
    x, out = lc.ones(400, dtype=lc.float64), lc.zeros(400, 400, dtype=lc.float64)
    lc.addmm(x, lc.from_numpy(a), lc.from_numpy(b), beta=3, alpha=2, out=out)
    np.testing.assert_allclose(out.numpy(), 3 + 2 * a @ b)


def test_results_of_two_types_go_to_their_places():
    x, values, places = wide(), lc.zeros(SHAPE), lc.zeros(SHAPE, dtype=lc.int64)
    lc.sort(x, 1, out=(values, places))
    assert (values.numpy() == np.sort(x.numpy(), 1)).all()
    assert (places.numpy() == np.argsort(x.numpy(), 1, kind="stable")).all()
    lc.cummax(x, 1, out=(values, places))
    assert (values.numpy() == np.maximum.accumulate(x.numpy(), 1)).all()


def test_a_reduction_with_a_large_result():
    x, out = (
        lc.from_numpy(np.random.default_rng(4).random((3, 400, 500))),
        lc.zeros(400, 500).double(),
    )
    for name in ("sum", "mean", "amax", "prod", "var", "std"):
        getattr(lc, name)(x, 0, out=out)
        how = {"ddof": 1} if name in ("var", "std") else {}
        np.testing.assert_allclose(out.numpy(), getattr(np, name)(x.numpy(), 0, **how))
        getattr(lc, name)(x, 0, out=out.t().contiguous().t())


def test_creation():
    whole, out = lc.zeros(COUNT, dtype=lc.int64), lc.full((COUNT,), 7.0)
    assert (lc.arange(COUNT, out=whole).numpy() == np.arange(COUNT)).all()
    assert (lc.empty(COUNT, out=out).numpy() == 7).all()
    assert (lc.ones(COUNT, out=out).numpy() == 1).all()
    assert (lc.eye(400, 1000, out=out.view(SHAPE)).numpy() == np.eye(400, 1000)).all()
    lc.manual_seed(1)
    lc.randperm(COUNT, out=whole)
    lc.manual_seed(1)
    assert (whole == lc.randperm(COUNT)).all()


def test_an_error_withdraws_the_offer():
    x, out = flat(), lc.zeros(COUNT)
    with pytest.raises(RuntimeError, match="out of bounds"):
        lc.gather(x, 0, lc.full((COUNT,), COUNT, dtype=lc.int64), out=out)
    assert not offers


def test_threads_have_offers_of_their_own():
    x, wrong = flat(), []
    # PyTorch adds up in double precision.
    expected = x.numpy().cumsum(dtype=np.float64).astype(np.float32)

    def work():
        out = lc.zeros(COUNT)
        for _ in range(10):
            if not (lc.cumsum(x, 0, out=out).numpy() == expected).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_product_writes_where_it_is_told_while_another_thread_has_an_offer():
    left = lc.from_numpy(np.random.default_rng(3).random((300, 300)))
    out = lc.zeros(300, 300, dtype=lc.float64)
    other = threading.get_ident() + 1
    offers[other] = [np.empty((300, 300))]
    try:
        lc.matmul(left, left, out=out)
    finally:
        del offers[other]
    np.testing.assert_allclose(out.numpy(), left.numpy() @ left.numpy())


STEPS = lc.from_numpy(np.linspace(0, 1, 50, dtype=np.float32))
# A call that gives 400 rows of 1000, without an operand of that size or with ``wide``, and NumPy's.
MADE = {
    "outer": (
        lambda out: lc.outer(flat()[:400], flat()[:1000], out=out),
        lambda: np.outer(flat().numpy()[:400], flat().numpy()[:1000]),
    ),
    "eye": (lambda out: lc.eye(400, 1000, out=out), lambda: np.eye(400, 1000)),
    "diff": (
        lambda out: lc.diff(lc.cat((wide(), wide()[:1])), dim=0, out=out),
        lambda: np.diff(np.concatenate((wide().numpy(), wide().numpy()[:1])), axis=0),
    ),
    "bucketize": (
        lambda out: lc.bucketize(wide(), STEPS, out=out),
        lambda: np.searchsorted(STEPS.numpy(), wide().numpy()),
    ),
    "isin": (
        lambda out: lc.isin(wide(), flat()[::7], out=out),
        lambda: np.isin(wide().numpy(), flat().numpy()[::7]),
    ),
    "permute_copy": (
        lambda out: lc.permute_copy(flat().view(1000, 400), (1, 0), out=out),
        lambda: flat().numpy().reshape(1000, 400).T,
    ),
    "sum of float16": (
        lambda out: lc.sum(wide().half()[None], 0, out=out),
        lambda: wide().half().numpy(),
    ),
    "multi_dot": (
        lambda out: linalg.multi_dot((wide()[:, :30], lc.eye(30), wide()[:30]), out=out),
        lambda: wide().numpy()[:, :30] @ wide().numpy()[:30],
    ),
    "nanmedian": (
        lambda out: lc.nanmedian(wide()[None], 0, out=(out, lc.zeros(SHAPE, dtype=lc.int64)))[0],
        lambda: wide().numpy(),
    ),
    "argsort": (
        lambda out: lc.argsort(wide(), out=out),
        lambda: np.argsort(wide().numpy(), kind="stable"),
    ),
}
KINDS = {"bucketize": lc.int64, "argsort": lc.int64, "isin": lc.bool, "sum of float16": lc.float16}


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("kind", ["rows", "columns", "gaps"])
def test_results_go_to_an_out_of_any_strides(name, kind):
    call, expected = MADE[name]
    dtype = KINDS.get(name, lc.float32)
    out = {
        "rows": lambda: lc.zeros(SHAPE, dtype=dtype),
        "columns": lambda: lc.zeros(1000, 400, dtype=dtype).t(),
        "gaps": lambda: lc.zeros(400, 2000, dtype=dtype)[:, ::2],
    }[kind]()
    np.testing.assert_allclose(call(out).numpy(), expected(), rtol=2e-5)
    assert not offers


def test_a_strided_out_needs_no_memory_beside_it(peak):
    out = lc.zeros(400, 2000)[:, ::2]
    first, second = flat()[:400], flat()[:1000]
    lc.outer(first, second, out=out)
    with peak:
        lc.outer(first, second, out=out)
        lc.eye(400, 1000, out=out)
    assert peak.most < 500_000


@pytest.mark.parametrize("power", [1, 2, 3, 4, 6, -2])
def test_powers_of_a_large_matrix(power):
    a = np.random.default_rng(5).random((400, 400)) / 400 + np.eye(400)
    out = lc.zeros(400, 400, dtype=lc.float64)
    linalg.matrix_power(lc.from_numpy(a), power, out=out)
    np.testing.assert_allclose(out.numpy(), np.linalg.matrix_power(a, power), atol=1e-12)


def test_searching_needs_blocks(peak):
    x, found = wide(), lc.zeros(SHAPE, dtype=lc.bool)
    tests = flat()[:1000]
    lc.isin(x, tests, out=found)
    with peak:
        lc.isin(x, tests, out=found)
    assert peak.most < 500_000
    assert found.view(-1)[:1000].all()
    assert not lc.isin(lc.full((COUNT,), float("nan")), lc.tensor([float("nan")])).any()


def test_numbers_in_a_row_take_the_shape_of_out():
    out = lc.zeros(2, 2)
    assert lc.arange(4, out=out).tolist() == [[0, 1], [2, 3]]
    assert lc.linspace(0, 3, 4, out=out.t()).tolist() == [[0, 1], [2, 3]]
    with pytest.warns(UserWarning, match="was resized"):
        assert lc.arange(3, out=out).tolist() == [0, 1, 2]


def test_creation_resizes_without_a_warning(recwarn):
    out = lc.zeros(5)
    assert lc.eye(2, out=out).tolist() == [[1, 0], [0, 1]]
    assert lc.ones(3, out=out).tolist() == [1, 1, 1]
    assert lc.bernoulli(lc.ones(2, 2), out=out).tolist() == [[1, 1], [1, 1]]
    assert not recwarn


def test_clamp_by_numbers_keeps_its_type():
    with pytest.raises(RuntimeError, match="expected"):
        lc.clamp(lc.ones(3), 0, 1, out=lc.zeros(3, dtype=lc.float64))
    assert lc.clamp(lc.ones(3), lc.zeros(3), out=lc.zeros(3, dtype=lc.float64)).tolist() == [1] * 3


def test_out_meets_an_operand():
    x = lc.arange(4.0)
    with pytest.raises(RuntimeError, match="memory location"):
        lc.diff(x, out=x[1:])
    square = lc.arange(9.0).view(3, 3)
    with pytest.raises(RuntimeError, match="memory location"):
        lc.aminmax(square, dim=0, out=(square[0], square[1]))


def test_renorm_and_frexp_need_no_memory_beside_out(peak):
    x, out, exponents = wide(), lc.zeros(SHAPE), lc.zeros(SHAPE, dtype=lc.int32)
    lc.renorm(x, 2, 0, 1.0, out=out)
    with peak:
        lc.renorm(x, 2, 0, 1.0, out=out)
        norms = np.linalg.norm(out.numpy(), axis=1)
        lc.frexp(x, out=(out, exponents))
    np.testing.assert_allclose(norms, 1, rtol=1e-5)
    mantissa, exponent = np.frexp(x.numpy())
    assert (out.numpy() == mantissa).all() and (exponents.numpy() == exponent).all()
    assert peak.most < 1_700_000


def test_products_of_vectors_refuse_an_operand_as_out():
    x = lc.arange(9.0).view(3, 3)
    for call in (lc.cross, linalg.cross, lc.kron):
        with pytest.raises(RuntimeError, match="memory location"):
            call(x, x + 1, out=x)


def products():
    left, right = np.random.default_rng(4).random((2, 4, 400, 50), dtype=np.float32)
    a, b = lc.from_numpy(left), lc.from_numpy(np.ascontiguousarray(right.transpose(0, 2, 1)))
    row, column = flat()[:400], flat()[400:800]
    product = np.einsum("bik,bjk->bij", left, right)
    outer = np.outer(row.numpy(), column.numpy())
    return {
        "addmm": ((a[0], b[0]), product[0]),
        "addbmm": ((a, b), product.sum(0)),
        "baddbmm": ((a, b), product),
        "addr": ((row, column), outer),
    }


def memory_of(kind, shape):
    """A tensor of zeros with its elements side by side, apart, or in the order of columns."""
    return {
        "whole": lambda: lc.zeros(shape),
        "gaps": lambda: lc.zeros(*shape, 2)[..., 0],
        "transposed": lambda: lc.zeros(*shape[:-2], *shape[:-3:-1]).transpose(-1, -2),
    }[kind]()


@pytest.mark.parametrize("kind", ["whole", "gaps", "transposed"])
@pytest.mark.parametrize("name", ["addmm", "addbmm", "baddbmm", "addr"])
def test_products_are_added_part_by_part(peak, name, kind):
    factors, product = products()[name]
    product = np.concatenate([product] * 4, -2) if product.ndim == 2 else product
    if name == "addr":
        factors = (lc.cat([factors[0]] * 4), factors[1])
    elif product.ndim == 2:
        factors = (lc.cat([factors[0]] * 4, -2), factors[1])
    start = np.random.default_rng(5).random(product.shape, dtype=np.float32)
    x, out = (memory_of(kind, start.shape) for _ in range(2))
    x.copy_(lc.from_numpy(start))
    function = getattr(lc, name)
    strides = x.stride()
    with peak:
        function(x, *factors, beta=2, alpha=3, out=out)
        written = out.numpy().copy()
        assert getattr(x, f"{name}_")(*factors, beta=2, alpha=3) is x
    np.testing.assert_allclose(written, 2 * start + 3 * product, rtol=1e-5)
    assert (x.numpy() == written).all() and x.stride() == strides
    assert peak.most - written.nbytes < 1_200_000


def test_addbmm_in_place_takes_the_shape_of_the_product():
    # PyTorch does so in this op alone.
    for width in (3, 100_000):
        a, b = lc.ones(2, 3, 1), lc.ones(2, 1, width)
        x = lc.full((1, width), 5.0)
        assert x.addbmm_(a, b) is x and x.shape == (3, width) and (x == 7).all()
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            lc.full((1, width), 5.0).addmm_(a[0], b[0])


@pytest.mark.parametrize("kind", ["whole", "gaps", "transposed"])
def test_products_of_vectors_need_no_memory_beside_out(peak, kind):
    a, b = np.random.default_rng(6).random((2, 200_000, 3), dtype=np.float32)
    left, right = np.random.default_rng(6).random((2, 20, 40), dtype=np.float32)
    crossed, out = memory_of(kind, (200_000, 3)), memory_of(kind, (400, 1600))
    with peak:
        lc.cross(lc.from_numpy(a), lc.from_numpy(b), 1, out=crossed)
        lc.kron(lc.from_numpy(left), lc.from_numpy(right), out=out)
    np.testing.assert_allclose(crossed.numpy(), np.cross(a, b), atol=1e-6)
    assert (out.numpy() == np.kron(left, right)).all()
    assert peak.most < 700_000


def peak_of(peak, call):
    call()
    with peak:
        call()
    return peak.most


@pytest.mark.parametrize("kind", ["whole", "gaps", "transposed"])
def test_chosen_elements_go_into_any_memory_of_out(peak, kind):
    x, out = wide(), memory_of(kind, SHAPE)
    places = PLACES.reshape(-1)[:1000]
    row = PLACES[:, 0]
    for call, expected in (
        (lambda: lc.index_select(x, 0, row, out=out), x.numpy()[row.numpy()]),
        (lambda: lc.index_select(x, 1, places, out=out), x.numpy()[:, places.numpy()]),
        (lambda: lc.take(x, PLACES, out=out), x.numpy().ravel()[PLACES.numpy()]),
    ):
        assert peak_of(peak, call) < 700_000
        assert (out.numpy() == expected).all()


def test_random_numbers_into_out(peak):
    numbers, drawn = lc.zeros(COUNT, dtype=lc.int64), lc.zeros(COUNT, dtype=lc.int64)
    weights = flat()[:100]
    for call, target, most in (
        (lambda **kw: lc.randperm(COUNT, **kw), numbers, 900_000),
        # Beside the places there are as many numbers between 0 and 1.
        (lambda **kw: lc.multinomial(weights, COUNT, True, **kw), drawn, 9 * COUNT + 2_000_000),
    ):
        assert peak_of(peak, partial(call, out=target)) < most
        lc.manual_seed(1)
        assert call(out=target) is target
        after = lc.rand(3)
        lc.manual_seed(1)
        assert (call() == target).all() and (lc.rand(3) == after).all()
    assert lc.randperm(COUNT, out=numbers).sort()[0].equal(lc.arange(COUNT))


def test_running_sums_in_place(peak):
    x = wide()
    # Added up in double precision, as PyTorch does, by parts.
    expected = x.double().numpy().cumsum(1).astype(np.float32)
    assert peak_of(peak, lambda: x.clone().cumsum_(1)) < x.numpy().nbytes + 300_000
    assert (lc.cumsum(x, 1, out=x).numpy() == expected).all()


def test_nonzero_static_finds_in_place(peak):
    x = MASK.view(-1)
    out = lc.zeros(COUNT, 1, dtype=lc.int64)
    assert peak_of(peak, lambda: lc.nonzero_static(x, size=COUNT, out=out)) < 700_000
    (places,) = x.numpy().nonzero()
    assert (out.numpy()[: len(places), 0] == places).all() and (out[len(places) :] == -1).all()
    few = lc.nonzero_static(x, size=70_000, out=lc.zeros(70_000, 2, dtype=lc.int64)[:, :1])
    assert (few.numpy()[:, 0] == places[:70_000]).all()


def test_vecdot_sums_in_the_memory_of_out(peak):
    x, out = wide().view(2, 200, 1000), lc.zeros(200, 1000)
    # The products of all elements are beside it.
    assert peak_of(peak, lambda: linalg.vecdot(x, x, dim=0, out=out)) < 4 * COUNT + 500_000
    np.testing.assert_allclose(out.numpy(), (x.numpy() ** 2).sum(0), rtol=1e-6)
