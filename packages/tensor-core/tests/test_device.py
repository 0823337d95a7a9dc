"""Device objects and the default device."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

import lamella_core as core


def test_spellings():
    assert repr(core.device("cuda:1")) == "device(type='cuda', index=1)"
    assert repr(core.device("cpu")) == "device(type='cpu')"
    assert str(core.device("cuda", 1)) == "cuda:1"
    assert core.device("cuda", 1) == core.device("cuda:1")
    assert core.device("cpu") != core.device("cpu", 0)
    assert hash(core.device("cuda:1")) == hash(core.device("cuda", 1))
    given = core.device("cuda:1")
    assert core.device(given) == given
    assert pickle.loads(pickle.dumps(given)) == given


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("foo bar",), RuntimeError),
        (("cpu:x",), RuntimeError),
        (("cuda", -1), RuntimeError),
        (("cuda:0", 1), RuntimeError),
        ((1.5,), TypeError),
    ],
)
def test_what_is_no_device(arguments, error):
    with pytest.raises(error):
        core.device(*arguments)


def test_a_device_type_that_nothing_serves():
    with pytest.raises(RuntimeError, match="no backend for device type 'nowhere'"):
        core.zeros(2, device="nowhere")


def test_default_device():
    assert core.get_default_device() == core.device("cpu")
    with core.device("nowhere"):
        assert core.get_default_device() == core.device("nowhere")
        with pytest.raises(RuntimeError, match="nowhere"):
            core.zeros(1)
    core.set_default_device("nowhere")
    try:
        with pytest.raises(RuntimeError, match="nowhere"):
            core.tensor([1.0])
    finally:
        core.set_default_device(None)
    assert core.zeros(1).device == core.device("cpu")


def test_a_default_device_is_one_threads_own():
    with ThreadPoolExecutor(1) as other:
        with core.device("nowhere"):
            assert other.submit(core.get_default_device).result() == core.device("cpu")
            assert other.submit(core.rand, 2).result().device == core.device("cpu")
        other.submit(core.set_default_device, "nowhere").result()
        assert other.submit(core.get_default_device).result() == core.device("nowhere")
        assert core.get_default_device() == core.ones(1).device == core.device("cpu")
        other.submit(core.set_default_device, None).result()
