"""Which PyTorch a program may take this for, and what of it is here: ``torch.version``."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class TorchVersion(str):
    """A version that compares with strings and tuples of numbers as versions do."""

    __slots__ = ()

    def __lt__(self, other: Any) -> bool:
        return _key(self) < _key(other)

    def __gt__(self, other: Any) -> bool:
        return _key(self) > _key(other)

    def __le__(self, other: Any) -> bool:
        return _key(self) <= _key(other)

    def __ge__(self, other: Any) -> bool:
        return _key(self) >= _key(other)

    def __eq__(self, other: object) -> bool:
        return str(self) == other or (isinstance(other, (str, tuple)) and _key(self) == _key(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def _key(version: Any) -> tuple[tuple[int, ...], bool]:
    """The numbers of a release, and whether a local label stands behind them, which is later."""
    if not isinstance(version, str):
        return _trimmed(version), False
    numbers = re.match(r"\d+(\.\d+)*", version)
    if numbers is None:
        raise ValueError(f"expected a version such as '2.13.0', got {str(version)!r}")
    return _trimmed(map(int, numbers[0].split("."))), "+" in version


def _trimmed(numbers: Iterable[int]) -> tuple[int, ...]:
    found = tuple(numbers)
    while found and found[-1] == 0:
        found = found[:-1]
    return found


# The release whose API this is, then, as a local label, the release of this distribution.
__version__ = TorchVersion("2.13.0+lamella.0.1.0")
debug = False
hip = rocm = xpu = None
git_version = None
cuda: str | None


def __getattr__(name: str) -> str | None:
    """``cuda``: the version of CUDA that CuPy runs on, None without it."""
    if name != "cuda":
        raise AttributeError(f"module 'lamella.version' has no attribute {name!r}")
    if find_spec("cupy") is None:
        return None
    from lamella_core.dispatch import backends, load_backends

    load_backends()
    if "cuda" not in backends:
        return None
    number = backends["cuda"].xp.cuda.runtime.runtimeGetVersion()
    return f"{number // 1000}.{number % 1000 // 10}"
