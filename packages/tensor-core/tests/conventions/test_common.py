"""Writes into memory that is met twice; what PyTorch 2.13 allows of them was seen by running it."""

import numpy as np
import pytest

import lamella_core as core

WRITES_REFUSED = {
    "add_": lambda x, y: x.add_(1),
    "+=": lambda x, y: x.__iadd__(y),
    "exp_": lambda x, y: x.exp_(),
    "clamp_": lambda x, y: x.clamp_(0, 1),
    "addcmul_": lambda x, y: x.addcmul_(y, y),
    "copy_": lambda x, y: x.copy_(y),
    "x[:, 0] = 1": lambda x, y: x.__setitem__((slice(None), 0), 1),
    "cumsum_": lambda x, y: x.cumsum_(0),
    "uniform_": lambda x, y: x.uniform_(),
    "masked_scatter_": lambda x, y: x.masked_scatter_(y > 0, y),
    "scatter_": lambda x, y: x.scatter_(0, core.zeros(1, 3, dtype=core.int64), y),
    "index_add_": lambda x, y: x.index_add_(0, core.tensor([0]), y[:1]),
    "add out": lambda x, y: core.add(y, 1, out=x),
    "mean out": lambda x, y: core.mean(core.ones(2, 3, 4), -1, out=x),
    "where out": lambda x, y: core.where(y > 0, y, y, out=x),
}


@pytest.mark.parametrize("write", WRITES_REFUSED.values(), ids=WRITES_REFUSED)
def test_an_expanded_tensor_is_not_written_to(write):
    x = core.zeros(3).expand(2, 3)
    with pytest.raises(RuntimeError, match="single memory location"):
        write(x, core.ones(2, 3))
    assert x.tolist() == [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]


WRITES_ALLOWED = {
    "fill_": lambda x: x.fill_(2),
    "zero_": lambda x: x.add(2).zero_(),
    "masked_fill_": lambda x: x.masked_fill_(core.ones(2, 3, dtype=core.bool), 2),
    "index_fill_": lambda x: x.index_fill_(0, core.tensor([0]), 2),
    "index_put_": lambda x: x.index_put_((core.tensor([0]),), core.tensor(2.0)),
    "x[0] = 2": lambda x: x.__setitem__(0, 2),
}


@pytest.mark.parametrize("write", WRITES_ALLOWED.values(), ids=WRITES_ALLOWED)
def test_one_value_is_written_to_an_expanded_tensor(write):
    x = core.zeros(3).expand(2, 3)
    write(x)
    assert x.tolist() in ([[2.0] * 3] * 2, [[0.0] * 3] * 2)


def test_a_stride_of_0_along_a_size_of_1_or_without_elements_is_no_repetition():
    assert core.zeros(3)[None].add_(1).tolist() == [[1.0, 1.0, 1.0]]
    assert core.zeros(0, 1).expand(0, 3).add_(1).shape == (0, 3)


@pytest.mark.parametrize(
    "write",
    [
        lambda x, y: x.add_(y),
        lambda x, y: x.mul_(y),
        lambda x, y: x.copy_(y),
        lambda x, y: x.lerp_(y, 0.5),
        lambda x, y: x.clamp_(y),
        lambda x, y: core.exp(y, out=x),
        lambda x, y: core.add(y, y, out=x),
    ],
)
def test_an_input_that_has_a_part_of_the_memory_is_refused(write):
    base = core.arange(6.0)
    for source in (base[:5], base.as_strided((5,), (1,), 1)[:4]):
        target = base[1:] if len(source) == 5 else base[2:]
        with pytest.raises(RuntimeError, match="single memory location"):
            write(target, source)
    np.testing.assert_array_equal(base.numpy(), np.arange(6, dtype=np.float32))


def test_an_input_with_the_same_memory_in_the_same_order_is_not():
    base = core.arange(6.0)
    assert base[1:].add_(base[1:]).tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert base.mul_(base).tolist() == [0.0, 4.0, 16.0, 36.0, 64.0, 100.0]
    square = core.ones(3, 3)
    with pytest.raises(RuntimeError, match="single memory location"):
        square.add_(square.t())


def test_parts_apart_and_parts_with_gaps_are_not():
    base = core.arange(8.0)
    assert base[4:].add_(base[:4]).tolist() == [4.0, 6.0, 8.0, 10.0]
    base = core.arange(8.0)
    assert base[::2].add_(base[1::2]).tolist() == [1.0, 5.0, 9.0, 13.0]


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.scatter_(0, core.arange(4), x),
        lambda x: x.index_add_(0, core.arange(4), x),
        lambda x: x.index_copy_(0, core.arange(4), x),
        lambda x: x.put_(core.arange(4), x),
        lambda x: x.index_put_((core.arange(4),), x),
    ],
)
def test_what_is_written_by_places_does_not_read_the_same_memory(write):
    with pytest.raises(RuntimeError, match="single memory location"):
        write(core.arange(4.0))


LEFT, RIGHT = core.arange(90000.0).reshape(300, 300) % 7, core.arange(90000.0).reshape(300, 300) % 5
# What writes large results, into ``out`` itself where it can; and the same by NumPy.
LARGE_RESULTS = {
    "matmul": (lambda out: core.matmul(LEFT, RIGHT, out=out), LEFT.numpy() @ RIGHT.numpy()),
    "bmm": (
        lambda out: core.bmm(LEFT[None], RIGHT[None], out=out),
        (LEFT.numpy() @ RIGHT.numpy())[None],
    ),
    "cat": (
        lambda out: core.cat((LEFT, RIGHT), 1, out=out),
        np.concatenate((LEFT.numpy(), RIGHT.numpy()), 1),
    ),
    "stack": (
        lambda out: core.stack((LEFT, RIGHT), out=out),
        np.stack((LEFT.numpy(), RIGHT.numpy())),
    ),
}


@pytest.mark.parametrize(("write", "expected"), LARGE_RESULTS.values(), ids=LARGE_RESULTS)
def test_a_large_result_is_computed_in_out_where_it_fits(peak, write, expected):
    # What the first call imports is not counted.
    out = write(core.zeros(expected.shape))
    address, version = out.data_ptr(), out._version
    with peak:
        assert write(out) is out
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-5)
    assert out.data_ptr() == address and out._version > version
    assert peak.most < expected.nbytes / 4
    apart = core.zeros(*expected.shape, 2)[..., 0]
    assert write(apart).stride() == core.zeros(*expected.shape, 2)[..., 0].stride()
    np.testing.assert_allclose(apart.numpy(), expected, rtol=1e-5)
    with pytest.warns(UserWarning, match="resized"):
        assert write(core.zeros(3)).shape == expected.shape


def test_out_that_is_an_operand():
    x = LEFT.clone()
    expected = LEFT.numpy() + LEFT.numpy() @ LEFT.numpy()
    np.testing.assert_allclose(core.addmm(x, x, x, out=x).numpy(), expected, rtol=1e-5)
    with pytest.raises(RuntimeError, match="single memory location"):
        core.cat((x[:150], x[150:]), out=x)


def test_out_that_is_an_operand_keeps_its_shape():
    total, row = core.zeros(1), core.ones(3)
    for call in (core.add, core.mul, core.floor_divide, core.atan2, core.eq):
        with pytest.raises(RuntimeError, match=r"output with shape \[1\] doesn't match"):
            call(row, total, out=total)
    assert total.tolist() == [0.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda out: core.add(core.ones(2), 1, out=out),
        lambda out: core.cumsum(core.ones(2), 0, out=out),
        lambda out: core.cat([core.ones(2)], out=out),
    ],
)
def test_the_warning_of_another_shape_names_the_callers_line(call):
    with pytest.warns(UserWarning, match="was resized") as found:
        call(core.ones(5))
    assert [each.filename for each in found] == [__file__]
