"""Random ops: the numbers of PyTorch 2.13 from the same seed, recorded there on a CPU."""

from __future__ import annotations

import hashlib

import pytest

import lamella_core as lc


@pytest.fixture(autouse=True)
def seeded() -> None:
    lc.manual_seed(0)


def test_new_tensors_in_turn() -> None:
    assert lc.rand(3).tolist() == [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
    assert lc.randn(3).tolist() == pytest.approx(
        [0.3643381893634796, 0.13439632952213287, 0.16421625018119812], rel=1e-6
    )
    assert lc.randint(0, 10, (5,)).tolist() == [6, 6, 9, 8, 6]
    assert lc.randperm(6).tolist() == [0, 4, 1, 3, 2, 5]


def digest(tensors) -> str:
    whole = hashlib.sha256()
    for each in tensors:
        whole.update(each.numpy().tobytes())
    return whole.hexdigest()[:16]


def mixed(i: int):
    yield lc.rand(3)
    yield lc.randn(3)
    yield lc.randn(16) if i % 3 else lc.randn(5, 5)
    yield lc.randint(-3, 10, (2, 2))
    yield lc.rand(2, 3)


def alike():
    for _ in range(3000):
        yield lc.randn(3)
    for _ in range(1500):
        yield lc.randn(16)
    for _ in range(3000):
        yield lc.randint(0, 10, (3,))


def test_many_small_calls() -> None:
    lc.manual_seed(42)
    assert digest(each for i in range(3000) for each in mixed(i)) == "6b897c015be724e9"
    assert digest([lc.get_rng_state()]) == "609a99286a60365d"
    lc.manual_seed(42)
    assert digest(alike()) == "7354f844b1c56a29"
    assert digest([lc.get_rng_state()]) == "b3b994078399b25f"


def test_asking_for_the_state_changes_no_number() -> None:
    whole = [each.tolist() for i in range(60) for each in mixed(i)]
    lc.manual_seed(0)
    parts = []
    for i in range(60):
        for each in mixed(i):
            parts.append(each.tolist())
            lc.set_rng_state(lc.get_rng_state())
    assert parts == whole


def test_sizes() -> None:
    expected = lc.rand(2, 3).tolist()
    for draw in (
        lambda: lc.rand((2, 3)),
        lambda: lc.rand(size=(2, 3)),
        lambda: lc.rand(lc.tensor(2), 3),
        lambda: lc.empty(2, 3).uniform_(),
    ):
        lc.manual_seed(0)
        assert draw().tolist() == expected
    assert lc.randn(0).shape == (0,)
    assert lc.randint(0, 5, (2, 0)).shape == (2, 0)
    for wrong, error in (((-1,), RuntimeError), ((-2, -3), RuntimeError), ((2.0,), TypeError)):
        lc.manual_seed(0)
        for draw in (lc.rand, lc.randn, lambda *size: lc.randint(0, 5, size)):
            with pytest.raises(error):
                draw(*wrong)
        assert lc.rand(2, 3).tolist() == expected
    with pytest.raises(TypeError, match="size"):
        lc.rand()


def test_samples_in_turn() -> None:
    assert lc.bernoulli(lc.full((6,), 0.5)).tolist() == [1.0, 0.0, 1.0, 1.0, 1.0, 0.0]
    assert lc.multinomial(lc.tensor([1.0, 2.0, 3.0, 4.0]), 3).tolist() == [3, 1, 2]
    assert lc.poisson(lc.tensor([1.0, 5.0, 20.0])).tolist() == [0.0, 4.0, 22.0]
    got = lc.normal(lc.tensor([1.0, 2.0]), lc.tensor([0.5, 0.1]))
    assert got.tolist() == pytest.approx([0.5235824584960938, 2.0371720790863037], rel=1e-6)


def test_generators() -> None:
    generator = lc.Generator().manual_seed(0)
    assert lc.rand(1, generator=generator).item() == 0.49625658988952637
    state = generator.get_state()
    assert state.dtype is lc.uint8
    assert state.shape == (5056,)
    following = lc.rand(4, generator=generator).tolist()
    generator.set_state(state)
    assert lc.rand(4, generator=generator).tolist() == following
    assert generator.initial_seed() == 0
    assert str(generator.device) == "cpu"
    with pytest.raises(TypeError, match="generator"):
        lc.rand(2, generator=3)
    with pytest.raises(RuntimeError, match="no backend for device type"):
        lc.Generator("nowhere")
    with pytest.raises(TypeError, match="ByteTensor"):
        generator.set_state(lc.zeros(5056))


def test_the_state_of_the_default_generator() -> None:
    lc.rand(1)
    # The sum of all bytes of PyTorch's state after torch.manual_seed(0); torch.rand(1).
    assert lc.get_rng_state().sum().item() == 312064
    state = lc.get_rng_state()
    first = lc.rand(3).tolist()
    lc.set_rng_state(state)
    assert lc.rand(3).tolist() == first
    with lc.fork_rng():
        lc.rand(10)
    assert lc.default_generator.get_state().tolist() != state.tolist()
    lc.set_rng_state(state)
    with lc.fork_rng():
        lc.rand(10)
    assert lc.rand(3).tolist() == first
    assert lc.initial_seed() == 0


def test_arguments() -> None:
    assert lc.randint(5, (2,)).dtype is lc.int64
    assert lc.randint(low=1, high=2, size=(3,)).tolist() == [1, 1, 1]
    assert lc.rand((2, 3)).shape == (2, 3)
    assert lc.randn_like(lc.zeros(2, 3, dtype=lc.float64)).dtype is lc.float64
    assert lc.randint_like(lc.zeros(2), 1).tolist() == [0.0, 0.0]
    assert lc.normal(0.0, 1.0, (2, 2)).shape == (2, 2)
    with pytest.raises(TypeError, match="size a tuple of ints"):
        lc.randint(5, 2)
    with pytest.raises(RuntimeError, match="'from' to be less than 'to'"):
        lc.randint(3, 3, (2,))
    with pytest.raises(NotImplementedError):
        lc.rand(2, dtype=lc.int64)
    with pytest.raises(RuntimeError, match="non-negative"):
        lc.randperm(-1)
    with pytest.raises(RuntimeError, match="std >= 0"):
        lc.normal(0.0, -1.0, (2,))
    with pytest.raises(RuntimeError):
        lc.bernoulli(lc.tensor([2.0]))


def test_out() -> None:
    out = lc.empty(3)
    assert lc.rand(3, out=out) is out
    assert out.tolist() == [0.49625658988952637, 0.7682217955589294, 0.08847743272781372]
