"""The graph in the DOT language, whose grammar is at graphviz.org/doc/info/lang.html."""

from __future__ import annotations

import re
import sys

import pytest

import lamella_core as lc
from lamella_autograd import graph

STATEMENT = re.compile(
    r'    (?:node \[.*\]|(\w+) \[label="((?:[^"\\]|\\.)*)"(?:, shape=ellipse)?\]'
    r"|(\w+) -> (\w+)(?: \[label=(\d+)\])?)"
)


def read(text):
    """The labels by key, and the arrows between them."""
    first, *statements, last, end = text.split("\n")
    assert (first, last, end) == ("digraph {", "}", "")
    labels, arrows = {}, []
    for statement in statements:
        key, label, start, target, number = STATEMENT.fullmatch(statement).groups()
        if key:
            labels[key] = label
        elif start:
            arrows.append((start, target, number))
    return labels, sorted((labels[a], labels[b], number) for a, b, number in arrows)


def test_nodes_leaves_and_names() -> None:
    w, b = lc.ones(3, requires_grad=True), lc.ones((), requires_grad=True)
    y = (w * w + b).sum()
    _, arrows = read(graph.to_dot(y, {"w": w}))
    assert arrows == [
        ("AddBackward0", "()", None),
        ("AddBackward0", "MulBackward0", None),
        ("MulBackward0", "w\\n(3,)", None),
        ("MulBackward0", "w\\n(3,)", None),
        ("SumBackward0", "AddBackward0", None),
        ("output\\n()", "SumBackward0", None),
    ]


def test_several_outputs() -> None:
    x = lc.ones(2, requires_grad=True)
    first, second = (x * 1).unbind(0)
    labels, arrows = read(graph.to_dot([second, first, x], [("x", x)]))
    assert ("output 0\\n()", "UnbindBackward0", "1") in arrows
    assert ("output 1\\n()", "UnbindBackward0", "0") in arrows
    assert list(labels.values()).count("UnbindBackward0") == 1


def test_quotes_are_escaped() -> None:
    x = lc.ones((), requires_grad=True)
    assert '"a \\"b\\"\\n()"' in graph.to_dot(x * 2, {'a "b"': x})


def test_deep_graph() -> None:
    y = lc.ones((), requires_grad=True)
    for _ in range(20_000):
        y = y + 1
    assert graph.to_dot(y).count("AddBackward0") == 20_000


def test_no_graph() -> None:
    with pytest.raises(RuntimeError, match="output does not require grad"):
        graph.to_dot(lc.ones(2))


def test_picture() -> None:
    graphviz = pytest.importorskip("graphviz")
    y = lc.ones(2, requires_grad=True) * 2
    picture = graph.render_dot(y)
    assert isinstance(picture, graphviz.Source)
    assert picture.source == graph.to_dot(y)


def test_picture_without_graphviz(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r"lamella-autograd\[graphviz\]"):
        graph.render_dot(lc.ones(2, requires_grad=True) * 2)
