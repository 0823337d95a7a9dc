"""Who is asked about a call, in which order, and what tensors answer by default."""

import copy
import pickle

import pytest

import lamella as torch
import lamella.nn.functional as F
from lamella._C import DisableTorchFunctionSubclass, _disabled_torch_function_impl


class Base(torch.Tensor):
    pass


class Derived(Base):
    pass


class Sibling(torch.Tensor):
    pass


def test_results_have_the_class_of_the_operands() -> None:
    x = torch.rand(3, 3).as_subclass(Base)
    plain = torch.rand(3, 3)
    results = [
        *(x + 1, 1 - x, plain + x, x @ plain, -x, x == plain, x[0], x.T, x.view(9), x.sum()),
        *(x.double(), x.detach(), torch.stack([plain, x]), torch.where(x > 0, x, plain)),
        *(F.relu(x), F.softmax(x, -1), F.linear(plain, x), torch.zeros_like(x), x.new_ones(2)),
        *(torch.linalg.inv(x), torch.fft.fft(x), x.add_(1), plain.add_(x)),
    ]
    assert {type(each) for each in results} == {Base}
    assert type(plain) is torch.Tensor


def test_tensors_within_tuples_and_lists_are_converted() -> None:
    x = torch.tensor([[3.0, 1.0], [2.0, 5.0]]).as_subclass(Base)
    values, indices = largest = x.max(1)
    assert type(largest) is type(torch.rand(2, 2).max(1))
    assert (type(values), type(indices)) == (Base, Base)
    assert largest.values.tolist() == [3.0, 5.0]
    assert [type(each) for each in x.split(1)] == [Base, Base]
    assert [type(each) for each in x] == [Base, Base]


def test_what_is_no_tensor_stays_what_it_is() -> None:
    x = torch.rand(3).as_subclass(Base)
    assert type(x.shape) is torch.Size
    assert type(x.sum().item()) is float
    assert type(torch.tensor(x)) is torch.Tensor
    assert torch.as_tensor(x) is x
    assert type(x.as_subclass(torch.Tensor)) is torch.Tensor
    assert repr(torch.ones(2).as_subclass(Base)) == "Base([1., 1.])"


def test_constructors_give_instances_over_the_same_memory() -> None:
    data = torch.zeros(2)
    for made in (Base(data), torch.Tensor._make_subclass(Base, data), data.as_subclass(Base)):
        assert type(made) is Base
        made[0] += 1
    assert data.tolist() == [3.0, 0.0]
    assert type(Base(2, 3)) is Base
    assert Base([1.0, 2.0]).tolist() == [1.0, 2.0]


def test_the_more_derived_class_answers_and_strangers_do_not_mix() -> None:
    base, derived = torch.rand(2).as_subclass(Base), torch.rand(2).as_subclass(Derived)
    assert type(base + derived) is type(derived + base) is Derived
    sibling = torch.rand(2).as_subclass(Sibling)
    with pytest.raises(TypeError, match="unsupported operand type"):
        base + sibling
    with pytest.raises(TypeError, match="no implementation found for 'torch.nn.functional.mse"):
        F.mse_loss(base, sibling)


def test_gradients_flow_and_are_plain_tensors() -> None:
    x = torch.tensor([1.0, 2.0]).as_subclass(Base).requires_grad_()
    loss = (x * x).sum()
    assert type(loss) is Base
    loss.backward()
    assert type(x.grad) is torch.Tensor
    assert x.grad.tolist() == [2.0, 4.0]
    source = torch.tensor([3.0], requires_grad=True)
    (source.as_subclass(Base) * 2).sum().backward()
    assert source.grad.tolist() == [2.0]


def test_parameters_take_part_as_plain_tensors() -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    assert type(parameter + 1) is torch.Tensor
    assert type(parameter + torch.ones(2).as_subclass(Base)) is Base
    assert type(torch.nn.Linear(2, 2)(torch.ones(2).as_subclass(Base))) is Base

    class Own(torch.nn.Parameter):
        pass

    assert type(Own(torch.ones(2)) * 2) is torch.Tensor


def test_a_class_can_take_itself_out() -> None:
    class Quiet(torch.Tensor):
        __torch_function__ = _disabled_torch_function_impl

    assert type(torch.ones(2).as_subclass(Quiet) + 1) is torch.Tensor


def test_attributes_and_class_survive_copies_and_pickling() -> None:
    x = torch.rand(2).as_subclass(Base)
    x.note = "kept"
    for copied in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x))):
        assert type(copied) is Base
        assert copied.note == "kept"
        assert copied.tolist() == x.tolist()
    assert not hasattr(x + 1, "note")


def test_files_keep_the_class_where_it_is_allowed(tmp_path) -> None:
    path = tmp_path / "tensor.pt"
    torch.save(torch.ones(2).as_subclass(Base), path)
    with pytest.raises(pickle.UnpicklingError, match="Base"):
        torch.load(path)
    with torch.serialization.safe_globals([Base]):
        assert type(torch.load(path)) is Base


class Recorder:
    """No tensor; keeps what it is asked."""

    calls: list = []
    answer: object = None

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((func, types, args, kwargs))
        return cls.answer


class Better(Recorder):
    calls: list = []
    answer = "better"


class Refusing:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


@pytest.fixture
def recorder():
    Recorder.calls.clear()
    Better.calls.clear()
    return Recorder()


def test_objects_that_are_no_tensors_are_asked_with_what_was_given(recorder) -> None:
    plain = torch.rand(2)
    torch.mean(recorder)
    torch.add(recorder, 1, alpha=2)
    torch.stack([plain, recorder], dim=1)
    F.relu(recorder)
    plain.add_(recorder)
    plain + recorder
    functions = [call[0] for call in Recorder.calls]
    expected = [torch.mean, torch.add, torch.stack, F.relu, torch.Tensor.add_, torch.Tensor.add]
    assert all(f is e for f, e in zip(functions, expected, strict=True))
    assert {call[1] for call in Recorder.calls} == {(Recorder,)}
    assert Recorder.calls[0][2:] == ((recorder,), {})
    assert Recorder.calls[1][2:] == ((recorder, 1), {"alpha": 2})
    assert Recorder.calls[2][3] == {"dim": 1}


def test_subclasses_are_asked_before_their_bases_and_else_left_to_right(recorder) -> None:
    assert torch.add(recorder, Better()) == "better"
    assert Better.calls[0][1] == (Better, Recorder)
    assert not Recorder.calls
    torch.add(Refusing(), recorder)
    assert Recorder.calls[0][1] == (Refusing, Recorder)


def test_a_call_that_all_refuse_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"'torch.stack'.*Refusing"):
        torch.stack([Refusing()])
    with pytest.raises(TypeError, match="unsupported operand type"):
        torch.rand(2) * Refusing()


def test_super_computes_and_its_own_calls_are_not_asked_about() -> None:
    seen = []

    class Loud(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            seen.append(func.__name__)
            return super().__torch_function__(func, types, args, kwargs)

    x = torch.ones(2, 2).as_subclass(Loud)
    assert type(F.cross_entropy(x, torch.tensor([0, 1]))) is Loud
    assert len(x) == 2
    x[0] = 5
    assert x.shape == (2, 2)
    assert (2 * x / 2)[0].tolist() == [5.0, 5.0]
    assert seen == [
        *("cross_entropy", "__len__", "__setitem__", "__get__", "mul", "div", "__getitem__"),
        "tolist",
    ]
    seen.clear()
    with DisableTorchFunctionSubclass():
        assert type(x + 1) is torch.Tensor
    assert not seen


def test_a_parameter_of_an_own_class_keeps_it_and_trains() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    layer.weight = torch.nn.Parameter(torch.ones(1, 1).as_subclass(Base))
    assert type(layer.weight) is Base
    assert isinstance(layer.weight, torch.nn.Parameter)
    assert not isinstance(torch.ones(1).as_subclass(Base), torch.nn.Parameter)
    assert [name for name, _ in layer.named_parameters()] == ["weight"]
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    layer(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert layer.weight.tolist() == [[0.5]]
    assert type(layer.weight) is Base
    assert type(copy.deepcopy(layer).weight) is Base
    assert isinstance(copy.deepcopy(layer).weight, torch.nn.Parameter)
    layer.load_state_dict({"weight": torch.zeros(1, 1)})
    assert layer.weight.tolist() == [[0.0]]
