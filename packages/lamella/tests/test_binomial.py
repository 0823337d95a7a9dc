"""Binomial numbers: PyTorch's from the same seed, and the distribution's moments."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella as torch


@pytest.mark.parametrize(
    ("count", "prob", "numbers"),
    [
        # ``torch.manual_seed(0); torch.binomial(torch.full((6,), count), torch.tensor(prob))`` of
        # PyTorch 2.13: by waiting, by rejection, and both of the rarer outcome.
        (10.0, 0.3, [6.0, 3.0, 3.0, 2.0, 4.0, 3.0]),
        (1000.0, 0.25, [248.0, 256.0, 236.0, 253.0, 248.0, 244.0]),
        (7.0, 0.9, [5.0, 5.0, 7.0, 7.0, 6.0, 7.0]),
        (500000.0, 0.8, [400032.0, 399882.0, 400294.0, 399935.0, 400037.0, 400118.0]),
    ],
)
def test_numbers(count: float, prob: float, numbers: list[float]) -> None:
    torch.manual_seed(0)
    assert torch.binomial(torch.full((6,), count), torch.tensor(prob)).tolist() == numbers


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("count", "prob"), [(20, 0.1), (20, 0.95), (200, 0.4), (3000, 0.7)])
def test_moments(dtype, count: int, prob: float) -> None:
    generator = torch.Generator().manual_seed(1)
    counts = torch.full((20000,), count, dtype=dtype)
    numbers = torch.binomial(counts, torch.tensor(prob, dtype=dtype), generator=generator)
    assert numbers.dtype is dtype
    found = numbers.numpy()
    assert (found == np.floor(found)).all()
    assert found.min() >= 0
    assert found.max() <= count
    spread = math.sqrt(count * prob * (1 - prob))
    # Five standard errors.
    assert abs(found.mean() - count * prob) < 5 * spread / math.sqrt(20000)
    assert abs(found.std() / spread - 1) < 0.03


def test_borders() -> None:
    nan = math.nan
    count = torch.tensor([-1.0, 3.0, 3.0, 3.0, 0.0, nan, math.inf])
    prob = torch.tensor([0.5, 0.0, 1.5, nan, nan, 0.0, 1.0])
    state = torch.get_rng_state()
    found = torch.binomial(count, prob)
    np.testing.assert_array_equal(found.numpy(), [0, 0, 3, nan, 0, 0, math.inf])
    # Nothing was drawn.
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.binomial(torch.zeros(0, 2), torch.zeros(2)).shape == (0, 2)


def test_broadcasting_in_order() -> None:
    torch.manual_seed(3)
    whole = torch.binomial(torch.full((2, 3), 50.0), torch.tensor([[0.2], [0.6]]))
    torch.manual_seed(3)
    parts = [torch.binomial(torch.tensor(50.0), torch.tensor(p)) for p in [0.2] * 3 + [0.6] * 3]
    assert whole.flatten().tolist() == [each.item() for each in parts]


def test_errors() -> None:
    two, half = torch.tensor([2.0]), torch.tensor([0.5])
    with pytest.raises(ValueError, match="floating-point dtypes for count, got: Long"):
        torch.binomial(two.long(), half)
    with pytest.raises(ValueError, match="floating-point dtypes for prob, got: Int"):
        torch.binomial(two, half.int())
    with pytest.raises(RuntimeError, match="Found dtype Double but expected Float"):
        torch.binomial(two, half.double())
    with pytest.raises(NotImplementedError, match="'Half'"):
        torch.binomial(two.half(), half.half())
    with pytest.raises(RuntimeError, match="The size of tensor a"):
        torch.binomial(torch.ones(3), torch.ones(2))
    for count in (math.nan, math.inf):
        with pytest.raises(RuntimeError, match="finite count"):
            torch.binomial(torch.tensor(count), half)
    with pytest.raises(TypeError, match="Generator"):
        torch.binomial(two, half, generator=3)
    with pytest.raises(RuntimeError, match="binomial"):
        torch.binomial(two.requires_grad_(), half).backward()
