"""The dispatcher: ops, keys, layers and the table that remembers what each call resolves to.

An op is declared once, with its signature. A call computes a *key*, the union of the operands'
bits and the thread's mode bits, and looks up ``op.table[key]``. The entry is a plain function that
takes the op's arguments by position. It is made on first use: every *layer* that claims the key
wraps what is below it, and at the bottom stands the op's *convention*, which turns tensors into
arrays around the backend's kernel.

Packages and plugins use the same calls: the declarators of ``conventions.py``,
``register_kernel``, ``register_layer``, ``register_backend``.
"""

from __future__ import annotations

import threading
import types
from abc import ABC, abstractmethod
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from lamella_core.backend import ENTRY_POINT_GROUP, Backend, MissingDeviceError
from lamella_core.device import MODES as DEVICE_MODES
from lamella_core.device import Device
from lamella_core.device import default as default_device
from lamella_core.signature import Param, argument_list, key_lines, parse

if TYPE_CHECKING:
    from collections.abc import Callable

NUMBER = 1 << 0
REQUIRES_GRAD = 1 << 1
# The tensor's array is no array of a backend, but holds a tensor: see ``lamella_autograd.levels``.
LIFTED = 1 << 2
# The bits that say nothing about where a tensor's memory is.
GRAPH_BITS = NUMBER | REQUIRES_GRAD
_next_bit = 3


def new_bit() -> int:
    """A bit that no one else uses in keys: for a layer, a mode or a backend."""
    global _next_bit
    bit = 1 << _next_bit
    _next_bit += 1
    return bit


class _Modes(threading.local):
    """The mode bits of the calling thread; they are part of every key."""

    def __init__(self) -> None:
        self.bits = 0


modes = _Modes()


class Layer(ABC):
    """Something that acts on calls above the kernels: autograd, autocast, a tracer.

    Attributes:
        name: for messages.
        level: layers with a higher level act first.
    """

    name: str
    level: int

    @abstractmethod
    def claims(self, op: Op, key: int) -> bool:
        """Whether this layer acts on calls of ``op`` with this key."""

    @abstractmethod
    def strip(self, key: int) -> int:
        """The key that the call has below this layer."""

    @abstractmethod
    def wrap(self, op: Op, key: int, below: Callable[..., Any]) -> Callable[..., Any]:
        """The function that stands in the table: it takes the op's arguments by position."""


ops: dict[str, Op] = {}
backends: dict[str, Backend] = {}
_backend_of_bit: dict[int, Backend] = {}
_device_bits = 0
_layers: list[Layer] = []
_shared_kernels: dict[str, Callable[..., Any]] = {}
_entry_points_loaded = False


class _Table(dict[int, Any]):
    """Key to resolved callable; a missing entry is resolved and kept."""

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
    """

    __slots__ = ("base", "convention", "function", "mutates", "name", "params", "table")

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
        if layer.claims(op, key):
            return layer.wrap(op, key, op.table[layer.strip(key)])
    device_bits = key & _device_bits
    if device_bits not in _backend_of_bit:
        return partial(_call_across_devices, op)
    backend = _backend_of_bit[device_bits]
    return quiet(op.convention.bind)(op, backend, key)


def _call_across_devices(op: Op, *args: Any) -> Any:
    """Operands on several devices: 0-dim CPU tensors follow the others, anything else errs."""
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


# ---------------------------------------------------------------------------------- registration


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
                f"{'Torch not compiled with CUDA enabled: ' if device.type == 'cuda' else ''}"
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
        device = DEVICE_MODES[-1] if DEVICE_MODES else default_device[0]
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


def namespace_kernels(**names: str) -> None:
    """Shared kernels that are a function of the array namespace: ``namespace_kernels(exp="exp")``.

    NumPy's and CuPy's ufuncs among them take ``out=``, so in-place calls need no temporary.
    """
    for name, attribute in names.items():
        _shared_kernels[name] = _NamespaceFunction(attribute)


class _NamespaceFunction:
    """A shared kernel that is an attribute of the namespace, found when an op is resolved."""

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


# ----------------------------------------------------------------------------------- quiet calls

_quiet_globals: dict[int, dict[str, Any]] = {}


def quiet(function: Any) -> Any:
    """The same function, silent about floating-point events (0/0, overflow), as PyTorch is.

    NumPy reports them by a warning in the name of the Python function that called it. CPython
    drops a warning whose caller's globals have the ``__name__`` None, so a copy of the function
    over such globals is silent at no cost a call; ``numpy.errstate`` costs 0.8 µs, more than the
    whole call. The user's own NumPy settings stay as they are. Functions of the same
    distribution that the function calls are made quiet with it, those of modules of kernels too.
    """
    if isinstance(function, types.MethodType):
        return types.MethodType(quiet(function.__func__), function.__self__)
    if not isinstance(function, types.FunctionType):
        return function
    package = _package_of(function)
    if package is None:
        return function
    copy = types.FunctionType(
        function.__code__,
        _quiet_copy(function.__globals__, package),
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__dict__.update(function.__dict__)
    return copy


def _package_of(function: types.FunctionType) -> str | None:
    name = function.__globals__.get("__name__")
    return name.partition(".")[0] if name else None


def _quiet_copy(namespace: dict[str, Any], package: str) -> dict[str, Any]:
    known = _quiet_globals.get(id(namespace))
    if known is None:
        known = _quiet_globals[id(namespace)] = dict(namespace)
        known["__name__"] = None
        for name, value in namespace.items():
            if isinstance(value, types.FunctionType) and _package_of(value) == package:
                known[name] = quiet(value)
            elif isinstance(value, types.ModuleType) and ".kernels." in value.__name__:
                known[name] = types.SimpleNamespace(**_quiet_copy(vars(value), package))
    return known


# --------------------------------------------------------------------------------- declaring ops


def declare(
    declaration: Callable[..., Any],
    convention: Any,
    *,
    method: bool = True,
    inplace: bool = False,
    name: str | None = None,
) -> Any:
    """Declares an op from a Python function that has a signature, a docstring and no body.

    Annotations say how an argument takes part in dispatch: ``Tensor``, ``Tensor | None``,
    ``Tensor | Number``, ``Sequence[Tensor]`` and ``Device | None`` contribute to the key, all
    others are passed on as they are. A parameter ``out`` gives the op an out variant.

    Args:
        declaration: the function; its name is the op's name.
        convention: how tensors become arrays for this op; see ``conventions.py``.
        method: whether the op is a method of Tensor, too.
        inplace: whether it has an in-place variant, ``name_``, as a method and a function.
        name: the op's name where it is not the function's.

    Returns:
        The public function.
    """
    name = name or declaration.__name__
    params, has_out = parse(declaration)
    op = ops[name] = Op(name, params, convention)
    op.function = _make_caller(op, declaration, has_out)
    if method or inplace:
        from lamella_core.tensor import Tensor

        if method:
            setattr(Tensor, declaration.__name__, op.function)
        if inplace:
            variant = inplace_variant(op)
            setattr(Tensor, f"{declaration.__name__}_", LazyMethod(variant, declaration))
    return op.function


class LazyMethod:
    """A Tensor method for an in-place variant, whose caller is compiled when it is first used."""

    __slots__ = ("declaration", "name", "op")

    def __init__(self, op: Op, declaration: Callable[..., Any], name: str | None = None) -> None:
        self.op = op
        self.declaration = declaration
        self.name = name or f"{declaration.__name__}_"

    def __get__(self, instance: Any, owner: type) -> Any:
        function = inplace_function(self.op, self.declaration)
        if self.name.startswith("__i"):
            function = operator_method(function, self.name)
        for cls in owner.__mro__:
            if cls.__dict__.get(self.name) is self:
                setattr(cls, self.name, function)
        return function if instance is None else function.__get__(instance, owner)


def inplace_function(op: Op, declaration: Callable[..., Any]) -> Any:
    """The caller of an in-place variant, compiled once."""
    if op.function is None:
        op.function = _make_caller(op, declaration, has_out=False)
    return op.function


def inplace_variant(op: Op) -> Op:
    """The variant of an op that writes its result into its first argument."""
    name = f"{op.name}_"
    variant = ops.get(name)
    if variant is None:
        variant = ops[name] = Op(name, op.params, op.convention, mutates=op.params[0].name, base=op)
    return variant


def call_inplace(op: Op, *args: Any) -> Any:
    """Runs the in-place variant of an op, whose first argument is written to."""
    variant = inplace_variant(op)
    args = _normalised(variant, args)
    return variant.table[variant.key_of(args)](*args)


def out_variant(op: Op) -> Op:
    """The variant of an op that writes its result into a tensor given as the last argument."""
    name = f"{op.name}.out"
    variant = ops.get(name)
    if variant is None:
        out = Param("out", "tensor", None, True, True)
        variant = ops[name] = Op(name, (*op.params, out), op.convention, mutates="out", base=op)
    return variant


def call_out(op: Op, *args: Any) -> Any:
    """Runs the out variant; the last argument is ``out``."""
    variant = out_variant(op)
    args = _normalised(variant, args)
    return variant.table[variant.key_of(args)](*args)


def call_again(op: Op, *args: Any) -> Any:
    """Runs a call whose arguments the fast path did not recognise, or says what is wrong."""
    args = _normalised(op, args)
    return op.table[op.key_of(args)](*args)


def call_operator(op: Op, *args: Any) -> Any:
    """As :func:`call_again`, for the methods behind operators: what is no operand is left to it."""
    try:
        args = _normalised(op, args)
    except TypeError:
        if op.name not in ("eq", "ne") or not isinstance(args[1], np.ndarray):
            return NotImplemented
        # NumPy leaves comparisons to the class of higher priority; sums and the like it does.
        from lamella_core.ops.creation_data import from_numpy

        try:
            args = args[0], from_numpy(args[1])
        except TypeError:
            return NotImplemented
    return op.table[op.key_of(args)](*args)


_NUMPYS_NAMES = {"axis": "dim", "keepdims": "keepdim"}


def call_renamed(op: Op, given: tuple[Any, ...], renamed: dict[str, Any]) -> Any:
    """Calls an op's function whose ``dim`` or ``keepdim`` was given by NumPy's name for it.

    Raises:
        TypeError: for any other name.
    """
    values = dict(zip((*(p.name for p in op.params), "out"), given, strict=False))
    for name, value in renamed.items():
        ours = _NUMPYS_NAMES.get(name)
        if ours not in values:
            raise TypeError(f"{op.name}() got an unexpected keyword argument {name!r}")
        values[ours] = value
    return op.function(**values)


def operator_method(function: Any, name: str) -> Any:
    """The caller of an op as a method such as ``__add__``, which the op's own caller can't be.

    It returns ``NotImplemented`` for what is no operand, so that the other class gets its chance.
    """
    method = types.FunctionType(
        function.__code__,
        {**function.__globals__, "call_again": call_operator},
        name,
        function.__defaults__,
    )
    method.__kwdefaults__ = function.__kwdefaults__
    method.__doc__ = function.__doc__
    return method


def _normalised(op: Op, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Turns NumPy scalars into Python numbers and rejects what is no operand.

    Raises:
        TypeError: as PyTorch does, naming the argument.
    """
    from lamella_core.tensor import Tensor

    values = list(args)
    for i, (param, value) in enumerate(zip(op.params, args, strict=True)):
        if param.kind in ("value", "device") or isinstance(value, Tensor):
            continue
        if value is None and param.kind in ("optional tensor", "optional operand"):
            continue
        if param.kind == "tensors":
            if isinstance(value, (list, tuple)) and all(isinstance(t, Tensor) for t in value):
                continue
            wrong = next(
                (type(t).__name__ for t in value if not isinstance(t, Tensor))
                if isinstance(value, (list, tuple))
                else iter((type(value).__name__,))
            )
            raise TypeError(
                f"{op.name}(): argument '{param.name}' (position {i + 1}) must be tuple of "
                f"Tensors, not {wrong}"
            )
        if param.kind in ("operand", "optional operand"):
            if isinstance(value, (np.bool_, np.number)):
                value = value.item()
            if isinstance(value, (bool, int, float, complex)):
                values[i] = value if type(value) in _PLAIN_NUMBERS else _plain_number(value)
                continue
        raise TypeError(
            f"{op.name}(): argument '{param.name}' (position {i + 1}) must be Tensor, "
            f"not {type(value).__name__}"
        )
    return tuple(values)


_PLAIN_NUMBERS = frozenset((bool, int, float, complex))
_NUMBER_BASES: tuple[type, ...] = (int, float, complex)


def _plain_number(value: Any) -> Any:
    """A subclass of a Python number (an IntEnum, say) as the number itself."""
    return next(kind(value) for kind in _NUMBER_BASES if isinstance(value, kind))


def _make_caller(op: Op, declaration: Callable[..., Any], has_out: bool) -> Any:
    """Makes the public function: one key, one table look-up, no repacking of arguments.

    Its code depends on the kinds of the parameters only. It is compiled once for each list of
    kinds and then given the op's own names: compiling it for each op would take most of the
    package's import time.
    """
    from lamella_core.tensor import Tensor

    name = declaration.__name__ if op.mutates is None else f"{declaration.__name__}_"
    renames = any(p.name == "dim" and p.has_default for p in op.params) and op.mutates is None
    code = _caller_code(tuple((p.kind, p.keyword_only) for p in op.params), has_out, renames)
    count = len(op.params)
    names = tuple(p.name for p in op.params) + code.co_varnames[count:]
    code = code.replace(
        co_name=name, co_qualname=name, co_varnames=names, co_filename=f"<caller of {op.name}>"
    )
    namespace: dict[str, Any] = {
        "NUMBER": NUMBER,
        "modes": modes,
        "table": op.table,
        "op": op,
        "call_out": call_out,
        "call_again": call_again,
        "call_renamed": call_renamed,
        "device_key": device_key,
        "Tensor": Tensor,
        "__name__": declaration.__module__,
        "__builtins__": __builtins__,
    }
    positional = tuple(p.default for p in op.params if p.has_default and not p.keyword_only)
    function: Any = types.FunctionType(code, namespace, name, positional)
    function.__kwdefaults__ = {
        p.name: p.default for p in op.params if p.has_default and p.keyword_only
    }
    if has_out:
        function.__kwdefaults__["out"] = None
    function.__doc__ = declaration.__doc__
    function.__annotations__ = declaration.__annotations__
    function.__wrapped__ = declaration
    function.op = op
    return function


@cache
def _caller_code(
    kinds: tuple[tuple[str, bool], ...], has_out: bool, renames: bool
) -> types.CodeType:
    """The code of the callers of ops with these kinds of parameters, named ``a0``, ``a1``, …"""
    params = tuple(
        Param(f"a{i}", kind, None, keyword_only, False)
        for i, (kind, keyword_only) in enumerate(kinds)
    )
    arguments = "".join(f"{p.name}, " for p in params)
    names = argument_list(params)
    if has_out:
        names += ", out" if any(p.keyword_only for p in params) else ", *, out"
    lines = [f"def caller({names}{', **renamed' if renames else ''}):"]
    if renames:
        given = f"({arguments}{'out' if has_out else ''})"
        lines += ["    if renamed:", f"        return call_renamed(op, {given}, renamed)"]
    if has_out:
        lines += ["    if out is not None:", f"        return call_out(op, {arguments}out)"]
    lines += ["    try:", *(f"        {line}" for line in key_lines(params))]
    lines += [
        "    except (AttributeError, TypeError):",
        f"        return call_again(op, {arguments})",
    ]
    lines += [f"    return table[key]({arguments})"]
    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<caller>", "exec"), namespace)
    return namespace["caller"].__code__
