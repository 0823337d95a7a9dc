"""What is not an op on CUDA, against PyTorch on the same device: streams, events, memory, copies
between host and device, files, storages, printing, threads; skipped where either sees no device.
"""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
import threading

import numpy as np
import pytest

import lamella

torch = pytest.importorskip("torch")
if not (torch.cuda.is_available() and lamella.cuda.is_available()):
    pytest.skip("PyTorch or lamella sees no CUDA device", allow_module_level=True)
cupy = pytest.importorskip("cupy")

BOTH = pytest.mark.parametrize("t", [lamella, torch], ids=["lamella", "torch"])
MIB = 1 << 20


def test_devices_are_described_alike() -> None:
    for name in ("device_count", "current_device", "get_device_name", "get_device_capability"):
        assert getattr(lamella.cuda, name)() == getattr(torch.cuda, name)()
    mine, theirs = (t.cuda.get_device_properties(0) for t in (lamella, torch))
    for name in ("name", "major", "minor", "total_memory", "multi_processor_count"):
        assert getattr(mine, name) == getattr(theirs, name)
    assert lamella.cuda.is_bf16_supported() == torch.cuda.is_bf16_supported()


@BOTH
def test_a_device_is_found_by_every_spelling(t) -> None:
    x = t.ones(2, device="cuda")
    for device in ("cuda", "cuda:0", 0, t.device("cuda"), t.device("cuda", 0)):
        assert str(t.zeros(1, device=device).device) == "cuda:0"
        assert t.ones(1).to(device).is_cuda
    assert x.get_device() == 0 and t.ones(1).get_device() == -1
    assert str(t.ones_like(x).device) == str(x.new_zeros(3).device) == "cuda:0"
    assert str((x + 1).sum().device) == "cuda:0"
    with t.cuda.device(0), t.device("cuda"):
        assert t.empty(2).is_cuda
    assert not t.empty(2).is_cuda


@BOTH
def test_devices_do_not_mix(t) -> None:
    x, y = t.ones(2, device="cuda"), t.ones(2)
    for call in (lambda: x + y, lambda: t.cat([x, y]), lambda: t.mm(x[None], y[:, None])):
        with pytest.raises(RuntimeError, match="same device"):
            call()
    # A tensor without dimensions stands for a number.
    assert str((x + t.tensor(2.0)).device) == "cuda:0"
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        x.numpy()
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        np.asarray(x)


@BOTH
def test_streams_order_work(t) -> None:
    x = t.randn(2000, 2000, device="cuda")
    expected = (x @ x).cpu()
    side = t.cuda.Stream()
    assert side != t.cuda.current_stream() == t.cuda.default_stream()
    start, end = (t.cuda.Event(enable_timing=True) for _ in range(2))
    side.wait_stream(t.cuda.current_stream())
    with t.cuda.stream(side):
        assert t.cuda.current_stream() == side
        start.record()
        y = x @ x
        for _ in range(5):
            y = (y - 1) + 1
        side.record_event(end)
    assert t.cuda.current_stream() == t.cuda.default_stream()
    t.cuda.current_stream().wait_event(end)
    found = y.cpu()
    side.synchronize()
    assert end.query() and side.query() and start.elapsed_time(end) > 0
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="recorded before"):
        start.elapsed_time(t.cuda.Event(enable_timing=True))


def test_a_stream_of_the_other_framework() -> None:
    theirs = torch.cuda.Stream()
    mine = lamella.cuda.ExternalStream(theirs.cuda_stream)
    with lamella.cuda.stream(mine):
        assert lamella.cuda.current_stream().cuda_stream == theirs.cuda_stream
        x = lamella.arange(1000, device="cuda") * 2
    theirs.synchronize()
    assert x.sum().item() == 999_000


def test_memory_is_counted() -> None:
    cuda = lamella.cuda
    cuda.empty_cache()
    before, reserved = cuda.memory_allocated(), cuda.memory_reserved()
    cuda.reset_peak_memory_stats()
    x = lamella.empty(64 * MIB, dtype=lamella.uint8, device="cuda")
    y = x + 1
    assert cuda.memory_allocated() - before == 128 * MIB
    assert cuda.memory_reserved() >= reserved + 128 * MIB
    del y
    assert cuda.memory_allocated() - before == 64 * MIB
    assert cuda.max_memory_allocated() - before == 128 * MIB
    # Another thread's arrays count, too.
    worker = threading.Thread(target=lambda given: [given.clone() for _ in range(3)], args=(x,))
    worker.start()
    worker.join()
    del worker
    assert cuda.max_memory_allocated() - before == 256 * MIB
    assert cuda.memory_allocated() - before == 64 * MIB
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() - before == 64 * MIB
    del x
    cuda.empty_cache()
    assert cuda.memory_allocated() == before and cuda.memory_reserved() <= reserved + 2 * MIB
    free, total = cuda.mem_get_info()
    assert total == torch.cuda.mem_get_info()[1] and 0 < free < total


@BOTH
def test_memory_runs_out_with_an_error_that_can_be_caught(t) -> None:
    with pytest.raises(t.cuda.OutOfMemoryError, match="out of memory"):
        t.empty(1 << 45, dtype=t.uint8, device="cuda")
    assert issubclass(t.OutOfMemoryError, RuntimeError)
    assert t.ones(3, device="cuda").sum().item() == 3


@BOTH
def test_copies_between_host_and_device(t) -> None:
    host = t.arange(3 * MIB, dtype=t.float32).reshape(3, -1)
    pinned = host.pin_memory()
    assert pinned.is_pinned() and not host.is_pinned()
    there = pinned.to("cuda", non_blocking=True)
    t.cuda.synchronize()
    assert t.equal(there.cpu(), host) and t.equal(host.cuda(), there)
    back = t.empty(there.shape, pin_memory=True)
    back.copy_(there, non_blocking=True)
    t.cuda.synchronize()
    assert t.equal(back, host)
    later = there.to("cpu", non_blocking=True)
    t.cuda.synchronize()
    assert t.equal(later, host)
    # Strided on either side, and with another type.
    assert t.equal(host.t().cuda().cpu(), host.t())
    assert there.t().cpu().stride() == host.t().stride()
    into = t.zeros(3, 4, device="cuda", dtype=t.int64)
    into[:, ::2] = host[:, 1:3]
    assert into.tolist() == [[int(r[1]), 0, int(r[2]), 0] for r in host]
    assert there.to("cuda") is there and there.to("cuda", copy=True) is not there
    assert there.half().cpu().dtype is t.float16


def test_cupy_shares_memory() -> None:
    mine = lamella.arange(6.0, device="cuda").reshape(2, 3)
    for shared in (cupy.from_dlpack(mine), cupy.asarray(mine)):
        assert shared.data.ptr == mine.data_ptr()
        shared += 1
    assert mine.tolist() == [[2, 3, 4], [5, 6, 7]]
    array = cupy.arange(4.0)
    for tensor in (lamella.from_dlpack(array), lamella.as_tensor(array, device="cuda")):
        assert tensor.is_cuda and tensor.data_ptr() == array.data.ptr
    described = mine.t().__cuda_array_interface__
    assert described["shape"] == (3, 2) and described["data"][0] == mine.data_ptr()
    assert described["typestr"] == "<f4"
    np.testing.assert_array_equal(cupy.asnumpy(cupy.asarray(mine[1, 1:])), [6, 7])


@BOTH
def test_the_place_is_mapped_when_a_file_is_read(t, tmp_path) -> None:
    path = tmp_path / "x.pt"
    weight = t.arange(4.0, device="cuda")
    t.save({"w": weight, "v": weight[1:], "h": t.ones(2)}, path)
    found = t.load(path)
    assert found["w"].is_cuda and not found["h"].is_cuda
    found["w"][1] = 7
    assert found["v"][0].item() == 7
    for where in ("cpu", t.device("cpu"), {"cuda:0": "cpu"}, lambda storage, _: storage):
        assert not t.load(path, map_location=where)["w"].is_cuda
    for where in ("cuda", "cuda:0", t.device("cuda"), {"cpu": "cuda:0"}):
        mapped = t.load(path, map_location=where)
        assert mapped["w"].is_cuda and mapped["h"].is_cuda
        assert mapped["w"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("writer", "reader"), [(lamella, torch), (torch, lamella)])
def test_files_of_the_other_are_mapped(writer, reader) -> None:
    file = io.BytesIO()
    writer.save({"a": writer.arange(3, device="cuda"), "b": writer.ones(2).bfloat16()}, file)
    file.seek(0)
    assert not reader.load(file, map_location="cpu")["a"].is_cuda
    file.seek(0)
    assert reader.load(file, map_location="cuda")["b"].is_cuda


@BOTH
def test_pickles_and_copies_stay_on_the_device(t) -> None:
    x = t.arange(6.0, device="cuda").reshape(2, 3).t()
    for made in (pickle.loads(pickle.dumps(x)), copy.copy(x), copy.deepcopy(x), x.clone()):
        assert str(made.device) == "cuda:0" and made.stride() == x.stride()
        assert made.tolist() == x.tolist()
    assert copy.deepcopy(x).data_ptr() != x.data_ptr()
    layer = copy.deepcopy(t.nn.Linear(2, 2).cuda())
    assert all(p.is_cuda and p.requires_grad for p in layer.parameters())


TEXTS = [
    lambda t: t.arange(5), lambda t: t.tensor(2.5), lambda t: t.empty(0, 3),
    lambda t: t.tensor([1e-8, 1.0]), lambda t: t.tensor([True, False]),
    lambda t: t.arange(12.0).reshape(3, 4).half(), lambda t: t.ones(2, 2).bfloat16(),
    lambda t: t.tensor([1 + 2j, -0.5j]), lambda t: t.arange(5000.0).reshape(50, 100),
    lambda t: t.tensor([float("nan"), float("inf")], dtype=t.float64),
]  # fmt: skip


@pytest.mark.parametrize("make", TEXTS)
def test_texts_are_the_same(make) -> None:
    assert repr(make(lamella).cuda()) == repr(make(torch).cuda())
    if make(torch).is_floating_point():
        mine, theirs = (make(t).cuda().requires_grad_() for t in (lamella, torch))
        assert repr(mine) == repr(theirs) and repr(mine * 2) == repr(theirs * 2)


def test_generators_of_the_device() -> None:
    mine, theirs = (t.Generator("cuda").manual_seed(11) for t in (lamella, torch))
    assert str(mine.device) == str(theirs.device)
    assert mine.initial_seed() == theirs.initial_seed() == 11
    for _ in range(2):
        found, expected = (
            t.rand(1000, generator=g, device="cuda").cpu().numpy()
            for t, g in ((lamella, mine), (torch, theirs))
        )
        np.testing.assert_array_equal(found, expected)
    assert mine.get_state().tolist() == theirs.get_state().tolist()
    state = mine.get_state()
    first = lamella.rand(5, generator=mine, device="cuda").tolist()
    mine.set_state(state)
    assert lamella.rand(5, generator=mine, device="cuda").tolist() == first
    with pytest.raises(RuntimeError, match="device"):
        lamella.rand(5, generator=mine)


@BOTH
def test_storages(t) -> None:
    x = t.arange(4, dtype=t.float32, device="cuda")
    storage = x.untyped_storage()
    assert str(storage.device) == "cuda:0" and storage.is_cuda
    assert storage.nbytes() == 16 and storage.data_ptr() == x.data_ptr()
    assert storage.tolist()[4:8] == [0, 0, 128, 63]
    assert storage.cpu().device.type == "cpu" and storage.clone().tolist() == storage.tolist()
    storage.resize_(32)
    assert storage.nbytes() == 32 and storage.tolist()[4:8] == [0, 0, 128, 63]
    typed = t.arange(4, dtype=t.float32, device="cuda").storage()
    assert typed.tolist() == [0, 1, 2, 3] and typed.device.type == "cuda" and len(typed) == 4
    assert typed.half().dtype is t.float16 and typed.cpu().tolist() == [0, 1, 2, 3]
    assert typed.fill_(2).tolist() == [2, 2, 2, 2]
    typed[1] = 5
    assert typed[1] == 5
    assert t.arange(3).storage().cuda().device.type == "cuda"
    other = t.zeros(4, device="cuda").storage()
    other.copy_(typed)
    assert other.tolist() == [2, 5, 2, 2]
    made = t.tensor([], dtype=t.float32, device="cuda").set_(storage, 1, (2,), (2,))
    assert made.tolist()[0] == 1
    assert t.cuda.FloatTensor([1, 2]).is_cuda


@BOTH
def test_threads_work_beside_each_other(t) -> None:
    x = t.arange(1000.0, device="cuda")
    found, wrong = {}, []

    def work(number: int) -> None:
        try:
            with t.cuda.stream(t.cuda.Stream()):
                y = x.clone()
                for _ in range(50):
                    y = (y + number) - number
                weight = t.full((3,), float(number), device="cuda", requires_grad=True)
                (weight**2).sum().backward()
                found[number] = y.sum().item(), weight.grad.tolist()
        except Exception as error:
            wrong.append(error)

    t.cuda.synchronize()
    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong
    assert found == {n: (499_500.0, [2.0 * n] * 3) for n in range(6)}


def _in_another_process(sender) -> None:
    x = lamella.arange(4, device="cuda") * 2
    sender.send((x.tolist(), str(x.device)))


def test_a_spawned_process_uses_the_device() -> None:
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(
        target=_in_another_process, args=(sender,)
    )
    process.start()
    assert receiver.recv() == ([0, 2, 4, 6], "cuda:0")
    process.join()


def test_an_index_that_is_not_there_is_told() -> None:
    # PyTorch stops the whole device.
    x = lamella.arange(3, device="cuda")
    for call in (
        lambda: x[lamella.tensor([5], device="cuda")],
        lambda: x.index_select(0, lamella.tensor([3], device="cuda")),
        lambda: lamella.nn.functional.embedding(
            lamella.tensor([9], device="cuda"), x[:, None].float()
        ),
    ):
        with pytest.raises(IndexError, match="out of"):
            call()
