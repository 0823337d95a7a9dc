"""Orthogonal polynomials by their recurrences, against their written-out forms."""

from types import SimpleNamespace

import numpy as np
import pytest

from lamella_cuda_kernels.special import Special

X = np.linspace(-0.95, 0.95, 7)
# Degree 4 and degree 2 of each (Abramowitz and Stegun, chapter 22).
FORMS = {
    "eval_chebyt": (8 * X**4 - 8 * X**2 + 1, 2 * X**2 - 1),
    "eval_chebyu": (16 * X**4 - 12 * X**2 + 1, 4 * X**2 - 1),
    "eval_hermite": (16 * X**4 - 48 * X**2 + 12, 4 * X**2 - 2),
    "eval_hermitenorm": (X**4 - 6 * X**2 + 3, X**2 - 1),
    "eval_laguerre": ((X**4 - 16 * X**3 + 72 * X**2 - 96 * X + 24) / 24, X**2 / 2 - 2 * X + 1),
    "eval_legendre": ((35 * X**4 - 30 * X**2 + 3) / 8, (3 * X**2 - 1) / 2),
}


@pytest.mark.parametrize("name", FORMS)
def test_written_out_forms(name: str) -> None:
    evaluate = getattr(Special(np, SimpleNamespace()), name)
    found = evaluate(np.array([4, 2, 0])[:, None], X)
    np.testing.assert_allclose(found, [*FORMS[name], np.ones(7)], rtol=1e-12, atol=1e-12)


def test_other_functions_are_the_modules_own() -> None:
    assert Special(np, SimpleNamespace(erf=3)).erf == 3
