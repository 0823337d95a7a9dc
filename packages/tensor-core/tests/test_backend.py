"""Discovery of backends by entry point."""

import subprocess
import sys

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import dispatch
from lamella_core.backend import unavailable


def test_the_numpy_backend_is_always_there() -> None:
    assert dispatch.backend_of(lc.device("cpu")).device_type == "cpu"


def test_an_unknown_device_type_names_those_that_are_known() -> None:
    with pytest.raises(
        RuntimeError, match=r"no backend for device type 'abacus'.*cpu.*lamella\.backends"
    ):
        lc.zeros(2, device="abacus")


def test_a_device_type_that_cannot_serve_now_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(unavailable, "abacus", "the beads are in use by another process")
    with pytest.raises(RuntimeError, match="the beads are in use"):
        lc.zeros(2, device="abacus")
    with pytest.raises(RuntimeError, match="no backend for device type 'rod'"):
        lc.zeros(2, device="rod")


def test_tensors_without_data_are_refused_with_the_way_out() -> None:
    with pytest.raises(RuntimeError, match=r"meta.*torch\.empty on the CPU"):
        lc.zeros(2, device="meta")


def test_a_device_type_cannot_be_registered_twice() -> None:
    with pytest.raises(ValueError, match="'cpu' is already registered"):
        lc.register_backend(type(dispatch.backends["cpu"])())


def test_entry_points_are_read_when_a_device_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        def load(self) -> object:
            return lambda: seen.append("loaded")

    seen: list[str] = []
    monkeypatch.setattr(dispatch, "_entry_points_loaded", False)
    monkeypatch.setattr(
        "importlib.metadata.entry_points",
        lambda group: [Found()] if group == "lamella.backends" else [],
    )
    with pytest.raises(RuntimeError, match="abacus"):
        lc.zeros(2, device="abacus")
    assert seen == ["loaded"]


def test_a_guard_stands_around_every_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def guard(kernel):
        def guarded(*args):
            seen.append(args)
            return kernel(*args)

        return guarded

    cpu = dispatch.backends["cpu"]
    monkeypatch.setattr(cpu, "guard", guard, raising=False)
    np.testing.assert_array_equal(dispatch.kernel_of("neg", cpu)(np.ones(2)), [-1, -1])
    assert len(seen) == 1


LATE = """
import lamella_core as core
from lamella_core import dispatch

core.exp(core.zeros(2), out=core.empty(0))

class Late(type(dispatch.backends["cpu"])):
    device_type, sole_device = "late", None

core.register_backend(Late())
found = core.exp(core.zeros(2, device="late"), out=core.empty(0, device="late"))
assert found.tolist() == [1.0, 1.0] and found.device.type == "late"
"""


def test_a_device_type_may_come_after_the_first_calls() -> None:
    subprocess.run([sys.executable, "-c", LATE], check=True)
