"""``torch.overrides``."""

import inspect

import pytest

import lamella as torch
import lamella.nn.functional as F
from lamella import overrides


class Duck:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented if func is refused else (func, types, args, kwargs)


class Own(torch.Tensor):
    pass


def refused(x):
    return overrides.handle_torch_function(refused, (x,), x)


def test_has_torch_function_looks_for_classes_to_ask() -> None:
    plain, parameter = torch.rand(2), torch.nn.Parameter(torch.rand(2))
    assert not overrides.has_torch_function((plain, parameter, 3, None))
    assert overrides.has_torch_function((plain, Duck()))
    assert overrides.has_torch_function_unary(plain.as_subclass(Own))
    assert not overrides.has_torch_function_unary(plain)
    assert overrides.has_torch_function_variadic(1, Duck())
    with torch._C.DisableTorchFunctionSubclass():
        assert not overrides.has_torch_function((Duck(),))


def test_own_functions_can_be_overridden() -> None:
    def scale(x, by=2):
        if overrides.has_torch_function((x,)):
            return overrides.handle_torch_function(scale, (x,), x, by=by)
        return x * by

    duck = Duck()
    assert scale(duck) == (scale, (Duck,), (duck,), {"by": 2})
    assert scale(torch.ones(1)).tolist() == [2.0]
    with pytest.raises(TypeError, match="no implementation found for .*refused"):
        refused(duck)

    @overrides.wrap_torch_function(lambda x: (x,))
    def double(x):
        return x * 2

    assert double(duck)[0] is double
    assert double(4) == 8
    assert type(double(torch.ones(1).as_subclass(Own))) is Own


def test_is_tensor_like() -> None:
    assert overrides.is_tensor_like(torch.rand(1))
    assert overrides.is_tensor_like(Duck())
    assert not overrides.is_tensor_like(3)


def test_names_and_lists_of_functions() -> None:
    assert overrides.resolve_name(torch.mean) == "torch.mean"
    assert overrides.resolve_name(F.relu) == "torch.nn.functional.relu"
    assert overrides.resolve_name(torch.Tensor.shape.__get__) == "torch.Tensor.shape.__get__"
    assert overrides.resolve_name(len) is None
    assert overrides.is_tensor_method_or_property(torch.Tensor.view)
    assert overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    assert not overrides.is_tensor_method_or_property(F.mse_loss)
    functions = overrides.get_overridable_functions()
    assert torch.mean in functions[torch]
    assert F.mse_loss in functions[F]
    assert torch.Tensor.view in functions[torch.Tensor]
    assert torch.zeros in overrides.get_ignored_functions()
    assert torch.manual_seed not in functions[torch]


def test_testing_overrides_have_the_functions_signatures() -> None:
    dummy = overrides.get_testing_overrides()[torch.stack]
    assert inspect.signature(dummy) == inspect.signature(torch.stack)
    assert dummy([1]) == -1


def test_a_mode_sees_every_call_whole() -> None:
    seen = []

    class Seeing(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append((self.name, func.__name__))
            return func(*args, **(kwargs or {}))

        def __init__(self, name):
            self.name = name

    with Seeing("outer"):
        x = torch.ones(2, 2)
        F.cross_entropy(x + 1, torch.tensor([0, 1]))
        with Seeing("inner"):
            torch.stack([x])
    torch.ones(2)
    assert seen == [
        *(("outer", name) for name in ("ones", "add", "tensor", "cross_entropy")),
        *(("inner", "stack"), ("outer", "stack")),
    ]


def test_a_mode_can_answer_or_leave_a_call_to_the_objects() -> None:
    class Zero(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            return 0 if func is torch.sin else NotImplemented

    with Zero():
        assert torch.sin(torch.ones(1)) == 0
        assert torch.cos(Duck())[0] is torch.cos
        assert torch.add(2 * torch.ones(1), 1).tolist() == [3.0]
    with pytest.raises(NotImplementedError, match="must define"), overrides.TorchFunctionMode():
        torch.ones(1)
    assert torch.ones(1).tolist() == [1.0]
