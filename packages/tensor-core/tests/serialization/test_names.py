"""Names of upper packages in files."""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import lamella_core
from lamella_core.serialization import load, names, register_module, register_type, save

DATA = Path(__file__).parent / "data"


@pytest.fixture(autouse=True)
def _table() -> Iterator[None]:
    tables = names._objects, names._names, names._reducers, names._modules
    before = [dict(table) for table in tables]
    yield
    for table, old in zip(tables, before, strict=True):
        table.clear()
        table.update(old)


class Weight(lamella_core.Tensor):
    pass


def rebuild_weight(data: lamella_core.Tensor, requires_grad: bool, hooks: object) -> Weight:
    return lamella_core.Tensor._make_subclass(Weight, data, requires_grad)


def test_a_class_of_an_upper_package() -> None:
    register_type("torch._utils", "_rebuild_parameter", rebuild_weight)
    register_type(
        "torch.nn.parameter", "Parameter", Weight, lambda w: (rebuild_weight, (w.data, False, {}))
    )
    assert type(load(DATA / "parameter.pt")["frozen"]) is Weight
    weight = rebuild_weight(lamella_core.ones(2), False, None)
    out = io.BytesIO()
    save(weight, out)
    assert b"ctorch._utils\n_rebuild_parameter\n" in out.getvalue()
    for weights_only in (True, False):
        out.seek(0)
        read = load(out, weights_only=weights_only)
        assert type(read) is Weight and read.tolist() == [1, 1]


def test_a_target_that_is_imported_when_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    late = ModuleType("late_package")
    late.rebuild = rebuild_weight
    register_type("torch._utils", "_rebuild_parameter", "late_package:rebuild")
    monkeypatch.setitem(sys.modules, "late_package", late)
    assert type(load(DATA / "parameter.pt")["frozen"]) is Weight


class Layer:
    def __init__(self) -> None:
        self.weight = lamella_core.ones(2)


def test_whole_objects_of_an_upper_package() -> None:
    register_module("torch.layers", __name__)
    out = io.BytesIO()
    save(Layer(), out)
    assert b"ctorch.layers\nLayer\n" in out.getvalue()
    out.seek(0)
    sys.modules.setdefault(__name__, sys.modules[Layer.__module__])
    assert load(out, weights_only=False).weight.tolist() == [1, 1]
    out.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="torch.layers.Layer"):
        load(out)


def test_a_name_without_counterpart() -> None:
    contents = b"\x80\x02ctorch.unknown\nThing\n."
    from lamella_core.serialization.archive import ArchiveWriter

    out = io.BytesIO()
    archive = ArchiveWriter(out, "archive")
    archive.write("data.pkl", contents)
    archive.close()
    out.seek(0)
    with pytest.raises(pickle.UnpicklingError, match=r"torch\.unknown\.Thing.*register_type"):
        load(out, weights_only=False)


def test_subclasses_without_registration_are_rebuilt() -> None:
    weight = rebuild_weight(lamella_core.ones(2), False, None)
    weight.note = "x"
    out = io.BytesIO()
    save(weight, out)
    out.seek(0)
    read = load(out, weights_only=False)
    assert type(read) is Weight
    assert read.note == "x" and read.tolist() == [1, 1]
