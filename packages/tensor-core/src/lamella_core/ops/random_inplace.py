"""Methods that fill a tensor with random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lamella_core.conventions.common import index_of
from lamella_core.conventions.mutation import mutation
from lamella_core.generator import source_of
from lamella_core.tensor import Tensor

if TYPE_CHECKING:
    from lamella_core.generator import Generator

__all__: list[str] = []


_uniform_ = mutation()("uniform_(input: Tensor, low: float, high: float, generator)")
_normal_ = mutation()("normal_(input: Tensor, mean: float, std: float, generator)")
_random_ = mutation()("random_(input: Tensor, low: int | None, high: int | None, generator)")
_bernoulli_ = mutation()("bernoulli_(input: Tensor, p: Tensor | Number, generator)")
_cauchy_ = mutation()("cauchy_(input: Tensor, median: float, sigma: float, generator)")
_exponential_ = mutation()("exponential_(input: Tensor, lambd: float, generator)")
_geometric_ = mutation()("geometric_(input: Tensor, p: float, generator)")
_log_normal_ = mutation()("log_normal_(input: Tensor, mean: float, std: float, generator)")


_BOUNDS = ("from", "to")


def _bounds(op_name: str, given: tuple[Any, ...], named: dict[str, Any]) -> list[Any]:
    # ``from`` and ``to``, of which the first is a keyword of Python and so no parameter's name.
    if len(given) > 2:
        raise TypeError(f"{op_name}() takes at most 2 positional arguments ({len(given)} given)")
    for name in named:
        if name not in _BOUNDS[len(given) :]:
            raise TypeError(f"{op_name}() got an unexpected keyword argument {name!r}")
    rest = [named.get(name) for name in _BOUNDS[len(given) :]]
    return [*given, *rest]


def uniform_(
    input: Tensor, *bounds: float, generator: Generator | None = None, **named: float
) -> Tensor:
    """Fills with numbers uniform on [from, to).

    Args:
        bounds, named: ``from`` (0 by default) and ``to`` (1 by default).
        generator: the source; the device's default one if None.

    Raises:
        RuntimeError: when the ends are in the wrong order or do not fit the type.
        NotImplementedError: for a type that is neither floating nor complex.
    """
    low, high = _bounds("uniform_", bounds, named)
    low, high = 0.0 if low is None else low, 1.0 if high is None else high
    return _uniform_(input, low, high, source_of(generator, input))


def random_(
    input: Tensor, *bounds: int | None, generator: Generator | None = None, **named: int | None
) -> Tensor:
    """Fills with integers uniform on [from, to).

    Args:
        bounds, named: ``from`` and ``to``, or ``to`` alone. By default from 0 to the greatest
            integer of the type; for floats the last up to which all integers are exact.
        generator: the source; the device's default one if None.

    Raises:
        RuntimeError: when the ends are in the wrong order or do not fit the type.
    """
    if len(bounds) == 1 and "to" not in named and "from" not in named:
        bounds = (0, bounds[0])
    low, high = (
        each if each is None else index_of(each, "to") for each in _bounds("random_", bounds, named)
    )
    return _random_(input, low, high, source_of(generator, input))


def normal_(
    input: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None
) -> Tensor:
    """Fills with normal numbers.

    Raises:
        RuntimeError: for a negative ``std``.
        NotImplementedError: for a type that is neither floating nor complex.
    """
    return _normal_(input, mean, std, source_of(generator, input))


def bernoulli_(
    input: Tensor, p: float | Tensor = 0.5, *, generator: Generator | None = None
) -> Tensor:
    """Fills with ones with probability ``p``, otherwise zeros.

    Args:
        p: a probability, or a tensor of them that broadcasts to ``input``.
        generator: the source; the device's default one if None.

    Raises:
        RuntimeError: for a probability out of [0, 1].
    """
    return _bernoulli_(input, p, source_of(generator, input))


def cauchy_(
    input: Tensor, median: float = 0, sigma: float = 1, *, generator: Generator | None = None
) -> Tensor:
    """Fills with numbers of the density ``sigma / (pi ((x - median)^2 + sigma^2))``.

    Raises:
        RuntimeError: when ``sigma`` is not positive or the type is not floating.
    """
    return _cauchy_(input, median, sigma, source_of(generator, input))


def exponential_(input: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Fills with numbers of the density ``lambd exp(-lambd x)``, x > 0.

    Raises:
        RuntimeError: when ``lambd`` is not positive or the type is not floating.
    """
    return _exponential_(input, lambd, source_of(generator, input))


def geometric_(input: Tensor, p: float, *, generator: Generator | None = None) -> Tensor:
    """Fills with numbers of trials up to the first success: ``(1 - p)^(k - 1) p``, k = 1, 2, ...

    Raises:
        RuntimeError: when ``p`` is not in (0, 1).
    """
    return _geometric_(input, p, source_of(generator, input))


def log_normal_(
    input: Tensor, mean: float = 1, std: float = 2, *, generator: Generator | None = None
) -> Tensor:
    """Fills with exponentials of normal numbers of the given mean and standard deviation.

    Raises:
        RuntimeError: when ``std`` is not positive.
    """
    return _log_normal_(input, mean, std, source_of(generator, input))


for _method in (
    uniform_, random_, normal_, bernoulli_, cauchy_, exponential_, geometric_, log_normal_,
):  # fmt: skip
    setattr(Tensor, _method.__name__, _method)
del _method
