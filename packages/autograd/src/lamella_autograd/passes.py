"""The backward passes that a thread is in, for hooks that ask which nodes theirs will reach."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_autograd.leaf import accumulate_into
from lamella_autograd.node import Output
from lamella_autograd.sums import PLAIN
from lamella_core.tensor import Tensor, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence


class Pass:
    """One backward pass: where it starts and, where it is towards inputs, what it runs.

    Attributes:
        starts: the edges of its roots.
        wanted: the engine's account of the inputs, None for a pass towards all leaves.
        sums: by leaf, what is yet to be added to ``.grad``; see ``sums.deposit``.
    """

    __slots__ = ("__weakref__", "_reached", "starts", "sums", "wanted")

    def __init__(self, starts: Sequence[Any], wanted: Any) -> None:
        self.starts = starts
        self.wanted = wanted
        self.sums: dict[Tensor, Any] = {}
        self._reached: set[int] | None = None

    def settle(self) -> None:
        """Adds to the leaves' ``.grad`` what was summed up for them, before somebody looks."""
        sums = self.sums
        while sums:
            leaf, grad = sums.popitem()
            if grad.__class__ is np.ndarray:
                accumulate_into(leaf, wrap(grad, leaf._dtype, PLAIN), False)
            else:
                accumulate_into(leaf, grad, False, settles=True)

    def reaches(self, edge: Any) -> bool:
        """Whether a gradient arrives at a node or a leaf; if formulas return one all the way."""
        if self.wanted is not None:
            if isinstance(edge, Tensor):
                return id(edge) in self.wanted.leaves
            return edge in self.wanted.nodes
        if self._reached is None:
            self._reached = set()
            stack = list(self.starts)
            while stack:
                place = stack.pop()
                place = place.node if place.__class__ is Output else place
                if place is None or id(place) in self._reached:
                    continue
                self._reached.add(id(place))
                if not isinstance(place, Tensor):
                    stack.extend(place.edges)
        return id(edge) in self._reached


class _Passes(threading.local):
    def __init__(self) -> None:
        self.stack: list[Pass] = []

    def settle(self) -> None:
        """``Pass.settle`` for all of them: called where code of the user's is about to run."""
        for each in self.stack:
            each.settle()


passes = _Passes()
