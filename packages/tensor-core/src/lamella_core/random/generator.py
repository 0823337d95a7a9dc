"""The CPU random generator: MT19937, seeded, stepped and stored as PyTorch does it.

Every CPU random number of PyTorch comes from one stream of 32-bit words, the Mersenne Twister
MT19937 (M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998) with Knuth's
initialisation from the low 32 bits of the seed. NumPy's ``MT19937`` bit generator steps the same
twister, so the words come from there and only seeding, the 64-bit draw and the stored form of the
state are defined here.
"""

from __future__ import annotations

import operator
import secrets

import numpy as np

DEFAULT_SEED = 67280421310721
STATE_BYTES = 5056

_KEY_WORDS = 624
_MASK_32 = np.uint64(0xFFFFFFFF)
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


class Generator:
    """A source of CPU random numbers with PyTorch's stream.

    Args:
        device: where the numbers are made; only ``"cpu"`` here.

    Raises:
        RuntimeError: for any other device.

    A new generator carries PyTorch's fixed default seed, 67280421310721.
    """

    __slots__ = ("_bits", "_device", "_seed", "_seeder", "waiting_normal")

    def __init__(self, device: object = "cpu") -> None:
        if str(device).partition(":")[0] != "cpu":
            raise RuntimeError(
                f"Generator: this generator makes numbers on the CPU only, got device "
                f"{str(device)!r}; expected 'cpu'. Use the generator of that device's backend."
            )
        self._device = device
        self._bits = np.random.MT19937(0)
        self._seeder = np.random.RandomState(self._bits)
        self.manual_seed(DEFAULT_SEED)

    @property
    def device(self) -> object:
        """The device that was given when the generator was made."""
        return self._device

    def manual_seed(self, seed: int) -> Generator:
        """Restart the stream from ``seed`` and return the generator.

        Args:
            seed: an integer in [-2**63, 2**64 - 1]; a negative seed stands for ``seed + 2**64``.
                The stream depends on its low 32 bits.

        Raises:
            RuntimeError: if ``seed`` is not an integer.
            ValueError: if it is outside the range.
        """
        if isinstance(seed, (bool, np.bool_)) or not hasattr(seed, "__index__"):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        seed = operator.index(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError(f"manual_seed expected a seed in [-2**63, 2**64 - 1], but got {seed}")
        self._seed = seed % 2**64
        self._seeder.seed(self._seed & 0xFFFFFFFF)
        # The second number of a Box-Muller pair whose first was handed out by the scalar path.
        self.waiting_normal: float | None = None
        return self

    def seed(self) -> int:
        """Restart from a seed drawn from the operating system's entropy and return that seed."""
        self.manual_seed(secrets.randbits(64))
        return self._seed

    def initial_seed(self) -> int:
        """The seed in use, as an unsigned 64-bit integer."""
        return self._seed

    def words(self, count: int) -> np.ndarray:
        """The next ``count`` 32-bit words, as uint64 (count,)."""
        return self._bits.random_raw(count)

    def double_words(self, count: int) -> np.ndarray:
        """The next ``count`` 64-bit draws, uint64 (count,): two words each, the high one first."""
        pairs = self._bits.random_raw(2 * count)
        high = pairs[0::2] << _SHIFT_32
        high |= pairs[1::2]
        return high

    def get_state(self) -> np.ndarray:
        """The state as uint8 (5056,), byte for byte what ``torch.Generator.get_state`` stores."""
        twister = self._bits.state["state"]
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
        """Continue from a state that ``get_state``, here or in PyTorch, returned.

        Args:
            state: uint8 (5056,).

        Raises:
            TypeError: if ``state`` is not an array of uint8.
            RuntimeError: if it has another size, or its counters are not those of a seeded
                twister.
        """
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
        self._seed = int(fields[_SEED_FIELD])
        self._bits.state = {
            "bit_generator": "MT19937",
            "state": {
                "key": (fields[_KEY_FIELD : _KEY_FIELD + _KEY_WORDS] & _MASK_32).astype(np.uint32),
                "pos": _KEY_WORDS if left == 1 else position,
            },
        }
        has_normal = fields[_HAS_NORMAL_FIELD : _HAS_NORMAL_FIELD + 1].view(np.int32)[0]
        normal = fields[_NORMAL_FIELD : _NORMAL_FIELD + 1].view(np.float64)[0]
        self.waiting_normal = float(normal) if has_normal else None
        return self

    def clone_state(self) -> Generator:
        """A new generator that continues as this one would."""
        return Generator(self._device).set_state(self.get_state())

    def __reduce__(self) -> tuple:
        return _restore, (self._device, self.get_state())


def _restore(device: object, state: np.ndarray) -> Generator:
    return Generator(device).set_state(state)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator with ``int(seed)`` and return it."""
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seed the default generator from the operating system's entropy and return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> np.ndarray:
    """The state of the default generator, uint8 (5056,)."""
    return default_generator.get_state()


def set_rng_state(new_state: np.ndarray) -> None:
    """Let the default generator continue from ``new_state``, uint8 (5056,)."""
    default_generator.set_state(new_state)
