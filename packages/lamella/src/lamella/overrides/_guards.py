"""Makes PyTorch's public functions ask their arguments, once a program has something to ask.

Until then no call pays for the question: ``lamella._overriding`` notices the first class that has
``__torch_function__``, and the first mode. A *guard* then takes the place of a function's code. The
function itself stays the same object, so that it is still the key under which a program put it in
a table of handlers, and so that those who imported its name earlier meet the guard, too.
"""

from __future__ import annotations

import sys
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from lamella._alias import FUNCTIONS, METHODS
from lamella.overrides._protocol import (
    DisableTorchFunction,
    DisableTorchFunctionSubclass,
    Function,
    ask,
    meanings,
    nobody,
    overriding,
    thread,
    unconverted,
)
from lamella_core import Tensor
from lamella_core.declaration import LazyMethod, complete

# PyTorch's names of the modules whose functions are guarded, and where they are here.
MODULES = {
    "torch": "lamella",
    "torch.fft": "lamella_signal.fft",
    "torch.linalg": "lamella_core.linalg",
    "torch.special": "lamella_core.special",
    "torch.autograd": "lamella_autograd",
    "torch.nn.functional": "lamella_nn.functional",
    "torch.nn.init": "lamella_nn.init",
}

# Nobody is asked about these. They make a tensor of one class from one of another, or only look.
UNSEEN = frozenset(
    """
    __new__ _make_subclass as_subclass broadcast_shapes can_cast from_dlpack from_numpy frombuffer
    is_storage is_tensor load promote_types save typename vmap
    """.split()
)

# These make tensors from numbers: modes see them, but no argument is asked.
FACTORIES = frozenset(
    """
    arange as_tensor asarray bartlett_window blackman_window empty empty_permuted empty_strided eye
    from_file full hamming_window hann_window kaiser_window linspace logspace normal ones rand
    randint randn randperm range scalar_tensor sparse_coo_tensor tensor tril_indices triu_indices
    vander zeros
    """.split()
)

# Switches, and what is of this library and not of PyTorch: they are left as they are.
LEFT = frozenset(
    """
    __iter__ are_deterministic_algorithms_enabled become composite fork_rng initial_seed
    is_deterministic_algorithms_warn_only_enabled is_grad_enabled is_inference_mode_enabled
    keep_freed_memory load_backends manual_seed mark_written namespace_kernels override_kernel seed
    shared_kernel skipped use_deterministic_algorithms
    """.split()
)
LEFT_PREFIXES = (
    "get_default_",
    "get_num_",
    "get_rng_",
    "get_printoptions",
    "register_",
    "set_",
    "get_deterministic_",
    "get_float32_",
)

# The names under which PyTorch tells of operators.
OPERATORS = {
    **{f"__{n}__": n for n in "add sub mul matmul pow lt le gt ge ne neg abs".split()},
    **{f"__i{n}__": f"{n}_" for n in "add sub mul pow".split()},
    "__div__": "div",
    "__ifloordiv__": "floor_divide_",
    "__imod__": "remainder_",
    "__itruediv__": "div_",
    "__mod__": "remainder",
    "__pos__": "positive",
    "__radd__": "add",
    "__rand__": "bitwise_and",
    "__rmul__": "mul",
    "__ror__": "bitwise_or",
    "__rxor__": "bitwise_xor",
    "__truediv__": "div",
}

# Functions to the names that they have in messages, in the order in which they were guarded; and
# those about which no argument is asked.
names: dict[Function, str] = {}
ignored: set[Function] = set()
_properties: dict[str, property] = {}
_PLACES = tuple({*MODULES.values(), *FUNCTIONS.values(), *METHODS.values()})
_seen: list[Any] = []


def activate() -> None:
    """Guards the functions of the modules that are imported by now."""
    global _seen
    # The number alone would miss a module that came when another went.
    here = [len(sys.modules), *map(sys.modules.get, _PLACES)]
    if here == _seen:
        return
    for label, place in MODULES.items():
        module = sys.modules.get(place)
        for name in () if module is None else getattr(module, "__all__", dir(module)):
            # The facade keeps those of FUNCTIONS that were used, which get their names below.
            if label == "torch" and name in FUNCTIONS:
                continue
            if label != "torch.autograd" or name in ("grad", "backward"):
                _guard(vars(module).get(name), f"{label}.{name}")
    for name, place in FUNCTIONS.items():
        if place in sys.modules:
            _guard(getattr(sys.modules[place], name), f"torch.{name}")
    for name, member in list(vars(Tensor).items()):
        if isinstance(member, LazyMethod):
            member = getattr(Tensor, name)
        elif isinstance(member, staticmethod):
            member = member.__func__
        if isinstance(member, property):
            _guard_property(name, member)
        elif name not in OPERATORS:
            _guard(member, f"torch.Tensor.{name}")
    for name, shown in OPERATORS.items():
        _guard(getattr(Tensor, name), f"torch.Tensor.{name}", getattr(Tensor, shown))
    _seen = here


# The code of every guard; what it needs stands among its constants, by these names. A closure's
# variables are named behind the end, since only code that knows of them copies them to where a
# debugger or a test runner reads them: without, reading a guard's locals crashes Python.
_TEMPLATE = """
def make({variables}):
    def guard(*args, **kwargs):
        thread = "thread"
        meanings = "meanings"
        below = "below"
        ask = "ask"
        if not kwargs and not thread.modes:
            for each in args:
                if meanings[each.__class__]:
                    break
            else:
                return below(*args)
        return ask(*args, **kwargs)
        ({variables})
    return guard
"""


@cache
def _template(count: int) -> CodeType:
    """The code of a guard with as many variables of a closure."""
    variables = "".join(f"v{i}, " for i in range(count))
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(compile(_TEMPLATE.format(variables=variables), "<guard>", "exec"), namespace)
    code: CodeType = namespace["make"](*range(count)).__code__
    return code


def _guard_code(below: Any, ask: Function, replaced: CodeType) -> CodeType:
    """The code that calls ``below`` where the arguments are plain and no mode is on, else ``ask``.

    It runs with the globals of the function that it is given to. A function takes a code only with
    as many variables of a closure as its own has, hence ``replaced``.
    """
    needed = {"thread": thread, "meanings": meanings, "below": below, "ask": ask}
    code = _template(len(replaced.co_freevars))
    return code.replace(
        co_consts=tuple(
            [needed.get(each, each) if isinstance(each, str) else each for each in code.co_consts]
        ),
        co_name=replaced.co_name,
        co_qualname=replaced.co_qualname,
        co_freevars=replaced.co_freevars,
    )


def _guard(function: Any, full_name: str, shown: Function | None = None) -> None:
    """Puts a guard in the place of a function's code; what is no public function is left.

    Args:
        full_name: PyTorch's, for messages.
        shown: what those who are asked see, where it is not the function.
    """
    name = full_name.rpartition(".")[2]
    if not isinstance(function, FunctionType) or function in names or function in ignored:
        return
    if name in LEFT or name.startswith(LEFT_PREFIXES):
        return
    if name[0] == "_" and name[1] != "_" and name not in UNSEEN:
        return
    below = FunctionType(
        complete(function).__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    below.__kwdefaults__ = function.__kwdefaults__
    if function.__name__ != name and function.__name__[0] in "_<":
        # What is written under a name of its own in this library has PyTorch's for who is asked.
        function.__name__ = function.__qualname__ = name
    if name in UNSEEN:
        ignored.add(function)
        guard = _hidden(below)
    elif name in FACTORIES:
        ignored.add(function)
        guard = _seen_by_modes(function, below)
    else:
        names[function] = full_name
        guard = _asking(shown or function, below, full_name)
    if not hasattr(function, "__wrapped__"):
        # For inspect.signature.
        function.__wrapped__ = below  # type: ignore[attr-defined]
    function.__code__ = _guard_code(below, guard, function.__code__)


def _guard_property(name: str, member: property) -> None:
    """Puts another property in the place of one of Tensor's, whose getter and setter ask."""
    if _properties.get(name) is member or name.startswith("__"):
        return
    full_name = f"torch.Tensor.{name}"

    def accessor(below: Any, kind: str) -> Any:
        if below is None:
            return None

        def ask(*args: Any) -> Any:
            return _asking(getattr(guarded, kind), below, f"{full_name}.{kind}")(*args)

        return FunctionType(_guard_code(below, ask, _template(0)), {}, name)

    guarded = property(
        accessor(member.fget, "__get__"),
        accessor(member.fset, "__set__"),
        member.fdel,
        member.__doc__,
    )
    names[guarded.__get__] = f"{full_name}.__get__"
    if name in ("grad", "_base"):
        unconverted.add(guarded.__get__)
    _properties[name] = guarded
    setattr(Tensor, name, guarded)


def _asking(shown: Function, below: Any, full_name: str) -> Function:
    operator = full_name.rpartition(".")[2] in _BINARY

    def guard(*args: Any, **kwargs: Any) -> Any:
        objects = [] if thread.disabled else overriding((*args, *kwargs.values()))
        if not objects and not thread.modes:
            return below(*args, **kwargs)
        answer = ask(shown, objects, args, kwargs)
        if answer is NotImplemented:
            if not objects:
                return below(*args, **kwargs)
            if not operator:
                raise nobody(full_name, objects)
        return answer

    return guard


# Operators leave what nobody has an answer for to the class of the other operand.
_BINARY = frozenset(
    f"__{prefix}{name}__"
    for prefix in ("", "r", "i")
    for name in """add sub mul matmul pow truediv floordiv mod and or xor lshift rshift lt le gt ge
    eq ne""".split()
)


def _seen_by_modes(shown: Function, below: Function) -> Function:
    def guard(*args: Any, **kwargs: Any) -> Any:
        if thread.modes:
            answer = ask(shown, [], args, kwargs)
            if answer is not NotImplemented:
                return answer
        with DisableTorchFunctionSubclass():
            return below(*args, **kwargs)

    return guard


def _hidden(below: Function) -> Function:
    def guard(*args: Any, **kwargs: Any) -> Any:
        with DisableTorchFunction():
            return below(*args, **kwargs)

    return guard


def owner_of(label: str) -> Any:
    """The module, or Tensor, that PyTorch calls by this name."""
    return Tensor if label == "torch.Tensor" else sys.modules[MODULES[label]]
