"""The CPU random generator: MT19937, seeded, stepped and stored as PyTorch does it.

Every CPU random number of PyTorch comes from one stream of 32-bit words, the Mersenne Twister
MT19937 (M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998) with Knuth's
initialisation from the low 32 bits of the seed. NumPy's ``MT19937`` bit generator steps the same
twister, so the words come from there and only seeding, the 64-bit draw and the stored form of the
state are defined here.

A request for a few words takes them from a store that is filled ahead (``Ahead``), and so do the
numbers that small calls ask for. Nothing of it is to be seen from outside: who asks for the state
gets that after the last word that was given out.
"""

from __future__ import annotations

import math
import operator
import os
import threading
from typing import Any

import numpy as np

DEFAULT_SEED = 67280421310721
STATE_BYTES = 5056

_KEY_WORDS = 624
_MASK_32 = np.uint64(0xFFFFFFFF)
_MASK_53 = 2**53 - 1
_SHIFT_32 = np.uint64(32)

# The saved state counted in 8-byte fields: the seed; two int32 (words left, seeded flag); the next
# index; 624 key words; three doubles of which the second holds the waiting normal number; an int32
# that says whether it waits; a float32 cache that no CPU function fills.
_SEED_FIELD = 0
_COUNTERS_FIELD = 1
_NEXT_FIELD = 2
_KEY_FIELD = 3
_NORMAL_FIELD = _KEY_FIELD + _KEY_WORDS + 1
_HAS_NORMAL_FIELD = _NORMAL_FIELD + 2

# Requests for so many words are served from words drawn ahead, of which there are so many at most.
FEW = 1024
_MOST_AHEAD = 16384
# How many words are drawn again at most, 0.2 ms, to be where the last one was given out.
_FAR = 65536
_NONE = np.empty(0, np.uint64)

# What takes most of the time, by name: a plugin puts faster forms in. "draw" takes NumPy's twister
# and a number of words, which it returns; the others are put in where they are defined. One with
# the attribute ``takes_few`` needs no large blocks to be quick.
steps: dict[str, Any] = {"draw": lambda twister, count: twister.random_raw(count)}


class Ahead:
    # Words drawn ahead of their use, and what was made of all of them at once for calls to come.
    #
    # Threads may take from it at the same time: a piece of code that reads ``used`` and moves it on
    # has no call in between, where alone the interpreter could switch. All else is done under the
    # generator's lock.
    #
    # Attributes:
    #     words: uint64; ``size`` of them, of which ``used`` are given out.
    #     floats: the word at each place as a float32 of [0, 1), ``float_count`` of them.
    #     blocks: normal numbers of the words from ``block_start`` on in blocks of sixteen,
    #         ``block_count`` of them.
    #     turns: cosine numbers and sine numbers of a block that would begin at each place.
    #     singles: normal numbers made one at a time, of the words from ``single_start`` on,
    #         ``single_count`` of them, of which ``single_place`` are given out. When that is odd,
    #         the second of a pair waits.
    #     single_end: where the words of the last such number end.
    #     single_most: of how many words such numbers were last made at once.
    #     ends: ``(low, high)`` of the last integers.
    #     integers: the word at each place as an integer of [low, high), once these ends came twice.
    __slots__ = (
        "block_count", "block_start", "blocks", "ends", "float_count", "floats", "integers",
        "single_count", "single_end", "single_most", "single_place", "single_start", "singles",
        "size", "turns", "used", "words",
    )  # fmt: skip

    blocks: Any
    ends: tuple[int, int] | None
    floats: Any
    integers: Any
    singles: Any
    turns: Any

    def __init__(self, words: np.ndarray) -> None:
        self.words = words
        self.size = words.size
        self.used = self.block_start = self.single_start = self.single_end = 0
        self.float_count = self.block_count = 0
        self.single_count = self.single_most = self.single_place = 0
        self.floats = self.blocks = self.turns = self.singles = self.integers = self.ends = None


def pair_of(words: list[int]) -> tuple[float, float]:
    # Two normal numbers of four words, by Box and Muller's transform in double precision.
    angle = 2.0 * math.pi * ((words[0] << 32 | words[1]) & _MASK_53) * 2.0**-53
    radius = math.sqrt(-2.0 * math.log1p(-((words[2] << 32 | words[3]) & _MASK_53) * 2.0**-53))
    return radius * math.cos(angle), radius * math.sin(angle)


class Generator:
    # A source of CPU random numbers with PyTorch's stream.
    #
    # Args:
    #     device: where the numbers are made; only ``"cpu"`` here.
    #
    # Raises:
    #     RuntimeError: for any other device.
    #
    # A new generator carries PyTorch's fixed default seed, 67280421310721.
    #
    # Attributes:
    #     ahead: the words drawn ahead.
    #     second: what ``waiting_normal`` is, unless it is told by ``ahead.single_place``.
    __slots__ = (
        "_base", "_bits", "_device", "_lock", "_seed", "_seeder", "_since", "ahead", "second",
    )  # fmt: skip

    def __init__(self, device: object = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise RuntimeError(
                f"Generator: this generator makes numbers on the CPU only, got device "
                f"{str(device)!r}; expected 'cpu'. Use the generator of that device's backend."
            )
        self._device = device
        self._lock = threading.Lock()
        self._bits: Any = None
        self.manual_seed(DEFAULT_SEED)

    @property
    def device(self) -> object:
        # The device that was given when the generator was made.
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        # Restart the stream from ``seed`` and return the generator.
        #
        # Args:
        #     seed: an integer in [-2**63, 2**64 - 1]; a negative seed stands for ``seed + 2**64``.
        #         The stream depends on its low 32 bits.
        #
        # Raises:
        #     RuntimeError: if ``seed`` is not an integer.
        #     ValueError: if it is outside the range.
        if isinstance(seed, (bool, np.bool_)) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = operator.index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed expected a seed in [-2**63, 2**64 - 1], but got {seed}")
        with self._lock:
            self._seed = seed % 2**64
            if self._bits is not None:
                self._seeder.seed(self._seed & 0xFFFFFFFF)
            self._restart(None)
            self.second: float | None = None
        return self

    def _seeded(self) -> Any:
        # NumPy's twister; made late, since NumPy takes 10 ms to load it.
        if self._bits is None:
            self._bits = np.random.MT19937(0)
            self._seeder = np.random.RandomState(self._bits)
            self._seeder.seed(self._seed & 0xFFFFFFFF)
        return self._bits

    def _restart(self, base: Any) -> None:
        # Without words ahead; ``base`` is the state of the twister, None that of the seed.
        self.ahead = Ahead(_NONE)
        self._base: Any = base
        self._since = 0

    def seed(self) -> int:
        # Restart from a seed drawn from the operating system's entropy and return that seed.
        self.manual_seed(int.from_bytes(os.urandom(8)))
        return self._seed

    def initial_seed(self) -> int:
        # The seed in use, as an unsigned 64-bit integer.
        return self._seed

    @property
    def waiting_normal(self) -> float | None:
        # The second number of a Box-Muller pair whose first was given out by itself.
        ahead = self.ahead
        if ahead.single_place & 1:
            end = ahead.single_end
            ahead.single_count = ahead.single_place = 0
            self.second = pair_of(ahead.words[end - 4 : end].tolist())[1]
        return self.second

    @waiting_normal.setter
    def waiting_normal(self, number: float | None) -> None:
        self.ahead.single_count = self.ahead.single_place = 0
        self.second = number

    def claim(self, count: int) -> tuple[Ahead, int]:
        # Gives out at most ``FEW`` words: what they are ahead in, and the place of the first.
        ahead = self.ahead
        start = ahead.used
        stop = start + count
        if stop <= ahead.size:
            ahead.used = stop
            return ahead, start
        with self._lock:
            rest = self._rest()
            if rest.size < count:
                fresh = min(max(8 * count, 4 * self.ahead.size), _MOST_AHEAD)
                # These words reach beyond the rest, so no one goes back to before them.
                if self._since > _FAR:
                    self._base, self._since = self._bits.state, 0
                rest = np.concatenate((rest, self._draw(fresh)))
            ahead = Ahead(rest)
            ahead.used = count
            ahead.single_most = self.ahead.single_most
            self.ahead = ahead
            return ahead, 0

    def _draw(self, count: int) -> np.ndarray:
        self._since += count
        return steps["draw"](self._seeded(), count)

    def _rest(self) -> np.ndarray:
        # Gives out all words that are ahead.
        ahead = self.ahead
        start = ahead.used
        ahead.used = ahead.size
        self.second = self.waiting_normal
        return ahead.words[start:]

    def words(self, count: int) -> np.ndarray:
        # The next ``count`` 32-bit words, as uint64 (count,).
        if count <= FEW:
            ahead, start = self.claim(count)
            return ahead.words[start : start + count].copy()
        with self._lock:
            rest = self._rest()
            if rest.size >= count:
                self.ahead = Ahead(rest[count:])
                return rest[:count].copy()
            if self.ahead.size:
                self.ahead = Ahead(_NONE)
            fresh = self._draw(count - rest.size)
        return np.concatenate((rest, fresh)) if rest.size else fresh

    def double_words(self, count: int) -> np.ndarray:
        # The next ``count`` 64-bit draws, uint64 (count,): two words each, the high one first.
        pairs = self.words(2 * count)
        high = pairs[0::2] << _SHIFT_32
        high |= pairs[1::2]
        return high

    def _twister(self) -> Any:
        # The twister's state after the last word that was given out.
        with self._lock:
            unused = self._rest().size
            if unused:
                if self._base is None:
                    self._seeder.seed(self._seed & 0xFFFFFFFF)
                else:
                    self._bits.state = self._base
                self._bits.random_raw(self._since - unused, False)
            self._restart(self._seeded().state)
            return self._base["state"]

    def get_state(self) -> np.ndarray:
        # The state as uint8 (5056,), byte for byte what ``torch.Generator.get_state`` stores.
        twister = self._twister()
        key, position = twister["key"], int(twister["pos"])
        fields = np.zeros(STATE_BYTES // 8, np.uint64)
        fields[_SEED_FIELD] = self._seed
        fields[_COUNTERS_FIELD : _COUNTERS_FIELD + 1].view(np.int32)[:] = (
            _KEY_WORDS + 1 - position,
            1,
        )
        # Both an unused key and a used-up one have one word "left"; only the unused one has the
        # next index 0, and it still begins with the seed.
        unused = position == _KEY_WORDS and int(key[0]) == self._seed & 0xFFFFFFFF
        fields[_NEXT_FIELD] = 0 if unused else position
        fields[_KEY_FIELD : _KEY_FIELD + _KEY_WORDS] = key
        if self.waiting_normal is not None:
            fields[_NORMAL_FIELD : _NORMAL_FIELD + 1].view(np.float64)[0] = self.waiting_normal
            fields[_HAS_NORMAL_FIELD : _HAS_NORMAL_FIELD + 1].view(np.int32)[0] = 1
        return fields.view(np.uint8)

    def set_state(self, state: np.ndarray) -> Generator:
        # Continue from a state that ``get_state``, here or in PyTorch, returned.
        #
        # Args:
        #     state: uint8 (5056,).
        #
        # Raises:
        #     TypeError: if ``state`` is not an array of uint8.
        #     RuntimeError: if it has another size, or its counters are not those of a seeded
        #         twister.
        if not isinstance(state, np.ndarray) or state.dtype != np.uint8:
            found = state.dtype if isinstance(state, np.ndarray) else type(state).__name__
            raise TypeError(f"set_state expects an array of uint8, but got {found}")
        if state.size != STATE_BYTES:
            raise RuntimeError(
                f"set_state expects a CPU generator state of {STATE_BYTES} bytes, "
                f"but got {state.size}"
            )
        fields = np.frombuffer(state.tobytes(), np.uint64)
        left, seeded = fields[_COUNTERS_FIELD : _COUNTERS_FIELD + 1].view(np.int32).tolist()
        position = int(fields[_NEXT_FIELD])
        if not (seeded == 1 and 0 < left <= _KEY_WORDS and position <= _KEY_WORDS):
            raise RuntimeError(
                "set_state got an invalid mt19937 state: expected the seeded flag 1, words left "
                f"in [1, {_KEY_WORDS}] and next index in [0, {_KEY_WORDS}], but got {seeded}, "
                f"{left} and {position}"
            )
        twister: Any = {
            "key": (fields[_KEY_FIELD : _KEY_FIELD + _KEY_WORDS] & _MASK_32).astype(np.uint32),
            "pos": _KEY_WORDS if left == 1 else position,
        }
        has_normal = fields[_HAS_NORMAL_FIELD : _HAS_NORMAL_FIELD + 1].view(np.int32)[0]
        normal = fields[_NORMAL_FIELD : _NORMAL_FIELD + 1].view(np.float64)[0]
        with self._lock:
            self._seed = int(fields[_SEED_FIELD])
            self._seeded().state = {"bit_generator": "MT19937", "state": twister}
            self._restart(self._bits.state)
            self.second = float(normal) if has_normal else None
        return self

    def clone_state(self) -> Generator:
        # A new generator that continues as this one would.
        return Generator(self._device).set_state(self.get_state())

    def __reduce__(self) -> tuple:
        return _restore, (self._device, self.get_state())


def _restore(device: object, state: np.ndarray) -> Generator:
    return Generator(device).set_state(state)


default_generator = Generator()
