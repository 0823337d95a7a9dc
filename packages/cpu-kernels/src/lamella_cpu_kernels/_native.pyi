from typing import Any

def sgd_momentum(
    params: list[Any],
    grads: list[Any],
    buffers: list[Any],
    fresh: list[bool],
    lr: float,
    momentum: float,
    dampening: float,
    weight_decay: float,
    nesterov: bool,
    maximize: bool,
    threads: int,
) -> bool: ...
def adam(
    params: list[Any],
    grads: list[Any],
    means: list[Any],
    squares: list[Any],
    largest: list[Any],
    steps: list[float],
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    decoupled: bool,
    maximize: bool,
    threads: int,
) -> bool: ...
def cross_entropy(
    scores: Any, target: Any, probabilities: Any, loss: Any, ignored: int, mean: bool
) -> bool: ...
def cross_entropy_backward(probabilities: Any, target: Any, result: Any, factor: float) -> bool: ...
def draw_words(address: int, words: Any) -> bool: ...
def normal_blocks(words: Any, out: Any, mean: float, deviation: float) -> bool: ...
def softmax(input: Any, out: Any, threads: int) -> bool: ...
def log_softmax(input: Any, out: Any, threads: int) -> bool: ...
def softmax_of_half(input: Any, out: Any, brain: bool, threads: int) -> bool: ...
def log_softmax_of_half(input: Any, out: Any, brain: bool, threads: int) -> bool: ...
def product(input: Any, out: Any, threads: int) -> bool: ...
def cumulative_extrema(input: Any, values: Any, places: Any, axis: int, high: bool) -> bool: ...
def index_add(target: Any, places: Any, source: Any) -> bool: ...
def swaps(values: Any, words: Any) -> bool: ...
def threshold_backward(grad: Any, input: Any, threshold: float, result: Any) -> bool: ...
def gather(input: Any, dim: int, index: Any, out: Any, threads: int) -> bool: ...
def scatter(target: Any, dim: int, index: Any, source: Any, adds: bool, threads: int) -> bool: ...
def add_at(target: Any, indices: list[Any], source: Any) -> bool: ...
def ufuncs(brain_type: int) -> dict[str, Any]: ...
def depthwise(
    input: Any,
    weight: Any,
    bias: Any,
    out: Any,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    threads: int,
) -> bool: ...
def depthwise_input_grad(
    grad: Any,
    weight: Any,
    result: Any,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    threads: int,
) -> bool: ...
def depthwise_weight_grad(
    input: Any,
    grad: Any,
    result: Any,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    threads: int,
) -> bool: ...
