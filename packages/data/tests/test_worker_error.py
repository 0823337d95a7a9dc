from __future__ import annotations

import pickle

import pytest

from lamella_data.worker_error import WorkerError


class NeedsTwo(Exception):
    def __init__(self, first, second) -> None:
        super().__init__(first, second)


def caught(error: Exception) -> WorkerError:
    try:
        raise error
    except Exception as raised:
        return pickle.loads(pickle.dumps(WorkerError(raised, 3)))


def test_the_class_and_the_traceback_survive() -> None:
    with pytest.raises(
        ValueError, match="Caught ValueError in DataLoader worker process 3"
    ) as info:
        caught(ValueError("bad sample")).reraise()
    text = str(info.value)
    assert "Original Traceback (most recent call last):" in text
    assert "in caught" in text
    assert text.rstrip().endswith("ValueError: bad sample")


def test_key_errors_keep_their_line_ends() -> None:
    with pytest.raises(KeyError) as info:
        caught(KeyError("name")).reraise()
    assert "\n" in str(info.value)
    assert "\\n" not in str(info.value)


def test_classes_that_take_no_message_become_runtime_errors() -> None:
    with pytest.raises(RuntimeError, match="Caught NeedsTwo"):
        caught(NeedsTwo(1, 2)).reraise()
    with pytest.raises(RuntimeError, match="Caught UnicodeDecodeError"):
        caught(UnicodeDecodeError("utf-8", b"a", 0, 1, "bad")).reraise()


def test_classes_without_a_public_name_become_runtime_errors() -> None:
    class Local(Exception):
        pass

    with pytest.raises(RuntimeError, match="Caught Local"):
        caught(Local("x")).reraise()
