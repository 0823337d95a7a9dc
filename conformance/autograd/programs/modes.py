"""``no_grad`` and ``inference_mode``."""

from __future__ import annotations

from autograd.programs.listing import NOT_REACHED, leaf, program


@program
def modes_nest(t):
    x = leaf(t)
    with t.no_grad():
        yield (x * 2).requires_grad
        with t.enable_grad():
            yield (x * 2).requires_grad
        with t.set_grad_enabled(False):
            yield (x * 2).requires_grad
    t.set_grad_enabled(False)
    yield t.is_grad_enabled()
    t.set_grad_enabled(True)
    yield t.is_grad_enabled()


@program
def inference_tensors(t):
    x = leaf(t)
    with t.inference_mode():
        y = x * 2
        made = t.ones(3)
        v = x[0:2]
        yield from (y.requires_grad, y.is_inference(), made.is_inference(), v.is_inference())
        y.add_(1)
        yield t.is_inference_mode_enabled()
    yield from (x.is_inference(), (made + 1).is_inference())
    (x + made).sum().backward()
    yield x.grad
    x * made
    yield NOT_REACHED


@program
def write_to_inference_tensor(t):
    with t.inference_mode():
        y = t.ones(3)
    y.add_(1)
    yield NOT_REACHED


@program
def inference_write_to_normal_tensor(t):
    x = t.ones(3)
    with t.inference_mode():
        x.add_(1)
    yield from (x, x.is_inference())
    (x * leaf(t)).sum().backward()
    yield "done"


@program
def inference_tensor_requires_grad(t):
    with t.inference_mode():
        y = t.ones(3)
    y.requires_grad_()
    yield NOT_REACHED
