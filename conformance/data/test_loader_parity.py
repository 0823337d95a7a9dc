"""lamella's loader against PyTorch's: orders from one seed, what collation builds, error types."""

from __future__ import annotations

import collections
import itertools
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.utils.data

import lamella_core
import lamella_data

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")

Point = collections.namedtuple("Point", ["x", "y"])


class Library:
    """The same names from either side, so that a program can be run on both."""

    def __init__(self, core: Any, data: Any) -> None:
        self.core = core
        self.data = data

        class Keys(data.Dataset):
            def __len__(self) -> int:
                return 23

            def __getitem__(self, index: Any) -> Any:
                return index

        class Stream(data.IterableDataset):
            def __iter__(self) -> Any:
                info = data.get_worker_info()
                first, step = (0, 1) if info is None else (info.id, info.num_workers)
                return iter(range(first, 11, step))

        class Draws(data.Dataset):
            def __len__(self) -> int:
                return 6

            def __getitem__(self, index: int) -> Any:
                info = data.get_worker_info()
                return [index, info.seed, core.initial_seed(), random.random(), np.random.rand()]

        self.Keys, self.Stream, self.Draws = Keys, Stream, Draws

    def generator(self, seed: int) -> Any:
        return self.core.Generator().manual_seed(seed)


ORACLE = Library(torch, torch.utils.data)
OURS = Library(lamella_core, lamella_data)


def plain(value: Any, core: Any) -> Any:
    """Tensors as (dtype, list), so that both sides compare by ``==``; containers by type."""
    if isinstance(value, core.Tensor):
        return str(value.dtype).removeprefix("torch."), value.tolist()
    if isinstance(value, collections.abc.Mapping):
        return type(value).__name__, {key: plain(one, core) for key, one in value.items()}
    if isinstance(value, (list, tuple, collections.deque, collections.UserList)):
        return type(value).__name__, [plain(one, core) for one in value]
    return value


def both(program: Callable[[Library], Any]) -> tuple[Any, Any]:
    results = []
    for library in (ORACLE, OURS):
        library.core.manual_seed(12)
        result = plain(program(library), library.core)
        after = library.core.randint(2**31, ()).item()
        results.append((result, after))
    return results[0], results[1]


def outcome(program: Callable[[Library], Any], library: Library) -> Any:
    try:
        return "value", plain(program(library), library.core)
    except Exception as error:
        return "error", type(error)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 4},
        {"batch_size": 4, "shuffle": True},
        {"batch_size": 4, "shuffle": True, "drop_last": True},
        {"batch_size": None, "shuffle": True},
    ],
    ids=str,
)
def test_order_from_the_default_generator(num_workers: int, options: dict[str, Any]) -> None:
    def program(library: Library) -> Any:
        loader = library.data.DataLoader(library.Keys(), num_workers=num_workers, **options)
        return [list(loader), list(loader)]

    theirs, ours = both(program)
    assert ours == theirs


@pytest.mark.parametrize("num_workers", [0, 2])
def test_order_from_a_given_generator(num_workers: int) -> None:
    def program(library: Library) -> Any:
        generator = library.generator(5)
        loader = library.data.DataLoader(
            library.Keys(), 4, shuffle=True, num_workers=num_workers, generator=generator
        )
        return [list(loader), list(loader), library.core.randint(999, (3,), generator=generator)]

    theirs, ours = both(program)
    assert ours == theirs


def test_persistent_workers_draw_like_pytorchs() -> None:
    def program(library: Library) -> Any:
        loader = library.data.DataLoader(
            library.Keys(), 4, shuffle=True, num_workers=2, persistent_workers=True
        )
        return [list(loader), list(loader)]

    theirs, ours = both(program)
    assert ours == theirs


def test_seeds_and_draws_in_workers() -> None:
    def program(library: Library) -> Any:
        return list(library.data.DataLoader(library.Draws(), batch_size=None, num_workers=2))

    theirs, ours = both(program)
    assert ours == theirs


@pytest.mark.parametrize("num_workers", [0, 2, 3])
@pytest.mark.parametrize(
    "options",
    [{"batch_size": None}, {}, {"batch_size": 2}, {"batch_size": 2, "drop_last": True}],
    ids=str,
)
def test_streams(num_workers: int, options: dict[str, Any]) -> None:
    def program(library: Library) -> Any:
        return list(library.data.DataLoader(library.Stream(), num_workers=num_workers, **options))

    theirs, ours = both(program)
    assert ours == theirs


SAMPLERS: dict[str, Callable[[Library, Any], Any]] = {
    "random": lambda lib, g: lib.data.RandomSampler(range(10), generator=g),
    "random 25": lambda lib, g: lib.data.RandomSampler(range(10), num_samples=25, generator=g),
    "random 20": lambda lib, g: lib.data.RandomSampler(range(10), num_samples=20, generator=g),
    "replacement": lambda lib, g: lib.data.RandomSampler(range(10), True, 70, generator=g),
    "replacement 64": lambda lib, g: lib.data.RandomSampler(range(10), True, 64, generator=g),
    "subset": lambda lib, g: lib.data.SubsetRandomSampler([5, 6, 7, 8], generator=g),
    "weighted": lambda lib, g: lib.data.WeightedRandomSampler([0.1, 0.9, 0.4], 8, generator=g),
    "weighted once": lambda lib, g: lib.data.WeightedRandomSampler(
        [0.1, 0.9, 0.4], 3, False, generator=g
    ),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("own", [False, True], ids=["default generator", "given generator"])
def test_samplers(name: str, own: bool) -> None:
    def program(library: Library) -> Any:
        generator = library.generator(3) if own else None
        sampler = SAMPLERS[name](library, generator)
        after = library.core.randint(999, (3,), generator=generator)
        return [list(sampler), list(sampler), len(sampler), after]

    theirs, ours = both(program)
    assert ours == theirs


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("length", "replicas"), [(23, 4), (24, 4), (3, 5), (0, 2), (1, 1)])
def test_distributed_sampler(length: int, replicas: int, shuffle: bool, drop_last: bool) -> None:
    def program(library: Library) -> Any:
        shares = []
        for rank in range(replicas):
            sampler = library.data.distributed.DistributedSampler(
                range(length), replicas, rank, shuffle, 7, drop_last
            )
            sampler.set_epoch(3)
            facts = sampler.num_samples, sampler.total_size, sampler.epoch
            shares.append([list(sampler), len(sampler), facts])
        return shares

    theirs, ours = both(program)
    assert ours == theirs


@pytest.mark.parametrize("seed", range(3))
def test_buffered_shuffle_until_the_stream_ends(seed: int) -> None:
    # PyTorch 2.13 has no BufferedShuffleDataset any more. Its datapipe draws alike as long as the
    # stream goes on, and empties the buffer in another way.
    wrapped = torch.utils.data.datapipes.iter.IterableWrapper(range(40))
    theirs = torch.utils.data.datapipes.iter.Shuffler(wrapped, buffer_size=7).set_seed(seed)

    class Numbers(lamella_data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(range(40))

    expected = list(theirs)[:33]
    random.seed(seed)
    assert list(lamella_data.BufferedShuffleDataset(Numbers(), 7))[:33] == expected


@pytest.mark.parametrize("lengths", [[3, 7], [0.3, 0.3, 0.4], [0.33, 0.33, 0.34], [1.0]])
def test_random_split(lengths: list[float]) -> None:
    def program(library: Library) -> Any:
        parts = library.data.random_split(range(10), lengths, library.generator(3))
        again = library.data.random_split(range(10), lengths)
        return [part.indices for part in [*parts, *again]]

    theirs, ours = both(program)
    assert ours == theirs


class _List(list):
    pass


class _Dict(dict):
    pass


SAMPLES: list[Any] = [
    [1, 2],
    [1.0, 2.0],
    [1, 2.0],
    [1.0, 2],
    [True, False],
    ["a", "b"],
    [b"a", b"b"],
    [(1, 2.0), (3, 4.0)],
    [[1, "a"], [3, "b"]],
    [{"a": 1, "b": [1, 2]}, {"a": 2, "b": [3, 4]}],
    [{"a": 1}, {"a": 2, "b": 3}],
    [Point(1, 2), Point(3, 4)],
    [Point(1, [2, {"a": np.ones(2)}])],
    [np.float32(1), np.float32(2)],
    [np.int8(1)],
    [np.bool_(True)],
    [np.array([1, 2]), np.array([3, 4])],
    [np.array(1.5)],
    [np.float16(1)],
    [np.complex64(1j)],
    [np.str_("a")],
    [_Dict(a=1)],
    [_List([1, 2])],
    [collections.UserList([1, 2])],
    [collections.OrderedDict(a=1)],
    [collections.deque([1, 2])],
    [range(2), range(2)],
    [[], []],
    (1, 2),
    "ab",
]
BAD_SAMPLES: list[Any] = [
    [],
    [None],
    [object()],
    [{1, 2}],
    [1j],
    [[1, 2], [3]],
    [{"a": 1}, {"b": 2}],
    [np.array(["a"])],
    [np.array([object()])],
    [np.array([1, 2]), np.array([1, 2, 3])],
    [np.datetime64("2020-01-01")],
    [1, "a"],
]


@pytest.mark.parametrize("batch", SAMPLES + BAD_SAMPLES, ids=repr)
def test_default_collate(batch: Any) -> None:
    def program(library: Library) -> Any:
        return library.data.default_collate(batch)

    assert outcome(program, OURS) == outcome(program, ORACLE)


@pytest.mark.parametrize("sample", [*SAMPLES, None, 1, np.array(["a"]), {1}, 1j], ids=repr)
def test_default_convert(sample: Any) -> None:
    def program(library: Library) -> Any:
        return library.data.default_convert(sample)

    theirs, ours = outcome(program, ORACLE), outcome(program, OURS)
    assert str(ours) == str(theirs)


def test_tensor_datasets_in_batches() -> None:
    def program(library: Library) -> Any:
        x = library.core.arange(40).reshape(20, 2)
        y = library.core.arange(20)
        whole = library.data.TensorDataset(x, y)
        part = library.data.Subset(whole, [19, 3, 4, 7])
        stack = library.data.StackDataset(a=whole, b=whole)
        concat = library.data.ConcatDataset([part, whole])
        return [
            list(library.data.DataLoader(dataset, 3, shuffle=True))
            for dataset in (whole, part, stack, concat)
        ]

    theirs, ours = both(program)
    assert ours == theirs


ERRORS: dict[str, Callable[[Library], Any]] = {
    "negative workers": lambda lib: lib.data.DataLoader(lib.Keys(), num_workers=-1),
    "negative timeout": lambda lib: lib.data.DataLoader(lib.Keys(), timeout=-1),
    "prefetch alone": lambda lib: lib.data.DataLoader(lib.Keys(), prefetch_factor=2),
    "negative prefetch": lambda lib: lib.data.DataLoader(
        lib.Keys(), num_workers=1, prefetch_factor=-1
    ),
    "persistent alone": lambda lib: lib.data.DataLoader(lib.Keys(), persistent_workers=True),
    "shuffled stream": lambda lib: lib.data.DataLoader(lib.Stream(), shuffle=True),
    "sampled stream": lambda lib: lib.data.DataLoader(lib.Stream(), sampler=[1]),
    "batch-sampled stream": lambda lib: lib.data.DataLoader(lib.Stream(), batch_sampler=[[1]]),
    "sampler and shuffle": lambda lib: lib.data.DataLoader(lib.Keys(), shuffle=True, sampler=[1]),
    "batch sampler and size": lambda lib: lib.data.DataLoader(lib.Keys(), 2, batch_sampler=[[1]]),
    "batch sampler and shuffle": lambda lib: lib.data.DataLoader(
        lib.Keys(), shuffle=True, batch_sampler=[[1]]
    ),
    "batch sampler and sampler": lambda lib: lib.data.DataLoader(
        lib.Keys(), sampler=[1], batch_sampler=[[1]]
    ),
    "no batches, drop_last": lambda lib: lib.data.DataLoader(
        lib.Keys(), batch_size=None, drop_last=True
    ),
    "batch size 0": lambda lib: lib.data.DataLoader(lib.Keys(), batch_size=0),
    "batch size 1.5": lambda lib: lib.data.DataLoader(lib.Keys(), batch_size=1.5),
    "batch size True": lambda lib: lib.data.DataLoader(lib.Keys(), batch_size=True),
    "context alone": lambda lib: lib.data.DataLoader(lib.Keys(), multiprocessing_context="fork"),
    "bad context": lambda lib: lib.data.DataLoader(
        lib.Keys(), num_workers=1, multiprocessing_context="bad"
    ),
    "context of a bad type": lambda lib: lib.data.DataLoader(
        lib.Keys(), num_workers=1, multiprocessing_context=3
    ),
    "empty, shuffled": lambda lib: lib.data.DataLoader([], shuffle=True),
    "length of a stream": lambda lib: len(lib.data.DataLoader(lib.Stream())),
    "set after": lambda lib: setattr(lib.data.DataLoader(lib.Keys()), "batch_size", 3),
    "replacement": lambda lib: lib.data.RandomSampler(range(3), 1),
    "num_samples": lambda lib: lib.data.RandomSampler(range(3), True, 0),
    "weights": lambda lib: lib.data.WeightedRandomSampler([[1.0]], 2),
    "weighted num_samples": lambda lib: lib.data.WeightedRandomSampler([1.0], True),
    "weighted replacement": lambda lib: lib.data.WeightedRandomSampler([1.0], 2, 1),
    "weighted too many": lambda lib: list(lib.data.WeightedRandomSampler([1.0, 2.0], 3, False)),
    "weighted negative": lambda lib: list(lib.data.WeightedRandomSampler([1.0, -2.0], 3)),
    "batch sampler size": lambda lib: lib.data.BatchSampler([1], 0, False),
    "batch sampler drop_last": lambda lib: lib.data.BatchSampler([1], 1, 0),
    "distributed rank": lambda lib: lib.data.DistributedSampler(range(3), 2, 2),
    "sampler": lambda lib: iter(lib.data.Sampler()),
    "dataset": lambda lib: lib.data.Dataset()[0],
    "stream": lambda lib: lib.data.IterableDataset(),
    "tensor sizes": lambda lib: lib.data.TensorDataset(lib.core.ones(2), lib.core.ones(3)),
    "stack sizes": lambda lib: lib.data.StackDataset([1], [1, 2]),
    "stack of nothing": lambda lib: lib.data.StackDataset(),
    "stack of both": lambda lib: lib.data.StackDataset([1], a=[1]),
    "concat of nothing": lambda lib: lib.data.ConcatDataset([]),
    "concat of a stream": lambda lib: lib.data.ConcatDataset([lib.Stream()]),
    "concat below": lambda lib: lib.data.ConcatDataset([[1], [2]])[-3],
    "concat above": lambda lib: lib.data.ConcatDataset([[1], [2]])[2],
    "chain of a map": lambda lib: list(lib.data.ChainDataset([lib.Keys()])),
    "subset above": lambda lib: lib.data.Subset(lib.Keys(), [1])[1],
    "split lengths": lambda lib: lib.data.random_split(range(10), [3, 6]),
    "split fractions": lambda lib: lib.data.random_split(range(10), [0.5, -0.5, 1.0]),
    "split 0.9": lambda lib: lib.data.random_split(range(10), [0.3, 0.6]),
}


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("stop", [1, 4, 6])
def test_a_resumed_loader_goes_on_as_pytorchs_undisturbed_one(
    stop: int, own_generator: bool, num_workers: int
) -> None:
    def make(library: Library) -> Any:
        library.core.manual_seed(12)
        return library.data.DataLoader(
            library.Keys(),
            4,
            shuffle=True,
            num_workers=num_workers,
            generator=library.generator(5) if own_generator else None,
        )

    undisturbed = make(ORACLE)
    theirs = [[batch.tolist() for batch in undisturbed] for _ in range(3)]
    stopped = make(OURS)
    ours = [[batch.tolist() for batch in stopped]]
    iterator = iter(stopped)
    first_part = [next(iterator).tolist() for _ in range(stop)]
    state = stopped.state_dict()
    resumed = make(OURS)
    resumed.load_state_dict(state)
    ours.append(first_part + [batch.tolist() for batch in resumed])
    ours.append([batch.tolist() for batch in resumed])
    assert ours == theirs


OPTIONS: dict[str, list[Any]] = {
    "batch_size": [0, None, 2, -1, 1.5, "a", True],
    "shuffle": [True, False, None],
    "sampler": [[0, 1], []],
    "batch_sampler": [[[0]], []],
    "num_workers": [0, 1, -1, "x", None],
    "collate_fn": [list, 3],
    "drop_last": [True, 1, None],
    "timeout": [1, -1, None],
    "multiprocessing_context": ["fork", "nope", 3],
    "generator": [3],
    "prefetch_factor": [0, 1, -1, 2.5],
    "persistent_workers": [True],
    "in_order": [False],
}


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(OPTIONS, 2)))
def test_pairs_of_options(one: str, other: str) -> None:
    def program(options: dict[str, Any], kind: str) -> Callable[[Library], Any]:
        def run(library: Library) -> Any:
            library.core.manual_seed(0)
            sources = {"map": library.Keys(), "stream": library.Stream(), "empty": []}
            loader = library.data.DataLoader(sources[kind], **options)
            # Starting workers for each pair would take minutes.
            return list(loader) if loader.num_workers == 0 else None

        return run

    for values in itertools.product(OPTIONS[one], OPTIONS[other]):
        options = dict(zip((one, other), values, strict=True))
        for kind in ("map", "stream", "empty"):
            theirs = outcome(program(options, kind), ORACLE)
            assert outcome(program(options, kind), OURS) == theirs, (options, kind)


@pytest.mark.parametrize("name", ERRORS)
def test_error_types(name: str) -> None:
    theirs, ours = outcome(ERRORS[name], ORACLE), outcome(ERRORS[name], OURS)
    assert theirs[0] == "error"
    assert ours == theirs


class _NeedsTwo(Exception):
    def __init__(self, first: object, second: object) -> None:
        super().__init__(first, second)


@pytest.mark.parametrize(
    "error", [ValueError("x"), KeyError("x"), IndexError("x"), _NeedsTwo(1, 2)], ids=repr
)
def test_errors_from_workers(error: Exception) -> None:
    def program(library: Library) -> Any:
        def fail(batch: Any) -> Any:
            raise error

        return list(library.data.DataLoader(library.Keys(), num_workers=1, collate_fn=fail))

    first_lines = []
    for library in (ORACLE, OURS):
        with pytest.raises(Exception) as caught:
            program(library)
        lines = str(caught.value).splitlines()
        first_lines.append((caught.type, lines[:2], lines[-1]))
    assert first_lines[0] == first_lines[1]
