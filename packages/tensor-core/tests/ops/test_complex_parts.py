"""Complex numbers of their parts; the views of parts: test_views.py."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core


def test_polar_of_many():
    size, angle = np.linspace(0, 4, 100_000).reshape(250, 400), np.linspace(-9, 9, 100_000)
    angle = angle.reshape(400, 250).T
    found = core.polar(core.tensor(size), core.from_numpy(angle)).numpy()
    np.testing.assert_allclose(found, size * np.exp(1j * angle), rtol=0, atol=1e-14)


def test_polar_of_large_images_whose_channels_lie_together(peak):
    size = core.rand(2, 8, 200, 150).to(memory_format=core.channels_last)
    with peak:
        found = core.polar(size, size)
    assert peak.most < 8 * size.numel() + 800_000
    assert found.stride() == size.stride()
    np.testing.assert_allclose(found.numpy(), size.numpy() * np.exp(1j * size.numpy()), 1e-5)


def test_complex_and_polar():
    found = core.complex(core.tensor([[1.0], [2.0]]), core.tensor([3.0, 4.0]))
    assert found.dtype is core.complex64
    assert found.tolist() == [[1 + 3j, 1 + 4j], [2 + 3j, 2 + 4j]]
    with pytest.raises(RuntimeError, match=r"must match the size of tensor b \(4\)"):
        core.complex(core.ones(3), core.ones(4))
    polar = core.polar(core.tensor([1.0]), core.tensor([2.0]))
    np.testing.assert_allclose(polar.numpy(), [-0.416146844625473 + 0.9092974066734314j], rtol=1e-6)


def test_parts_have_one_floating_type():
    for imag in (core.ones(1, dtype=core.float64), core.tensor([2])):
        with pytest.raises(RuntimeError):
            core.complex(core.ones(1), imag)


def test_complex_numbers_of_half_precision_are_refused():
    half = core.ones(2, dtype=core.float16)
    with pytest.raises(RuntimeError, match="complex32"):
        core.complex(half, half)
    with pytest.raises(RuntimeError, match="complex32"):
        core.view_as_complex(half)


def test_numbers_are_assigned_to_parts(recwarn):
    z, x = core.zeros(2, dtype=core.complex64), core.zeros(2)
    z.real, z.imag, x.real = 2, np.float64(3.5), 1.5
    assert z.tolist() == [2 + 3.5j] * 2 and x.tolist() == [1.5] * 2
    with pytest.raises(TypeError):
        z.real = 1j
    assert not recwarn
