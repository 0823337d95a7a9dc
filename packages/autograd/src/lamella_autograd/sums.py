"""Sums of the parts that a gradient comes in, as a pass makes them by the thousand.

What ``have + grad`` comes to for plain tensors is written out here, in half the time. What is not
plain (another device, a layer of the dispatcher, a graph of the pass itself) goes through the op.

A leaf's gradient is summed up within the pass, and joins ``.grad`` at its end, or before code of
the user's runs: a small array is added to another in a third of the time that ``.grad.add_`` takes,
which has to shut out other threads and to look at what is there. Large ones join ``.grad`` as they
come, so that a pass holds no more than a few kilobytes for each leaf.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

import numpy as np

from lamella_autograd.modes import NO_GRAD
from lamella_autograd.ownership import is_alone, references, sheds_storage
from lamella_core.device import CPU
from lamella_core.dispatch import REORDERED, backend_of, modes, ops
from lamella_core.quiet import quiet
from lamella_core.tensor import Tensor, blank

# The largest array, in elements, that waits for the end of a pass.
SMALL = 1024

# The key of a plain tensor, and of one that may be transposed.
PLAIN = backend_of(CPU).key
_TRANSPOSED = PLAIN | REORDERED
_add = np.add
_array = np.ndarray
_as_array = np.asarray
_table = ops["add"].table


def _summed(have: Tensor, grad: Tensor) -> Tensor:
    """``have + grad``, recorded where the pass is; in ``have``, if it is large, where nobody else
    has it."""
    key = have._key
    dtype = have._dtype
    keys = key | grad._key
    if modes.bits == NO_GRAD and dtype is grad._dtype and (keys == PLAIN or keys == _TRANSPOSED):
        if (
            have._array.size > SMALL
            and getrefcount(have) <= references.summed
            and have._array.shape == grad._array.shape
            and sheds_storage(have)
            and is_alone(have._array)
            and _is_own(have._array)
        ):
            _add(have._array, grad._array, have._array)
            return have
        if keys == PLAIN:
            array = _add(have._array, grad._array)
            if array.__class__ is not _array:
                array = _as_array(array)
            tensor = blank()
            tensor._array = array
            tensor._dtype = dtype
            tensor._key = key
            tensor._storage = tensor._graph = tensor._view = tensor._grad = None
            return tensor
    return _table[keys | modes.bits](have, grad)


def _is_own(array: Any) -> bool:
    # Whether the memory is NumPy's, and no two elements are one in it.
    owner = array.base
    if owner is None:
        return True
    return owner.__class__ is _array and owner.flags.owndata and array.flags.forc


def _deposit(sums: dict[Tensor, Any], leaf: Tensor, grad: Tensor) -> bool:
    """Adds to the sum for a leaf, where it is plain and small; otherwise returns False.

    Args:
        sums: by leaf, the only part that came yet, as a tensor; or the sum of several, an array
            that nobody else has.
    """
    more = grad._array
    key = grad._key
    if (key != PLAIN and key != _TRANSPOSED) or grad._dtype is not leaf._dtype:
        return False
    have = sums.get(leaf)
    if have.__class__ is _array:
        _add(have, more, have)
    elif have is None:
        if more.size > SMALL:
            return False
        sums[leaf] = grad
    else:
        sums[leaf] = _as_array(_add(have._array, more))
    return True


summed = quiet(_summed)
deposit = quiet(_deposit)
