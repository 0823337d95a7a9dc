"""Views: shapes, strides and offsets as PyTorch 2.13 gives them, on shared memory."""

from __future__ import annotations

import numpy as np
import pytest

import lamella_core as core
from lamella_core.ops.views import unfold_backward

X = core.arange(12.0).reshape(3, 4)
CUBE = core.arange(24.0).reshape(2, 3, 4)
COMPLEX = core.tensor([[1 + 2j, 3 + 4j], [5 + 6j, 7 + 8j]])

# name, call, shape, strides, offset
GEOMETRY = [
    ("view", lambda: X.view(2, 6), (2, 6), (6, 1), 0),
    ("view -1", lambda: X.view(-1), (12,), (1,), 0),
    ("view of columns", lambda: X[:, :2].view(3, 2, 1), (3, 2, 1), (4, 1, 1), 0),
    ("view split", lambda: X.t().view(2, 2, 3), (2, 2, 3), (2, 1, 4), 0),
    ("view size=", lambda: X.view(size=(4, 3)), (4, 3), (3, 1), 0),
    ("view_as", lambda: X.view_as(core.ones(6, 2)), (6, 2), (2, 1), 0),
    ("reshape", lambda: X.reshape(2, -1), (2, 6), (6, 1), 0),
    ("permute", lambda: CUBE.permute(2, 0, -2), (4, 2, 3), (1, 12, 4), 0),
    ("transpose", lambda: CUBE.transpose(0, -1), (4, 3, 2), (1, 4, 12), 0),
    ("swapaxes", lambda: CUBE.swapaxes(0, 1), (3, 2, 4), (4, 12, 1), 0),
    ("t", lambda: X.t(), (4, 3), (1, 4), 0),
    ("T", lambda: X.T, (4, 3), (1, 4), 0),
    ("mT", lambda: CUBE.mT, (2, 4, 3), (12, 1, 4), 0),
    ("H", lambda: X.H, (4, 3), (1, 4), 0),
    ("movedim", lambda: CUBE.movedim(0, -1), (3, 4, 2), (4, 1, 12), 0),
    ("moveaxis", lambda: CUBE.moveaxis((0, 1), (1, 0)), (3, 2, 4), (4, 12, 1), 0),
    ("unsqueeze 0", lambda: X.unsqueeze(0), (1, 3, 4), (12, 4, 1), 0),
    ("unsqueeze 1", lambda: X.unsqueeze(1), (3, 1, 4), (4, 4, 1), 0),
    ("unsqueeze 2", lambda: X.unsqueeze(-1), (3, 4, 1), (4, 1, 1), 0),
    ("unsqueeze t 0", lambda: X.t().unsqueeze(0), (1, 4, 3), (4, 1, 4), 0),
    ("unsqueeze t 1", lambda: X.t().unsqueeze(1), (4, 1, 3), (1, 12, 4), 0),
    ("unsqueeze step", lambda: X[:, ::2].unsqueeze(0), (1, 3, 2), (12, 4, 2), 0),
    ("squeeze", lambda: X[:1, 1:2].squeeze(), (), (), 1),
    ("squeeze dim", lambda: X[:1].squeeze(1), (1, 4), (4, 1), 0),
    ("squeeze dims", lambda: X[None, :, :, None].squeeze((0, -1)), (3, 4), (4, 1), 0),
    ("expand", lambda: X[:, None].expand(3, 5, -1), (3, 5, 4), (4, 0, 1), 0),
    ("expand front", lambda: X.expand(2, 3, 4), (2, 3, 4), (0, 4, 1), 0),
    ("expand_as", lambda: X[0].expand_as(X), (3, 4), (0, 1), 0),
    ("flatten", lambda: CUBE.flatten(1), (2, 12), (12, 1), 0),
    ("unflatten", lambda: X.unflatten(1, (2, -1)), (3, 2, 2), (4, 2, 1), 0),
    ("ravel", lambda: X.ravel(), (12,), (1,), 0),
    ("narrow", lambda: CUBE.narrow(1, -2, 1), (2, 1, 4), (12, 4, 1), 4),
    ("select", lambda: CUBE.select(-1, 2), (2, 3), (12, 4), 2),
    ("diagonal", lambda: X.diagonal(1), (3,), (5,), 1),
    ("diagonal below", lambda: X.diagonal(-1), (2,), (5,), 4),
    ("diagonal of a cube", lambda: CUBE.diagonal(0, 0, 2), (3, 2), (4, 13), 0),
    ("diagonal outside", lambda: X.diagonal(9), (0,), (5,), 0),
    ("unfold", lambda: X.unfold(1, 2, 1), (3, 3, 2), (4, 1, 1), 0),
    ("unfold step", lambda: X.unfold(0, 2, 1), (2, 4, 2), (4, 1, 4), 0),
    ("as_strided", lambda: X.as_strided((2, 2), (1, 2), 3), (2, 2), (1, 2), 3),
    ("getitem", lambda: X[1:, ::3], (2, 2), (4, 3), 4),
    ("getitem int", lambda: X[-1], (4,), (1,), 8),
    ("getitem None", lambda: X[..., None, 1], (3, 1), (4, 1), 1),
    ("view dtype", lambda: X.view(core.int32), (3, 4), (4, 1), 0),
    ("view narrower", lambda: X.view(core.int16), (3, 8), (8, 1), 0),
    ("view wider", lambda: X.view(core.float64), (3, 2), (2, 1), 0),
    ("real", lambda: COMPLEX.real, (2, 2), (4, 2), 0),
    ("imag", lambda: COMPLEX.imag, (2, 2), (4, 2), 1),
    ("view_as_real", lambda: core.view_as_real(COMPLEX), (2, 2, 2), (4, 2, 1), 0),
    ("view_as_complex", lambda: core.view_as_complex(X[:, 2:]), (3,), (2,), 1),
]


@pytest.mark.parametrize(
    ("call", "shape", "strides", "offset"),
    [row[1:] for row in GEOMETRY],
    ids=[r[0] for r in GEOMETRY],
)
def test_geometry(call, shape, strides, offset):
    view = call()
    assert view.shape == shape
    if view.numel():
        assert [s for n, s in zip(shape, view.stride(), strict=True) if n > 1] == [
            s for n, s in zip(shape, strides, strict=True) if n > 1
        ]
        assert view.storage_offset() == offset
    assert view.untyped_storage() in (
        X.untyped_storage(),
        CUBE.untyped_storage(),
        COMPLEX.untyped_storage(),
    )


@pytest.mark.parametrize("name", ["unsqueeze 0", "unsqueeze 1", "unsqueeze 2", "unsqueeze t 0"])
def test_strides_of_new_dimensions(name):
    row = next(r for r in GEOMETRY if r[0] == name)
    assert row[1]().stride() == row[3]


def test_values():
    array = X.numpy()
    cube = CUBE.numpy()
    np.testing.assert_array_equal(X.t().view(2, 2, 3).numpy(), array.T.reshape(2, 2, 3))
    np.testing.assert_array_equal(CUBE.permute(2, 0, 1).numpy(), cube.transpose(2, 0, 1))
    np.testing.assert_array_equal(CUBE.diagonal(0, 0, 2).numpy(), cube.diagonal(0, 0, 2))
    np.testing.assert_array_equal(
        X.unfold(1, 2, 1).numpy(), np.lib.stride_tricks.sliding_window_view(array, 2, 1)
    )
    assert COMPLEX.imag.tolist() == [[2.0, 4.0], [6.0, 8.0]]
    assert core.view_as_complex(X[:, 2:]).tolist() == [2 + 3j, 6 + 7j, 10 + 11j]
    assert core.tensor(5.0).unfold(0, 1, 1).shape == (1,)


def test_reshape_copies_where_it_must():
    found = X.t().reshape(12)
    assert found.tolist() == X.numpy().T.reshape(12).tolist()
    assert found.untyped_storage() is not X.untyped_storage()
    assert X.t().reshape(4, 3).untyped_storage() is X.untyped_storage()
    assert core.zeros(0, 3).reshape(-1, 3).shape == (0, 3)
    assert core.zeros(0).view(0, 5).shape == (0, 5)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: X.view(5), RuntimeError, r"shape '\[5\]' is invalid for input of size 12"),
        (lambda: X.view(-1, 5), RuntimeError, r"shape '\[-1, 5\]' is invalid"),
        (lambda: X.view(-1, -1), RuntimeError, "only one dimension can be inferred"),
        (lambda: X.view(-2, -6), RuntimeError, "invalid shape dimension -2"),
        (lambda: X.view(-2), RuntimeError, "invalid shape dimension -2"),
        (lambda: X.t().view(12), RuntimeError, "view size is not compatible"),
        (lambda: X.view("a"), TypeError, "must be tuple of ints"),
        (lambda: X.view(shape=(12,)), TypeError, "unexpected keyword argument 'shape'"),
        (lambda: core.zeros(0).view(-1, 0), RuntimeError, "is ambiguous"),
        (lambda: X.reshape(5), RuntimeError, "invalid for input of size 12"),
        (lambda: X.t().view(core.float64), RuntimeError, "stride|divisible"),
        (lambda: X[:, :3].view(core.float64), RuntimeError, "divisible by 2"),
        (lambda: core.tensor(1.0).view(core.int16), RuntimeError, "cannot be 0"),
        (lambda: X.permute(0, 0), RuntimeError, "duplicate dims"),
        (lambda: X.permute(0), RuntimeError, "does not match the length"),
        (lambda: X.permute(0, 2), IndexError, r"range of \[-2, 1\], but got 2"),
        (lambda: X.transpose(0, 2), IndexError, "but got 2"),
        (lambda: CUBE.t(), RuntimeError, "<= 2 dimensions, but self is 3D"),
        (lambda: CUBE.H, RuntimeError, "only supported on matrices"),
        (lambda: X[0].mT, RuntimeError, "Got 1-D tensor"),
        (lambda: X.movedim((0, 0), (0, 1)), RuntimeError, "repeated dim"),
        (lambda: X.movedim((0,), (0, 1)), RuntimeError, "Invalid source or destination"),
        (lambda: X.expand(2, 4), RuntimeError, r"\(2\) must match the existing size \(3\)"),
        (lambda: X.expand(4), RuntimeError, "number of sizes provided"),
        (lambda: X.expand(-1, 3, 4), RuntimeError, "non-existing dimension 0"),
        (lambda: X.squeeze(5), IndexError, "but got 5"),
        (lambda: X.squeeze((0, 0)), RuntimeError, "multiple times"),
        (lambda: X.unsqueeze(5), IndexError, r"range of \[-3, 2\], but got 5"),
        (lambda: CUBE.flatten(2, 1), RuntimeError, "start_dim cannot come after end_dim"),
        (lambda: CUBE.unflatten(2, (3, 2)), RuntimeError, "don't multiply up"),
        (lambda: CUBE.unflatten(2, ()), RuntimeError, "non-empty"),
        (lambda: CUBE.select(0, 5), IndexError, r"index 5 out of range.*\[2, 3, 4\]"),
        (lambda: core.tensor(1).select(0, 0), IndexError, "0-dim"),
        (lambda: X.narrow(0, 2, 5), RuntimeError, "exceeds dimension size"),
        (lambda: X.narrow(0, 2, -1), RuntimeError, "non-negative"),
        (lambda: X.narrow(0, 9, 1), IndexError, "start out of range"),
        (lambda: X.diagonal(0, 0, 0), RuntimeError, "identical"),
        (lambda: X.unfold(1, 5, 1), RuntimeError, "maximum size for tensor at dimension 1 is 4"),
        (lambda: X.unfold(1, 2, 0), RuntimeError, "step is 0"),
        (lambda: X.as_strided((20,), (1,)), RuntimeError, "out of bounds for storage of size 48"),
        (lambda: X.as_strided((2,), (-1,)), RuntimeError, "Negative strides"),
        (lambda: X.as_strided((2,), (1, 1)), RuntimeError, "mismatch in length"),
        (lambda: X.imag, RuntimeError, "non-complex"),
        (lambda: core.view_as_real(X), RuntimeError, "only supported for complex"),
        (lambda: core.view_as_complex(X), RuntimeError, "last dimension of size 2"),
    ],
)
def test_errors(call, error, text):
    with pytest.raises(error, match=text):
        call()


def test_real_of_a_real_tensor_is_the_tensor():
    assert X.real is X and X.resolve_conj() is X and not X.is_conj()


def test_parts_of_complex_tensors_are_written_to():
    z = core.zeros(2, dtype=core.complex64)
    z.real = core.tensor([1.0, 2.0])
    z.imag[1] = 5
    assert z.tolist() == [1, 2 + 5j]


def test_inplace_views_change_the_tensor():
    x = core.arange(6.0).reshape(1, 2, 3)
    pointer = x.data_ptr()
    assert x.squeeze_() is x and x.shape == (2, 3)
    assert x.unsqueeze_(0).transpose_(1, 2).shape == (1, 3, 2)
    assert x.squeeze_(0).t_().shape == (2, 3)
    assert x.as_strided_((3,), (2,)).tolist() == [0.0, 2.0, 4.0]
    assert x.data_ptr() == pointer


def test_t_of_other_dimensions():
    assert core.tensor(1).t().shape == () and X[0].t().tolist() == X[0].tolist()
    with pytest.warns(UserWarning, match="deprecated"):
        assert CUBE.T.shape == (4, 3, 2)


def test_a_strided_view_without_elements_keeps_its_place():
    """Offsets as PyTorch 2.13 has them."""
    x = core.arange(24.0).reshape(2, 3, 4)
    empty = x.as_strided((0, 3), (7, 5), 2)
    assert (empty.storage_offset(), empty.stride()) == (2, (7, 5))
    assert empty.data_ptr() == core.zeros(0).data_ptr() == 0
    assert core.zeros(0).untyped_storage().data_ptr() == 0
    with pytest.raises(RuntimeError, match="negative"):
        x.as_strided((-1,), (1,))


@pytest.mark.parametrize(("size", "step"), [(50, 20), (40, 17), (5, 3), (3, 20)])
def test_the_adjoint_of_windows_adds_them_where_they_overlap(size, step):
    count = (103 - size) // step + 1
    windows = np.random.default_rng(0).standard_normal((2, count, size))
    expected = np.zeros((2, 103))
    for i in range(count):
        expected[:, i * step : i * step + size] += windows[:, i]
    found = unfold_backward(core.tensor(windows), (2, 103), 1, size, step)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)


@pytest.mark.parametrize("name", ["T", "mT", "H", "mH"])
def test_turning_a_tensor_without_dimensions_is_deprecated(name, monkeypatch):
    monkeypatch.setattr("lamella_core.warning.told", set())
    with pytest.warns(UserWarning, match="deprecated"):
        assert getattr(core.tensor(2.0), name).item() == 2.0
