"""The list of what files may name, as the user changes it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pickle import UnpicklingError

import pytest

from lamella_core.serialization import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    load,
    safe_globals,
    save,
)


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    clear_safe_globals()
    yield
    clear_safe_globals()


def file() -> io.BytesIO:
    out = io.BytesIO()
    save(Fraction(1, 3), out)
    out.seek(0)
    return out


def test_adding_listing_and_clearing() -> None:
    with pytest.raises(UnpicklingError, match="fractions.Fraction"):
        load(file())
    add_safe_globals([Fraction])
    assert get_safe_globals() == [Fraction]
    assert load(file()) == Fraction(1, 3)
    clear_safe_globals()
    assert get_safe_globals() == []
    with pytest.raises(UnpicklingError):
        load(file())


def test_the_context_gives_back_what_was() -> None:
    add_safe_globals([set])
    with safe_globals([Fraction]):
        assert get_safe_globals() == [set, Fraction]
        assert load(file()) == Fraction(1, 3)
    assert get_safe_globals() == [set]
    with pytest.raises(ZeroDivisionError), safe_globals([Fraction]):
        raise ZeroDivisionError
    assert get_safe_globals() == [set]


def test_under_another_name() -> None:
    class Renamed:
        def __init__(self, *args: object) -> None:
            self.args = args

    with safe_globals([(Renamed, "fractions.Fraction")]):
        assert load(file()).args == Fraction(1, 3).__reduce__()[1]
