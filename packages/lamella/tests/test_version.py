"""The version that programs read, which compares as PyTorch's does."""

from importlib.metadata import version as installed

import pytest

import lamella
from lamella import version


def test_the_release_of_the_api_and_ours() -> None:
    release, _, label = lamella.__version__.partition("+")
    assert release == "2.13.0"
    assert label == f"lamella.{installed('lamella')}"
    assert version.__version__ is lamella.__version__ and isinstance(lamella.__version__, str)


@pytest.mark.parametrize(
    ("other", "order"),
    # What torch.__version__ of 2.13.0+cpu says to each.
    [("2.13.0", 1), ("2.13", 1), ("1.8", 1), ((2, 13), 1), ((2, 0), 1), ((3,), -1), ("10.0", -1),
     ("2.14.0a0", -1)],
)  # fmt: skip
def test_comparisons(other: object, order: int) -> None:
    here = lamella.__version__
    assert ((here > other), (here < other)) == (order > 0, order < 0)
    assert ((here >= other), (here <= other)) == (order > 0, order < 0)
    assert here != other and here == str(here)


def test_what_is_not_here() -> None:
    assert version.hip is None and version.debug is False
    assert version.cuda is None or isinstance(version.cuda, str)
    with pytest.raises(AttributeError, match="nothing"):
        _ = version.nothing
