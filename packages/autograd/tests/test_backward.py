"""``backward`` and ``grad``: their arguments and errors."""

from __future__ import annotations

import pytest

import lamella_core as lc
from lamella_autograd import backward, grad
from lamella_core import warning


def leaf(*values: float):
    return lc.tensor([float(v) for v in values or (1, 2, 3)], requires_grad=True)


def test_scalar_expected() -> None:
    with pytest.raises(RuntimeError, match="only for scalar outputs; output 0 has shape"):
        (leaf() * 2).backward()
    z = lc.tensor([1 + 1j], requires_grad=True)
    with pytest.raises(RuntimeError, match="real scalar outputs"):
        (z * 1).backward()


def test_no_graph() -> None:
    with pytest.raises(RuntimeError, match="does not require grad"):
        lc.ones(()).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(lc.ones((), requires_grad=True) * 1, lc.ones(3))


def test_given_gradients() -> None:
    x = leaf()
    (x * 2).backward(lc.tensor([1.0, 10.0, 100.0]))
    assert x.grad.tolist() == [2.0, 20.0, 200.0]
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(lc.ones(2))
    with pytest.raises(TypeError, match="either Tensors or None"):
        (x * 2).backward(3)
    with pytest.raises(RuntimeError, match="Mismatch in dtype"):
        (x * 2).backward(lc.ones(3, dtype=lc.complex64))
    with pytest.raises(RuntimeError, match="2 tensors and 1 gradients"):
        backward([x.sum(), x.sum()], [lc.ones(())])


def test_several_roots() -> None:
    x = leaf()
    y = x * 2
    backward([y.sum(), (y * y), x.sum()], [None, lc.ones(3), None])
    assert x.grad.tolist() == [11.0, 19.0, 27.0]


def test_leaf_as_root() -> None:
    x = leaf()
    x.backward(lc.ones(3))
    assert x.grad.tolist() == [1.0] * 3


def test_inputs() -> None:
    x, w = leaf(), leaf()
    y = x * w
    (y * y).sum().backward(inputs=[y])
    assert y.grad.tolist() == [2.0, 8.0, 18.0]
    assert x.grad is None and w.grad is None
    (x * w).sum().backward(inputs=x)
    assert x.grad.tolist() == [1.0, 2.0, 3.0] and w.grad is None
    with pytest.raises(RuntimeError, match="cannot be empty"):
        (x * w).sum().backward(inputs=[])


def test_unused() -> None:
    x, z = leaf(), leaf()
    s = (x * 2).sum()
    with pytest.raises(RuntimeError, match="at index 1 appears to not have been used"):
        grad(s, [x, z], retain_graph=True)
    assert grad(s, [x, z], allow_unused=True, retain_graph=True)[1] is None
    assert grad(s, [x, z], materialize_grads=True)[1].tolist() == [0.0] * 3
    with pytest.raises(ValueError, match="allow_unused"):
        grad(s, [x, z], allow_unused=False, materialize_grads=True)


def test_batched() -> None:
    x = leaf()
    (jacobian,) = grad(x * x, x, lc.eye(3), is_grads_batched=True)
    assert jacobian.tolist() == [[2.0, 0.0, 0.0], [0.0, 4.0, 0.0], [0.0, 0.0, 6.0]]


def test_grad_is_apart_from_the_graph() -> None:
    x = leaf()
    (g,) = grad((x.view(3, 1).t() * 2).sum(), x)
    assert not g.requires_grad and g.is_leaf
    (g,) = grad((x * x).sum(), x, create_graph=True)
    assert g.requires_grad


def test_create_graph_keeps_the_graph() -> None:
    x = leaf()
    s = (x * x).sum()
    grad(s, x, create_graph=True)
    grad(s, x)
    with pytest.raises(RuntimeError, match="second time"):
        grad(s, x)


def test_real_argument_of_a_complex_function() -> None:
    """d|x * (3 + 4i)|^2 / dx = 50 x, and it is real."""
    x = lc.tensor([2.0], dtype=lc.float64, requires_grad=True)
    ((x * (3 + 4j)).abs() ** 2).sum().backward()
    assert x.grad.dtype == lc.float64
    assert abs(x.grad.item() - 100) < 1e-12


def test_inputs_in_a_dictionary() -> None:
    x, w = leaf(), leaf()
    y = (x * w).sum()
    found = grad(y, {"x": x, "w": w}, retain_graph=True)
    assert list(found) == ["x", "w"] and found["w"].tolist() == x.tolist()
    backward(y, inputs={"w": w})
    assert x.grad is None and w.grad.tolist() == x.tolist()


def test_old_names_warn() -> None:
    x = leaf()
    with pytest.warns(FutureWarning, match="grad_variables"):
        backward(x * 2, grad_variables=[lc.ones_like(x)])
    assert x.grad.tolist() == [2.0] * x.numel()
    with pytest.raises(RuntimeError, match="both passed"), pytest.warns(FutureWarning):
        backward(x * 2, [lc.ones_like(x)], grad_variables=[lc.ones_like(x)])
    with pytest.warns(FutureWarning, match="only_inputs"):
        grad((x * 2).sum(), x, only_inputs=False)


def test_gradients_of_integers_count() -> None:
    x = lc.ones(3).requires_grad_()
    (x * 2).backward(lc.tensor([1, 2, 3]))
    assert x.grad.tolist() == [2.0, 4.0, 6.0]
    assert x.grad.dtype is lc.float32


def test_grad_of_no_inputs() -> None:
    with pytest.raises(RuntimeError, match="cannot be empty"):
        grad(lc.ones(3).requires_grad_().sum(), ())


@pytest.mark.parametrize("flag", ["a", 1.0])
def test_flags_are_bools_or_integers(flag: object) -> None:
    x = leaf(1, 2)
    for name in ("create_graph", "retain_graph", "allow_unused", "materialize_grads"):
        with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
            grad((x * x).sum(), x, **{name: flag})
    with pytest.raises(TypeError, match="cannot be interpreted as an integer"):
        (x * x).sum().backward(retain_graph=flag)
    y = (x * x).sum()
    assert grad(y, x, retain_graph=1)[0].tolist() == grad(y, x)[0].tolist() == [2.0, 4.0]


def test_asarray_keeps_the_graph_by_default() -> None:
    """As PyTorch 2.13, which warns."""
    x = leaf(1, 2)
    with pytest.warns(UserWarning, match="requires_grad=False detaches"):
        assert lc.asarray(x) is x
    assert not lc.asarray(x, requires_grad=False).requires_grad
    doubled = lc.asarray(x * 2, requires_grad=True)
    assert doubled.grad_fn is not None


def test_a_recorded_backward_pass_warns_once_of_the_cycle_that_it_makes(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.setattr(warning, "told", set())
    x = lc.tensor([2.0]).requires_grad_()
    with pytest.warns(UserWarning, match="Using backward.. with create_graph=True") as caught:
        (x**3).sum().backward(create_graph=True)
    assert caught[0].filename == __file__
    assert x.grad.requires_grad
    backward((x**3).sum(), create_graph=True, inputs=x)
    assert not recwarn.list
