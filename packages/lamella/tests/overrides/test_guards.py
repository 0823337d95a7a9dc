"""The guards: functions stay the objects that they were."""

import gc
import inspect
import pickle
import subprocess
import sys
import weakref

import pytest

import lamella as torch
import lamella.nn.functional as F
from lamella import overrides
from lamella import split as imported_before

before = {torch.add: "add", torch.Tensor.sum: "sum", F.relu: "relu", torch.stack: "stack"}


class Asked:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return before.get(func, func)


def test_functions_are_the_keys_that_they_were() -> None:
    assert torch.add(Asked(), 1) == "add"
    assert torch.stack([Asked()]) == "stack"
    assert F.relu(Asked()) == "relu"
    assert imported_before(Asked(), 1) is torch.split is imported_before
    assert pickle.loads(pickle.dumps(torch.stack)) is torch.stack


_READ = """
import sys
import lamella as torch
class Derived(torch.Tensor): pass
x = torch.ones(2)
for call in (lambda: torch.stack([x, 3]), lambda: x.reshape(7), lambda: torch.cat((x, x), dim=5)):
    try:
        call()
    except (IndexError, RuntimeError, TypeError) as error:
        trace = error.__traceback__
        names = set()
        while trace:
            names |= {*trace.tb_frame.f_locals}
            trace = trace.tb_next
        print({"args", "kwargs", "below"} <= names)
"""


def test_locals_can_be_read_in_a_traceback() -> None:
    # As a debugger does; in a process of its own, which would crash.
    done = subprocess.run([sys.executable, "-c", _READ], capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, ["True"] * 3), done.stderr


def test_signatures_and_names_are_kept() -> None:
    overrides.get_ignored_functions()
    assert list(inspect.signature(torch.stack).parameters) == ["tensors", "dim", "out"]
    assert torch.Tensor.view.__name__ == "view"
    assert torch.Tensor.__getitem__.__name__ == "__getitem__"


def test_properties_are_seen_as_their_getters() -> None:
    class Loud(torch.Tensor):
        seen: list = []

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.seen.append(func)
            return super().__torch_function__(func, types, args, kwargs)

    x = torch.rand(2, 3).as_subclass(Loud)
    assert type(x.T) is Loud
    x.requires_grad = True
    assert Loud.seen == [torch.Tensor.T.__get__, torch.Tensor.requires_grad.__set__]


def test_factories_do_not_ask_their_arguments() -> None:
    x = torch.ones(2).as_subclass(type("Own", (torch.Tensor,), {}))
    assert type(torch.tensor(x)) is torch.Tensor
    assert type(torch.full((2,), x.sum().item())) is torch.Tensor


def test_plain_calls_compute_as_before() -> None:
    overrides.get_ignored_functions()
    a = torch.arange(6.0).reshape(2, 3)
    assert (a + 1).sum(dim=1).tolist() == [6.0, 15.0]
    assert torch.sum(a, axis=0, keepdims=True).tolist() == [[3.0, 5.0, 7.0]]
    a += 1
    a[0, 0] = 9
    assert a.tolist() == [[9.0, 2.0, 3.0], [4.0, 5.0, 6.0]]


def test_errors_still_name_the_argument() -> None:
    overrides.get_ignored_functions()
    with pytest.raises(TypeError, match="argument 'dim'"):
        torch.sum(torch.ones(2), "first")
    with pytest.raises(TypeError, match="argument 'other'"):
        torch.mul(torch.ones(2), "two")
    with pytest.raises(TypeError, match="unexpected keyword argument 'axes'"):
        torch.sum(torch.ones(2), axes=0)


def test_classes_that_took_part_can_be_freed() -> None:
    class Passing(torch.Tensor):
        pass

    assert type(torch.ones(2).as_subclass(Passing) + 1) is Passing
    left = weakref.ref(Passing)
    del Passing
    gc.collect()
    assert left() is None


def test_methods_that_are_imported_late_are_seen() -> None:
    program = """
import lamella as torch
seen = []
class Own(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        seen.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})
x = torch.arange(16.0).as_subclass(Own)
seen.clear()
x.stft(4, window=torch.ones(4), return_complex=True)
print(*seen)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("stft\n", "")
