"""The text of random tensors under random options, equal to PyTorch's to the character."""

from __future__ import annotations

import random
from collections.abc import Iterator

import ml_dtypes
import numpy as np
import pytest
import torch

from lamella_core import from_numpy, printing

FLOATS = ("float16", "bfloat16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
DTYPES = (*FLOATS, *COMPLEX, *INTEGERS, "bool")
TENSORS_PER_DTYPE = 250
# Where a format changes, or rounding carries into a new digit.
EDGE_VALUES = (0.0, -0.0, 1e-5, 1e-4, 0.5, 1000.0, 1000.5, 1e8, 1e8 + 0.5, 9.99995, 5e-324, 1e300)


class Sub(torch.Tensor):
    pass


@pytest.fixture(autouse=True)
def _default_options() -> Iterator[None]:
    dtype = torch.get_default_dtype()
    yield
    torch.set_default_dtype(dtype)
    torch.set_printoptions(profile="default")
    printing.set_printoptions(profile="default")


def random_shape(choose: random.Random) -> tuple[int, ...]:
    if choose.random() < 0.06:
        return choose.choice([(1500,), (2, 800), (40, 30), (11, 12, 13), (3, 3, 200), (200, 3, 2)])
    ndim = choose.choice([0, 1, 1, 2, 2, 3, 4, 5])
    longest = (1, 60, 14, 9, 5, 4)[ndim]
    shortest = 0 if choose.random() < 0.1 else 1
    return tuple(choose.randint(shortest, longest) for _ in range(ndim))


def random_reals(choose: random.Random, generator: np.random.Generator, count: int) -> np.ndarray:
    scale = 10.0 ** choose.uniform(-12, 12)
    spread = choose.uniform(0, 8)
    normal = generator.standard_normal(count)
    values = choose.choice(
        [
            normal,
            normal * scale,
            normal * 10.0 ** generator.uniform(-spread, spread, count),
            np.round(normal * 10.0 ** choose.uniform(0, 9)),
            generator.integers(-3, 4, count).astype(np.float64),
            generator.choice(EDGE_VALUES, count),
            choose.choice(EDGE_VALUES) * generator.choice([1.0, -1.0, 1000.0], count),
        ]
    )
    if choose.random() < 0.3:
        special = generator.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], count)
        values = np.where(generator.random(count) < choose.choice([0.1, 0.5, 1]), special, values)
    return values


def random_tensor(choose: random.Random, generator: np.random.Generator, name: str) -> torch.Tensor:
    shape = random_shape(choose)
    count = int(np.prod(shape))
    if name in INTEGERS:
        limits, span = np.iinfo(name), choose.choice([3, 100, 1 << 62])
        bounds = max(limits.min, -span), min(limits.max, span)
        tensor = torch.from_numpy(generator.integers(*bounds, count, dtype=name))
    elif name == "bool":
        tensor = torch.from_numpy(generator.random(count) < choose.choice([0.0, 0.5, 1.0]))
    else:
        parts = [torch.from_numpy(random_reals(choose, generator, count)) for _ in range(2)]
        wide = torch.complex(*parts) if name in COMPLEX else parts[0]
        tensor = wide.to(getattr(torch, name))
    tensor = tensor.reshape(shape)
    return tensor.transpose(0, -1) if shape and choose.random() < 0.2 else tensor


def as_array(tensor: torch.Tensor, name: str) -> np.ndarray:
    if name == "bfloat16":
        return tensor.view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.numpy()


def random_options(choose: random.Random) -> dict[str, object]:
    choices = {
        "precision": range(11),
        "threshold": (0, 1, 5, 20, 100, 1000),
        "edgeitems": (0, 1, 2, 3, 4, 10),
        "linewidth": (0, 10, 40, 79, 80, 100, 1000, *range(20, 120)),
        "sci_mode": (True, False),
        "profile": ("default", "short", "full"),
    }
    share = choose.choice([0, 0.4])
    return {
        name: choose.choice(values) for name, values in choices.items() if choose.random() < share
    }


@pytest.mark.parametrize("name", DTYPES)
def test_repr(name: str) -> None:
    # Text seeds a random.Random the same way in every process.
    choose = random.Random(name)
    generator = np.random.default_rng(choose.randrange(2**32))
    for _ in range(TENSORS_PER_DTYPE):
        tensor = random_tensor(choose, generator, name)
        array = as_array(tensor, name)
        options = random_options(choose)
        default = choose.choice([torch.float32, torch.float32, torch.float64, torch.bfloat16])
        torch.set_default_dtype(default)
        complex_default = torch.complex128 if default == torch.float64 else torch.complex64

        suffixes: dict[str, object] = {}
        if choose.random() < 0.2:
            tensor = tensor.as_subclass(Sub)
            suffixes["class_name"] = "Sub"
        elif name in FLOATS + COMPLEX and choose.random() < 0.4:
            tensor = tensor.requires_grad_()
            suffixes["requires_grad"] = True
            if choose.random() < 0.5:
                tensor = tensor.clone()
                suffixes["grad_fn_name"] = "CloneBackward0"

        for module in (torch, printing):
            module.set_printoptions(profile="default")
            module.set_printoptions(**options)
        text = printing.format_tensor(
            array,
            dtype_name=name,
            is_default_dtype=tensor.dtype in (default, complex_default),
            **suffixes,
        )
        assert text == repr(tensor), (name, tensor.shape, options, suffixes)


# Tensors here have no wider unsigned integers.
@pytest.mark.parametrize("name", (*FLOATS, *COMPLEX, *INTEGERS[:5], "bool"))
@pytest.mark.parametrize("spec", ["", ".2f", "08.3f", ">12", "+", "e", "d", "x", "q"])
def test_format_of_one_number(name: str, spec: str) -> None:
    tensor = torch.tensor(1.1).to(getattr(torch, name))
    try:
        expected: object = format(tensor, spec)
    except ValueError as error:
        expected = str(error)
    try:
        text: object = format(from_numpy(as_array(tensor, name)), spec)
    except ValueError as error:
        text = str(error)
    assert text == expected
