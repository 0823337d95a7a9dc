"""Small programs over subclasses, overriding objects and modes, each of which returns what it saw.

A framework is ``torch`` or ``lamella``; programs return plain Python values, so that the two can
be compared.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

# Expressions over x and y of a subclass whose calls are logged, p of no subclass.
EXPRESSIONS = """
x + 1
1 + x
p + x
x - 1
x * y
x / 2
x ** 2
x @ y
x // 2
x % 2
-x
abs(x)
x < 1
x == y
x.add(1)
torch.add(x, 1)
torch.add(p, x)
torch.add(input=x, other=1, alpha=2)
torch.add(p, p, out=x)
x.sum()
torch.sum(x, dim=1)
x.max(1)
torch.max(x, 1)
x[0]
p[x > 0]
x.shape
x.size()
x.dtype
x.T
x.mT
x.data
x.requires_grad
x.numel()
len(x)
float(x.sum())
x.tolist()
x.sum().item()
x.numpy()
x.unbind()
torch.stack([x, p])
torch.cat([p, x])
torch.where(x > 0, x, p)
x.clone()
x.detach()
x.to(torch.float64)
x.double()
x.view(9)
x.reshape(-1)
x.add_(1)
p.add_(x)
x.copy_(p)
torch.zeros_like(x)
x.new_zeros(2)
torch.tensor(x)
torch.as_tensor(x)
torch.is_tensor(x)
torch.allclose(x, p)
x.norm()
x.unique()
torch.einsum('ij,jk->ik', x, p)
torch.broadcast_tensors(x, p)
torch.atleast_2d(x, p)
torch.block_diag(x, p)
torch.chunk(x, 2)
torch.cdist(x, p)
torch.lerp(x, y, 0.5)
torch.nn.Parameter(p) + 1
torch.nn.Parameter(x)
isinstance(torch.nn.Parameter(x), torch.nn.Parameter)
[type(x.detach()), isinstance(x, torch.nn.Parameter)]
torch.nn.Parameter(p) + x
torch.nn.Linear(3, 3)(x)
F.relu(x)
F.softmax(x, dim=-1)
F.linear(p, x)
F.mse_loss(x, p)
F.cross_entropy(x, torch.tensor([0, 1, 2]))
F.layer_norm(x, (3,))
F.pad(x, (1, 1))
repr(x)
hash(x)
x.is_contiguous()
x.type()
x.as_subclass(torch.Tensor)
x.as_subclass(L)
p.as_subclass(L)
L([1.0, 2.0])
L(2, 3)
L(p)
torch.Tensor._make_subclass(L, p)
copy.copy(x)
1 in x
reversed(x)
x.sum().requires_grad_().backward()
torch.autograd.grad((x.requires_grad_() * 2).sum(), x)
""".strip().splitlines()


def outcome(value: Any) -> Any:
    """The names of the classes within a result."""
    if type(value) in (tuple, list):
        return [outcome(each) for each in value]
    if isinstance(value, tuple):
        return [type(value).__name__, *(outcome(each) for each in value)]
    if isinstance(value, type):
        return value.__name__
    return type(value).__name__


def logged(torch: ModuleType, expression: str) -> Any:
    """The classes in an expression's result, and the calls that the subclass is asked about."""
    import copy

    calls: list[Any] = []

    class L(torch.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            calls.append((func.__name__, [t.__name__ for t in types if t is not torch.Tensor]))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = torch.arange(9.0).reshape(3, 3).as_subclass(L)
    y, p = torch.ones(3, 3).as_subclass(L), torch.eye(3)
    names = {"torch": torch, "F": torch.nn.functional, "copy": copy, "L": L, "x": x, "y": y, "p": p}
    calls.clear()
    try:
        result = outcome(eval(expression, names))
    except Exception as error:
        result = type(error).__name__
    return result, list(calls)


def attempt(call: Any) -> Any:
    """What a call returns, or the class of its error."""
    try:
        return call()
    except Exception as error:
        return type(error).__name__


def handlers(torch: ModuleType) -> Any:
    """The pattern of PyTorch's guide: a class that is no tensor, with a table of functions."""
    table = {}

    def implements(function: Any) -> Any:
        return lambda own: table.setdefault(function, own)

    class Scalar:
        def __init__(self, size: int, value: float) -> None:
            self.size, self.value = size, value

        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            known = all(issubclass(each, (torch.Tensor, Scalar)) for each in types)
            if func not in table or not known:
                return NotImplemented
            return table[func](*args, **(kwargs or {}))

    @implements(torch.mean)
    def mean(input: Any) -> float:
        return input.value / input.size

    @implements(torch.add)
    def add(input: Any, other: Any) -> Any:
        left = input.value if isinstance(input, Scalar) else input.sum().item()
        return left + (other.value if isinstance(other, Scalar) else other.sum().item())

    @implements(torch.nn.functional.mse_loss)
    def mse_loss(input: Any, target: Any, **more: Any) -> str:
        return f"loss of {type(target).__name__}"

    d = Scalar(5, 2.0)
    return [
        torch.mean(d),
        torch.add(d, d),
        torch.add(torch.ones(2), d),
        torch.nn.functional.mse_loss(d, torch.ones(1)),
        attempt(lambda: torch.mul(d, 3)),
        attempt(lambda: torch.stack([d, d])),
        attempt(lambda: torch.nn.functional.relu(d)),
        attempt(lambda: torch.ones(2) * d),
        attempt(lambda: torch.tensor(d)),
    ]


def order(torch: ModuleType) -> Any:
    """Who is asked first, and who answers between classes."""
    asked: list[str] = []

    class First:
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            asked.append(cls.__name__)
            return NotImplemented

    class Second(First):
        pass

    class Other(First):
        pass

    results = []
    for objects in ((First(), Second(), Other()), (Other(), First(), Second()), (First(), First())):
        results.append(attempt(lambda objects=objects: torch.stack(objects)))
        results.append(list(asked))
        asked.clear()

    class A(torch.Tensor):
        pass

    class B(torch.Tensor):
        pass

    class C(A):
        pass

    a, b, c = (torch.ones(2).as_subclass(cls) for cls in (A, B, C))
    for call in (
        *(lambda: a + c, lambda: c + a, lambda: a + b, lambda: torch.stack([a, c])),
        *(lambda: torch.stack([a, b]), lambda: torch.nn.functional.mse_loss(a, b)),
    ):
        results.append(outcome(attempt(call)))
    return results


def modes(torch: ModuleType, mode_class: type) -> Any:
    """What nested modes see."""
    seen: list[Any] = []

    class Seeing(mode_class):  # type: ignore[misc]
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            seen.append((self.name, func.__name__))
            return func(*args, **(kwargs or {}))

    with Seeing("outer"):
        x = torch.ones(2, 2)
        y = x + 1
        with Seeing("inner"):
            torch.stack([x, y])
            torch.nn.functional.cross_entropy(x, torch.tensor([0, 1]))
        x[0] = 1
        x.T.sum()
        torch.zeros(2, requires_grad=True).sum().backward()
        torch.is_tensor(x)
        torch.from_numpy(x.numpy())
        torch.as_tensor([1.0])
    torch.ones(3)
    return seen


def overrides(torch: ModuleType, module: ModuleType) -> Any:
    """The functions of ``torch.overrides``."""

    class Duck:
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            return func.__name__, len(args), sorted(kwargs or {})

    @module.wrap_torch_function(lambda a, b=None: (a, b))
    def wrapped(a: Any, b: Any = None) -> str:
        return "below"

    plain, parameter = torch.ones(1), torch.nn.Parameter(torch.ones(1))
    named = (torch.mean, torch.nn.functional.relu, torch.Tensor.shape.__get__, len)
    return [
        [module.is_tensor_like(each) for each in (plain, parameter, Duck(), 3)],
        [module.has_torch_function_unary(each) for each in (plain, parameter, Duck(), 3)],
        module.has_torch_function((plain, Duck())),
        module.has_torch_function_variadic(plain, 3),
        [wrapped(plain), wrapped(Duck(), b=3), wrapped(3, Duck())],
        [module.resolve_name(each) for each in named],
        module.is_tensor_method_or_property(torch.Tensor.shape.__get__),
        module.is_tensor_method_or_property(torch.nn.functional.relu),
        torch.mean in module.get_overridable_functions()[torch],
        torch.zeros in module.get_ignored_functions(),
        module.get_testing_overrides()[torch.mean](plain),
    ]


def disabled(torch: ModuleType) -> Any:
    """Ways to take objects out."""

    class Own(torch.Tensor):
        pass

    class Out(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    class OfParameter(torch.nn.Parameter):
        pass

    x = torch.ones(2).as_subclass(Own)
    with torch._C.DisableTorchFunctionSubclass():
        inside = type(x + 1).__name__
    with torch._C.DisableTorchFunction():
        inside_all = type(x + 1).__name__
    out = type(torch.ones(2).as_subclass(Out) + 1).__name__
    return [inside, inside_all, out, type(OfParameter(torch.ones(1)) + 1).__name__, outcome(x + 1)]
