"""Random numbers on CUDA. They are other ones than the CPU's from the same seed, as in PyTorch.

``rand``, ``randn``, ``dropout`` and the in-place laws give what PyTorch's CUDA generator gives;
permutations, ``multinomial`` and ``poisson`` share the stream out in ways of their own.
"""

from __future__ import annotations

import secrets
from typing import Any

import cupy
import numpy as np
from ml_dtypes import finfo

from lamella_core import generator as generators
from lamella_core.device import Device
from lamella_core.dispatch import register_kernel
from lamella_cuda_kernels.philox import draw, share_out


class PhiloxSource:
    """A source of random numbers on one CUDA device: a seed and an offset."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> PhiloxSource:
        """Restarts the stream from ``seed``."""
        self._seed = int(seed) % 2**64
        self._offset = 0
        return self

    def seed(self) -> int:
        """Restarts from a seed of the operating system's entropy and returns it."""
        self.manual_seed(secrets.randbits(53))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream was started from."""
        return self._seed

    def get_state(self) -> np.ndarray:
        """PyTorch's sixteen bytes: the seed and the offset."""
        return np.array([self._seed, self._offset], np.uint64).view(np.uint8)

    def set_state(self, state: np.ndarray) -> None:
        """Continues from a state; one of eight bytes, a seed alone, is read, too."""
        if state.size not in (8, 16):
            raise RuntimeError(f"RNG state is wrong size: {state.size} bytes, expected 16")
        numbers = np.ascontiguousarray(state).view(np.uint64).tolist()
        self._seed, self._offset = numbers[0], numbers[1] if len(numbers) > 1 else 0

    def clone_state(self) -> PhiloxSource:
        """A source that goes on as this one would."""
        copy = PhiloxSource(self.device)
        copy._seed, copy._offset = self._seed, self._offset
        return copy

    def draw(self, kind: str, shape: Any) -> Any:
        """Numbers of a kind (``philox.KINDS``), on the source's device."""
        with cupy.cuda.Device(self.device.index):
            numbers, self._offset = draw(kind, shape, self._seed, self._offset)
        return numbers

    def reserve(self, count: int, each: int) -> tuple[int, int, int]:
        """Seed and offset of a draw that the caller makes, and its threads: ``share_out``."""
        with cupy.cuda.Device(self.device.index):
            threads, moved = share_out(count, each)
        offset = self._offset
        self._offset += moved
        return self._seed, offset, threads


_defaults: dict[int, PhiloxSource] = {}


def _default(device: Device) -> PhiloxSource:
    index = cupy.cuda.runtime.getDevice() if device.index is None else device.index
    source = _defaults.get(index)
    if source is None:
        source = _defaults[index] = PhiloxSource(Device("cuda", index))
        for seed in generators.latest:
            source.manual_seed(seed)
    return source


def _seed_all(seed: int) -> None:
    for source in _defaults.values():
        source.manual_seed(seed)


generators.makers["cuda"] = PhiloxSource
generators.defaults["cuda"] = _default
generators.seeded.append(_seed_all)


def source_of(generator: PhiloxSource | None, device: Device | None = None) -> PhiloxSource:
    """The generator, or the device's default one."""
    return generator or _default(device or Device("cuda"))


def _drawn(source: PhiloxSource, name: str, shape: Any, dtype: Any) -> Any:
    """Numbers from (0, 1] or normal ones; those of other types than float64 are drawn as float32.

    Complex ones have both their parts from the stream, one after the other.
    """
    dtype = np.dtype(dtype)
    wide = dtype in (np.float64, np.complex128)
    if dtype.kind == "c":
        parts = source.draw(f"{name}{64 if wide else 32}", (*shape, 2))
        return parts.view(dtype).reshape(shape)
    return source.draw(f"{name}{64 if wide else 32}", shape)


def _uniform(source: PhiloxSource, shape: Any, dtype: Any) -> Any:
    """Numbers from [0, 1)."""
    drawn = _drawn(source, "uniform", shape, dtype).astype(dtype, copy=False)
    _below(drawn.view(drawn.real.dtype), 0, 1)
    return drawn


def _below(numbers: Any, low: float, high: float) -> None:
    """Makes the upper bound, which the stream or rounding may give, the lower one."""
    numbers[numbers == numbers.dtype.type(high)] = low


def _normal(source: PhiloxSource, shape: Any, dtype: Any) -> Any:
    drawn = _drawn(source, "normal", shape, dtype)
    return drawn / np.sqrt(2) if drawn.dtype.kind == "c" else drawn


def _integers(source: PhiloxSource, low: int, high: int, shape: Any, narrow: int = 2**28) -> Any:
    """From [low, high), as int64; below ``narrow`` many of them a number is made of 32 bits."""
    many = high - low
    if many < narrow:
        return (source.draw("bits32", shape) % many).astype(np.int64) + low
    bits = source.draw("bits64", shape)
    return (bits % np.uint64(many) if many < 2**64 else bits).view(np.int64) + low


def rand(size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    return _uniform(source_of(generator, device), size, dtype)


def randn(size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    return _normal(source_of(generator, device), size, dtype).astype(dtype, copy=False)


def normal_of_size(
    mean: float, std: float, size: Any, generator: Any, dtype: Any, device: Device
) -> Any:
    return (_normal(source_of(generator, device), size, dtype) * std + mean).astype(
        dtype, copy=False
    )


def randint(low: int, high: int, size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    return _integers(source_of(generator, device), low, high, size).astype(dtype)


def randperm(n: int, generator: Any, dtype: Any, device: Device) -> Any:
    keys = source_of(generator, device).draw("bits64", (n,))
    with cupy.cuda.Device(device.index):
        return cupy.argsort(keys).astype(dtype)


def bernoulli(input: Any, generator: Any) -> Any:
    drawn = _drawn(source_of(generator), "uniform", input.shape, np.float32)
    return (drawn <= input).astype(input.dtype)


def normal(mean: Any, std: Any, generator: Any) -> Any:
    like = mean if isinstance(mean, cupy.ndarray) else std
    shape = np.broadcast_shapes(np.shape(mean), np.shape(std))
    return (_normal(source_of(generator), shape, like.dtype) * std + mean).astype(like.dtype)


def poisson(input: Any, generator: Any) -> Any:
    # CuPy's own generator knows the law; it is seeded from the stream.
    seed = int(source_of(generator).draw("bits64", (1,))[0])
    numbers = cupy.random.Generator(cupy.random.Philox4x3210(seed))
    return numbers.poisson(input.astype(np.float64), input.shape).astype(input.dtype)


def multinomial(input: Any, num_samples: int, replacement: bool, generator: Any) -> Any:
    source = source_of(generator)
    if replacement:
        rows = input.reshape(-1, input.shape[-1]).astype(np.float64)
        heights = cupy.cumsum(rows, axis=-1)
        draws = _uniform(source, (len(rows), num_samples), np.float64) * heights[:, -1:]
        picked = (heights[:, None, :] <= draws[:, :, None]).sum(-1)
        return picked.reshape(*input.shape[:-1], num_samples)
    # The largest of p / Exp(1) are a sample without replacement (Efraimidis and Spirakis, 2006).
    keys = input / -cupy.log(_drawn(source, "uniform", input.shape, np.float64))
    return cupy.argsort(-keys, axis=-1)[..., :num_samples]


def dropout_noise(input: Any, p: float, generator: Any) -> tuple[Any, Any]:
    kept = _uniform(source_of(generator), input.shape, np.float32) >= p
    noise = (kept / np.float32(1.0 - p)).astype(input.dtype)
    return input * noise, noise


def uniform_(target: Any, low: float, high: float, generator: Any) -> None:
    drawn = _drawn(source_of(generator), "uniform", target.shape, target.dtype)
    numbers = (drawn * (high - low) + low).astype(target.dtype, copy=False)
    _below(numbers, low, high)
    target[...] = numbers


def normal_(target: Any, mean: float, std: float, generator: Any) -> None:
    target[...] = _normal(source_of(generator), target.shape, target.dtype) * std + mean


def random_(target: Any, low: int | None, high: int | None, generator: Any) -> None:
    narrow = 2**28
    if high is None:
        narrow = 2**32
        kind = target.dtype.kind
        if kind == "b":
            high = 2
        elif kind in "iu":
            high = int(np.iinfo(target.dtype).max) + 1
        else:
            high = 2 ** (finfo(target.dtype).nmant + 1) + 1
    target[...] = _integers(source_of(generator), low or 0, high, target.shape, narrow)


def bernoulli_(target: Any, p: Any, generator: Any) -> None:
    drawn = _drawn(source_of(generator), "uniform", target.shape, target.dtype)
    target[...] = drawn <= p if isinstance(p, cupy.ndarray) else drawn < p


def exponential_(target: Any, lambd: float, generator: Any) -> None:
    drawn = _drawn(source_of(generator), "uniform", target.shape, target.dtype)
    # A logarithm of 0 would give the one number, 0, that the law has not.
    least = np.finfo(drawn.dtype).eps / 2
    target[...] = cupy.where(drawn >= 1 - least, least, -cupy.log(drawn)) / lambd


def cauchy_(target: Any, median: float, sigma: float, generator: Any) -> None:
    source = source_of(generator)
    if target.dtype == np.float64:
        drawn = cupy.tan(np.pi * (source.draw("uniform64", target.shape) - 0.5))
    else:
        drawn = source.draw("cauchy32", target.shape)
    target[...] = median + sigma * drawn


def geometric_(target: Any, p: float, generator: Any) -> None:
    drawn = _drawn(source_of(generator), "uniform", target.shape, target.dtype)
    target[...] = cupy.ceil(cupy.log(drawn) / np.log1p(-p))


def log_normal_(target: Any, mean: float, std: float, generator: Any) -> None:
    drawn = _normal(source_of(generator), target.shape, target.dtype)
    target[...] = cupy.exp(drawn * std + mean)


_KERNELS = (
    rand, randn, normal_of_size, randint, randperm, bernoulli, normal, poisson, multinomial,
    dropout_noise, uniform_, normal_, random_, bernoulli_, exponential_, cauchy_, geometric_,
    log_normal_,
)  # fmt: skip


def register(xp: Any) -> None:
    """Registers the kernels; the backend must be registered before."""
    for kernel in _KERNELS:
        register_kernel(kernel.__name__, kernel, "cuda")
