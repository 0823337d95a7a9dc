"""ParameterList and ParameterDict; texts and effects recorded from PyTorch 2.13."""

import pytest

import lamella_core as lc
from lamella_nn import Parameter, ParameterDict, ParameterList, ReLU


def listed():
    return ParameterList([Parameter(lc.ones(1)), lc.zeros(2, 3), "x"])


def keyed():
    return ParameterDict({"a": Parameter(lc.ones(1)), "b": lc.zeros(2, 3), "c": "x"})


def error_of(call, *args):
    with pytest.raises(Exception) as caught:
        call(*args)
    return type(caught.value), caught.value.args[0]


def test_tensors_become_parameters():
    values = listed()
    assert isinstance(values[1], Parameter) and values[-1] == "x"
    assert list(values._parameters) == ["0", "1"]
    values[0] = lc.zeros(3)
    values.append(3).extend([lc.ones(1)])
    values += ["y"]
    assert len(values) == 6 and list(values)[3] == 3
    assert list(values._parameters) == ["0", "1", "4"]
    assert list(values.state_dict()) == ["0", "1", "4"]
    assert len(values[:2]) == 2


def test_list_repr():
    assert repr(listed()) == (
        "ParameterList(\n"
        "    (0): Parameter containing: [torch.float32 of size 1]\n"
        "    (1): Parameter containing: [torch.float32 of size 2x3]\n"
        "    (2): Object of type: str\n"
        ")"
    )


def test_list_errors():
    assert error_of(listed().__getitem__, 9) == (IndexError, "index 9 is out of range")
    assert error_of(listed()) == (RuntimeError, "ParameterList should not be called.")
    assert error_of(ParameterList, 3) == (
        TypeError,
        "ParameterList.extend should be called with an iterable, but got int",
    )
    assert error_of(listed().extend, lc.ones(2))[1].endswith("but got Tensor")


def test_dict():
    values = keyed()
    assert isinstance(values["b"], Parameter)
    assert list(values) == ["a", "b", "c"] and list(reversed(values)) == ["c", "b", "a"]
    assert values.get("z") is None and values.get("z", 4) == 4
    assert values.setdefault("z", 4) == 4 and values.setdefault("c", 1) == "x"
    assert values.popitem() == ("z", 4) and values.pop("c") == "x"
    del values["a"]
    assert list(values._parameters) == ["b"] and list(values.state_dict()) == ["b"]
    values["b"] = lc.ones(1)
    assert values["b"].tolist() == [1.0]
    values.clear()
    assert len(values) == 0 and not values._parameters


def test_dict_merging():
    values = ParameterDict([("b", 1), ("a", 2)])
    merged = values | ParameterDict({"c": 3, "a": 4})
    assert list(merged.items()) == [("b", 1), ("a", 4), ("c", 3)]
    values |= ParameterDict({"q": 5})
    assert list(values) == ["b", "a", "q"]
    assert list(values.copy()) == ["b", "a", "q"]
    values.update({"z": 1, "d": 2})
    assert list(values) == ["b", "a", "q", "d", "z"]
    assert list(values.fromkeys(["u", "v"], 1).items()) == [("u", 1), ("v", 1)]


def test_dict_repr():
    assert repr(keyed()) == (
        "ParameterDict(\n"
        "    (a): Parameter containing: [torch.FloatTensor of size 1]\n"
        "    (b): Parameter containing: [torch.FloatTensor of size 2x3]\n"
        "    (c): Object of type: str\n"
        ")"
    )
    assert repr(ParameterDict({"m": ReLU()})) == (
        "ParameterDict(\n    (m): Object of type: ReLU\n  (m): ReLU()\n)"
    )


def test_dict_errors():
    assert error_of(keyed().__getitem__, "z") == (
        AttributeError,
        "'ParameterDict' object has no attribute 'z'",
    )
    assert error_of(keyed().__setitem__, 1, 3)[0] is TypeError
    assert error_of(keyed().__setitem__, "a.b", lc.ones(1)) == (
        KeyError,
        'parameter name can\'t contain "."',
    )
    assert error_of(keyed().__setitem__, "keys", lc.ones(1)) == (
        KeyError,
        "attribute 'keys' already exists",
    )
    assert error_of(keyed(), 1) == (RuntimeError, "ParameterDict should not be called.")
    assert error_of(keyed().update, 3)[0] is TypeError
    assert error_of(keyed().update, [(1, 2, 3)])[0] is ValueError
