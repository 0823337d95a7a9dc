"""Random indices, read and assigned through, on tensors of all layouts: as in PyTorch.

Results, what the tensor holds afterwards, shared memory and the types of exceptions are compared.
"""

from __future__ import annotations

import random
import warnings
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

import lamella

SHAPES = ((), (3,), (2, 3), (3, 2), (2, 3, 4), (0,), (2, 0, 3), (1, 3), (2, 2, 2, 2))
DTYPES = ("float32", "float32", "float64", "float16", "complex64", "int64", "uint8", "bool")
INDEX_TYPES = ("int64", "int64", "int32", "int16")


class Program:
    """A tensor, an index and perhaps a value, as expressions."""

    def __init__(self, seed: int) -> None:
        self.order = random.Random(seed)
        self.shape: tuple[int, ...] = self.order.choice(SHAPES)
        self.dtype = self.order.choice(DTYPES)
        self.tensor = self._tensor()
        self.index = self._index()
        self.value = self._value() if self.order.random() < 0.5 else None

    def _tensor(self) -> str:
        shape, count = self.shape, prod(self.shape)
        kind = self.order.choice(("plain", "plain", "turned", "expanded", "strided", "part"))
        to = f".to(torch.{self.dtype})"
        if kind == "turned" and len(shape) > 1:
            dims = tuple(reversed(range(len(shape))))
            return f"torch.arange({count}).reshape({shape[::-1]}){to}.permute({dims})"
        if kind == "expanded" and shape:
            return f"torch.arange({shape[-1]}){to}.expand({shape})"
        if kind == "strided" and shape:
            wide = (*shape[:-1], 2 * shape[-1])
            return f"torch.arange({2 * count}).reshape({wide}){to}[..., ::2]"
        if kind == "part":
            return f"torch.arange({count + 3}){to}[2 : {count + 2}].reshape({shape})"
        return f"torch.arange({count}).reshape({shape}){to}"

    def _places(self, size: int, count: int) -> list[int]:
        return [self.order.randint(-size, size - 1) if size else 0 for _ in range(count)]

    def _part(self, size: int) -> str:
        order = self.order
        kind = order.random()
        if kind < 0.2:
            return str(order.randint(-size, max(size - 1, -size)))
        if kind < 0.45:
            ends = [order.choice(("", "0", "1", "-1", "-2", "2")) for _ in range(2)]
            return f"{ends[0]}:{ends[1]}:{order.choice(('', '1', '2', '3'))}"
        if kind < 0.53:
            return "None"
        if kind < 0.58:
            return "True"
        if kind < 0.75:
            places = self._places(size, order.choice((0, 1, 2, 2)) if size else 0)
            made = f"torch.tensor({places}, dtype=torch.int64)"
            return order.choice((str(places), made, f"{made}.int()", f"{made}[:, None]"))
        if kind < 0.82:
            (place,) = self._places(size, 1)
            dtype = order.choice(INDEX_TYPES)
            return order.choice(
                (f"torch.tensor({place}, dtype=torch.{dtype})", f"np.int64({place})")
            )
        mask = [order.random() < 0.5 for _ in range(size)]
        made = f"torch.tensor({mask}, dtype=torch.bool)"
        return order.choice((made, made, f"np.array({mask}, dtype=bool)"))

    def _parts(self, sizes: tuple[int, ...]) -> list[str]:
        parts, rest = [], list(sizes)
        while rest:
            parts.append(self._part(rest[0]))
            if parts[-1] not in ("None", "True"):
                del rest[0]
        return parts

    def _index(self) -> str:
        shape, order = self.shape, self.order
        kind = order.random()
        if kind < 0.1:
            mask = [order.random() < 0.5 for _ in range(prod(shape))]
            return f"torch.tensor({mask}, dtype=torch.bool).reshape({shape})"
        if not shape or kind < 0.14:
            return order.choice(("...", "()", "None", "True", "False"))
        count = order.randint(1, len(shape))
        parts = self._parts(shape[:count])
        if order.random() < 0.2:
            # What follows goes by the last dimensions.
            before = order.randint(0, count)
            after = shape[len(shape) - count + before :]
            parts = [*self._parts(shape[:before]), "...", *self._parts(after)]
        if order.random() < 0.03:
            parts.append("9")
        return ", ".join(parts)

    def _value(self) -> str:
        shapes = [(), (1,), (2,), (1, 1), (2, 1), self.shape[-1:]]
        if prod(self.shape):
            shapes.append(self.shape)
        shape = self.order.choice(shapes)
        several = self.index.count("[") > 1
        # Where indices do not fit one another, either that or another type is told.
        other = not several and self.order.random() < 0.2
        dtype = self.order.choice(DTYPES) if other else self.dtype
        values = f"(torch.arange({prod(shape)}) + 50).reshape({shape}).to(torch.{dtype})"
        # Of its own memory a tensor takes what a view is given; where places stand several times,
        # what an expanded tensor gets, and what it has been given before, is not defined.
        views = not any(name in self.index for name in ("[", "torch", "np", ", ", ":2", ":3"))
        own = ("x[..., :1]", "x[0]") if views and "expand" not in self.tensor else ()
        return self.order.choice(("1", "True", "2.5", values, values, values, *own))


def outcome(framework: ModuleType, program: Program) -> Any:
    scope: dict[str, Any] = {"torch": framework, "np": np}
    scope["x"] = x = eval(program.tensor, scope)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if program.value is not None:
                exec(f"x[{program.index}] = {program.value}", scope)
                return x.tolist()
            found = eval(f"x[{program.index}]", scope)
        except Exception as error:
            return type(error).__name__
    shares = found.untyped_storage().data_ptr() == x.untyped_storage().data_ptr()
    return str(found.dtype)[-8:], tuple(found.shape), shares and found.numel() > 0, found.tolist()


@pytest.mark.parametrize("block", range(24))
def test_programs(block: int) -> None:
    for seed in range(500 * block, 500 * (block + 1)):
        program = Program(seed)
        expected = outcome(torch, program)
        found = outcome(lamella, program)
        assert found == expected, f"x = {program.tensor}; x[{program.index}] = {program.value}"
