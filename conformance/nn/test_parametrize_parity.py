"""lamella's parametrizations against PyTorch's: states, text, values, gradients, errors."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.utils.parametrizations
import torch.nn.utils.parametrize

import lamella

LIBRARIES = (torch, lamella)


def array(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy()


def double(library: Any) -> Any:
    class Double(library.nn.Module):
        def forward(self, x: Any) -> Any:
            return x * 2

        def right_inverse(self, x: Any) -> Any:
            return x / 2

    return Double()


def split(library: Any) -> Any:
    class Split(library.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x + 2 * y

        def right_inverse(self, w: Any) -> Any:
            return w / 2, w / 4

    return Split()


def one_way(library: Any) -> Any:
    class OneWay(library.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.tanh()

    return OneWay()


def casting(library: Any) -> Any:
    class Casting(library.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.double()

    return Casting()


def growing(library: Any) -> Any:
    class Growing(library.nn.Module):
        def forward(self, x: Any) -> Any:
            return library.cat([x, x])

    return Growing()


def of(library: Any, name: str) -> Any:
    return getattr(library.nn.utils, name)


def story(library: Any, kinds: list[Any], layer: Any, name: str, leave: bool) -> list[Any]:
    """What a program sees that registers, trains, assigns and removes."""
    parametrize = of(library, "parametrize")
    library.manual_seed(3)
    module = layer(library)
    seen: list[Any] = []
    for kind in kinds:
        parametrize.register_parametrization(module, name, kind(library))
        seen += [repr(module), list(module.state_dict()), parametrize.is_parametrized(module, name)]
        seen += [array(value) for value in module.state_dict().values()]
        seen.append(array(getattr(module, name)))
    x = library.linspace(-1, 1, 12).reshape(4, 3)
    module(x).square().sum().backward()
    seen += [None if p.grad is None else array(p.grad) for p in module.parameters()]
    twin = copy.deepcopy(module)
    seen += [repr(twin), array(getattr(twin, name))]
    try:
        setattr(module, name, library.full_like(getattr(module, name), 0.5))
        seen.append(array(getattr(module, name)))
    except RuntimeError as error:
        seen.append(str(error))
    try:
        parametrize.remove_parametrizations(module, name, leave)
    except ValueError as error:
        seen.append(str(error))
    seen += [repr(module), list(module.state_dict()), array(getattr(module, name))]
    seen.append(type(getattr(module, name)).__name__)
    return seen


def assert_alike(found: list[Any], expected: list[Any]) -> None:
    assert len(found) == len(expected)
    for mine, theirs in zip(found, expected, strict=True):
        if isinstance(theirs, np.ndarray):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
        else:
            assert mine == theirs


@pytest.mark.parametrize("leave", [True, False])
@pytest.mark.parametrize(
    "kinds",
    [[double], [split], [one_way], [double, one_way], [split, double], [double, double]],
    ids=lambda kinds: "-".join(kind.__name__ for kind in kinds),
)
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_a_program_sees_the_same(name: str, kinds: list[Any], leave: bool) -> None:
    stories = [story(lib, kinds, lambda lib: lib.nn.Linear(3, 3), name, leave) for lib in LIBRARIES]
    assert_alike(stories[1], stories[0])


def test_a_buffer_is_parametrized_alike() -> None:
    stories = [
        story(lib, [double], lambda lib: lib.nn.BatchNorm1d(3).eval(), "running_mean", True)
        for lib in LIBRARIES
    ]
    assert_alike(stories[1], stories[0])


@pytest.mark.parametrize("before", [[], [double]], ids=["first", "second"])
@pytest.mark.parametrize("kind", [casting, growing], ids=["dtype", "shape"])
def test_refused_changes_say_the_same(kind: Any, before: list[Any]) -> None:
    texts = []
    for library in LIBRARIES:
        register = of(library, "parametrize").register_parametrization
        module = library.nn.Linear(3, 3)
        for each in before:
            register(module, "weight", each(library))
        with pytest.raises(ValueError) as caught:
            register(module, "weight", kind(library))
        texts.append(str(caught.value).split("\n")[0])
        register(module, "weight", kind(library), unsafe=True)
        with pytest.raises(ValueError) as caught:
            register(module, "nothing", kind(library))
        texts.append(str(caught.value))
    assert texts[:2] == texts[2:]


def test_transfer_shares_the_originals_alike() -> None:
    seen = []
    for library in LIBRARIES:
        parametrize = of(library, "parametrize")
        source, target = library.nn.Linear(3, 3), library.nn.Linear(3, 3)
        parametrize.register_parametrization(source, "weight", split(library))
        parametrize.transfer_parametrizations_and_params(source, target)
        entries, others = source.parametrizations.weight, target.parametrizations.weight
        seen.append(
            (
                entries.original0 is others.original0,
                entries[0] is others[0],
                repr(target),
                library.equal(source.weight, target.weight),
                parametrize.type_before_parametrizations(target) is library.nn.Linear,
            )
        )
    assert seen[1] == seen[0] == (True, True, seen[0][2], True, True)


@pytest.mark.parametrize("trivial", [True, False], ids=["trivialized", "plain"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("kind", [None, "matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4)], ids=str)
def test_orthogonal(shape: Any, kind: Any, dtype: str, trivial: bool) -> None:
    if dtype == "complex128" and kind == "householder":
        pytest.skip("refused by both")
    seen: list[list[Any]] = []
    for library in LIBRARIES:
        library.manual_seed(5)
        module = library.nn.Linear(*shape[::-1], dtype=getattr(library, dtype))
        of(library, "parametrizations").orthogonal(
            module, orthogonal_map=kind, use_trivialization=trivial
        )
        original = module.parametrizations.weight.original
        values = [list(module.state_dict()), repr(module), array(module.weight), array(original)]
        x = library.linspace(-1, 1, 3 * shape[1], dtype=library.float64).reshape(3, shape[1])
        module(x.to(getattr(library, dtype))).abs().square().square().sum().backward()
        values.append(array(original.grad))
        target = library.eye(max(shape), dtype=getattr(library, dtype))[: shape[0], : shape[1]]
        try:
            module.weight = target.flip(0)
            values.append(array(module.weight))
        except NotImplementedError as error:
            values.append(str(error))
        seen.append(values)
    assert_alike(seen[1], seen[0])


def test_orthogonal_refuses_alike() -> None:
    texts = []
    for library in LIBRARIES:
        orthogonal = of(library, "parametrizations").orthogonal
        for name, kind, dtype in (
            ("foo", None, "float32"),
            ("bias", None, "float32"),
            ("weight", "nothing", "float32"),
            ("weight", "householder", "complex64"),
        ):
            module = library.nn.Linear(2, 3, dtype=getattr(library, dtype))
            with pytest.raises(ValueError) as caught:
                orthogonal(module, name, kind)
            texts.append(str(caught.value))
    assert texts[:4] == texts[4:]
