"""Programs on transforms of functions; see ``test_func_parity.py``.

Each takes the framework's module and yields outcomes. One that ends in ``NOT_REACHED`` is to be
ended by an exception before.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

PROGRAMS: dict[str, Callable[[Any], Iterator[Any]]] = {}
NOT_REACHED = "not reached"


def program(function: Callable[[Any], Iterator[Any]]) -> Callable[[Any], Iterator[Any]]:
    PROGRAMS[function.__name__] = function
    return function


def fails(name: str, run: Callable[[Any], Any]) -> None:
    """Declares a program that consists of one failing call."""

    def failing(torch: Any) -> Iterator[Any]:
        run(torch)
        yield NOT_REACHED

    failing.__name__ = name
    PROGRAMS[name] = failing


def numbers(torch: Any, *shape: int, start: float = 0.5) -> Any:
    count = 1
    for n in shape:
        count *= n
    values = torch.arange(count, dtype=torch.float64) * 0.37 + start
    return (values.sin() + 0.1 * values).reshape(shape)


# ------------ vmap


@program
def vmap_in_and_out_dims(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 3, 4), numbers(torch, 4, 2, start=2.0)
    f = torch.func.vmap(lambda a, b: a.outer(b), in_dims=(1, 0), out_dims=2)
    yield f(x, y)
    yield torch.vmap(lambda a, b: a.sum() * b, in_dims=(-1, None), out_dims=-1)(x, y)
    yield torch.vmap(lambda a: (a, {"twice": [a * 2]}), out_dims=(0, {"twice": [1]}))(x)[1][
        "twice"
    ][0]
    yield torch.vmap(lambda d: d["a"] + d["b"][0], in_dims=({"a": 0, "b": [None]},))(
        {"a": x, "b": [x[0]]}
    )
    yield torch.vmap(lambda a: torch.ones(2))(x)
    yield torch.vmap(lambda a, k=None: a * k, chunk_size=2)(x, k=x[0])


@program
def vmap_nested(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 3, 4), numbers(torch, 5, 4, start=1.0)
    pairs = torch.vmap(torch.vmap(lambda a, b: a @ b, in_dims=(None, 0)), in_dims=(0, None))
    yield pairs(x, y)
    yield torch.vmap(torch.vmap(lambda a: a.sin() + a.shape.numel()))(x)
    inner = torch.vmap(lambda a, b: (a * b).sum(), in_dims=(0, None))
    yield torch.vmap(lambda a: inner(x, a))(y)


@program
def vmap_sees_one_example(torch: Any) -> Iterator[Any]:
    shapes = []

    def look(a: Any) -> Any:
        shapes.append((tuple(a.shape), a.dim(), a.numel(), tuple(a.stride()), a.is_contiguous()))
        return a.reshape(-1).view(2, 3).t()

    yield torch.vmap(look)(numbers(torch, 4, 3, 2))
    yield torch.vmap(look, in_dims=1)(numbers(torch, 3, 4, 2))
    yield tuple(shapes)


@program
def vmap_promotes_by_examples(torch: Any) -> Iterator[Any]:
    scalars, vector = numbers(torch, 3), torch.ones(2)
    yield torch.vmap(lambda a: a * vector)(scalars)
    yield torch.vmap(lambda a: vector + a)(torch.arange(3))
    yield torch.vmap(lambda a: torch.where(a > 1, a, vector[0]))(scalars)
    yield torch.vmap(lambda a: a * 2.5)(torch.arange(3))


@program
def vmap_reductions_and_views(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 2, 3, 4)
    for f in (
        lambda a: a.sum(),
        lambda a: a.mean(1, keepdim=True),
        lambda a: a.amax((0, 1)),
        lambda a: a.argmax(),
        lambda a: a.var(0),
        lambda a: a.max(1)[1],
        lambda a: a.softmax(-1),
        lambda a: a.sort(0)[0],
        lambda a: a[1, ::2],
        lambda a: a.transpose(0, 1)[1:],
        lambda a: a.diagonal(),
        lambda a: a.unfold(1, 2, 1),
        lambda a: a.expand(2, 3, 4).sum(0),
        lambda a: a.flatten().as_strided((2, 2), (3, 1), 1),
        lambda a: torch.cat([a, a], 1),
        lambda a: a.flip(0).roll(1, 1),
        lambda a: a.sum((0, 1)).cumsum(0),
        lambda a: torch.linalg.norm(a),
        lambda a: a.sum().unsqueeze(0).squeeze(),
    ):
        yield torch.vmap(f)(x)


@program
def vmap_indexing(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3, 4, 5)
    i, j = torch.tensor([0, 2, 3]), torch.tensor([1, 4, 2])
    yield torch.vmap(lambda a: a[i])(x)
    yield torch.vmap(lambda a: a[:, j])(x)
    yield torch.vmap(lambda a: a[i, j])(x)
    yield torch.vmap(lambda a, k: a[k.reshape(1)])(x, i)
    yield torch.vmap(lambda a, k: a[:, k.reshape(1)])(x, i)
    yield torch.vmap(lambda k: x[:, k.reshape(1, 1)])(i)
    yield torch.vmap(lambda k, m: x[k.reshape(1), :, m.reshape(1)])(torch.tensor([0, 1]), i[:2])
    yield torch.vmap(lambda a, k: a.gather(0, k.reshape(1, 1)))(x, i)
    yield torch.vmap(lambda a, k: a.index_select(1, k.reshape(1)))(x, j)
    yield torch.vmap(lambda a, k: a[k], in_dims=(None, 0))(x, torch.tensor([0, 2, 1]))
    yield torch.vmap(lambda a, k: a[k] + a[0, k], in_dims=(0, 0))(x, torch.tensor([0, 2, 1]))
    yield torch.vmap(lambda a: a.scatter(0, i.reshape(1, 3), a[:1, :3] * 2))(x)
    yield torch.vmap(lambda a: a.index_add(0, i, a[:3]))(x)
    yield torch.vmap(lambda a: a.masked_fill(a > 0.5, 0.0))(x)


@program
def vmap_in_place(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3, 4)

    def write(a: Any) -> Any:
        buffer = torch.zeros_like(a)
        buffer[1:] = a[:-1]
        buffer[0] += a.sum()
        buffer.mul_(2).clamp_(max=3)
        return buffer

    yield torch.vmap(write)(x)
    y = x.clone()
    yield torch.vmap(lambda a: a.add_(1))(y)
    yield y
    yield torch.vmap(lambda a, b: a.new_zeros(4).copy_(b))(x, x)


@program
def vmap_linear_algebra(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3, 4, 4) + 3 * torch.eye(4, dtype=torch.float64)
    v = numbers(torch, 3, 4, start=1.0)
    yield torch.vmap(torch.linalg.inv)(x)
    yield torch.vmap(torch.linalg.det)(x)
    yield torch.vmap(torch.linalg.solve)(x, v)
    yield torch.vmap(torch.linalg.solve, in_dims=(0, None))(x, v[0])
    yield torch.vmap(torch.mv)(x, v)
    yield torch.vmap(torch.mv, in_dims=(None, 0))(x[0], v)
    yield torch.vmap(torch.dot)(v, v)
    yield torch.vmap(lambda a: torch.einsum("ij,j->i", a, v[0]))(x)
    yield torch.vmap(torch.nn.functional.linear, in_dims=(0, 0, None))(v, x, v[0])
    yield torch.vmap(lambda a: torch.linalg.qr(a)[1].abs())(x)


@program
def vmap_random_numbers(torch: Any) -> Iterator[Any]:
    x = torch.zeros(3, 2)

    def each(name: str) -> Iterator[Any]:
        for f in (
            lambda a: torch.randn(2),
            lambda a: a + torch.rand(2),
            lambda a: torch.randn_like(a),
            lambda a: torch.randint(0, 100, (2,)),
            lambda a: torch.zeros_like(a).uniform_(),
        ):
            torch.manual_seed(3)
            yield torch.vmap(f, randomness=name)(x)

    yield from each("different")
    yield from each("same")
    torch.manual_seed(3)
    yield torch.vmap(lambda a: torch.bernoulli(a + 0.5), randomness="different")(x)


for _name, _f in {
    "item": lambda torch: lambda a: a.sum().item(),
    "control_flow": lambda torch: lambda a: a if a.sum() > 0 else -a,
    "random_number_unbidden": lambda torch: lambda a: a + torch.randn(2),
    "write_into_unbatched": lambda torch: lambda a: torch.zeros(2, dtype=torch.float64).add_(a),
    "nonzero": lambda torch: lambda a: a.nonzero(),
    "mask": lambda torch: lambda a: a[a > 0],
    "requires_grad_": lambda torch: lambda a: a.requires_grad_().sum(),
    "no_tensor": lambda torch: lambda a: 1,
    "numpy": lambda torch: lambda a: a.numpy(),
    "data_ptr": lambda torch: lambda a: a.data_ptr(),
    "storage": lambda torch: lambda a: a.untyped_storage(),
    "deepcopy": lambda torch: lambda a: copy.deepcopy(a),
}.items():
    fails(f"vmap_fails_{_name}", lambda torch, f=_f: torch.vmap(f(torch))(numbers(torch, 3, 2)))

for _name, _options in {
    "in_dim_out_of_range": {"in_dims": 5},
    "in_dims_none": {"in_dims": None},
    "in_dims_structure": {"in_dims": (0, 0)},
    "in_dims_type": {"in_dims": "a"},
    "out_dim_out_of_range": {"out_dims": 3},
    "out_dim_none": {"out_dims": None},
    "out_dims_structure": {"out_dims": (0, 0)},
    "out_dims_type": {"out_dims": "a"},
    "randomness": {"randomness": "some"},
    "chunk_size": {"chunk_size": 0},
}.items():
    fails(
        f"vmap_fails_{_name}",
        lambda torch, options=_options: torch.vmap(lambda a: a, **options)(numbers(torch, 3, 2)),
    )
fails("vmap_fails_sizes", lambda torch: torch.vmap(torch.add)(torch.ones(2), torch.ones(3)))
fails("vmap_fails_no_arguments", lambda torch: torch.vmap(lambda: 1)())
fails("vmap_fails_number", lambda torch: torch.vmap(lambda a: a)(3))


@program
def vmap_fails_same_numbers_for_a_batch(torch: Any) -> Iterator[Any]:
    torch.vmap(lambda a: torch.bernoulli(a), randomness="same")(torch.ones(3, 2))
    yield NOT_REACHED


# ------------ gradients


@program
def grad_and_its_like(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 4), numbers(torch, 4, start=1.5)

    def f(a: Any, b: Any) -> Any:
        return (a.sin() * b.exp()).sum() + a.prod()

    yield torch.func.grad(f)(x, y)
    yield torch.func.grad(f, argnums=1)(x, y)
    yield torch.func.grad(f, argnums=(1, 0))(x, y)
    yield torch.func.grad(f, argnums=(-1,))(x, y)
    yield torch.func.grad_and_value(f)(x, y)
    yield torch.func.grad(lambda a: (a.sum(), a * 2), has_aux=True)(x)
    yield torch.func.grad_and_value(lambda a: (a.sum(), (a * 2,)), has_aux=True)(x)
    yield torch.func.grad(lambda d: (d["a"][0] * d["b"]).sum())({"a": [x], "b": y})["a"][0]
    yield torch.func.grad(lambda a: torch.ones((), dtype=a.dtype))(x)


@program
def grad_nested(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3)
    cube = lambda a: a**3  # noqa: E731
    yield torch.func.grad(torch.func.grad(cube))(x[0])
    yield torch.func.grad(torch.func.grad(torch.func.grad(torch.sin)))(x[1])
    # The inner derivative must take the outer variable for a constant.
    yield torch.func.grad(lambda a: a * torch.func.grad(lambda b: a * b)(x[0]))(x[1])
    yield torch.func.grad(lambda a: a * torch.func.grad(lambda b: b * b * a)(a))(x[2])
    yield torch.func.grad(lambda a: a.detach() * a * torch.func.grad(lambda b: b.detach() * b)(a))(
        x[2]
    )


@program
def grad_and_no_grad(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3)

    def f(a: Any) -> Any:
        with torch.no_grad():
            fixed = a**2
        return (a**2 - fixed).sum()

    yield torch.func.grad(f)(x)
    with torch.no_grad():
        found = torch.func.grad(lambda a: (a**2).sum())(x)
    yield found
    yield found.requires_grad


@program
def grad_under_autograd(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3).requires_grad_()
    w = numbers(torch, 3, start=2.0).requires_grad_()
    g = torch.func.grad(lambda a: (a**3 * w).sum())(x)
    yield g.requires_grad
    g.sum().backward()
    yield x.grad
    yield w.grad
    value = torch.vmap(lambda a: a * w.sum())(x)
    value.sum().backward()
    yield x.grad
    yield w.grad
    yield torch.func.grad(lambda a: a.sum())(x.detach()).requires_grad


@program
def grad_in_place(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 4)

    def f(a: Any) -> Any:
        buffer = torch.zeros(4, dtype=a.dtype)
        buffer[1:] = a[:-1] * 2
        buffer[0] = a[3]
        view = buffer[2:]
        view.mul_(a[0])
        return (buffer**2).sum()

    yield torch.func.grad(f)(x)
    yield torch.func.jvp(f, (x,), (x.cos(),))
    yield torch.vmap(torch.func.grad(lambda a: (a.clone().mul_(2).add_(a) ** 2).sum()))(
        x.reshape(2, 2)
    )


@program
def per_sample_gradients(torch: Any) -> Iterator[Any]:
    w, x, t = numbers(torch, 3, 4), numbers(torch, 5, 4, start=1.0), torch.tensor([0, 2, 1, 1, 0])

    def loss(w: Any, x: Any, t: Any) -> Any:
        scores = torch.nn.functional.linear(x.unsqueeze(0), w).tanh()
        return torch.nn.functional.cross_entropy(scores, t.unsqueeze(0))

    yield torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(w, x, t)
    yield torch.vmap(torch.func.grad(loss, argnums=(0, 1)), in_dims=(None, 0, 0))(w, x, t)
    yield torch.func.grad(lambda w: torch.vmap(loss, in_dims=(None, 0, 0))(w, x, t).sum())(w)


@program
def vjp_and_jvp(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 3), numbers(torch, 2, start=1.0)

    def f(a: Any, b: Any) -> Any:
        return {"outer": a.outer(b), "sum": (a.sum() * b.sum(),)}

    out, pull = torch.func.vjp(f, x, y)
    yield out["outer"]
    seeds = {"outer": numbers(torch, 3, 2), "sum": (torch.tensor(2.0, dtype=torch.float64),)}
    yield pull(seeds)
    yield pull(seeds)
    yield torch.func.vjp(torch.sin, x)[1](y[:1].expand(3))
    out, aux_pull, aux = torch.func.vjp(lambda a: (a.sin(), a + 1), x, has_aux=True)
    yield out, aux, aux_pull(x)[0]
    value, tangent = torch.func.jvp(f, (x, y), (x.cos(), y.exp()))
    yield tangent["outer"], tangent["sum"][0]
    yield torch.func.jvp(lambda a: (a.exp(), a * 2), (x,), (y[:1].expand(3),), has_aux=True)
    yield torch.func.jvp(lambda a: torch.ones(2), (x,), (x,))
    value, push = torch.func.linearize(lambda a: a.sin() * a.sum(), x)
    yield value, push(x), push(x.cos())


@program
def jvp_nested(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3)
    one = torch.ones((), dtype=torch.float64)

    def derivative(f: Any) -> Any:
        return lambda a: torch.func.jvp(f, (a,), (one,))[1]

    yield derivative(derivative(lambda a: a**4))(x[0])
    # Tangents of different levels must not mix.
    yield derivative(lambda a: a * derivative(lambda b: a + b)(one))(x[1])
    yield torch.func.grad(derivative(lambda a: a.exp() * a))(x[2])
    yield derivative(torch.func.grad(lambda a: a.exp() * a))(x[2])
    yield torch.vmap(derivative(lambda a: a.sin() * a))(x)
    yield torch.func.jvp(torch.vmap(lambda a: a.sin() * a.exp()), (x,), (x,))


@program
def jacobians_and_hessians(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 3), numbers(torch, 2, start=1.0)

    def f(a: Any, b: Any) -> Any:
        return a.sin().outer(b) * a.sum()

    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        yield jacobian(f)(x, y)
        yield jacobian(f, argnums=(0, 1))(x, y)
        yield jacobian(lambda a: (a.prod(), {"k": a[1:]}["k"]))(x)
        yield jacobian(lambda a: (a * 2, a.sum()), has_aux=True)(x)
        yield jacobian(jacobian(lambda a: a.prod() * a))(x)
    yield torch.func.jacrev(f, chunk_size=2)(x, y)

    def g(a: Any, b: Any) -> Any:
        return (a.exp().sum() * b.prod()).sin()

    yield torch.func.hessian(g)(x, y)
    yield torch.func.hessian(g, argnums=(0, 1))(x, y)
    yield torch.vmap(torch.func.hessian(g), in_dims=(0, None))(numbers(torch, 4, 3), y)
    yield torch.func.jacrev(torch.func.jacfwd(g))(x, y)


@program
def transforms_of_complex_numbers(torch: Any) -> Iterator[Any]:
    z = torch.complex(numbers(torch, 3), numbers(torch, 3, start=1.0))
    yield torch.func.grad(lambda a: (a * a.conj()).real.sum())(z)
    yield torch.func.jvp(lambda a: a * a, (z,), (z,))
    yield torch.func.jvp(lambda a: a.abs(), (z,), (z.conj() * 1.0,))
    yield torch.vmap(lambda a: a.exp() * a.real)(z)


for _name, _f in {
    "non_scalar": lambda torch: torch.func.grad(lambda a: a),
    "no_tensor": lambda torch: torch.func.grad(lambda a: 1),
    "argnums": lambda torch: torch.func.grad(lambda a: a.sum(), argnums=3),
    "argnums_type": lambda torch: torch.func.grad(lambda a: a.sum(), argnums="a"),
    "aux": lambda torch: torch.func.grad(lambda a: a.sum(), has_aux=True),
    "input_in_place": lambda torch: torch.func.grad(lambda a: a.mul_(2).sum()),
    "backward": lambda torch: torch.func.grad(lambda a: (a.sum().backward(), a.sum())[1]),
    "vjp_no_tensor": lambda torch: lambda a: torch.func.vjp(lambda b: 1, a),
    "vjp_structure": lambda torch: lambda a: torch.func.vjp(torch.sin, a)[1]((a, a)),
    "vjp_shape": lambda torch: lambda a: torch.func.vjp(torch.sin, a)[1](a[0]),
    "jvp_shape": lambda torch: lambda a: torch.func.jvp(torch.sin, (a,), (a[0],)),
    "jvp_no_tuple": lambda torch: lambda a: torch.func.jvp(torch.sin, a, a),
    "jvp_structure": lambda torch: lambda a: torch.func.jvp(torch.sin, (a,), (a, a)),
    "jvp_integers": lambda torch: lambda a: torch.func.jvp(torch.sin, (a.long(),), (a.long(),)),
    "jvp_strict": lambda torch: (
        lambda a: torch.func.jvp(lambda b: torch.ones(2), (a,), (a,), strict=True)
    ),
    "jacrev_no_tensor": lambda torch: torch.func.jacrev(lambda a: 1),
    "jacfwd_no_tensor": lambda torch: torch.func.jacfwd(lambda a: 1),
    "jacrev_chunk": lambda torch: torch.func.jacrev(torch.sin, chunk_size=0),
}.items():
    fails(f"func_fails_{_name}", lambda torch, f=_f: f(torch)(numbers(torch, 3, 2)))
fails("grad_fails_integers", lambda torch: torch.func.grad(lambda a: a.sum())(torch.arange(3)))


@program
def grad_fails_write_to_captured(torch: Any) -> Iterator[Any]:
    kept = torch.zeros(2, dtype=torch.float64)
    torch.func.grad(lambda a: kept.add_(a).sum())(numbers(torch, 2))
    yield NOT_REACHED


@program
def grad_fails_saved_tensor_hooks(torch: Any) -> Iterator[Any]:
    with torch.autograd.graph.save_on_cpu():
        torch.func.grad(lambda a: (a**2).sum())(numbers(torch, 2))
    yield NOT_REACHED


# ------------ forward mode


@program
def dual_tensors(torch: Any) -> Iterator[Any]:
    from_ = torch.autograd.forward_ad
    x, t = numbers(torch, 3), numbers(torch, 3, start=2.0)
    yield tuple(from_.unpack_dual(x))[1] is None
    with from_.dual_level():
        dual = from_.make_dual(x, t)
        yield tuple(from_.unpack_dual((dual.sin() * dual.sum()).exp()))
        yield tuple(from_.unpack_dual(dual.reshape(3, 1).expand(3, 2)[1:]))
        yield from_.unpack_dual(x * 2).tangent is None
        buffer = torch.zeros(3, dtype=x.dtype)
        buffer[1:].copy_(dual[1:] * 2)
        yield tuple(from_.unpack_dual(buffer))
        written = from_.make_dual(x.clone(), t.clone())
        written.mul_(3)
        written[0] = 1.0
        yield tuple(from_.unpack_dual(written))
        with torch.no_grad():
            yield from_.unpack_dual(dual * 2).tangent
        yield from_.unpack_dual(dual > 0).tangent is None
    yield from_.unpack_dual(dual).tangent is None
    yield dual + 1


@program
def dual_tensors_and_gradients(torch: Any) -> Iterator[Any]:
    from_ = torch.autograd.forward_ad
    x = numbers(torch, 3).requires_grad_()
    with from_.dual_level():
        dual = from_.make_dual(x, torch.ones(3, dtype=torch.float64))
        yield dual.requires_grad
        value = (dual**3).sum()
        primal, tangent = from_.unpack_dual(value)
        yield torch.autograd.grad(tangent, x, retain_graph=True)
        yield torch.autograd.grad(primal, x, retain_graph=True)
        (gradient,) = torch.autograd.grad(value, dual, create_graph=True)
        yield tuple(from_.unpack_dual(gradient))


def _in_level(run: Callable[[Any, Any, Any], Any]) -> Callable[[Any], Any]:
    def inside(torch: Any) -> Any:
        from_ = torch.autograd.forward_ad
        with from_.dual_level():
            run(torch, from_, torch.ones(3))

    return inside


fails("dual_fails_outside", lambda torch: torch.autograd.forward_ad.make_dual(
    torch.ones(2), torch.ones(2)))  # fmt: skip
fails("dual_fails_nested", _in_level(lambda torch, from_, x: from_.enter_dual_level()))
fails("dual_fails_shape", _in_level(lambda torch, from_, x: from_.make_dual(x, x[:2])))
fails("dual_fails_integers", _in_level(lambda torch, from_, x: from_.make_dual(x.long(), x)))
fails("dual_fails_integer_tangent", _in_level(lambda torch, from_, x: from_.make_dual(x, x.long())))
fails(
    "dual_fails_twice",
    _in_level(lambda torch, from_, x: from_.make_dual(from_.make_dual(x, x), x)),
)
fails("dual_fails_exit", lambda torch: torch.autograd.forward_ad.exit_dual_level())


# ------------ custom functions


def power(torch: Any, **attributes: Any) -> Any:
    """``x**3 y`` with all that a Function can say of itself, but for what is taken away."""

    class Power(torch.autograd.Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any, y: Any) -> Any:
            return x**3 * y, 3 * x**2 * y

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs, output[1])
            ctx.save_for_forward(*inputs, output[1])

        @staticmethod
        def backward(ctx: Any, g: Any, h: Any) -> Any:
            x, y, slope = ctx.saved_tensors
            return g * slope + h * 6 * x * y, g * x**3 + h * 3 * x**2

        @staticmethod
        def jvp(ctx: Any, s: Any, t: Any) -> Any:
            x, y, slope = ctx.saved_tensors
            return s * slope + t * x**3, s * 6 * x * y + t * 3 * x**2

    for name, value in attributes.items():
        setattr(Power, name, value)
    return Power


@program
def function_under_transforms(torch: Any) -> Iterator[Any]:
    x, y = numbers(torch, 3, 2), numbers(torch, 3, 2, start=2.0)
    apply = power(torch).apply

    def f(a: Any, b: Any) -> Any:
        return apply(a, b)[0].sum()

    yield torch.func.grad(f, argnums=(0, 1))(x, y)
    yield torch.func.jvp(f, (x, y), (y, x))
    yield torch.vmap(f)(x, y)
    yield torch.vmap(torch.func.grad(f, argnums=(0, 1)))(x, y)
    yield torch.vmap(torch.func.grad(f, argnums=1), in_dims=(0, None))(x, y[0])
    yield torch.func.grad(lambda b: torch.vmap(f, in_dims=(0, None))(x, b).sum())(y[0])
    yield torch.func.hessian(f)(x[0], y[0])
    yield torch.func.jacrev(torch.func.jacrev(f))(x[0], y[0])
    yield torch.vmap(torch.func.hessian(f))(x, y)


@program
def function_with_its_own_vmap(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3, 2)
    seen = []

    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(a: Any, k: Any) -> Any:
            return a * k

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            ctx.k = inputs[1]

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g * ctx.k, None

        @staticmethod
        def vmap(info: Any, in_dims: Any, a: Any, k: Any) -> Any:
            seen.append((info.batch_size, info.randomness, in_dims, tuple(a.shape)))
            return Twice.apply(a.movedim(in_dims[0], -1), k), -1

    yield torch.vmap(lambda a: Twice.apply(a, 2.0))(x)
    yield tuple(seen)
    yield torch.vmap(torch.func.grad(lambda a: Twice.apply(a, 3.0).sum()))(x)


for _name, _change in {
    "without_jvp": (lambda torch: {"jvp": torch.autograd.Function.jvp}, "jvp"),
    "without_vmap": (lambda torch: {"generate_vmap_rule": False}, "vmap"),
    "both_vmaps": (lambda torch: {"vmap": staticmethod(lambda info, dims, *a: (a[0], 0))}, "vmap"),
    "old_style": (lambda torch: {"setup_context": torch.autograd.Function.setup_context}, "grad"),
}.items():

    def _apply(torch: Any, change: Any = _change) -> Any:
        attributes, how = change
        cls = power(torch, **attributes(torch))
        x = numbers(torch, 3)
        f = lambda a: cls.apply(a, a)[0].sum()  # noqa: E731
        if how == "jvp":
            return torch.func.jvp(f, (x,), (x,))
        return torch.vmap(f)(x) if how == "vmap" else torch.func.grad(f)(x)

    fails(f"function_fails_{_name}", _apply)


# ------------ functional


@program
def functional_at_once(torch: Any) -> Iterator[Any]:
    functional = torch.autograd.functional
    x, y = numbers(torch, 3), numbers(torch, 2, start=1.0)

    def f(a: Any, b: Any) -> Any:
        return a.sin().outer(b), a.sum() * b

    def g(a: Any, b: Any) -> Any:
        return (a.exp().sum() * b.prod()).sin()

    for strategy in ("reverse-mode", "forward-mode"):
        yield functional.jacobian(f, (x, y), vectorize=True, strategy=strategy)
        yield functional.jacobian(torch.sin, x, vectorize=True, strategy=strategy)
        yield functional.jacobian(lambda a: torch.ones(2), x, vectorize=True, strategy=strategy)
        yield functional.hessian(g, (x, y), vectorize=True, outer_jacobian_strategy=strategy)
        yield functional.hessian(
            lambda a: a.prod(), x, vectorize=True, outer_jacobian_strategy=strategy
        )
    z = x.clone().requires_grad_()
    found = functional.jacobian(lambda a: a**2, z, vectorize=True, create_graph=True)
    yield torch.autograd.grad(found.sum(), z)


@program
def batched_gradients(torch: Any) -> Iterator[Any]:
    x = numbers(torch, 3).requires_grad_()
    y = (x**2, x.sin() * x.sum())
    seeds = (numbers(torch, 4, 3), numbers(torch, 4, 3, start=3.0))
    options = {"is_grads_batched": True, "retain_graph": True}
    yield torch.autograd.grad(y, x, seeds, **options)
    yield torch.autograd.grad(y[0], (x, torch.ones(1, requires_grad=True)), seeds[0],
                              allow_unused=True, **options)[0]  # fmt: skip
    (g,) = torch.autograd.grad(y, x, seeds, is_grads_batched=True, create_graph=True)
    yield torch.autograd.grad((g**2).sum(), x)


for _name, _seeds in {
    "shape": lambda torch: torch.ones(2, 4),
    "none": lambda torch: None,
}.items():

    def _batched(torch: Any, seeds: Any = _seeds) -> Any:
        x = torch.ones(3, requires_grad=True)
        return torch.autograd.grad(x * 2, x, seeds(torch), is_grads_batched=True)

    fails(f"batched_gradients_fail_{_name}", _batched)

for _name, _options in {
    "strategy": {"strategy": "sideways"},
    "forward_one_by_one": {"strategy": "forward-mode"},
    "forward_create_graph": {"strategy": "forward-mode", "vectorize": True, "create_graph": True},
    "forward_strict": {"strategy": "forward-mode", "vectorize": True, "strict": True},
    "vectorize_strict": {"vectorize": True, "strict": True},
}.items():
    fails(
        f"jacobian_fails_{_name}",
        lambda torch, options=_options: torch.autograd.functional.jacobian(
            torch.sin, numbers(torch, 3), **options
        ),
    )


# ------------ modules


def network(torch: Any) -> Any:
    nn = torch.nn
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 2, 3), nn.GroupNorm(1, 2), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(8, 4), nn.LayerNorm(4), nn.GELU(), nn.Linear(4, 3),
    ).double()  # fmt: skip


@program
def functional_calls(torch: Any) -> Iterator[Any]:
    net = network(torch)
    state = {name: p.detach() for name, p in net.named_parameters()}
    x, t = numbers(torch, 5, 1, 6, 6), torch.tensor([0, 2, 1, 1, 0])
    halved = {name: p * 0.5 for name, p in state.items()}
    yield torch.func.functional_call(net, halved, (x,))
    yield torch.func.functional_call(net, {"8.bias": halved["8.bias"]}, x)

    def loss(p: Any, x: Any, t: Any) -> Any:
        scores = torch.func.functional_call(net, p, (x.unsqueeze(0),))
        return torch.nn.functional.cross_entropy(scores, t.unsqueeze(0))

    each = torch.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))(state, x, t)
    yield tuple(each[name] for name in sorted(each))
    whole = torch.func.grad(
        lambda p: torch.vmap(loss, in_dims=(None, 0, 0))(p, x, t).sum()
    )(state)  # fmt: skip
    yield tuple(whole[name] for name in sorted(whole))


@program
def ensembles(torch: Any) -> Iterator[Any]:
    nets = [network(torch) for _ in range(3)]
    for i, net in enumerate(nets):
        for p in net.parameters():
            p.data.mul_(1 + i)
    params, buffers = torch.func.stack_module_state(nets)
    x = numbers(torch, 5, 1, 6, 6)
    run = lambda p, x: torch.func.functional_call(nets[0], p, (x,))  # noqa: E731
    yield torch.vmap(run, in_dims=(0, None))(params, x)
    yield params["0.weight"].requires_grad, params["0.weight"].is_leaf, len(buffers)
    yield torch.vmap(run)(params, torch.stack([x, x * 2, x * 3]))


for _name, _given in {
    "repeated": lambda p: (({**p}, {**p}), {}),
    "missing": lambda p: (({"0.bias": p["0.bias"]},), {"strict": True}),
    "unexpected": lambda p: (({**p, "more": p["0.bias"]},), {"strict": True}),
    "type": lambda p: ((3,), {}),
}.items():

    def _call(torch: Any, given: Any = _given) -> Any:
        net = network(torch)
        dicts, options = given(dict(net.named_parameters()))
        one = dicts[0] if len(dicts) == 1 else dicts
        return torch.func.functional_call(net, one, numbers(torch, 1, 1, 6, 6), **options)

    fails(f"functional_call_fails_{_name}", _call)
fails("stack_module_state_fails_empty", lambda torch: torch.func.stack_module_state([]))


# ------------ gradcheck


@program
def gradcheck_of_every_mode(torch: Any) -> Iterator[Any]:
    autograd = torch.autograd
    x, y = numbers(torch, 3).requires_grad_(), numbers(torch, 3, start=2.0).requires_grad_()

    def f(a: Any, b: Any) -> Any:
        return a.sin() * b.sum(), (a * b).exp()

    every = {"check_batched_forward_grad": True, "check_forward_ad": True}
    for fast in (False, True):
        yield autograd.gradcheck(f, (x, y), check_batched_grad=True, fast_mode=fast, **every)
        yield autograd.gradgradcheck(
            f, (x, y), check_fwd_over_rev=True, check_batched_grad=True, fast_mode=fast
        )
    wrong = power(torch, jvp=staticmethod(lambda ctx, s, t: (s, t))).apply
    yield autograd.gradcheck(wrong, (x, y), check_forward_ad=True, raise_exception=False)
    yield autograd.gradcheck(wrong, (x, y), check_batched_grad=True)


for _name, _options in {
    "forward_batch_alone": {"check_batched_forward_grad": True},
    "batch_without_backward": {
        "check_forward_ad": True,
        "check_backward_ad": False,
        "check_batched_grad": True,
    },
    "nothing": {"check_backward_ad": False},
}.items():
    fails(
        f"gradcheck_fails_{_name}",
        lambda torch, options=_options: torch.autograd.gradcheck(
            torch.sin, numbers(torch, 2).requires_grad_(), **options
        ),
    )


@program
def functionalized(torch: Any) -> Iterator[Any]:
    functionalize = torch.func.functionalize

    def through_views(x: Any) -> Any:
        y = x.clone()
        y[0] = 5.0
        tail = y[1:]
        tail.mul_(2)
        y.view(-1)[::2].add_(1)
        return y, tail

    x = numbers(torch, 2, 3)
    yield (
        functionalize(through_views)(x),
        functionalize(through_views, remove="mutations_and_views")(x),
    )
    yield functionalize(lambda a: a.mul_(2)[0])(x), x
    yield tuple(functionalize(lambda a: {"b": torch.add(a, 1, out=a), "n": 3})(x).values()), x
    yield torch.vmap(functionalize(lambda a: torch.zeros(3, dtype=torch.float64).add_(a)))(x)
    yield torch.func.grad(lambda a: functionalize(through_views)(a)[0].sum())(x)


@program
def functionalized_fail(torch: Any) -> Iterator[Any]:
    yield 1
    torch.func.functionalize(lambda a: a, remove="everything")
