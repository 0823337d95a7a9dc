"""What files name beyond what is allowed; Python's pickle module wrote the odd ones."""

import datetime
import io
import pickle
import zipfile

import pytest

import lamella as torch

find = torch.serialization.get_unsafe_globals_in_checkpoint


class Own:
    """A class that no file of weights may name."""


class Shell:
    """Calls what it was given when it is unpickled."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def saved(obj, protocol=2):
    file = io.BytesIO()
    torch.save(obj, file, pickle_protocol=protocol)
    file.seek(0)
    return file


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_the_globals_are_named(protocol, tmp_path):
    day = datetime.date(2020, 1, 1)
    assert find(saved({"a": torch.ones(2), "n": [1, "x"]}, protocol)) == []
    assert find(saved([day, Own(), day, Own()], protocol)) == [
        "datetime.date", f"{__name__}.Own",
    ]  # fmt: skip
    path = tmp_path / "model.pt"
    torch.save({"layer": torch.nn.Linear(2, 2), "day": day}, path, pickle_protocol=protocol)
    assert find(path) == ["torch.nn.modules.linear.Linear", "datetime.date"]
    with torch.serialization.safe_globals([datetime.date]):
        assert find(path) == ["torch.nn.modules.linear.Linear"]


def test_nothing_is_run(tmp_path):
    touched = tmp_path / "touched"
    file = saved([Shell(open, str(touched), "w"), Shell(eval, "1 / 0")])
    assert find(file) == ["io.open", "builtins.eval"]
    assert not touched.exists()


def test_other_files_are_refused():
    with pytest.raises(ValueError, match="expected a checkpoint"):
        find(io.BytesIO(pickle.dumps(Own())))
    with pytest.raises(RuntimeError, match="cut off or damaged"):
        find(io.BytesIO(saved({}).getvalue()[:-30]))
    damaged = io.BytesIO()
    with zipfile.ZipFile(damaged, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02\xff.")
    with pytest.raises(RuntimeError, match="damaged"):
        find(damaged)
