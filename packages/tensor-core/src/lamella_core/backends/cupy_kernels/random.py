"""Random numbers on CUDA: CuPy's generator over Philox 4x32-10 (Salmon et al., 2011).

The numbers are other ones than the CPU's from the same seed, as in PyTorch.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import cupy
import numpy as np

from lamella_core import generator as generators
from lamella_core.dispatch import register_kernel

if TYPE_CHECKING:
    from lamella_core.device import Device


class PhiloxSource:
    """A source of random numbers on one CUDA device."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> PhiloxSource:
        """Restarts the stream from ``seed``."""
        self._seed = int(seed) % 2**64
        with cupy.cuda.Device(self.device.index):
            self.numbers = cupy.random.Generator(cupy.random.Philox4x3210(self._seed))
        return self

    def seed(self) -> int:
        """Restarts from a seed of the operating system's entropy and returns it."""
        self.manual_seed(secrets.randbits(53))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that the stream was started from."""
        return self._seed

    def _no_state(self) -> RuntimeError:
        return RuntimeError(
            "the state of a CUDA generator cannot be read or set: CuPy offers no access to it; "
            "seed it with manual_seed instead"
        )

    def get_state(self) -> np.ndarray:
        raise self._no_state()

    def set_state(self, state: np.ndarray) -> None:
        raise self._no_state()

    def clone_state(self) -> PhiloxSource:
        raise self._no_state()


_defaults: dict[int, PhiloxSource] = {}
_default_seed: list[int | None] = [None]


def _default(device: Device) -> PhiloxSource:
    index = cupy.cuda.runtime.getDevice() if device.index is None else device.index
    source = _defaults.get(index)
    if source is None:
        source = _defaults[index] = PhiloxSource(type(device)("cuda", index))
        if _default_seed[0] is not None:
            source.manual_seed(_default_seed[0])
    return source


def _seed_all(seed: int) -> None:
    _default_seed[0] = seed
    for source in _defaults.values():
        source.manual_seed(seed)


generators.makers["cuda"] = PhiloxSource
generators.defaults["cuda"] = _default
generators.seeded.append(_seed_all)


def _numbers(generator: PhiloxSource | None, device: Device | None = None) -> Any:
    from lamella_core.device import Device

    source = generator or _default(device or Device("cuda"))
    return source.numbers


def _uniform(numbers: Any, shape: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "c":
        part = np.dtype(f"f{np.dtype(dtype).itemsize // 2}")
        return (_uniform(numbers, shape, part) + 1j * _uniform(numbers, shape, part)).astype(dtype)
    wide = dtype if np.dtype(dtype) in (np.float32, np.float64) else np.float32
    return numbers.random(shape, wide).astype(dtype, copy=False)


def _standard_normal(numbers: Any, shape: Any, dtype: Any) -> Any:
    if np.dtype(dtype).kind == "c":
        part = np.dtype(f"f{np.dtype(dtype).itemsize // 2}")
        real = _standard_normal(numbers, shape, part)
        return ((real + 1j * _standard_normal(numbers, shape, part)) / np.sqrt(2)).astype(dtype)
    wide = dtype if np.dtype(dtype) in (np.float32, np.float64) else np.float32
    return numbers.standard_normal(shape, wide).astype(dtype, copy=False)


def rand(size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    with cupy.cuda.Device(device.index):
        return _uniform(_numbers(generator, device), size, dtype)


def randn(size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    with cupy.cuda.Device(device.index):
        return _standard_normal(_numbers(generator, device), size, dtype)


def normal_of_size(
    mean: float, std: float, size: Any, generator: Any, dtype: Any, device: Device
) -> Any:
    return randn(size, generator, dtype, device) * std + mean


def randint(low: int, high: int, size: Any, generator: Any, dtype: Any, device: Device) -> Any:
    with cupy.cuda.Device(device.index):
        return _numbers(generator, device).integers(low, high, size, np.int64).astype(dtype)


def randperm(n: int, generator: Any, dtype: Any, device: Device) -> Any:
    with cupy.cuda.Device(device.index):
        return cupy.argsort(_numbers(generator, device).random(n, np.float64)).astype(dtype)


def bernoulli(input: Any, generator: Any) -> Any:
    return (_uniform(_numbers(generator), input.shape, np.float32) < input).astype(input.dtype)


def normal(mean: Any, std: Any, generator: Any) -> Any:
    like = mean if isinstance(mean, cupy.ndarray) else std
    shape = cupy.broadcast(cupy.asarray(mean), cupy.asarray(std)).shape
    return _standard_normal(_numbers(generator), shape, like.dtype) * std + mean


def poisson(input: Any, generator: Any) -> Any:
    return _numbers(generator).poisson(input, input.shape).astype(input.dtype)


def multinomial(input: Any, num_samples: int, replacement: bool, generator: Any) -> Any:
    numbers = _numbers(generator)
    if replacement:
        rows = input.reshape(-1, input.shape[-1]).astype(np.float64)
        heights = cupy.cumsum(rows, axis=-1)
        draws = numbers.random((len(rows), num_samples), np.float64) * heights[:, -1:]
        picked = (heights[:, None, :] <= draws[:, :, None]).sum(-1)
        return picked.reshape(*input.shape[:-1], num_samples)
    # The largest of p / Exp(1) are a sample without replacement (Efraimidis and Spirakis, 2006).
    keys = input / -cupy.log1p(-_uniform(numbers, input.shape, np.float64))
    return cupy.argsort(-keys, axis=-1)[..., :num_samples]


def dropout_noise(input: Any, p: float, generator: Any) -> tuple[Any, Any]:
    kept = _uniform(_numbers(generator), input.shape, np.float32) >= p
    noise = (kept / np.float32(1.0 - p)).astype(input.dtype)
    return input * noise, noise


def uniform_(target: Any, low: float, high: float, generator: Any) -> None:
    drawn = _uniform(_numbers(generator), target.shape, target.dtype)
    target[...] = drawn * (high - low) + low


def normal_(target: Any, mean: float, std: float, generator: Any) -> None:
    target[...] = _standard_normal(_numbers(generator), target.shape, target.dtype) * std + mean


def random_(target: Any, low: int | None, high: int | None, generator: Any) -> None:
    if high is None:
        info = np.finfo(target.dtype) if target.dtype.kind == "f" else np.iinfo(target.dtype)
        whole = 2**info.nmant if isinstance(info, np.finfo) else int(info.max)
        high = whole + 1 if whole < 2**63 - 1 else whole
    target[...] = _numbers(generator).integers(low or 0, high, target.shape, np.int64)


def bernoulli_(target: Any, p: Any, generator: Any) -> None:
    target[...] = _uniform(_numbers(generator), target.shape, np.float32) < p


def exponential_(target: Any, lambd: float, generator: Any) -> None:
    target[...] = _numbers(generator).standard_exponential(target.shape) / lambd


def cauchy_(target: Any, median: float, sigma: float, generator: Any) -> None:
    drawn = _uniform(_numbers(generator), target.shape, np.float64)
    target[...] = median + sigma * cupy.tan(np.pi * (drawn - 0.5))


def geometric_(target: Any, p: float, generator: Any) -> None:
    drawn = _uniform(_numbers(generator), target.shape, np.float64)
    target[...] = cupy.ceil(cupy.log1p(-drawn) / np.log1p(-p))


def log_normal_(target: Any, mean: float, std: float, generator: Any) -> None:
    drawn = _standard_normal(_numbers(generator), target.shape, np.float64)
    target[...] = cupy.exp(drawn * std + mean)


_KERNELS = (
    rand, randn, normal_of_size, randint, randperm, bernoulli, normal, poisson, multinomial,
    dropout_noise, uniform_, normal_, random_, bernoulli_, exponential_, cauchy_, geometric_,
    log_normal_,
)  # fmt: skip


def register() -> None:
    """Registers the kernels; the backend must be registered before."""
    for kernel in _KERNELS:
        register_kernel(kernel.__name__, kernel, "cuda")
