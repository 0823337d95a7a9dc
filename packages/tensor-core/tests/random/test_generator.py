"""The expected values were printed by PyTorch 2.13 (CPU) from the same seeds and calls."""

from __future__ import annotations

import hashlib
import pickle
from threading import Thread

import numpy as np
import pytest

from lamella_core import random
from lamella_core.random import Generator
from lamella_core.random.integers import randint


def digest(array):
    return hashlib.sha256(array.tobytes()).hexdigest()[:16]


def test_default_seed():
    g = Generator()
    assert g.initial_seed() == 67280421310721
    np.testing.assert_array_equal(
        random.uniform(3, generator=g),
        np.float32([0.267295241355896, 0.8725283145904541, 0.3352888226509094]),
    )


def test_negative_seed_is_taken_modulo_two_to_the_64():
    g = Generator().manual_seed(-1)
    assert g.initial_seed() == 2**64 - 1
    np.testing.assert_array_equal(
        random.uniform(3, generator=g),
        np.float32([0.9937993884086609, 0.5713063478469849, 0.5700080394744873]),
    )


def test_words_are_those_of_the_reference_twister():
    # The 10000th word from seed 5489: the C++ standard's check value for mt19937.
    assert Generator().manual_seed(5489).words(10000)[-1] == 4123659995


def test_words_in_portions_are_those_of_numpy():
    g = Generator().manual_seed(5)
    portions = [g.words(n % 1500) for n in range(0, 30000, 37)]
    words = np.concatenate(portions)
    reference = np.random.RandomState(5)
    np.testing.assert_array_equal(words, reference.randint(0, 2**32, words.size, np.uint32))
    twister = reference.get_state()
    fields = np.frombuffer(g.get_state().tobytes(), np.uint64)
    np.testing.assert_array_equal(fields[3 : 3 + 624], twister[1])
    assert fields[2] == twister[2]


def test_threads_share_the_stream():
    g = Generator().manual_seed(6)
    drawn = [[] for _ in range(4)]

    def draw(into):
        for _ in range(5000):
            into.extend(randint(0, 2**27, (3,), g, np.dtype(np.int64), None).tolist())

    threads = [Thread(target=draw, args=(into,)) for into in drawn]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    expected = np.random.RandomState(6).randint(0, 2**32, 60000, np.uint32) % 2**27
    assert sorted(sum(drawn, [])) == sorted(expected.tolist())


def test_double_words_hold_the_first_word_high():
    words = Generator().manual_seed(5).words(4).tolist()
    pairs = Generator().manual_seed(5).double_words(2).tolist()
    assert pairs == [(words[0] << 32) | words[1], (words[2] << 32) | words[3]]


def test_state_bytes():
    g = Generator().manual_seed(42)
    state = g.get_state()
    assert state.dtype == np.uint8
    assert state.shape == (5056,)
    assert digest(state) == "5feb54a46230d321"
    random.uniform(3, generator=g)
    random.normal(3, generator=g)
    assert digest(g.get_state()) == "83ec812528297ab0"


def test_state_carries_the_waiting_normal_number():
    g = Generator().manual_seed(42)
    random.uniform(3, generator=g)
    random.normal(3, generator=g)
    continued = Generator().set_state(g.get_state())
    expected = [0.29893549051188345, -0.010696421806068576]
    for source in (g, continued):
        np.testing.assert_allclose(
            random.normal(2, dtype=np.float64, generator=source), expected, rtol=1e-14
        )


def test_state_round_trip_at_every_kind_of_position():
    g = Generator().manual_seed(7)
    for count in (0, 1, 622, 1, 1, 623, 624, 5):
        g.words(count)
        copy = Generator().set_state(g.get_state())
        np.testing.assert_array_equal(copy.get_state(), g.get_state())
        np.testing.assert_array_equal(copy.words(700), g.clone_state().words(700))


def test_pickle_continues_the_stream():
    g = Generator().manual_seed(3)
    g.words(10)
    copy = pickle.loads(pickle.dumps(g))
    assert copy.initial_seed() == 3
    np.testing.assert_array_equal(copy.words(20), g.words(20))


def test_manual_seed_returns_the_generator_and_forgets_the_waiting_number():
    g = Generator()
    random.normal(1, generator=g)
    assert g.manual_seed(0) is g
    np.testing.assert_array_equal(g.get_state(), Generator().manual_seed(0).get_state())


def test_seed_differs_between_calls():
    g = Generator()
    assert g.seed() != g.seed()
    last = g.seed()
    assert g.initial_seed() == last


@pytest.mark.parametrize("seed", [True, 1.5, "7", None])
def test_seed_of_a_wrong_type(seed):
    with pytest.raises(RuntimeError, match=f"got {type(seed).__name__}"):
        Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=str(seed)):
        Generator().manual_seed(seed)


def test_bad_states():
    g = Generator()
    with pytest.raises(TypeError, match="float64"):
        g.set_state(np.zeros(5056))
    with pytest.raises(RuntimeError, match="5056 bytes, but got 3"):
        g.set_state(np.zeros(3, np.uint8))
    with pytest.raises(RuntimeError, match="invalid mt19937 state"):
        g.set_state(np.zeros(5056, np.uint8))


def test_other_devices_are_refused():
    with pytest.raises(RuntimeError, match="'cuda'"):
        Generator("cuda")
    assert Generator("cpu").device == "cpu"


def test_functions_draw_from_the_default_generator():
    state = random.default_generator.get_state()
    first = random.uniform(4)
    random.default_generator.set_state(state)
    np.testing.assert_array_equal(random.uniform(4), first)
