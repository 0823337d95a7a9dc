"""Copies, conversions and filling; the recorded values are those of PyTorch 2.13."""

from __future__ import annotations

import pytest

import lamella_core as core


@pytest.fixture
def x():
    return core.arange(12.0).reshape(3, 4)


def test_clone_keeps_the_order_of_dimensions(x):
    assert x.clone().tolist() == x.tolist() and x.clone().data_ptr() != x.data_ptr()
    assert x.t().clone().stride() == (1, 4)
    assert x.t()[::2].clone().stride() == (1, 2)
    assert x[:, ::2].clone().stride() == (2, 1)
    assert x.expand(2, 3, 4).clone().stride() == (12, 4, 1)
    assert x.t().expand(2, 4, 3).clone().stride() == (12, 1, 4)
    assert x.t().clone(memory_format=core.contiguous_format).stride() == (3, 1)
    assert x.t().expand(2, 4, 3).clone().tolist() == [x.t().tolist()] * 2


def test_contiguous(x):
    assert x.contiguous() is x
    assert x.t().contiguous().stride() == (3, 1)
    images = x[None].expand(2, 2, 3, 4)[:, :, :, :]
    assert images.contiguous(memory_format=core.channels_last).stride() == (24, 1, 8, 2)
    with pytest.raises(RuntimeError, match="required rank 4"):
        x.contiguous(memory_format=core.channels_last)


def test_copy_(x):
    before = x._version
    assert x.copy_(core.tensor([1, 2, 3, 4])) is x
    assert x.tolist() == [[1.0, 2.0, 3.0, 4.0]] * 3 and x._version == before + 1
    x.t().copy_(core.ones(4, 3))
    assert x.tolist() == [[1.0] * 4] * 3
    assert core.zeros(3, dtype=core.uint8).copy_(core.tensor([255.0, 2.7, 0])).tolist() == [
        255,
        2,
        0,
    ]
    with pytest.raises(RuntimeError, match=r"size of tensor a \(4\) must match.*b \(2\)"):
        x.copy_(core.ones(2))
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        core.zeros(3).copy_(core.ones(1, 3))


def test_fill(x):
    assert core.fill(x, 2).tolist() == [[2.0] * 4] * 3 and x[0, 1].item() == 1.0
    assert x.fill_(core.tensor(3)) is x and x.tolist() == [[3.0] * 4] * 3
    assert x.zero_().tolist() == [[0.0] * 4] * 3
    assert core.zeros(1, dtype=core.int32).fill_(2.7).item() == 2
    assert core.zeros(1, dtype=core.uint8).fill_(-1).item() == 255


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (core.float32, 1j),
        (core.int32, 2**40),
        (core.uint8, 300),
        (core.int32, float("nan")),
        (core.float32, core.ones(2)),
    ],
)
def test_what_does_not_fill(dtype, value):
    with pytest.raises(RuntimeError):
        core.zeros(2, dtype=dtype).fill_(value)


def test_a_tensor_that_meets_itself_is_not_written_to():
    with pytest.raises(RuntimeError, match="more than one element"):
        core.zeros(1).expand(3).copy_(core.ones(3))


def test_detach_shares(x):
    same = x.detach()
    same[0, 0] = 50
    assert x[0, 0].item() == 50 and x._version == same._version == 1
    whole = x.clone()
    assert whole.detach_() is whole
    with pytest.raises(RuntimeError, match="Can't detach views in-place"):
        whole[0].detach_()


def test_a_copy_in_another_type_of_repeated_elements_is_in_their_order() -> None:
    x = core.arange(15.0).reshape(3, 5)[:, None].expand(3, 4, 5)
    # As PyTorch 2.13 lays them out.
    for copied in (x.double(), x.bool(), x.to(core.float16), ~x.bool()):
        assert copied.stride() == (20, 5, 1)
        assert copied.view(-1).shape == (60,)
    turned = x.transpose(0, 2).double()
    assert turned.stride() == (1, 5, 20)
    assert turned.tolist() == x.transpose(0, 2).tolist()
