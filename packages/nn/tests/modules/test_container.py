"""Sequential, ModuleList, ModuleDict; texts and effects recorded from PyTorch 2.13."""

from collections import OrderedDict

import pytest

from lamella_nn import Linear, Module, ModuleDict, ModuleList, ReLU, Sequential, Sigmoid, Tanh


class Times(Module):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * self.factor


def chain():
    return Sequential(ReLU(), Tanh(), Sigmoid())


def listed():
    return ModuleList([ReLU(), Tanh(), Sigmoid()])


def names(container):
    return [(name, type(module).__name__) for name, module in container._modules.items()]


def error_of(call, *args):
    with pytest.raises(Exception) as caught:
        call(*args)
    return type(caught.value), caught.value.args[0]


def test_sequential_calls_in_order():
    assert Sequential(Times(2), Times([1]))(3) == [1] * 6
    assert Sequential()(3) == 3


def test_sequential_by_name():
    net = Sequential(OrderedDict(a=ReLU(), b=Tanh(), c=Sigmoid()))
    assert isinstance(net.b, Tanh)
    assert names(net[0:2]) == [("a", "ReLU"), ("b", "Tanh")]
    del net[0]
    assert names(net) == [("0", "Tanh"), ("1", "Sigmoid")]


@pytest.mark.parametrize("make", [chain, listed])
class TestList:
    def test_index(self, make):
        assert isinstance(make()[-1], Sigmoid)
        assert error_of(make().__getitem__, 9) == (IndexError, "index 9 is out of range")
        assert error_of(make().__getitem__, -4) == (IndexError, "index -4 is out of range")
        assert error_of(make().__getitem__, "0")[0] is TypeError
        assert len(make()) == 3 and len(list(make())) == 3

    def test_set(self, make):
        modules = make()
        modules[-1] = ReLU()
        assert names(modules) == [("0", "ReLU"), ("1", "Tanh"), ("2", "ReLU")]
        assert error_of(modules.__setitem__, 9, ReLU())[0] is IndexError
        assert error_of(modules.__setitem__, 1, 3) == (
            TypeError,
            "cannot assign 'int' as child module '1' (torch.nn.Module or None expected)",
        )

    def test_delete(self, make):
        modules = make()
        del modules[1]
        assert names(modules) == [("0", "ReLU"), ("1", "Sigmoid")]
        modules = make()
        del modules[0:2]
        assert names(modules) == [("0", "Sigmoid")]
        assert error_of(modules.__delitem__, 9) == (IndexError, "index 9 is out of range")

    def test_pop(self, make):
        modules = make()
        assert isinstance(modules.pop(0), ReLU)
        assert names(modules) == [("0", "Tanh"), ("1", "Sigmoid")]
        modules = make()
        assert names(modules.pop(slice(0, 2))) == [("0", "ReLU"), ("1", "Tanh")]
        assert names(modules) == [("0", "Sigmoid")]

    def test_append_and_extend(self, make):
        modules = make()
        assert modules.append(ReLU()) is modules
        assert modules.extend([Tanh()]) is modules
        assert modules.extend(make()) is modules
        assert len(modules) == 8 and names(modules)[4] == ("4", "Tanh")
        assert error_of(modules.append, 3) == (TypeError, "int is not a Module subclass")

    def test_insert(self, make):
        for index, place in ((1, 1), (3, 3), (-1, 2)):
            modules = make()
            new = ReLU()
            modules.insert(index, new)
            assert modules[place] is new and len(modules) == 4
            assert list(modules._modules) == ["0", "1", "2", "3"]

    def test_add(self, make):
        modules = make()
        assert len(modules + make()) == 6 and len(modules) == 3
        modules += make()
        assert len(modules) == 6

    def test_dir_leaves_numbers_out(self, make):
        assert not any(name.isdigit() for name in dir(make()))


def test_slices():
    assert names(chain()[1:]) == [("1", "Tanh"), ("2", "Sigmoid")]
    assert names(listed()[1:]) == [("0", "Tanh"), ("1", "Sigmoid")]


def test_sequential_insert_errors():
    assert error_of(chain().insert, 9, ReLU()) == (IndexError, "Index out of range: 9")
    assert error_of(chain().insert, 0, 3)[0] is AssertionError


def test_sequential_arithmetic():
    net = chain()
    assert len(net * 2) == len(2 * net) == 6
    assert (net * 2)[0] is (net * 2)[3]
    net *= 2
    assert len(net) == 6
    assert error_of(lambda: net * 0)[0] is ValueError
    assert error_of(lambda: net * 1.5)[0] is TypeError
    assert error_of(lambda: net + [1]) == (
        ValueError,
        "add operator supports only objects of Sequential class, but <class 'list'> is given.",
    )


def test_sequential_takes_modules_only():
    assert error_of(Sequential, [ReLU()]) == (TypeError, "list is not a Module subclass")


def test_list_extend_needs_an_iterable():
    assert error_of(ModuleList, 3) == (
        TypeError,
        "ModuleList.extend should be called with an iterable, but got int",
    )


def test_list_has_no_forward():
    assert error_of(listed(), 1)[0] is NotImplementedError


def test_list_repr_joins_equal_neighbours():
    modules = ModuleList(
        [
            Linear(1, 2),
            Linear(1, 2),
            ReLU(),
            ReLU(),
            Tanh(),
            Sequential(Linear(1, 2), ReLU()),
            Sequential(Linear(1, 2), ReLU()),
        ]
    )
    assert repr(modules) == (
        "ModuleList(\n"
        "  (0-1): 2 x Linear(in_features=1, out_features=2, bias=True)\n"
        "  (2-3): 2 x ReLU()\n"
        "  (4): Tanh()\n"
        "  (5-6): 2 x Sequential(\n"
        "    (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        ")"
    )
    assert repr(ModuleList()) == "ModuleList()"


def test_dict():
    modules = ModuleDict({"a": ReLU(), "b": Tanh()})
    assert list(modules) == list(modules.keys()) == ["a", "b"] and len(modules) == 2
    assert "a" in modules and "z" not in modules
    modules["z"] = Sigmoid()
    modules.update([("c", ReLU()), ["a", Tanh()]])
    modules.update(ModuleDict({"y": ReLU()}))
    assert [name for name, _ in modules.items()] == ["a", "b", "z", "c", "y"]
    assert isinstance(modules["a"], Tanh) and modules.pop("a") not in modules.values()
    del modules["b"]
    modules.clear()
    assert repr(modules) == "ModuleDict()"


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    [
        (lambda d: d["z"], KeyError, "z"),
        (lambda d: d.pop("z"), KeyError, "z"),
        (lambda d: d.__setitem__("z", 3), TypeError, "int is not a Module subclass"),
        (
            lambda d: d.__setitem__("forward", ReLU()),
            KeyError,
            "attribute 'forward' already exists",
        ),
        (lambda d: d.__setitem__(1, ReLU()), TypeError, "module name should be a string. Got int"),
        (
            lambda d: d.update(3),
            TypeError,
            "ModuleDict.update should be called with an iterable of key/value pairs, but got int",
        ),
        (
            lambda d: d.update([3]),
            TypeError,
            "ModuleDict update sequence element #0 should be Iterable; is int",
        ),
        (
            lambda d: d.update([(1, 2, 3)]),
            ValueError,
            "ModuleDict update sequence element #0 has length 3; 2 is required",
        ),
    ],
)
def test_dict_errors(call, kind, text):
    assert error_of(call, ModuleDict({"a": ReLU()})) == (kind, text)
