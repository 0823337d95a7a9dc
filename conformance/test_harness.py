"""The harness must pass PyTorch against itself and flag candidates that are wrong on purpose."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import isolate
import numpy as np
import pytest
import run
import torch
from calls import widened
from carry import NotCarried, pack, to_numpy, unpack
from checks import Failure, OpCheck, Verdict
from compare import as_near_to_the_truth
from report import ListedException, Report, read_exceptions
from samples import label, left_out, spread
from torch.testing._internal.common_methods_invocations import op_db

OPS = {label(op): op for op in op_db}
FLOATS = ("float32",)


class Namespace:
    """PyTorch's module, or one below it, with some names replaced."""

    def __init__(self, original: Any, **replaced: Any) -> None:
        self._original = original
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


def failures(name: str, dtypes: tuple[str, ...] = FLOATS, **replaced: Any) -> list[Failure]:
    """What the harness finds wrong with PyTorch when the names are replaced."""
    return OpCheck(OPS[name], Namespace(torch, **replaced), dtypes, 40).run().failures


def checks_of(found: list[Failure]) -> set[str]:
    return {failure.check for failure in found}


def message_of(found: list[Failure], check: str) -> str:
    return next(failure.message for failure in found if failure.check == check)


@pytest.mark.parametrize(
    "name",
    ["add", "sum", "max/reduction_with_dim", "linalg.eigh", "__getitem__", "bernoulli", "T",
     "nn.functional.dropout", "linalg.slogdet", "empty_strided", "nn.functional.batch_norm"],
)  # fmt: skip
def test_pytorch_against_itself_is_right(name: str) -> None:
    assert failures(name, ("float32", "int64", "bool", "complex64", "bfloat16")) == []


def test_wrong_value() -> None:
    found = failures("add", ("int64",), add=lambda *a, **k: torch.add(*a, **k).add_(1))
    assert "elements differ" in message_of(found, "function")
    # The methods are PyTorch's own.
    assert "method" not in checks_of(found)


def test_error_of_ten_times_the_tolerance() -> None:
    found = failures("mul", FLOATS, mul=lambda *a, **k: torch.mul(*a, **k) * (1 + 1.3e-5))
    assert "function" in checks_of(found)


def test_wrong_dtype() -> None:
    found = failures("sum", ("int64",), sum=lambda *a, **k: torch.sum(*a, **k).to(torch.int32))
    assert "dtype int32, expected int64" in message_of(found, "function")


def test_wrong_shape() -> None:
    found = failures("sum", sum=lambda x, *a, **k: torch.sum(x, *a, **k).unsqueeze(0))
    assert "shape" in message_of(found, "function")


def test_copy_where_a_view_is_documented() -> None:
    found = failures("narrow", narrow=lambda *a, **k: torch.narrow(*a, **k).clone())
    assert "expected a view" in message_of(found, "function")


def test_wrong_strides_of_a_view() -> None:
    def broadcast_to(x, shape):
        good = torch.broadcast_to(x, shape)
        if good.numel() < 2 or x.numel() != 1:
            return good
        return torch.as_strided(x.expand(good.numel()), good.shape, [1] * good.ndim)

    assert failures("broadcast_to", broadcast_to=broadcast_to)


def test_wrong_strides_where_documented() -> None:
    found = failures("empty_strided", empty_strided=lambda size, stride, **k: torch.empty(size))
    assert "strides" in message_of(found, "function")


def test_plain_tuple_for_a_named_one() -> None:
    found = failures("sort", sort=lambda *a, **k: tuple(torch.sort(*a, **k)))
    assert "no field 'values'" in message_of(found, "function")


def test_wrong_gradient() -> None:
    class WrongSin(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return -g * torch.cos(x)

    def sin(x, *, out=None):
        return WrongSin.apply(x) if out is None else torch.sin(x, out=out)

    found = failures("sin", sin=sin)
    assert checks_of(found) == {"gradient"}
    assert "elements differ" in message_of(found, "gradient")


def test_wrong_second_derivative() -> None:
    class FlatSin(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return torch.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * torch.cos(x.detach())

    def sin(x, *, out=None):
        return FlatSin.apply(x) if out is None else torch.sin(x, out=out)

    found = failures("sin", ("float64", "complex64"), sin=sin)
    assert {(failure.dtype, failure.check) for failure in found} == {
        ("float64", "second derivative"),
        ("complex64", "gradient"),
        ("complex64", "second derivative"),
    }
    assert "elements differ" in message_of(found, "second derivative")


def test_result_that_forgot_its_graph() -> None:
    found = failures("exp", exp=lambda *a, **k: torch.exp(*a, **k).detach())
    assert "requires_grad" in message_of(found, "gradient")


def test_error_not_raised() -> None:
    def masked_select(*a, **k):
        try:
            return torch.masked_select(*a, **k)
        except Exception:
            return torch.zeros(1)

    found = failures("masked_select", masked_select=masked_select)
    assert "raised nothing" in message_of(found, "error")


def test_wrong_exception_type() -> None:
    def masked_select(*a, **k):
        try:
            return torch.masked_select(*a, **k)
        except Exception as error:
            raise ArithmeticError from error

    found = failures("masked_select", masked_select=masked_select)
    assert "raised ArithmeticError" in message_of(found, "error")


def test_exception_where_pytorch_has_a_result() -> None:
    def neg(*a, **k):
        raise NotImplementedError("neg: not for this dtype")

    assert "NotImplementedError" in message_of(failures("neg", neg=neg), "function")


def test_out_ignored() -> None:
    found = failures("exp", exp=lambda x, out=None: torch.exp(x))
    assert checks_of(found) == {"out", "out resize", "out dtype"}


def test_input_written_to() -> None:
    found = failures("sin", sin=lambda x, **k: torch.sin(x.sin_() if not k else x, **k).asin())
    assert found
    found = failures("clone", clone=lambda x, **k: x.add_(1).sub(1) if not x.requires_grad else x)
    assert "inputs after the call" in message_of(found, "function")


def test_another_random_stream() -> None:
    def randn(*a, **k):
        torch.rand(1)
        return torch.randn(*a, **k)

    assert "function" in checks_of(failures("randn", randn=randn))


def test_wrong_alias() -> None:
    found = failures("abs", absolute=lambda x, **k: -torch.abs(x, **k))
    assert checks_of(found) == {"alias absolute"}


def test_near_to_the_truth_means_at_most_twice_pytorchs_error() -> None:
    truth = torch.tensor([1000.0, 2000.0], dtype=torch.float64)
    theirs = torch.tensor([1000.0, 2000.125])

    def near(*numbers: float) -> bool:
        return as_near_to_the_truth(theirs, torch.tensor(numbers), truth, torch)

    assert near(999.875, 2000.25)
    assert not near(1000.0, 2000.5)
    assert not near(float("nan"), 2000.0)


def test_the_farthest_of_several_gradients_is_judged() -> None:
    truth = [torch.tensor([each], dtype=torch.float64) for each in (1000.0, 2.0)]
    theirs = [torch.tensor([1000.25]), torch.tensor([2.0])]

    def near(*numbers: float, together: bool = True) -> bool:
        ours = [torch.tensor([each]) for each in numbers]
        return as_near_to_the_truth(theirs, ours, truth, torch, together)

    # A 4000th of the one is what PyTorch is off.
    assert near(1000.5, 2.0) and near(1000.0, 2.0005)
    assert not near(1000.0, 2.0005, together=False)
    assert not near(1000.75, 2.0) and not near(1000.0, 2.002)
    assert not near(1000.0, float("nan"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64, torch.bool])
def test_carry_keeps_strides_offset_and_sharing(dtype: torch.dtype) -> None:
    base = torch.arange(24).to(dtype)
    pair = [base.reshape(4, 6).T[1:, ::2], base[2:3].expand(5)]
    one, other = unpack(pack(pair), torch)
    for carried, original in zip((one, other), pair, strict=True):
        assert torch.equal(carried, original) and carried.dtype == dtype
        assert carried.stride() == original.stride()
        assert carried.storage_offset() == original.storage_offset()
    assert one.untyped_storage().data_ptr() == other.untyped_storage().data_ptr()
    assert one.untyped_storage().data_ptr() != base.untyped_storage().data_ptr()


def test_carry_keeps_the_rest() -> None:
    given = (
        torch.ones(2, requires_grad=True), torch.float16, torch.device("cpu"), torch.Size([2]),
        slice(None, 3), None, Ellipsis, 2.5, torch.channels_last, {"a": [True]},
        torch.ones(2, dtype=torch.complex64).mul(1j).conj(),
    )  # fmt: skip
    found = unpack(pack(given), torch)
    assert found[0].requires_grad and found[0].is_leaf
    assert found[1:10] == given[1:10]
    assert found[10].is_conj() and torch.equal(found[10], given[10])
    with pytest.raises(NotCarried, match="layout"):
        pack(torch.eye(2).to_sparse())


def test_bfloat16_values_come_back_exactly() -> None:
    given = torch.tensor([1.5, -0.0, float("inf"), 3e38], dtype=torch.bfloat16)
    np.testing.assert_array_equal(to_numpy(given, torch), given.float().numpy())
    assert to_numpy(given[0], torch).shape == ()


def test_the_order_of_equal_elements_is_free_but_not_the_elements() -> None:
    def backwards(x: Any, *args: Any, **kwargs: Any) -> Any:
        """An argsort that is as unstable as can be."""
        if x.ndim != 1 or args or kwargs:
            return torch.argsort(x, *args, **kwargs)
        return len(x) - 1 - torch.argsort(x.flip(0), stable=True)

    assert failures("argsort", ("uint8",), argsort=backwards) == []
    for wrong in (torch.zeros_like, lambda index: index.flip(-1), lambda index: index + 1):
        found = failures(
            "argsort",
            ("uint8",),
            argsort=lambda *a, wrong=wrong, **k: wrong(torch.argsort(*a, **k)),
        )
        assert "function" in checks_of(found)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_widening_keeps_the_values(dtype: torch.dtype) -> None:
    given = torch.tensor([[1.5, -0.1], [3e4, 7.0]]).to(dtype).t()
    wide = unpack(widened(pack(given)), torch)
    assert wide.dtype == torch.float64 and torch.equal(wide, given.double())


def test_error_beyond_twice_pytorchs_in_half_precision() -> None:
    for factor, wrong in ((1 + 2**-7, False), (1 + 2**-5, True)):
        found = failures(
            "mul", ("bfloat16",), mul=lambda *a, factor=factor, **k: torch.mul(*a, **k) * factor
        )
        assert ("function" in checks_of(found)) == wrong


def test_spread_keeps_both_ends() -> None:
    assert spread(5, 9) == [0, 1, 2, 3, 4]
    assert spread(100, 4) == [0, 33, 66, 99]


def test_left_out() -> None:
    assert left_out(OPS["add"]) is None and left_out(OPS["__radd__"]) is None
    assert left_out(OPS["_chunk_cat"]) and left_out(OPS["jiterator_unary"])
    assert left_out(OPS["native_dropout_backward"]) and left_out(OPS["sparse.sampled_addmm"])


def die_or_hang(item: int) -> int:
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if item == 2:
        time.sleep(60)
    if item == 3:
        raise ValueError("broken")
    return item


def test_a_crash_and_a_hang_end_only_their_own_op() -> None:
    found = dict(isolate.run_each(die_or_hang, [0, 1, 2, 3, 4], 2, 1.0))
    assert found[0] == 0 and found[4] == 4
    assert [found[index].check for index in (1, 2, 3)] == ["crash", "timeout", "crash"]


def test_exceptions_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "exceptions.toml"
    path.write_text(
        'exceptions = [\n{ op = "sin", dtype = "float*", reason = "known" },\n'
        '{ op = "cos", check = "gradient", reason = "known" },\n]\n'
    )
    report = Report(read_exceptions(path))
    report.add(Verdict("sin", [Failure("sin", "float32", 0, "function", "off")]))
    report.add(Verdict("cos", [Failure("cos", "float32", 0, "function", "off")]))
    report.add(Verdict("tan"))
    assert (report.excepted, report.wrong, report.right) == (["sin"], ["cos"], 1)
    assert [entry.op for entry in report.unused({"sin", "cos"})] == ["cos"]
    assert report.unused({"sin"}) == []
    report.exceptions[1].on_some_processors = True
    assert report.unused({"sin", "cos"}) == []
    assert "FAILED cos float32 sample 0 function: off" in capsys.readouterr().out
    path.write_text('exceptions = [{ op = "sin" }]')
    with pytest.raises(ValueError, match="reason"):
        read_exceptions(path)


def test_exception_covers_by_dtype_and_check() -> None:
    entry = ListedException("sin", "known", dtype="complex64", check="in-place*")
    assert entry.covers(Failure("sin", "complex64", 0, "in-place gradient", ""))
    assert not entry.covers(Failure("sin", "complex64", 0, "gradient", ""))
    assert not entry.covers(Failure("sin", "float32", 0, "in-place", ""))


def test_command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run.main(["--candidate", "torch", "--op", "hypot"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "operators right 1 of 1"

    wrong = Namespace(torch, hypot=torch.add, linalg=Namespace(torch.linalg, inv=None))
    monkeypatch.setitem(sys.modules, "wrong_framework", wrong)
    options = ["--candidate", "wrong_framework", "--op", "hypot", "--op", "linalg.inv"]
    assert run.main(options) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("FAILED hypot float32 sample 0 function")
    assert lines[-1] == "operators right 0 of 1"
    assert run.main([*options, "--list-missing"]) == 0
    assert capsys.readouterr().out.split() == ["linalg.inv"]

    listed = tmp_path / "listed.toml"
    listed.write_text('exceptions = [{ op = "hypot", reason = "wrong on purpose" }]')
    assert run.main([*options, "--exceptions", str(listed)]) == 0
    assert "excepted with a reason: 1" in capsys.readouterr().out
    assert run.main(["--candidate", "torch", "--op", "hypot", "--exceptions", str(listed)]) == 1
    assert "UNUSED exception hypot" in capsys.readouterr().out
