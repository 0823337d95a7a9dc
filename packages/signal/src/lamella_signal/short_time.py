"""The short-time Fourier transform and its inverse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.composite import composite
from lamella_core.conventions.common import anywhere
from lamella_core.conventions.results import write_out
from lamella_core.dtype import FLOATING
from lamella_core.ops.complex_parts import view_as_real
from lamella_core.ops.creation import arange
from lamella_core.ops.joining import cat
from lamella_core.ops.views import unfold_backward
from lamella_core.tensor import Tensor
from lamella_core.warning import warn
from lamella_signal.fft import fft, ifft, irfft, rfft

if TYPE_CHECKING:
    from lamella_core.typing import DeviceLike

__all__ = ["istft", "stft"]

_WINDOW_TOO_SMALL = 1e-11


def _reject(name: str, input: Tensor, expected: str, **given: Any) -> RuntimeError:
    arguments = ", ".join(f"{key}={value}" for key, value in given.items())
    shape = list(input._array.shape)
    return RuntimeError(
        f"{name}(input of shape {shape} and type {input._dtype.class_name}, {arguments}): "
        f"expected {expected}"
    )


def _centred(window: Tensor, n_fft: int) -> Tensor:
    """The window with zeros before and behind, up to ``n_fft``."""
    missing = n_fft - window._array.shape[0]
    before = missing // 2
    return _zeros_around(window, before, missing - before)


def _zeros_around(input: Tensor, before: int, behind: int) -> Tensor:
    if not before and not behind:
        return input
    lead = input._array.shape[:-1]
    parts = [input.new_zeros((*lead, before)), input, input.new_zeros((*lead, behind))]
    return cat(parts, -1)


def _source(position: Tensor, length: int, pad_mode: str) -> Tensor:
    """Where the element at a position outside of ``0 .. length - 1`` comes from."""
    if pad_mode == "reflect":
        last = length - 1
        return last - (last - position.abs()).abs()
    if pad_mode == "replicate":
        return position.clamp(0, length - 1)
    return position.remainder(length)


def _padded(input: Tensor, amount: int, pad_mode: str) -> Tensor:
    if pad_mode == "constant":
        return _zeros_around(input, amount, amount)
    if pad_mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(
            f"Unrecognised padding mode {pad_mode}; expected constant, reflect, replicate or "
            f"circular"
        )
    length = input._array.shape[-1]
    longest = length - 1 if pad_mode == "reflect" else length
    if pad_mode != "replicate" and amount > longest:
        raise RuntimeError(
            f"Padding size should be less than the corresponding input dimension, but got: "
            f"padding ({amount}, {amount}) at the last dimension of input "
            f"{list(input._array.shape)} (stft with center=True and pad_mode={pad_mode!r})"
        )
    if not length:
        raise RuntimeError("stft(): the input has no elements")
    device: DeviceLike = input.device
    position = arange(-amount, length + amount, device=device)
    return input.index_select(-1, _source(position, length, pad_mode))


def _warn_of_rectangle() -> None:
    warn(
        "A window was not provided: the rectangular one is taken, whose spectra leak; "
        "torch.hann_window(n_fft) leaks less, window=torch.ones(n_fft) keeps the rectangular one"
    )


@composite
def stft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: Any = True,
    pad_mode: str = "reflect",
    normalized: bool = False,
    onesided: bool | None = None,
    return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:
    """Short-time Fourier transform: the transforms of overlapping windowed frames.

    ``X[f, t] = sum_k window[k] input[t hop_length + k] exp(-2 pi i f k / n_fft)``

    Args:
        input: a signal or a batch of them, float32, float64 or complex.
        n_fft: the size of a frame.
        hop_length: the distance of two frames; ``n_fft // 4`` when None.
        win_length: the size of the window; ``n_fft`` when None. A smaller window is centred in
            the frame.
        window: ``(win_length,)``; ones when None.
        center: whether frame ``t`` has its middle at ``t hop_length``: the signal is continued
            by ``n_fft // 2`` on both sides.
        pad_mode: how: ``reflect``, ``constant`` (zeros), ``replicate`` or ``circular``.
        normalized: divide by ``sqrt(n_fft)``.
        onesided: only the ``n_fft // 2 + 1`` frequencies that are not negative; None does so for
            a real input and window.
        return_complex: must be given for a real input and window. False gives real and imaginary
            parts in a last dimension of size 2.
        align_to_window: without ``center``, frames begin where their window does.

    Returns:
        ``(frequencies, frames)``, behind a batch dimension if the input has one.

    Raises:
        RuntimeError: for sizes, a window or an input that do not fit together.
        NotImplementedError: for another ``pad_mode``.
    """
    if hop_length is None:
        hop_length = n_fft // 4
    if win_length is None:
        win_length = n_fft
    is_complex = input._dtype.is_complex or (window is not None and window._dtype.is_complex)
    if return_complex is None:
        if not is_complex:
            raise RuntimeError(
                "stft requires the return_complex parameter be given for real inputs; expected "
                "return_complex=True or False"
            )
        return_complex = True
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")

    def expected(what: str) -> RuntimeError:
        return _reject(
            "stft", input, what, n_fft=n_fft, hop_length=hop_length, win_length=win_length,
            window=None if window is None else list(window._array.shape),
        )  # fmt: skip

    if input._dtype.category < FLOATING:
        raise expected("a tensor of floating point or complex values")
    batched = input._array.ndim != 1
    signal = input if batched else input.unsqueeze(0)
    if signal._array.ndim != 2:
        raise expected("a 1D or 2D tensor")
    if center:
        signal = _padded(signal, n_fft // 2, pad_mode)
    length = signal._array.shape[1]
    if not 0 < n_fft <= length:
        raise expected(f"0 < n_fft <= {length}")
    if hop_length <= 0:
        raise expected("hop_length > 0")
    if not 0 < win_length <= n_fft:
        raise expected("0 < win_length <= n_fft")
    if window is not None and window._array.shape != (win_length,):
        raise expected("a 1D window tensor of size equal to win_length")
    if onesided is None:
        onesided = not is_complex
    elif onesided and is_complex:
        raise RuntimeError("Cannot have onesided output if window or input is complex")

    if window is None:
        _warn_of_rectangle()
    if window is None and win_length < n_fft:
        window = signal.new_ones(win_length)
    if window is not None:
        window = _centred(window, n_fft)
    if align_to_window:
        missing = n_fft - win_length
        signal = _zeros_around(signal, missing // 2, missing - missing // 2)
    frames = signal.unfold(-1, n_fft, hop_length)
    if window is not None:
        frames = frames * window
    transform = rfft if onesided else fft
    result = transform(frames, norm="ortho" if normalized else None).transpose(1, 2)
    if not batched:
        result = result.squeeze(0)
    result = write_out("stft", result, None)
    return result if return_complex else view_as_real(result.contiguous())


@composite
def istft(
    input: Tensor,
    n_fft: int,
    hop_length: int | None = None,
    win_length: int | None = None,
    window: Tensor | None = None,
    center: bool = True,
    normalized: bool = False,
    onesided: bool | None = None,
    length: int | None = None,
    return_complex: bool = False,
) -> Tensor:
    """Inverse of :func:`stft`: the least-squares estimate of the signal.

    Frames are transformed back, windowed, added where they overlap and divided by the sum of the
    squared windows. Griffin and Lim, "Signal estimation from modified short-time Fourier
    transform", IEEE Transactions on Acoustics, Speech, and Signal Processing 32 (1984).

    Args:
        input: complex, ``(frequencies, frames)`` or a batch of such.
        n_fft, hop_length, win_length, window, center, normalized: as they were in :func:`stft`.
        onesided: whether there are ``n_fft // 2 + 1`` frequencies; when None the input's size
            tells.
        length: the size of the result: cut off, or continued with zeros.
        return_complex: whether the signal is complex; then ``onesided`` must be false.

    Raises:
        RuntimeError: for arguments that do not fit together, and when the squared windows sum to
            zero somewhere.
    """
    if hop_length is None:
        hop_length = n_fft // 4
    if win_length is None:
        win_length = n_fft

    def expected(what: str) -> RuntimeError:
        return _reject(
            "istft", input, what, n_fft=n_fft, hop_length=hop_length, win_length=win_length,
            window=None if window is None else list(window._array.shape), length=length,
        )  # fmt: skip

    if not input._dtype.is_complex:
        raise expected("a complex-valued input, as stft returns it with return_complex=True")
    shape = input._array.shape
    if not input._array.size:
        raise expected("an input with elements")
    if len(shape) not in (2, 3):
        raise expected("an input of 2 or 3 dimensions")
    frequencies, count = shape[-2:]
    if onesided is None:
        onesided = frequencies != n_fft
    if frequencies != (n_fft // 2 + 1 if onesided else n_fft):
        raise expected(
            f"the frequency dimension of size {n_fft // 2 + 1 if onesided else n_fft}, got "
            f"{frequencies}"
        )
    if not 0 < hop_length <= win_length:
        raise expected("0 < hop_length <= win_length")
    if not 0 < win_length <= n_fft:
        raise expected("0 < win_length <= n_fft")
    if window is not None and window._array.shape != (win_length,):
        raise expected("a 1D window of length win_length")
    if window is not None and window._dtype.is_complex and not return_complex:
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    if return_complex and onesided:
        raise RuntimeError("Cannot have onesided output if window or input is complex")

    real_type = input._dtype.to_real()
    if window is None:
        _warn_of_rectangle()
        window = input.new_ones(win_length, dtype=real_type)
    window = _centred(window, n_fft)
    spectra = (input if len(shape) == 3 else input.unsqueeze(0)).transpose(1, 2)
    norm = "ortho" if normalized else None
    if return_complex:
        frames = ifft(spectra, norm=norm)
    else:
        half = spectra if onesided else spectra.narrow(-1, 0, n_fft // 2 + 1)
        frames = irfft(half, n_fft, norm=norm)
    total = n_fft + hop_length * (count - 1)
    start = n_fft // 2 if center else 0
    stop = total - (n_fft // 2 if center else 0)
    if length is not None:
        stop = min(start + length, total)
    if stop <= start:
        raise expected(f"a signal with elements, got the range from {start} to {stop}")

    batch = spectra._array.shape[0]
    # The adjoint of cutting out frames adds them where they overlap.
    signal = unfold_backward(frames * window, (batch, total), 1, n_fft, hop_length)
    squares = (window * window).expand(count, -1)
    envelope = unfold_backward(squares, (total,), 0, n_fft, hop_length)
    signal, envelope = signal[:, start:stop], envelope[start:stop]
    if anywhere(envelope.detach().abs() <= _WINDOW_TOO_SMALL):
        raise RuntimeError(
            "istft(): window overlap add min: the squared windows sum to zero somewhere between "
            f"{start} and {stop}; expected a window and hop_length ({hop_length}) that leave no gap"
        )
    signal = signal / envelope
    if length is not None and length > stop - start:
        warn(
            f"istft(): the signal has {stop - start} elements, fewer than length ({length}): zeros "
            "follow them; see whether center, hop_length and window are those of stft"
        )
        signal = _zeros_around(signal, 0, length - (stop - start))
    return signal if len(shape) == 3 else signal.squeeze(0)
