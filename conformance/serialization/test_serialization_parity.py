"""Files of PyTorch read by lamella, and lamella's read by PyTorch."""

from __future__ import annotations

import copy
import io
import pickle
import warnings
from collections import OrderedDict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import lamella
import lamella_autograd  # noqa: F401  (tensors may require grad)
import lamella_core
from lamella_core import serialization

torch = pytest.importorskip("torch")

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64",
    "float16", "bfloat16", "float32", "float64", "complex64", "complex128",
    "uint16", "uint32", "uint64",
)  # fmt: skip
SAFE = (True, False)


def to_ours(obj: object, **options: object) -> object:
    out = io.BytesIO()
    torch.save(obj, out)
    out.seek(0)
    return serialization.load(out, **options)


def to_theirs(obj: object, weights_only: bool = True) -> object:
    out = io.BytesIO()
    serialization.save(obj, out)
    out.seek(0)
    return torch.load(out, weights_only=weights_only)


def saved(library: object, obj: object, **options: object) -> bytes:
    out = io.BytesIO()
    library.save(obj, out, **options)
    return out.getvalue()


def numbers(tensor: object) -> np.ndarray:
    if str(tensor.dtype) == "torch.bfloat16":
        if isinstance(tensor, torch.Tensor):
            return tensor.detach().view(torch.int16).numpy().view(ml_dtypes.bfloat16)
    return tensor.detach().numpy()


def same(ours: object, theirs: object) -> None:
    assert repr(ours.dtype) == repr(theirs.dtype)
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert ours.stride() == theirs.stride()
    # Where a view without elements begins is not kept here: it is 0.
    assert ours.storage_offset() == (theirs.storage_offset() if theirs.numel() else 0)
    assert ours.requires_grad == theirs.requires_grad
    assert ours.untyped_storage().nbytes() == theirs.untyped_storage().nbytes()
    assert numbers(ours).tobytes() == numbers(theirs).tobytes()


@pytest.mark.parametrize("weights_only", SAFE)
@pytest.mark.parametrize("name", DTYPES)
def test_dtypes_strides_and_offsets(name: str, weights_only: bool) -> None:
    dtype = getattr(torch, name)
    generator = torch.Generator().manual_seed(0)
    base = torch.randint(0, 2 if name == "bool" else 100, (4, 3, 5), generator=generator).to(dtype)
    theirs = [
        base,
        base.t() if base.ndim == 2 else base.permute(2, 0, 1),
        base[1:, ::2, 1:3],
        base[2, 1],
        base[0, 0, 0],
        base[:, :0],
        base[1:1],
        base[:1].expand(7, 3, 5),
        base.as_strided((3, 3), (1, 1), 4),
        torch.empty(0, 2, dtype=dtype),
        torch.tensor(1, dtype=dtype),
    ]
    ours = to_ours(theirs, weights_only=weights_only)
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)
    back = to_theirs(ours, weights_only)
    for a, b in zip(ours, back, strict=True):
        same(a, b)
    assert {each.untyped_storage().data_ptr() for each in back[:9]} == {back[0].data_ptr()}
    assert all(each.untyped_storage() is ours[0].untyped_storage() for each in ours[:9])


@pytest.mark.parametrize("weights_only", SAFE)
def test_requires_grad_and_attributes(weights_only: bool) -> None:
    theirs = torch.ones(3, requires_grad=True)
    marked = torch.zeros(2)
    marked.note = {"a": 1}
    ours = to_ours([theirs, marked], weights_only=weights_only)
    same(ours[0], theirs)
    assert ours[1].note == {"a": 1}
    back = to_theirs(ours, weights_only)
    same(ours[0], back[0])
    assert back[1].note == {"a": 1}
    assert back[0].is_leaf


@pytest.mark.parametrize("weights_only", SAFE)
def test_state_dicts(weights_only: bool) -> None:
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.LSTM(4, 5, bidirectional=True)
    )
    theirs = model.state_dict()
    ours = to_ours(theirs, weights_only=weights_only)
    assert type(ours) is OrderedDict and list(ours) == list(theirs)
    assert ours._metadata == theirs._metadata
    for name, tensor in theirs.items():
        same(ours[name], tensor)
    back = to_theirs(ours, weights_only)
    assert back._metadata == theirs._metadata
    model.load_state_dict(back)


@pytest.mark.parametrize("weights_only", SAFE)
def test_optimizer_and_generator_states(weights_only: bool) -> None:
    weight = torch.nn.Parameter(torch.ones(4, 4))
    optimizer = torch.optim.AdamW([weight], lr=0.1, amsgrad=True)
    weight.grad = torch.full((4, 4), 0.5)
    optimizer.step()
    theirs = {"optimizer": optimizer.state_dict(), "rng": torch.get_rng_state(), "epoch": 7}
    back = to_theirs(to_ours(theirs, weights_only=weights_only), weights_only)
    assert back["epoch"] == 7
    optimizer.load_state_dict(back["optimizer"])
    assert torch.equal(back["rng"], theirs["rng"])
    generator = torch.Generator().manual_seed(11)
    torch.rand(3, generator=generator)
    ours = to_ours(generator, weights_only=weights_only)
    read = to_theirs(ours, weights_only=False)
    expected = torch.rand(20, generator=generator)
    assert lamella_core.rand(20, generator=ours).tolist() == expected.tolist()
    assert torch.rand(20, generator=read).tolist() == expected.tolist()


@pytest.mark.parametrize("weights_only", SAFE)
def test_values(weights_only: bool) -> None:
    theirs = {
        "numbers": [0, -1, 2**40, 1.5, 1j, True, None],
        "text": ["", "é", b"\x00\xff", bytearray(b"a")],
        "nested": ((), (1,), [[]], {"a": {(1, 2): {3}}}),
        "torch": [torch.Size([2, 3]), torch.device("cuda:1"), torch.bfloat16, torch.strided],
    }
    ours = to_ours(theirs, weights_only=weights_only)
    for name in ("numbers", "text", "nested"):
        assert ours[name] == theirs[name]
    assert [str(each) for each in ours["torch"]] == [str(each) for each in theirs["torch"]]
    assert to_theirs(ours, weights_only) == theirs


def test_dtypes_as_values() -> None:
    theirs = [getattr(torch, name) for name in DTYPES]
    assert to_ours(theirs) == [getattr(lamella_core, name) for name in DTYPES]
    assert to_theirs(to_ours(theirs)) == theirs


def test_lazy_conjugates_and_negatives() -> None:
    theirs = [torch.tensor([1 + 2j]).conj(), torch.tensor([1 + 2j]).conj().imag]
    ours = to_ours(theirs)
    assert [each.tolist() for each in ours] == [each.tolist() for each in theirs]


@pytest.mark.parametrize("weights_only", SAFE)
def test_parameters(weights_only: bool) -> None:
    from lamella_nn import Parameter

    theirs = OrderedDict(a=torch.nn.Parameter(torch.ones(2)))
    theirs["b"] = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
    theirs["b"].origin = "x"
    ours = to_ours(theirs, weights_only=weights_only)
    for name in theirs:
        assert type(ours[name]) is Parameter
        same(ours[name], theirs[name])
    assert ours["b"].origin == "x"
    back = to_theirs(ours, weights_only)
    for name in theirs:
        assert type(back[name]) is torch.nn.Parameter
        same(ours[name], back[name])
    assert back["b"].origin == "x"


def test_mapped_both_ways(tmp_path: Path) -> None:
    theirs = {"a": torch.arange(1000.0), "b": torch.ones(3, dtype=torch.int8), "e": torch.empty(0)}
    torch.save(theirs, tmp_path / "theirs.pt")
    ours = serialization.load(tmp_path / "theirs.pt", mmap=True)
    serialization.save(ours, tmp_path / "ours.pt")
    back = torch.load(tmp_path / "ours.pt", mmap=True)
    for name in theirs:
        same(ours[name], theirs[name])
        same(ours[name], back[name])


@pytest.mark.parametrize("weights_only", SAFE)
def test_the_legacy_sequence(weights_only: bool) -> None:
    base = torch.arange(6.0)
    theirs = [base, base[2:], base.view(2, 3).t(), torch.ones(2, dtype=torch.bfloat16)]
    out = io.BytesIO()
    torch.save(theirs, out, _use_new_zipfile_serialization=False)
    out.seek(0)
    for a, b in zip(serialization.load(out, weights_only=weights_only), theirs, strict=True):
        same(a, b)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_pickle_protocols(protocol: int) -> None:
    theirs = {"a": torch.arange(3), "b": "x" * 70000, "c": {1, 2}}
    out = io.BytesIO()
    torch.save(theirs, out, pickle_protocol=protocol)
    for weights_only in SAFE:
        out.seek(0)
        assert serialization.load(out, weights_only=weights_only)["a"].tolist() == [0, 1, 2]
    ours = io.BytesIO()
    serialization.save({"a": lamella_core.arange(3)}, ours, pickle_protocol=protocol)
    ours.seek(0)
    assert torch.load(ours, weights_only=False)["a"].tolist() == [0, 1, 2]


def test_the_same_records() -> None:
    import zipfile

    theirs, ours = io.BytesIO(), io.BytesIO()
    torch.save([torch.ones(5), torch.zeros(2)], theirs)
    serialization.save([lamella_core.ones(5), lamella_core.zeros(2)], ours)
    with zipfile.ZipFile(theirs) as a, zipfile.ZipFile(ours) as b:
        for name in b.namelist():
            assert a.read(name) == b.read(name), name
        # PyTorch adds an identifier of the file, which no reader needs.
        assert set(a.namelist()) - set(b.namelist()) == {"archive/.data/serialization_id"}


def failure(function: object, *args: object, **options: object) -> type[BaseException]:
    with pytest.raises(Exception) as caught:
        function(*args, **options)
    return caught.type


def test_exceptions_have_pytorchs_types(tmp_path: Path) -> None:
    import fractions

    whole = io.BytesIO()
    torch.save([torch.ones(4), fractions.Fraction(1, 3)], whole)
    whole = whole.getvalue()
    for contents, options in (
        (whole, {}),
        (b"", {}),
        (whole[:300], {}),
        (whole[:-50], {}),
        (whole, {"mmap": True}),
        (whole, {"map_location": "nowhere", "weights_only": False}),
        (whole, {"map_location": {"cpu": "cuda:7"}, "weights_only": False}),
    ):
        theirs = failure(torch.load, io.BytesIO(contents), **options)
        assert failure(serialization.load, io.BytesIO(contents), **options) is theirs
    for target in (tmp_path / "none" / "a.pt", 5):
        assert failure(serialization.save, 1, target) is failure(torch.save, 1, target)
    for source in (tmp_path / "none.pt", 5):
        assert failure(serialization.load, source) is failure(torch.load, source)
    mixed = torch.ones(2)
    ours = lamella_core.ones(2)
    assert failure(
        serialization.save, [ours, ours.view(lamella_core.int32)], io.BytesIO()
    ) is failure(torch.save, [mixed, mixed.view(torch.int32)], io.BytesIO())


def test_safe_globals_as_in_pytorch() -> None:
    import fractions

    out = io.BytesIO()
    serialization.save(fractions.Fraction(1, 3), out)
    for module in (torch.serialization, serialization):
        load = module.load
        out.seek(0)
        with module.safe_globals([fractions.Fraction]):
            assert load(out) == fractions.Fraction(1, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "int64"])
def test_sparse_tensors_both_ways(dtype: str) -> None:
    for writer, reader in ((torch, lamella), (lamella, torch)):
        dense = writer.tensor([[0, 3, 0], [1, 0, 2]], dtype=getattr(writer, dtype))
        file = io.BytesIO()
        writer.save(dense.to_sparse(), file)
        file.seek(0)
        back = reader.load(file)
        assert back.is_sparse and back.is_coalesced()
        assert str(back.dtype) == f"torch.{dtype}"
        assert back.to_dense().tolist() == dense.tolist()


def test_data_sets_and_samplers_both_ways() -> None:
    for writer, reader in ((torch, lamella), (lamella, torch)):
        data = writer.utils.data
        pairs = data.TensorDataset(writer.arange(6.0).view(3, 2), writer.arange(3))
        made = [
            data.ConcatDataset([data.Subset(pairs, [2, 0]), pairs]),
            data.StackDataset(a=pairs.tensors[0]),
            data.BatchSampler(data.SequentialSampler(pairs), 2, False),
        ]
        file = io.BytesIO()
        writer.save(made, file)
        file.seek(0)
        read = reader.load(file, weights_only=False)
        assert [type(each).__name__ for each in read] == [type(each).__name__ for each in made]
        assert repr([list(each) for each in read]) == repr([list(each) for each in made])


def test_files_without_checksums() -> None:
    torch.serialization.set_crc32_options(False)
    try:
        contents = saved(torch, {"a": torch.arange(5.0)})
    finally:
        torch.serialization.set_crc32_options(True)
    same(lamella.load(io.BytesIO(contents))["a"], torch.arange(5.0))


@pytest.mark.parametrize("legacy", [False, True])
def test_named_results(legacy: bool) -> None:
    theirs = torch.ones(2, 2).max(0), torch.linalg.qr(torch.eye(2))
    contents = saved(torch, theirs, _use_new_zipfile_serialization=not legacy)
    ours = lamella.load(io.BytesIO(contents), weights_only=False)
    assert repr(ours) == repr(theirs)
    again = torch.load(io.BytesIO(saved(lamella, ours)), weights_only=False)
    assert repr(again) == repr(theirs)


@pytest.mark.parametrize("make", ["torch.ones(2)", "torch.nn.Parameter(torch.ones(2))"])
def test_hooks_stay_behind(make: str) -> None:
    texts = []
    for library in (torch, lamella):
        leaf = eval(make, {"torch": library}).requires_grad_()
        leaf.register_hook(lambda grad: grad * 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for copied in (copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))):
                (copied * 3).sum().backward()
                texts.append(repr((copied, copied.grad)))
            read = library.load(io.BytesIO(saved(library, leaf)))
        (read * 3).sum().backward()
        texts.append(repr((read, read.grad)))
    assert texts[:3] == texts[3:]
