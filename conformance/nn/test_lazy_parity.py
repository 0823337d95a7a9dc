"""lamella's lazy modules against PyTorch's: text before and after, first values, states, errors."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import lamella

LIBRARIES = (torch, lamella)

CASES = [
    ("LazyLinear", (4,), {}, (2, 3)),
    ("LazyLinear", (4, False), {}, (5, 2, 3)),
    ("LazyConv1d", (4, 3), {"groups": 2}, (2, 6, 7)),
    ("LazyConv2d", (4, (3, 2)), {"padding": 1, "padding_mode": "reflect"}, (2, 3, 6, 7)),
    ("LazyConv2d", (4, 3), {"bias": False, "stride": 2}, (3, 6, 7)),
    ("LazyConv3d", (2, 2), {"dilation": 2}, (1, 2, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {"groups": 2}, (2, 6, 7)),
    ("LazyConvTranspose2d", (4, 3, 2), {"output_padding": 1}, (2, 3, 4, 4)),
    ("LazyConvTranspose3d", (2, 2), {"bias": False}, (1, 2, 3, 3, 3)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (1e-3, 0.2), {"bias": False}, (2, 3, 4, 4)),
    ("LazyBatchNorm3d", (), {"affine": False}, (2, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {}, (2, 3, 4)),
    ("LazyInstanceNorm2d", (), {"affine": False, "track_running_stats": False}, (2, 3, 4, 4)),
    ("LazyInstanceNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
]


def arrays(module: Any) -> dict[str, Any]:
    return {name: value.detach().numpy() for name, value in module.state_dict().items()}


def assert_same(found: Any, expected: Any) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        if name.startswith("running"):
            # These have seen the first batch, whose sums are rounded in another order.
            np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)
        else:
            np.testing.assert_array_equal(found[name], value, err_msg=name)


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_first_call(name: str, args: Any, kwargs: Any, shape: Any) -> None:
    values = np.random.default_rng(0).standard_normal(shape)
    seen, states, outputs = [], [], []
    for library in LIBRARIES:
        library.manual_seed(1)
        module = getattr(library.nn, name)(*args, **kwargs)
        story = [repr(module), [f"{k}={v!r}" for k, v in module.state_dict().items()]]
        story += [module.has_uninitialized_params(), type(module).__name__]
        if not module._buffers:
            # PyTorch cannot copy buffers without a shape.
            for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
                story.append(repr(copied))
        module.double()
        result = module(library.tensor(values))
        story += [repr(module), type(module).__name__, len(module._forward_pre_hooks)]
        story += [p.requires_grad for p in module.parameters()]
        seen.append(story)
        states.append(arrays(module))
        outputs.append(result.detach().numpy())
    assert seen[1] == seen[0]
    assert_same(states[1], states[0])
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "args", "plain", "shape"),
    [
        ("LazyLinear", (4,), ("Linear", (3, 4)), (2, 3)),
        ("LazyConv2d", (4, 3), ("Conv2d", (2, 4, 3)), (1, 2, 5, 5)),
        ("LazyConvTranspose2d", (4, 3), ("ConvTranspose2d", (2, 4, 3)), (1, 2, 5, 5)),
        ("LazyBatchNorm2d", (), ("BatchNorm2d", (2,)), (2, 2, 3, 3)),
    ],
)
def test_a_state_gives_the_shapes(name: str, args: Any, plain: Any, shape: Any) -> None:
    seen, states = [], []
    for library in LIBRARIES:
        library.manual_seed(2)
        source = getattr(library.nn, plain[0])(*plain[1])
        module = getattr(library.nn, name)(*args)
        story: list[Any] = [str(module.load_state_dict(source.state_dict()))]
        story += [repr(module), module.has_uninitialized_params()]
        module.eval()(library.zeros(shape))
        story += [type(module).__name__]
        seen.append(story)
        states.append(arrays(module))
    assert_same(states[1], states[0])
    assert seen[1] == seen[0]


def test_what_needs_a_shape_is_refused_alike() -> None:
    def attempts(library: Any) -> list[type]:
        nn = library.nn
        made = nn.parameter.UninitializedParameter()
        programs = [
            lambda: made + 1,
            lambda: made.shape,
            lambda: made.zero_(),
            lambda: made.numel(),
            lambda: made.dim(),
            lambda: made.detach(),
            lambda: made.sum(),
            lambda: nn.LazyLinear(3).share_memory(),
            lambda: nn.Linear(3, 4).load_state_dict(nn.LazyLinear(4).state_dict()),
            lambda: nn.LazyConv2d(4, 3)(library.zeros(1, 5)),
            lambda: nn.LazyConv2d(4, 3, groups=2)(library.zeros(1, 5, 6, 6)),
            lambda: nn.LazyLinear(3)(library.zeros(2, 3), library.zeros(2)),
        ]
        kinds = []
        for program in programs:
            with pytest.raises(Exception) as caught, warnings.catch_warnings():
                warnings.simplefilter("ignore")
                program()
            kinds.append(caught.type)
        return kinds

    assert attempts(lamella) == attempts(torch)


def test_a_class_of_ones_own() -> None:
    def program(library: Any) -> list[Any]:
        nn = library.nn

        class Scale(nn.modules.lazy.LazyModuleMixin, nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.factor = nn.parameter.UninitializedParameter()
                self.offset = nn.parameter.UninitializedBuffer()

            def initialize_parameters(self, x: Any) -> None:
                if self.has_uninitialized_params():
                    self.factor.materialize(x.shape[1:])
                    self.offset.materialize(x.shape[1:])
                    nn.init.constant_(self.factor, 2.0)
                    nn.init.zeros_(self.offset)

            def forward(self, x: Any) -> Any:
                return x * self.factor + self.offset

        module = nn.Sequential(Scale(), nn.LazyLinear(2))
        optimizer = library.optim.SGD(module.parameters(), lr=0.1)
        module(library.ones(3, 4)).sum().backward()
        optimizer.step()
        kinds = [type(p).__name__ for p in module.parameters()]
        return [
            repr(module),
            kinds,
            module[0].factor.shape == (4,),
            bool(module[0].factor.grad.any()),
        ]

    assert program(lamella) == program(torch)


@pytest.mark.parametrize("writer", LIBRARIES)
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_whole_modules_in_files(
    writer: Any, name: str, args: Any, kwargs: Any, shape: Any, tmp_path: Any
) -> None:
    reader = lamella if writer is torch else torch
    values = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    module = getattr(writer.nn, name)(*args, **kwargs)
    writer.save(module, tmp_path / "module.pt")
    found = reader.load(tmp_path / "module.pt", weights_only=False)
    outputs = []
    for library, each in ((writer, module), (reader, found)):
        library.manual_seed(3)
        outputs.append(each(library.tensor(values)).detach().numpy())
        assert not each._forward_pre_hooks
        assert not each._load_state_dict_pre_hooks
    np.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-5, atol=1e-6)
    assert type(found).__name__ == type(module).__name__


@pytest.mark.parametrize("writer", LIBRARIES)
def test_states_without_shapes_in_files(writer: Any, tmp_path: Any) -> None:
    reader = lamella if writer is torch else torch
    writer.save(writer.nn.LazyBatchNorm2d().state_dict(), tmp_path / "state.pt")
    with pytest.raises(pickle.UnpicklingError):
        reader.load(tmp_path / "state.pt")
    state = reader.load(tmp_path / "state.pt", weights_only=False)
    module = reader.nn.LazyBatchNorm2d()
    module.load_state_dict(state)
    assert module(reader.ones(2, 3, 4, 4)).sum().item() == 0
