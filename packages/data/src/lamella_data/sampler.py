"""Samplers: in which order a map-style dataset is read.

The draws follow PyTorch's, so that the same seed gives the same order.

The samplers here can be stopped and resumed: ``state_dict()`` says where the iteration that was
started last stands, and after ``load_state_dict(state)`` the next one goes on from there.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from typing import Any, Generic, TypeVar

from lamella_core import (
    Generator,
    as_tensor,
    default_generator,
    empty,
    float64,
    int64,
    multinomial,
    randint,
    randperm,
)
from lamella_data.resume import State, check_state, keeps_order

T_co = TypeVar("T_co", covariant=True)

# With replacement PyTorch draws indices in blocks of this many; the block decides what the
# generator's state is afterwards.
_BLOCK = 32
# A generator's state costs as much as many blocks: that of an iteration's own is recorded before
# each so many, and the blocks after it are drawn again.
_RECORDED = 32


def draw_seed(generator: Generator | None) -> int:
    """One non-negative 63-bit number from ``generator``, or from the default one."""
    return int(empty((), dtype=int64).random_(generator=generator).item())


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{name} should be a positive integer value, but got {name}={value}")


class Sampler(Generic[T_co]):
    """Base class of samplers: a subclass defines ``__iter__``, over indices or over batches of
    indices, and ``__len__`` where the number is known."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} is a Sampler without an __iter__")


class _BlockSampler(Sampler[int]):
    """A sampler that draws its indices block by block, and so knows where it stands by the block's
    number, the state of the generator before it was drawn, and the position in it."""

    generator: Generator | None = None
    # Whether the first block waits until an index is wanted, as in PyTorch.
    _lazy = True
    _iteration: _Iteration | None = None
    _resumed: Mapping[str, Any] | None = None

    def _source(self) -> Generator | None:
        """The generator of a new iteration; None where the order is not random."""
        return default_generator if self.generator is None else self.generator

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        """Block ``number`` of an iteration; None after the last one."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        resumed, self._resumed = self._resumed, None
        self._iteration = None
        if resumed is None and self._lazy:
            return self._start()
        self._iteration = _Iteration(self, self._private(), resumed)
        return self._iteration.indices()

    def _start(self) -> Iterator[int]:
        # A generator function: nothing is drawn before the first index is wanted.
        self._iteration = _Iteration(self, self._source())
        yield from self._iteration.indices()

    def _private(self) -> Generator | None:
        """The generator of a resumed iteration, which is set to the recorded state."""
        return self._source()

    def __len__(self) -> int:
        raise NotImplementedError

    def state_dict(self) -> State:
        """Where the iteration that was started last stands, and the state of ``generator``."""
        if self._resumed is not None:
            iteration = dict(self._resumed)
        elif self._iteration is not None and not self._iteration.ended:
            iteration = self._iteration.state()
        else:
            iteration = None
        generator = None if self.generator is None else self.generator.get_state()
        return {"length": len(self), "iteration": iteration, "generator": generator}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration go on where ``state_dict()`` was called; ``generator`` too.

        Raises:
            TypeError, ValueError: no state of such a sampler, or of one of another length.
        """
        check_state(state_dict, self, ("length", "iteration", "generator"))
        if state_dict["length"] != len(self):
            raise ValueError(
                f"the state is of a {type(self).__name__} of length {state_dict['length']}, this "
                f"one's is {len(self)}: with other data the order cannot be resumed"
            )
        if (state_dict["generator"] is None) != (self.generator is None):
            raise ValueError(
                f"the state is of a {type(self).__name__} "
                f"{'without' if state_dict['generator'] is None else 'with'} a generator of its "
                "own: give this one the same"
            )
        self._resumed = state_dict["iteration"]
        self._iteration = None
        if self.generator is not None:
            self.generator.set_state(state_dict["generator"])


class _Iteration:
    """One pass over a :class:`_BlockSampler`, from its start or from a recorded state."""

    def __init__(
        self,
        sampler: _BlockSampler,
        source: Generator | None,
        resumed: Mapping[str, Any] | None = None,
    ) -> None:
        self._sampler = sampler
        self._source = source
        # Nobody else draws from a generator of the iteration's own.
        self._shared = source is default_generator or source is sampler.generator
        self._number = 0
        self._block: Iterator[int] = iter(())
        self._length = 0
        self._first = 0
        self._before: Any = None
        self.ended = False
        if resumed is None:
            self._next_block()
            return
        self._number = resumed["first"]
        now = source.get_state() if source is not None and self._shared else None
        if source is not None:
            source.set_state(resumed["before"])
        self._next_block()
        while self._number < resumed["block"]:
            self._number += 1
            self._next_block()
        if now is not None and source is not None:
            source.set_state(now)
        next(itertools.islice(self._block, resumed["position"], resumed["position"]), None)

    def _next_block(self) -> None:
        source = self._source
        if source is not None and (self._shared or self._number % _RECORDED == 0):
            self._before = source.get_state()
            self._first = self._number
        block = self._sampler._draw(self._number, source)
        if block is None:
            self.ended = True
            return
        # Iterators over a list or a range tell how many they have left, which costs the loop
        # nothing; a count would.
        self._block = iter(block)
        self._length = operator.length_hint(self._block)

    def indices(self) -> Iterator[int]:
        while not self.ended:
            yield from self._block
            self._number += 1
            self._next_block()

    def state(self) -> State:
        position = self._length - operator.length_hint(self._block)
        return {
            "block": self._number,
            "position": position,
            "first": self._first,
            "before": self._before,
        }


class SequentialSampler(_BlockSampler):
    """``0, 1, ..., len(data_source) - 1``.

    Args:
        data_source: anything with a length.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    _lazy = False

    def _source(self) -> None:
        return None

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        return None if number else range(len(self.data_source))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(_BlockSampler):
    """Indices at random.

    Without replacement: random permutations one after another, cut at ``num_samples``. With
    replacement: independent uniform draws.

    Args:
        data_source: anything with a length.
        replacement: whether an index may come again before all have come.
        num_samples: how many indices an iteration gives; by default ``len(data_source)``.
        generator: source of randomness. By default each iteration takes a seed from the default
            generator for a generator of its own.

    Raises:
        TypeError: ``replacement`` is no bool.
        ValueError: ``num_samples`` is no positive integer, which holds for an empty source too.
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ValueError(
                "num_samples should be a positive integer value, but got "
                f"num_samples={self.num_samples}"
            )

    @property
    def num_samples(self) -> int:
        """How many indices an iteration gives; follows a data source that changes its length."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def _source(self) -> Generator:
        if self.generator is not None:
            return self.generator
        return Generator().manual_seed(draw_seed(None))

    def _private(self) -> Generator:
        return Generator() if self.generator is None else self.generator

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        n = len(self.data_source)
        whole, rest = divmod(self.num_samples, _BLOCK if self.replacement else n)
        if number > whole:
            return None
        if self.replacement:
            count = _BLOCK if number < whole else rest
            return randint(n, (count,), dtype=int64, generator=source).tolist()
        # The last one is drawn even where nothing of it is used: the generator's state is
        # PyTorch's.
        order = randperm(n, generator=source).tolist()
        return order if number < whole else order[:rest]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_BlockSampler):
    """The given indices, each once, in random order.

    Args:
        indices: the indices to choose from.
        generator: source of the permutation; by default the default generator.
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        if number:
            return None
        order = randperm(len(self.indices), generator=source).tolist()
        return [self.indices[position] for position in order]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_BlockSampler):
    """Index ``i`` with probability ``weights[i] / sum(weights)``.

    Args:
        weights: non-negative weights, one an index.
        num_samples: how many indices an iteration gives.
        replacement: whether an index may come again.
        generator: source of randomness; by default the default generator.

    Raises:
        ValueError: ``num_samples`` is no positive integer, ``replacement`` is no bool, or
            ``weights`` is not one-dimensional.
    """

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        _check_count("num_samples", num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.dim() != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(self.weights.shape)}"
            )
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def _draw(self, number: int, source: Any) -> Iterable[int] | None:
        if number:
            return None
        return multinomial(
            self.weights, self.num_samples, self.replacement, generator=source
        ).tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of ``batch_size``.

    Args:
        sampler: any iterable over indices.
        batch_size: length of each list.
        drop_last: whether a shorter list at the end is left out.

    Raises:
        ValueError: ``batch_size`` is no positive integer, or ``drop_last`` is no bool.
    """

    def __init__(
        self, sampler: Sampler[int] | Iterable[int], batch_size: int, drop_last: bool
    ) -> None:
        _check_count("batch_size", batch_size)
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    _batches = 0
    # Whether the last list is given, and whether somebody has asked for one after it.
    _exhausted = False
    _ended = False
    _resumed = False

    def __iter__(self) -> Iterator[list[int]]:
        keeps = keeps_order(self.sampler)
        if self._resumed:
            self._resumed = False
            if self._exhausted:
                return self._lists(iter(()))
            indices = iter(self.sampler)
            if not keeps:
                taken = self._batches * self.batch_size
                next(itertools.islice(indices, taken, taken), None)
            return self._lists(indices)
        self._batches = 0
        self._exhausted = self._ended = False
        # A sampler without a state may draw as soon as it is asked: not before the first list is
        # wanted, as in PyTorch.
        return self._lists(iter(self.sampler) if keeps else None)

    def _lists(self, indices: Iterator[int] | None) -> Iterator[list[int]]:
        if indices is None:
            indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) < self.batch_size:
                self._exhausted = True
                if self.drop_last:
                    break
            self._batches += 1
            yield batch
        self._ended = True

    def _keeps_order(self) -> bool:
        return keeps_order(self.sampler)

    def state_dict(self) -> State:
        """How many lists the iteration that was started last has given; the state of ``sampler``
        too, where that keeps one. Of a sampler that keeps none, the resumed iteration skips the
        indices that were given."""
        inner = self.sampler.state_dict() if keeps_order(self.sampler) else None  # type: ignore
        batches = 0 if self._ended else self._batches
        return {
            "batch_size": self.batch_size,
            "batches": batches,
            "exhausted": self._exhausted and not self._ended,
            "sampler": inner,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Let the next iteration go on where ``state_dict()`` was called.

        Raises:
            TypeError, ValueError: no state of a batch sampler, or of one with another
                ``batch_size`` or another kind of ``sampler``.
        """
        check_state(state_dict, self, ("batch_size", "batches", "exhausted", "sampler"))
        if state_dict["batch_size"] != self.batch_size:
            raise ValueError(
                f"the state is of a BatchSampler with batch_size={state_dict['batch_size']}, this "
                f"one has batch_size={self.batch_size}"
            )
        if (state_dict["sampler"] is not None) != keeps_order(self.sampler):
            raise ValueError(
                "the state is of a BatchSampler whose sampler does "
                f"{'not ' if state_dict['sampler'] is None else ''}keep a state; this one's, a "
                f"{type(self.sampler).__name__}, is of another kind"
            )
        if state_dict["sampler"] is not None:
            self.sampler.load_state_dict(state_dict["sampler"])  # type: ignore[union-attr]
        self._batches = state_dict["batches"]
        self._exhausted = state_dict["exhausted"]
        self._ended = False
        self._resumed = self._batches > 0

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        if self.drop_last:
            return count // self.batch_size
        return -(-count // self.batch_size)
