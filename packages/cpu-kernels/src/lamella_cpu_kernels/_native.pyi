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
def cumulative_extrema(input: Any, values: Any, places: Any, axis: int, high: bool) -> bool: ...
def index_add(target: Any, places: Any, source: Any) -> bool: ...
def swaps(values: Any, words: Any) -> bool: ...
def threshold_backward(grad: Any, input: Any, threshold: float, result: Any) -> bool: ...
