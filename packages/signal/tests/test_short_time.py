"""The short-time Fourier transform against its formula in NumPy, and what PyTorch 2.13 raises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lamella_core as lc
from lamella_signal.short_time import istft, stft

RNG = np.random.default_rng(0)
SIGNALS = RNG.standard_normal((2, 40))


def tensor(array: np.ndarray) -> lc.Tensor:
    return lc.from_numpy(array.copy())


def by_formula(signal: np.ndarray, window: np.ndarray, hop: int) -> np.ndarray:
    size = len(window)
    starts = range(0, len(signal) - size + 1, hop)
    return np.stack([np.fft.fft(signal[t : t + size] * window) for t in starts], -1)


@pytest.mark.parametrize("hop", [1, 3, 8])
@pytest.mark.parametrize("size", [7, 8])
def test_frames(size: int, hop: int) -> None:
    window = RNG.random(size)
    expected = np.stack([by_formula(x, window, hop) for x in SIGNALS])
    arguments = {"hop_length": hop, "window": tensor(window), "return_complex": True}
    got = stft(tensor(SIGNALS), size, center=False, onesided=False, **arguments)
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    got = stft(tensor(SIGNALS), size, center=False, **arguments)
    np.testing.assert_allclose(got.numpy(), expected[:, : size // 2 + 1], atol=1e-12)
    got = tensor(SIGNALS)[0].stft(size, center=False, normalized=True, **arguments)
    np.testing.assert_allclose(
        got.numpy(), expected[0, : size // 2 + 1] / np.sqrt(size), atol=1e-12
    )


@pytest.mark.parametrize(
    ("pad_mode", "numpy_mode"),
    [("reflect", "reflect"), ("constant", "constant"), ("replicate", "edge"), ("circular", "wrap")],
)
def test_centred_frames(pad_mode: str, numpy_mode: Any) -> None:
    window = RNG.random(6)
    padded = np.pad(SIGNALS[0], 3, numpy_mode)
    got = stft(
        tensor(SIGNALS[0]), 6, 2, window=tensor(window), pad_mode=pad_mode, return_complex=True
    )
    np.testing.assert_allclose(got.numpy(), by_formula(padded, window, 2)[:4], atol=1e-12)


def test_a_window_smaller_than_the_frame_is_centred() -> None:
    window = RNG.random(5)
    wide = np.concatenate([[0], window, [0, 0]])
    arguments = {"win_length": 5, "window": tensor(window), "return_complex": True}
    got = stft(tensor(SIGNALS[0]), 8, 2, center=False, **arguments)
    np.testing.assert_allclose(got.numpy(), by_formula(SIGNALS[0], wide, 2)[:5], atol=1e-12)
    got = stft(tensor(SIGNALS[0]), 8, 2, center=False, align_to_window=True, **arguments)
    padded = np.pad(SIGNALS[0], (1, 2))
    np.testing.assert_allclose(got.numpy(), by_formula(padded, wide, 2)[:5], atol=1e-12)


def test_pairs_of_real_numbers() -> None:
    pairs = stft(tensor(SIGNALS), 8, return_complex=False)
    whole = stft(tensor(SIGNALS), 8, return_complex=True)
    assert pairs.shape == (2, 5, 21, 2)
    np.testing.assert_array_equal(lc.view_as_complex(pairs).numpy(), whole.numpy())


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("onesided", [True, False])
@pytest.mark.parametrize("win_length", [8, 5])
def test_the_inverse_gives_the_signal_back(
    win_length: int, onesided: bool, normalized: bool
) -> None:
    arguments = {
        "hop_length": 2,
        "win_length": win_length,
        "window": lc.from_numpy(np.hamming(win_length + 1)[:-1]),
        "normalized": normalized,
        "onesided": onesided,
    }
    spectra = stft(tensor(SIGNALS), 8, return_complex=True, **arguments)
    got = istft(spectra, 8, **arguments)
    np.testing.assert_allclose(got.numpy(), SIGNALS, atol=1e-12)
    got = spectra[0].istft(8, length=11, **arguments)
    np.testing.assert_allclose(got.numpy(), SIGNALS[0][:11], atol=1e-12)


def test_the_inverse_is_continued_with_zeros() -> None:
    window = lc.from_numpy(np.hamming(9)[:-1])
    spectrum = stft(tensor(SIGNALS[0]), 8, window=window, return_complex=True)
    got = istft(spectrum, 8, window=window, length=50)
    np.testing.assert_allclose(got[:40].numpy(), SIGNALS[0], atol=1e-12)
    assert got[44:].tolist() == [0.0] * 6


def test_the_inverse_of_a_complex_signal() -> None:
    x = SIGNALS[0] + 1j * SIGNALS[1]
    window = lc.from_numpy(np.hanning(9)[:-1])
    spectrum = stft(tensor(x), 8, window=window)
    assert spectrum.shape == (8, 21)
    got = istft(spectrum, 8, window=window, onesided=False, return_complex=True)
    np.testing.assert_allclose(got.numpy(), x, atol=1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {"return_complex": None},
        {"hop_length": 0},
        {"win_length": 9},
        {"win_length": 0},
        {"window": lc.ones(6)},
        {"align_to_window": True},
        {"window": lc.ones(8, dtype=lc.complex64), "onesided": True},
        {"n_fft": 0},
        {"n_fft": 100},
        {"n_fft": 41, "center": False},
    ],
)
def test_refused_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError):
        stft(tensor(SIGNALS), **{"n_fft": 8, "return_complex": True, **arguments})


def test_refused_inputs() -> None:
    with pytest.raises(RuntimeError):
        stft(lc.arange(20), 8, return_complex=True)
    with pytest.raises(RuntimeError):
        stft(lc.ones(1, 1, 20), 8, return_complex=True)
    with pytest.raises(NotImplementedError):
        stft(lc.ones(20), 8, pad_mode="none", return_complex=True)


@pytest.mark.parametrize(
    "arguments",
    [
        {"onesided": False},
        {"hop_length": 0},
        {"hop_length": 9},
        {"win_length": 9},
        {"window": lc.ones(7)},
        {"return_complex": True},
        {"length": 0},
        {"center": False, "window": lc.from_numpy(np.hanning(9)[:-1])},
    ],
)
def test_refused_arguments_of_the_inverse(arguments: dict[str, Any]) -> None:
    spectrum = stft(tensor(SIGNALS), 8, return_complex=True)
    with pytest.raises(RuntimeError):
        istft(spectrum, 8, **arguments)
    with pytest.raises(RuntimeError):
        istft(spectrum.real, 8)


def test_a_missing_window_is_told() -> None:
    # The transform is the rectangular window's all the same.
    signal, ones = lc.arange(16.0), lc.ones(4)
    with pytest.warns(UserWarning, match="^A window was not provided"):
        spectra = stft(signal, 4, return_complex=True)
    given = stft(signal, 4, window=ones, return_complex=True)
    np.testing.assert_array_equal(spectra.numpy(), given.numpy())
    with pytest.warns(UserWarning, match="^A window was not provided"):
        back = istft(spectra, 4)
    np.testing.assert_allclose(back.numpy(), np.arange(16.0), atol=1e-5)


def test_padding_warns() -> None:
    window = lc.ones(4)
    spectra = stft(lc.arange(8.0), 4, window=window, return_complex=True)
    with pytest.warns(UserWarning, match="10 elements, fewer than length"):
        signal = istft(spectra, 4, window=window, length=12)
    # As PyTorch 2.13 gives it: the padding by reflection, then zeros.
    np.testing.assert_allclose(signal.numpy(), [0, 1, 2, 3, 4, 5, 6, 7, 6, 5, 0, 0], atol=1e-5)
