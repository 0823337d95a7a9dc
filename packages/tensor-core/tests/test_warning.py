"""Which line a warning names, as Python's ``warnings`` records it."""

import warnings

import pytest

import lamella_core as lc
from lamella_core import warning
from lamella_core.warning import warn


def test_the_innermost_line_of_the_program():
    inside = {"__name__": "lamella_nn.functional", "warn": warn}
    exec("def one(): warn('text')\ndef two(): one()", inside)
    nameless = {"two": inside["two"], "__builtins__": {}}
    made = eval("lambda: two()", nameless)
    for call in (lambda: warn("text"), inside["one"], inside["two"], made):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [(each.filename, str(each.message)) for each in caught] == [(__file__, "text")]
        assert caught[0].category is UserWarning


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda z: z.float(), "discards the imaginary part"),
        (lambda z: lc.zeros(2).copy_(z), "discards the imaginary part"),
        (lambda z: lc.zeros(2).__setitem__(0, z[0]), "discards the imaginary part"),
        (lambda z: lc.where(lc.ones(2, dtype=lc.uint8), z, z), "uint8"),
        (lambda z: lc.cross(lc.ones(3), lc.ones(3)), "dim"),
        (lambda z: lc.chain_matmul(lc.ones(1, 1)), "multi_dot"),
        (lambda z: z.storage(), "untyped_storage"),
        (lambda z: lc.FloatStorage(2), "untyped_storage"),
        (lambda z: z.T, "deprecated"),
        (lambda z: lc.meshgrid(z, z), "indexing"),
        (lambda z: lc.frombuffer(b"ab", dtype=lc.uint8), "not writable"),
    ],
)
def test_calls_that_warn(call, words, monkeypatch):
    # PyTorch 2.13 warns of these, by UserWarning and once a process.
    monkeypatch.setattr(warning, "told", set())
    with pytest.warns(UserWarning, match=words) as caught:
        call(lc.tensor([1 + 2j, 3j]))
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.filterwarnings("error")
def test_calls_that_do_not_warn(monkeypatch):
    monkeypatch.setattr(warning, "told", set())
    z = lc.tensor([1 + 2j, 3j])
    z.bool(), z.to(lc.complex128), z.real.float(), lc.zeros(2).to(z.dtype).copy_(lc.zeros(2))


def test_what_warns_once_does_not_repeat(monkeypatch, recwarn):
    monkeypatch.setattr(warning, "told", set())
    for _ in range(3):
        warning.warn_once("text")
    assert [str(each.message) for each in recwarn.list] == ["text"]
