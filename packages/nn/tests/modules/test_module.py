"""Module: registration, attributes, walking, conversion. Texts as PyTorch 2.13 gives them."""

import copy
import pickle

import pytest

import lamella_core as lc
from lamella_nn import Buffer, Identity, Linear, Module, Parameter, ReLU, Sequential


class Net(Module):
    """One child, one buffer, one parameter, one plain attribute."""

    def __init__(self):
        super().__init__()
        self.a = Linear(2, 3)
        self.register_buffer("b", lc.zeros(2))
        self.p = Parameter(lc.ones(2))
        self.q = 5

    def forward(self, x):
        return x


def error_of(call, *args):
    with pytest.raises(Exception) as caught:
        call(*args)
    return type(caught.value), caught.value.args[0]


def test_init_takes_no_arguments():
    assert error_of(Module, 1) == (
        TypeError,
        "Module.__init__() takes 1 positional argument but 2 were given",
    )
    with pytest.raises(TypeError, match="unexpected keyword argument 'foo'"):
        Module(foo=1)


def test_call_super_init_passes_arguments_on():
    class Mixin:
        def __init__(self, size):
            self.size = size

    class Both(Module, Mixin):
        call_super_init = True

    assert Both(size=4).size == 4


@pytest.mark.parametrize(
    ("assign", "text"),
    [
        (lambda m: setattr(m, "x", Parameter()), "cannot assign parameters before"),
        (lambda m: setattr(m, "x", ReLU()), "cannot assign module before"),
        (lambda m: m.register_buffer("x", None), "cannot assign buffer before"),
        (lambda m: m.register_parameter("x", None), "cannot assign parameter before"),
    ],
)
def test_assignment_before_init(assign, text):
    module = Net.__new__(Net)
    kind, message = error_of(assign, module)
    assert kind is AttributeError
    assert message == f"{text} Module.__init__() call"


@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        (3, None, TypeError, "buffer name should be a string. Got int"),
        ("a.b", None, KeyError, 'buffer name can\'t contain "."'),
        ("", None, KeyError, 'buffer name can\'t be empty string ""'),
        ("q", None, KeyError, "attribute 'q' already exists"),
        ("p", None, KeyError, "attribute 'p' already exists"),
        ("forward", None, KeyError, "attribute 'forward' already exists"),
        (
            "c",
            3,
            TypeError,
            "cannot assign 'int' object to buffer 'c' (torch Tensor or None required)",
        ),
    ],
)
def test_register_buffer_errors(name, value, kind, text):
    assert error_of(Net().register_buffer, name, value) == (kind, text)


@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        (3, None, TypeError, "parameter name should be a string. Got int"),
        ("a.b", None, KeyError, 'parameter name can\'t contain "."'),
        ("", None, KeyError, 'parameter name can\'t be empty string ""'),
        ("b", None, KeyError, "attribute 'b' already exists"),
        (
            "c",
            3,
            TypeError,
            "cannot assign 'int' object to parameter 'c' (torch.nn.Parameter or None required)",
        ),
    ],
)
def test_register_parameter_errors(name, value, kind, text):
    assert error_of(Net().register_parameter, name, value) == (kind, text)


@pytest.mark.parametrize(
    ("name", "value", "kind", "text"),
    [
        (3, None, TypeError, "module name should be a string. Got int"),
        ("a.b", None, KeyError, 'module name can\'t contain ".", got: a.b'),
        ("", None, KeyError, 'module name can\'t be empty string ""'),
        ("q", None, KeyError, "attribute 'q' already exists"),
        ("c", 3, TypeError, "int is not a Module subclass"),
    ],
)
def test_add_module_errors(name, value, kind, text):
    assert error_of(Net().add_module, name, value) == (kind, text)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("p", 3, "cannot assign 'int' as parameter 'p' (torch.nn.Parameter or None expected)"),
        ("a", 3, "cannot assign 'int' as child module 'a' (torch.nn.Module or None expected)"),
        (
            "b",
            3,
            "cannot assign 'int' as buffer 'b' (torch.nn.Buffer, torch.Tensor or None expected)",
        ),
    ],
)
def test_a_name_keeps_its_kind(name, value, text):
    assert error_of(setattr, Net(), name, value) == (TypeError, text)


def test_none_empties_a_name():
    net = Net()
    net.a = net.b = net.p = None
    assert net._modules == {"a": None}
    assert net._buffers == {"b": None}
    assert net._parameters == {"p": None}
    assert list(net.state_dict()) == []


def test_a_parameter_takes_over_any_name():
    net = Net()
    for name in ("a", "b", "q"):
        setattr(net, name, Parameter(lc.ones(1)))
    assert list(net._parameters) == ["p", "a", "b", "q"]
    assert not net._modules and not net._buffers
    assert "q" not in net.__dict__


def test_a_buffer_attribute():
    net = Net()
    net.c = Buffer(lc.ones(2), persistent=False)
    assert list(net._buffers) == ["b", "c"]
    assert "c" not in net.state_dict()
    net.c = lc.zeros(2)
    assert net.c.tolist() == [0.0, 0.0] and "c" not in net.state_dict()


def test_missing_attribute():
    assert error_of(getattr, Net(), "nothing") == (
        AttributeError,
        "'Net' object has no attribute 'nothing'",
    )


def test_delete():
    net = Net()
    del net.a, net.b, net.p, net.q
    assert repr(net) == "Net()"
    assert not hasattr(net, "p")
    with pytest.raises(AttributeError):
        del net.p


def test_dir_lists_members_and_leaves_numbers_out():
    net = Net()
    net.register_parameter("1x", None)
    names = dir(net)
    assert {"a", "b", "p", "q", "forward"} <= set(names)
    assert "1x" not in names


def test_names():
    net = Net()
    assert [n for n, _ in net.named_parameters()] == ["p", "a.weight", "a.bias"]
    assert [n for n, _ in net.named_parameters("x")] == ["x.p", "x.a.weight", "x.a.bias"]
    assert [n for n, _ in net.named_parameters(recurse=False)] == ["p"]
    assert [n for n, _ in net.named_buffers("z")] == ["z.b"]
    assert [n for n, _ in net.named_modules()] == ["", "a"]
    assert [n for n, _ in net.named_modules(prefix="x")] == ["x", "x.a"]
    assert [n for n, _ in net.named_children()] == ["a"]
    assert len(list(net.parameters())) == 3 and len(list(net.buffers())) == 1


def test_shared_members_appear_once_unless_asked():
    shared = Linear(1, 1, bias=False)
    net = Sequential(shared, shared)
    assert [n for n, _ in net.named_parameters()] == ["0.weight"]
    both = ["0.weight", "1.weight"]
    assert [n for n, _ in net.named_parameters(remove_duplicate=False)] == both
    assert [n for n, _ in net.named_modules()] == ["", "0"]
    assert [n for n, _ in net.named_modules(remove_duplicate=False)] == ["", "0", "1"]
    assert len(list(net.children())) == 1 and len(list(net.modules())) == 2
    assert list(net.state_dict()) == both


def test_get_by_name():
    net = Net()
    assert net.get_submodule("") is net
    assert net.get_submodule("a") is net.a
    assert net.get_parameter("a.weight") is net.a.weight
    assert net.get_buffer("b") is net.b


@pytest.mark.parametrize(
    ("method", "name", "text"),
    [
        ("get_parameter", "x", "Net has no attribute `x`"),
        ("get_parameter", "a.x", "Linear has no attribute `x`"),
        ("get_parameter", "b", "`b` is not an nn.Parameter"),
        ("get_buffer", "p", "`p` is not a buffer"),
        ("get_buffer", "", "Net has no attribute ``"),
        ("get_submodule", "a.b.c", "Linear has no attribute `b`"),
        ("get_submodule", "q", "`q` is not an nn.Module"),
    ],
)
def test_get_by_name_errors(method, name, text):
    assert error_of(getattr(Net(), method), name) == (AttributeError, text)


def test_set_submodule():
    net = Net()
    net.set_submodule("a.x", ReLU())
    assert isinstance(net.a.x, ReLU)
    net.set_submodule("a", ReLU(), strict=True)
    assert isinstance(net.a, ReLU)
    assert error_of(net.set_submodule, "", ReLU()) == (
        ValueError,
        "Cannot set the submodule without a target name!",
    )
    assert error_of(net.set_submodule, "a", 3) == (
        ValueError,
        "`module` is not an nn.Module, found <class 'int'>",
    )
    assert error_of(net.set_submodule, "q", ReLU()) == (
        AttributeError,
        "`q` is not an nn.Module",
    )
    assert error_of(net.set_submodule, "z", ReLU(), True) == (
        AttributeError,
        "Net has no attribute `z`",
    )


def test_forward_is_required():
    assert error_of(Module(), 3) == (
        NotImplementedError,
        'Module [Module] is missing the required "forward" function',
    )


def test_an_instance_may_have_its_own_forward():
    module = Identity()
    module.forward = lambda x: x + 1
    assert module(1) == 2


def test_apply_visits_children_first():
    seen = []
    net = Sequential(Identity(), Sequential(ReLU()))
    assert net.apply(seen.append) is net
    assert seen == [net[0], net[1][0], net[1], net]


def test_train_and_eval():
    net = Sequential(Identity())
    assert net.eval() is net
    assert not net.training and not net[0].training
    assert net.train()[0].training
    assert error_of(net.train, 1) == (ValueError, "training mode is expected to be boolean")


def test_requires_grad():
    net = Net().requires_grad_(False)
    assert not any(p.requires_grad for p in net.parameters())


def test_zero_grad():
    net = Net()
    net.p.grad = lc.ones(2)
    net.zero_grad(set_to_none=False)
    assert net.p.grad.tolist() == [0.0, 0.0]
    net.zero_grad()
    assert net.p.grad is None


def test_conversion_keeps_the_parameters_and_converts_their_gradients():
    net = Net()
    net.register_buffer("count", lc.zeros(1, dtype=lc.int64))
    parameter = net.p
    parameter.grad = lc.ones(2)
    assert net.double() is net
    assert net.p is parameter and net.p.dtype is lc.float64
    assert net.p.grad.dtype is lc.float64 and net.a.weight.dtype is lc.float64
    assert net.b.dtype is lc.float64 and net.count.dtype is lc.int64
    assert net.float().p.dtype is lc.float32
    assert net.p.requires_grad and net.p.is_leaf


def test_to():
    net = Net()
    net.register_buffer("count", lc.zeros(1, dtype=lc.int64))
    assert net.to(lc.float64).p.dtype is lc.float64
    assert net.to(dtype=lc.float32).p.dtype is lc.float32
    assert net.to("cpu", lc.float64).p.dtype is lc.float64
    assert net.to(lc.zeros(1)).p.dtype is lc.float32
    assert net.to(device="cpu").count.dtype is lc.int64
    assert net.to().p.dtype is lc.float32
    assert error_of(net.to, lc.int64) == (
        TypeError,
        "nn.Module.to only accepts floating point or complex dtypes, but got desired "
        "dtype=torch.int64",
    )
    with pytest.raises(TypeError):
        net.to(lc.float32, False, 3)
    with pytest.raises(TypeError):
        net.to(size=3)


def test_to_empty_keeps_shapes():
    net = Net().to_empty(device="cpu")
    assert tuple(net.a.weight.shape) == (3, 2)


def test_repr():
    assert repr(Module()) == "Module()"
    assert repr(Net()) == ("Net(\n  (a): Linear(in_features=2, out_features=3, bias=True)\n)")
    nested = Sequential(Linear(1, 2), Sequential(ReLU()))
    nested.add_module("none", None)
    assert repr(nested) == (
        "Sequential(\n"
        "  (0): Linear(in_features=1, out_features=2, bias=True)\n"
        "  (1): Sequential(\n"
        "    (0): ReLU()\n"
        "  )\n"
        "  (none): None\n"
        ")"
    )


def test_repr_with_extra_and_children():
    layer = Linear(2, 3)
    layer.x = ReLU()
    assert repr(layer) == ("Linear(\n  in_features=2, out_features=3, bias=True\n  (x): ReLU()\n)")


def test_deepcopy_and_pickle():
    net = Net()
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert other.p is not net.p and other.p.tolist() == [1.0, 1.0]
        assert isinstance(other.p, Parameter)
        assert list(other.state_dict()) == ["p", "b", "a.weight", "a.bias"]
        assert repr(other) == repr(net)
