"""The dispatcher: ops, keys, layers and the table that remembers what each call resolves to.

An op is declared once, with its signature. A call computes a *key*, the union of the operands'
bits and the thread's mode bits, and looks up ``op.table[key]``. The entry is a plain function that
takes the op's arguments by position. It is made on first use: every *layer* with a bit of the
key wraps what is below it, and at the bottom stands the op's *convention*, which turns tensors into
arrays around the backend's kernel. How a declaration becomes an op, and what a user calls, is in
``declaration.py``.

Packages and plugins use the same calls: the declarators of ``conventions``,
``register_kernel``, ``register_layer``, ``register_backend``.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from functools import partial
from typing import TYPE_CHECKING, Any

from lamella_core.backend import ENTRY_POINT_GROUP, Backend, MissingDeviceError, unavailable
from lamella_core.device import CPU, Device, get_default_device
from lamella_core.device import MODES as DEVICE_MODES
from lamella_core.quiet import copy_anew, quiet

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamella_core.signature import Param

NUMBER = 1 << 0
REQUIRES_GRAD = 1 << 1
# The tensor's array is no array of a backend, but holds a tensor: see ``lamella_autograd.levels``.
LIFTED = 1 << 2
# The elements may lie in memory in another order than row-major; what has not the bit is taken to
# be row-major, so that only operands which have it cost an op a look at their strides.
REORDERED = 1 << 3
# What has one of them may have to be seen step by step: formulas that write into their result, or
# go block by block, are for tensors without.
WATCHED = REQUIRES_GRAD | LIFTED
# The bits that say nothing about where a tensor's memory is.
GRAPH_BITS = NUMBER | REQUIRES_GRAD | REORDERED
_next_bit = 4


def new_bit() -> int:
    """A bit that no one else uses in keys: for a layer, a mode or a backend."""
    global _next_bit
    bit = 1 << _next_bit
    _next_bit += 1
    return bit


class _Modes(threading.local):
    # The mode bits of the calling thread; they are part of every key.
    of_new_threads = 0

    def __init__(self) -> None:
        self.bits = self.of_new_threads


modes = _Modes()


class Layer(ABC):
    """Something that acts on calls above the kernels: autograd, autocast, a tracer.

    Attributes:
        name: for messages.
        level: layers with a higher level act first.
        bits: it acts on calls whose key has one of them; the key below it has none.
    """

    name: str
    level: int
    bits: int

    @abstractmethod
    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        """The function that stands in the table: it takes the op's arguments by position."""


class KindLayer(Layer):
    """The layer of a kind of tensors, sparse ones say, on which handlers stand for the ops.

    Attributes:
        way_out: for the message of an op without a handler.
        handlers: by op; each takes the op's arguments by position.
    """

    way_out: str

    def __init__(self) -> None:
        self.handlers: dict[str, Callable[..., Any]] = {}

    def handles(self, *names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Decorator: what the ops of these names do where an argument is of the kind."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            self.handlers.update(dict.fromkeys(names, function))
            return function

        return register

    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        def refuse(*args: Any) -> Any:
            raise NotImplementedError(
                f"{op.name}: not implemented for {self.name} tensors; use {self.way_out} first"
            )

        return self.handlers.get(op.name, refuse)


ops: dict[str, Op] = {}
backends: dict[str, Backend] = {}
_backend_of_bit: dict[int, Backend] = {}
_device_bits = 0
_layers: list[Layer] = []
_shared_kernels: dict[str, Callable[..., Any]] = {}
_entry_points_loaded = False


class _Table(dict[int, Any]):
    # Key to resolved callable; a missing entry is resolved and kept.
    __slots__ = ("op",)

    def __init__(self, op: Op) -> None:
        self.op = op

    def __missing__(self, key: int) -> Callable[..., Any]:
        entry = self[key] = _resolve(self.op, key)
        return entry


class Op:
    """One operation: name, parameters, convention, table.

    Attributes:
        name: PyTorch's name; an in-place variant ends in ``_``, an out variant in ``.out``.
        params: the parameters, ``out`` left out.
        convention: makes the function at the bottom of the table.
        mutates: the name of the parameter that is written to, or None.
        base: the op that an in-place or out variant is a variant of, or None.
        function: the public function.
        out: the function of the out variant, once that was called.
    """

    __slots__ = ("base", "convention", "function", "mutates", "name", "out", "params", "table")

    def __init__(
        self,
        name: str,
        params: tuple[Param, ...],
        convention: Any,
        mutates: str | None = None,
        base: Op | None = None,
    ) -> None:
        self.name = name
        self.params = params
        self.convention = convention
        self.mutates = mutates
        self.base = base
        self.function: Any = None
        self.out: Any = None
        self.table = _Table(self)

    def __repr__(self) -> str:
        return f"Op({self.name!r})"

    def key_of(self, args: tuple[Any, ...]) -> int:
        """The key of a call with these positional arguments (slow; callers compute it inline)."""
        key = modes.bits
        for param, value in zip(self.params, args, strict=False):
            if param.kind == "device":
                key |= device_key(value)
            elif param.kind == "tensors":
                for tensor in value:
                    key |= tensor._key
            elif param.kind != "value" and value is not None:
                if isinstance(value, (bool, int, float, complex)):
                    key |= NUMBER
                else:
                    key |= value._key
        return key


def _resolve(op: Op, key: int) -> Callable[..., Any]:
    for layer in _layers:
        if key & layer.bits:
            return layer.wrap(op, key, op.table[key & ~layer.bits])
    device_bits = key & _device_bits
    if device_bits not in _backend_of_bit:
        return partial(_call_across_devices, op)
    backend = _backend_of_bit[device_bits]
    call = quiet(op.convention.bind)(op, backend, key)
    if key & REORDERED and op.mutates is None and getattr(op.convention, "keeps_order", False):
        return _marking(call)
    return call


def _marking(call: Callable[..., Any]) -> Callable[..., Any]:
    # A call on operands of another order, which marks those results that have one, too.
    from lamella_core.tensor import Tensor

    def marked(*args: Any) -> Any:
        result = call(*args)
        if result.__class__ is Tensor:
            if not result._array.flags.c_contiguous:
                result._key |= REORDERED
        else:
            for each in result:
                mark_order(each)
        return result

    return marked


def mark_order(tensor: Any) -> Any:
    """The tensor itself, with the bit :data:`REORDERED` where its array is not row-major."""
    if not tensor._array.flags.c_contiguous:
        tensor._key |= REORDERED
    return tensor


def _call_across_devices(op: Op, *args: Any) -> Any:
    # Operands on several devices: 0-dim CPU tensors follow the others, anything else errs.
    from lamella_core.tensor import Tensor

    if not any(isinstance(a, Tensor) or isinstance(a, (list, tuple)) for a in args):
        raise TypeError(f"{op.name}(): expected at least one tensor among the arguments")
    flat = [a for a in args if isinstance(a, Tensor)]
    for a in args:
        if isinstance(a, (list, tuple)):
            flat.extend(t for t in a if isinstance(t, Tensor))
    target = next((t.device for t in flat if t.device.type != "cpu"), flat[0].device)
    if any(
        t.device != target and not (t.device.type == "cpu" and t._array.ndim == 0) for t in flat
    ):
        places = " and ".join(dict.fromkeys(str(t.device) for t in flat))
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{places}, in {op.name}(); move the operands with .to(device)"
        )
    backend = backend_of(target)
    moved = tuple(a.to(target) if isinstance(a, Tensor) else a for a in args)
    key = op.key_of(moved) & ~modes.bits
    return op.table[key | backend.key](*moved)


# ------------ registration


def _forget() -> None:
    for op in ops.values():
        op.table.clear()


def register_layer(layer: Layer) -> None:
    """Adds a layer; calls go through the layers from the highest level down."""
    _layers.append(layer)
    _layers.sort(key=lambda each: -each.level)
    _forget()


def register_backend(backend: Backend) -> None:
    """Adds a device type.

    Raises:
        ValueError: when the device type is already there.
    """
    global _device_bits
    if backend.device_type in backends:
        raise ValueError(f"a backend for device type {backend.device_type!r} is already registered")
    backend.key = new_bit()
    _device_bits |= backend.key
    _backend_of_bit[backend.key] = backend
    backends[backend.device_type] = backend
    copy_anew()
    _forget()


def load_backends() -> None:
    """Imports every backend that an installed package offers as an entry point.

    An entry point is a callable without arguments. It returns a :class:`Backend`, or None when it
    registered all that it offers itself.
    """
    global _entry_points_loaded
    if _entry_points_loaded:
        return
    from importlib.metadata import entry_points

    _entry_points_loaded = True
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        backend = entry_point.load()()
        if backend is not None:
            register_backend(backend)


def backend_of(device: Device) -> Backend:
    """The backend that serves a device.

    Raises:
        MissingDeviceError: when no installed package offers that device type.
        RuntimeError: when there is no device of that index.
    """
    backend = backends.get(device.type)
    if backend is None:
        load_backends()
        backend = backends.get(device.type)
        if backend is None:
            known = ", ".join(sorted(backends))
            raise MissingDeviceError(
                unavailable.get(device.type)
                or f"{'Torch not compiled with CUDA enabled: ' if device.type == 'cuda' else ''}"
                f"no backend for device type {device.type!r}; the device types here are: {known}. "
                f"For cuda install the extra lamella-tensor-core[cuda12] or [cuda13]; another "
                f"device needs a package that offers an entry point in {ENTRY_POINT_GROUP!r}"
            )
    if device.index is not None and device.index >= backend.device_count():
        raise RuntimeError(
            f"device {device} does not exist: there are {backend.device_count()} devices of type "
            f"{device.type!r}"
        )
    return backend


def device_key(device: Device | str | int | None) -> int:
    """The key bit of a device, None being the default device."""
    if device is None:
        device = get_default_device() if DEVICE_MODES else CPU
    try:
        return device.bit  # type: ignore[union-attr]
    except AttributeError:
        if not isinstance(device, Device):
            return device_key(Device(device))  # type: ignore[arg-type]
        device.bit = backend_of(device).key
    return device.bit


def backend_of_tensor(tensor: Any) -> Backend:
    """The backend that holds a tensor's memory."""
    return _backend_of_bit[tensor._key & _device_bits]


def innermost(tensor: Any) -> Any:
    """The tensor below all transforms, which a backend's array belongs to."""
    while tensor._key & LIFTED:
        tensor = tensor._array.value
    return tensor


def register_kernel(
    name: str, kernel: Callable[..., Any], backend: str | None = None
) -> Callable[..., Any]:
    """Gives an op its computation on arrays.

    Args:
        name: the op's name.
        kernel: takes the op's arguments by position, tensors as the backend's arrays. A shared
            kernel takes the array namespace before them.
        backend: the device type that the kernel is for. None makes it the shared kernel, which
            serves every backend that has an array namespace and no kernel of its own.
    """
    if backend is None:
        _shared_kernels[name] = kernel
    else:
        backends[backend].kernels[name] = kernel
    if name in ops:
        _forget()
    return kernel


def remove_kernel(name: str, backend: str) -> None:
    """Takes away a kernel for one device type, which leaves the shared one to serve it."""
    backends[backend].kernels.pop(name, None)
    _forget()


def override_kernel(
    name: str, override: Callable[[Callable[..., Any]], Callable[..., Any]], backend: str
) -> None:
    """Puts a kernel over the one that an op has, or will have, on a backend.

    Args:
        name: the op's name; it need not be declared yet.
        override: takes the kernel below and returns the one that is called in its place.
        backend: the device type.
    """
    backends[backend].overrides[name] = override
    if name in ops:
        _forget()


def shared_kernel(name: Any) -> Any:
    """Decorator form of :func:`register_kernel` for shared kernels.

    ``@shared_kernel("add")``, or ``@shared_kernel`` where the function has the op's name.
    """
    if not isinstance(name, str):
        return register_kernel(name.__name__, name)
    return lambda kernel: register_kernel(name, kernel)


def namespace_kernels(*same: str, **names: str) -> None:
    """Shared kernels that are a function of the array namespace, of the op's name or another.

    NumPy's and CuPy's ufuncs among them take ``out=``, so in-place calls need no temporary.
    """
    for name, attribute in (*zip(same, same, strict=True), *names.items()):
        _shared_kernels[name] = _NamespaceFunction(attribute)


class _NamespaceFunction:
    # A shared kernel that is an attribute of the namespace, found when an op is resolved.
    __slots__ = ("attribute",)

    def __init__(self, attribute: str) -> None:
        self.attribute = attribute

    def __call__(self, xp: Any, *args: Any) -> Any:
        return getattr(xp, self.attribute)(*args)


def kernel_of(op_name: str, backend: Backend) -> Callable[..., Any]:
    """The kernel that serves an op on a backend.

    Raises:
        NotImplementedError: when neither the backend nor the shared kernels have one.
    """
    return backend.guard(_kernel_of(op_name, backend))


def _kernel_of(op_name: str, backend: Backend) -> Callable[..., Any]:
    override = backend.overrides.get(op_name)
    kernel = _registered_kernel(op_name, backend)
    return kernel if override is None else quiet(override(kernel))


def _registered_kernel(op_name: str, backend: Backend) -> Callable[..., Any]:
    own = backend.kernels.get(op_name)
    if own is not None:
        return quiet(own)
    shared = _shared_kernels.get(op_name)
    if shared is not None and backend.xp is not None:
        if isinstance(shared, _NamespaceFunction):
            function = getattr(backend.xp, shared.attribute, None)
            if function is not None:
                return function
        else:
            return partial(quiet(shared), backend.xp)
    have = [t for t, b in backends.items() if op_name in b.kernels or (shared and b.xp is not None)]
    way_out = f"move the tensors to {' or '.join(have)}" if have else "no backend here has one"
    raise NotImplementedError(
        f"{op_name}: no kernel for device type {backend.device_type!r}; {way_out}, or register one "
        f"with lamella_core.register_kernel({op_name!r}, kernel, {backend.device_type!r})"
    )
