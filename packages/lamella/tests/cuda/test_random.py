"""Seeds on CUDA devices."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella import cuda

needs_gpu = pytest.mark.skipif(not cuda.is_available(), reason="no CuPy or no CUDA device")
needs_none = pytest.mark.skipif(cuda.is_available(), reason="a CUDA device is there")


@needs_none
def test_seeding_without_a_device_does_nothing() -> None:
    lc.manual_seed(0)
    expected = lc.rand(2)
    lc.manual_seed(0)
    for call in (lambda: cuda.manual_seed(1), lambda: cuda.manual_seed_all(1), cuda.seed,
                 cuda.seed_all):  # fmt: skip
        assert call() is None
    assert lc.rand(2).equal(expected)
    assert cuda.get_rng_state_all() == []
    for call in (cuda.initial_seed, cuda.get_rng_state):
        with pytest.raises(AssertionError, match="cuda12"):
            call()


@needs_gpu
def test_the_same_seed_gives_the_same_numbers() -> None:
    cuda.manual_seed(7)
    first = lc.rand(4, device="cuda").cpu()
    assert cuda.initial_seed() == 7
    cuda.manual_seed_all(7)
    assert lc.rand(4, device="cuda").cpu().equal(first)
