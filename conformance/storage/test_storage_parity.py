"""Storages, typed constructors and DLPack beside PyTorch's."""

from __future__ import annotations

import warnings

import pytest
import torch

import lamella

KINDS = (
    "Bool Byte Char Short Int Long Half BFloat16 Float Double ComplexFloat ComplexDouble".split()
)
CONVERSIONS = (
    "bool byte char short int long half bfloat16 float double complex_float complex_double".split()
)
METHODS = (
    "bfloat16 bool byte char clone complex_double complex_float copy_ cpu cuda data_ptr device "
    "double dtype element_size fill_ float from_buffer from_file half int is_pinned is_shared long "
    "pin_memory resize_ share_memory_ short tolist type"
).split()

pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")


def both(expression: str) -> tuple[object, object]:
    """What an expression in ``torch`` gives there and here: its repr, or its exception's type."""
    results = []
    for library in (torch, lamella):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                results.append(repr(eval(expression, {"torch": library})))
        except Exception as error:
            results.append(type(error).__name__)
    return results[0], results[1]


def test_every_method_of_the_class_is_here():
    for kind in KINDS:
        cls = getattr(lamella, f"{kind}Storage")
        assert not [name for name in METHODS if not hasattr(cls, name)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", CONVERSIONS)
def test_conversions(kind, method):
    if kind.startswith("Complex") and not method.startswith("complex"):
        expression = f"torch.{kind}Storage([1, 2]).{method}().dtype"
    else:
        expression = f"torch.{kind}Storage([0, 1, 2]).{method}()"
    expected, got = both(expression)
    assert got == expected


@pytest.mark.parametrize(
    "rest",
    [
        "FloatStorage()", "FloatStorage([1, 2])", "IntStorage([1, 2, 3])[1:]",
        "IntStorage([1, 2])[5]", "IntStorage([1, 2])[-1]", "IntStorage([1, 2])['a']",
        "FloatStorage([1, 2]).fill_(3)", "FloatStorage([1, 2]).copy_(torch.IntStorage([4, 5]))",
        "FloatStorage([1, 2]).copy_(torch.IntStorage([4, 5, 6]))", "FloatStorage([1]).untyped()",
        "FloatStorage.from_buffer(b'abcdefgh', 'big')", "FloatStorage.from_buffer(b'abcd')",
        "FloatStorage.from_buffer(b'abc', 'little')", "ByteStorage.from_buffer(b'abc')",
        "FloatStorage([1]).type()", "FloatStorage([1]).pin_memory()", "FloatStorage('a')",
        "FloatStorage(2.5)", "FloatStorage(1, 2)", "FloatStorage(torch.UntypedStorage(8))",
        "UntypedStorage([1, 2, 300])", "UntypedStorage([1, 2, 3])[0:2]", "UntypedStorage([1])[7]",
        "UntypedStorage(2.5)", "UntypedStorage('a')", "UntypedStorage([1, 2]).int()",
        "UntypedStorage([1, 2, 3]).byteswap(torch.int16)", "UntypedStorage([1]).type()",
        "UntypedStorage([1, 2]).copy_(torch.UntypedStorage([1]))", "UntypedStorage([1]).dtype",
        "ones(3)[1:].storage()", "ones(2, dtype=torch.int64).untyped_storage()",
        "ones(2).share_memory_().is_shared()", "ones(2).is_shared()", "ones(2).is_pinned()",
        "ones(2).pin_memory()", "FloatTensor()", "FloatTensor([1, 2])", "LongTensor([1.5])",
        "FloatTensor(torch.ones(2, dtype=torch.int64))", "FloatTensor('a')", "FloatTensor(2.5)",
        "FloatTensor(torch.FloatStorage([1, 2]))", "FloatTensor([1], device='cuda')",
        "FloatTensor.dtype", "isinstance(torch.ones(1), torch.FloatTensor)",
        "set_default_tensor_type(torch.IntTensor)", "is_storage(torch.FloatStorage(1))",
        "ones(2, requires_grad=True).__dlpack__()", "ones(2).__dlpack__(stream=1)",
        "ones(2).__cuda_array_interface__", "from_dlpack(3)",
        "UntypedStorage(True)", "UntypedStorage([1, 2])[True]", "UntypedStorage(2).fill_(1.5)",
        "UntypedStorage(2).resize_(-1)", "UntypedStorage(2).resize_('a')",
        "UntypedStorage(2).copy_([1, 2])", "ones(2).set_(torch.UntypedStorage(8), -1, (2,))",
        "UntypedStorage.from_buffer(b'abcd')", "TypedStorage.from_buffer(bytes(8), 'big').dtype",
        "FloatStorage.from_buffer(bytes(8), 'big', dtype=torch.int16)",
        "UntypedStorage(2).is_sparse", "tensor([torch.tensor([1]), torch.tensor([3])])",
        "from_file('/dev/zero', True, -3)", "ones(2).set_(3)",
        "ones(2).set_(torch.FloatStorage([1, 2]), 1, (3,))[0]",
        "tensor([torch.tensor([[1.5]]), 2])", "ones(2).max(0).n_fields",
    ],
)  # fmt: skip
def test_expressions(rest):
    expression = rest if rest.startswith("isinstance") else f"torch.{rest}"
    expected, got = both(expression)
    assert got == expected


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.startswith("Complex")])
def test_dlpack_both_ways(kind):
    ours = getattr(lamella, f"{kind}Tensor")([0, 1, 1])
    theirs = torch.from_dlpack(ours)
    assert str(theirs.dtype) == str(ours.dtype) and theirs.data_ptr() == ours.data_ptr()
    again = lamella.from_dlpack(theirs)
    assert again.dtype is ours.dtype and again.data_ptr() == ours.data_ptr()
    capsule = torch.utils.dlpack.to_dlpack(theirs)
    again = lamella.utils.dlpack.from_dlpack(capsule)
    again[0] = 1
    assert ours.tolist() == theirs.tolist() == [1, 1, 1]
    capsule = lamella.utils.dlpack.to_dlpack(ours)
    assert torch.utils.dlpack.from_dlpack(capsule).data_ptr() == ours.data_ptr()
    with pytest.raises(BufferError):
        torch.from_dlpack(lamella.ones(2, requires_grad=True))


def test_from_file_both_ways(tmp_path):
    path = str(tmp_path / "numbers")
    theirs = torch.FloatStorage.from_file(path, True, 4)
    ours = lamella.FloatStorage.from_file(path, True, 4)
    theirs[1] = 5
    ours[2] = 6
    assert ours.tolist() == theirs.tolist() == [0.0, 5.0, 6.0, 0.0]
    private = lamella.from_file(path, shared=False, size=4)
    private.fill_(9)
    assert theirs.tolist() == [0.0, 5.0, 6.0, 0.0]


GROWTH = (
    "x.resize_(10); x[1] = 9",
    "y.resize_(10); y[0] = 9",
    "x.resize_(400); x.fill_(3)",
    "torch.add(torch.ones(10), 1, out=x)",
    "y.set_(x.untyped_storage(), 1, (30,)); y[:4] = 5",
    "y.set_(x.untyped_storage(), 0, (8,), (2,)); y.zero_()",
)


@pytest.mark.parametrize("grow", GROWTH)
@pytest.mark.parametrize("view", ["x[1:]", "x.view(4)", "x.detach()[2:]", "x[::2]"])
def test_views_follow_when_the_memory_grows(grow, view):
    seen = []
    for library in (torch, lamella):
        names = {"torch": library, "x": library.arange(4.0)}
        names["y"] = eval(view, names)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(grow, names)
        x, y = names["x"], names["y"]
        seen.append((x[:4].tolist(), y[:1].tolist(), x.untyped_storage().nbytes(), y.stride()))
    assert seen[0] == seen[1]
