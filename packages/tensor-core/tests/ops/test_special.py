"""Special functions, which on the CPU come with SciPy. The values were recorded from PyTorch 2.13
on CPU, in float64."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lamella_core as lc
from lamella_core import special

pytest.importorskip("scipy")

ANY = [0.3, 1.0, 2.5, -0.7]
ON_ANY = {
    "erf": [0.328626759459, 0.84270079295, 0.999593047983, -0.677801193837],
    "erfc": [0.671373240541, 0.15729920705, 0.000406952017445, 1.67780119384],
    "gammaln": [1.09579799482, 0.0, 0.284682870473, 1.45247293876],
    "digamma": [-3.5025242222, -0.577215664902, 0.703156640645, -2.07395279363],
    "i0": [1.02262687935, 1.26606587775, 3.28983914405, 1.12630301831],
    "erfcx": [0.734599334568, 0.427583576156, 0.210806364061, 2.73870210256],
    "ndtr": [0.617911422189, 0.841344746069, 0.993790334674, 0.241963652223],
    "log_ndtr": [-0.481410161588, -0.172753779023, -0.00622902548586, -1.41896776153],
    "i0e": [0.757580625183, 0.465759607594, 0.270046441612, 0.559305526507],
    "i1": [0.151693840004, 0.565159103992, 2.51671624529, -0.371879677777],
    "i1e": [0.11237756064, 0.20791041535, 0.206584649531, -0.184669982763],
    "bessel_j0": [0.977626246538, 0.765197686558, -0.0483837764683, 0.881200888607],
    "bessel_j1": [0.148318816273, 0.440050585745, 0.497094102464, -0.32899574154],
    "airy_ai": [0.278806481955, 0.135292416313, 0.0157259233805, 0.511000397575],
    "spherical_bessel_j0": [0.985067355538, 0.841470984808, 0.239388857642, 0.920310981768],
    "modified_bessel_i0": [1.02262687935, 1.26606587775, 3.28983914405, 1.12630301831],
    "modified_bessel_i1": [0.151693840004, 0.565159103992, 2.51671624529, -0.371879677777],
}
UNIT = [0.3, 0.75]
ON_UNIT = {
    "erfinv": [0.272462714727, 0.813419847598],
    "ndtri": [-0.524400512708, 0.674489750196],
    "entr": [0.361191841298, 0.215761554339],
    "bessel_y0": [-0.807273577805, -0.137172769386],
    "bessel_y1": [-2.29310513839, -1.03759455077],
    "modified_bessel_k0": [1.37246006054, 0.610582422116],
    "modified_bessel_k1": [3.05599203346, 0.949580466962],
    "scaled_modified_bessel_k0": [1.85262730077, 1.29260299776],
    "scaled_modified_bessel_k1": [4.12515776224, 2.01026186433],
}
OF_DEGREE_3 = {
    "chebyshev_polynomial_t": [-0.792, -0.5625],
    "chebyshev_polynomial_u": [-0.984, 0.375],
    "chebyshev_polynomial_v": [-0.344, -0.875],
    "chebyshev_polynomial_w": [-1.624, 1.625],
    "hermite_polynomial_h": [-3.384, -5.625],
    "hermite_polynomial_he": [-0.873, -1.828125],
    "laguerre_polynomial_l": [0.2305, -0.4765625],
    "legendre_polynomial_p": [-0.3825, -0.0703125],
    "shifted_chebyshev_polynomial_t": [0.944, -1.0],
    "shifted_chebyshev_polynomial_u": [1.088, -1.0],
    "shifted_chebyshev_polynomial_v": [1.448, -1.0],
    "shifted_chebyshev_polynomial_w": [0.728, -1.0],
}


@pytest.mark.parametrize("name", [*ON_ANY, *ON_UNIT])
def test_values(name: str) -> None:
    points, expected = (ANY, ON_ANY[name]) if name in ON_ANY else (UNIT, ON_UNIT[name])
    function = getattr(special, name)
    np.testing.assert_allclose(
        function(lc.tensor(points, dtype=lc.float64)).numpy(), expected, rtol=1e-10, atol=1e-13
    )
    for dtype, tolerance in ((lc.float32, 1e-5), (lc.bfloat16, 5e-2)):
        if dtype is lc.bfloat16 and name in ("ndtri", "log_ndtr"):
            with pytest.raises(NotImplementedError, match="'BFloat16'"):
                function(lc.tensor(points, dtype=dtype))
            continue
        got = function(lc.tensor(points, dtype=dtype))
        assert got.dtype is dtype
        np.testing.assert_allclose(got.tolist(), expected, rtol=tolerance, atol=tolerance)
    assert function(lc.tensor([1])).dtype is lc.float32
    with pytest.raises(NotImplementedError, match="'ComplexFloat'"):
        function(lc.tensor([1j]))


@pytest.mark.parametrize("name", OF_DEGREE_3)
def test_polynomials(name: str) -> None:
    function = getattr(special, name)
    x = lc.tensor(UNIT, dtype=lc.float64)
    np.testing.assert_allclose(function(x, 3).numpy(), OF_DEGREE_3[name], rtol=1e-12)
    degrees = lc.tensor([3, 0, -1])
    got = function(lc.tensor(0.3, dtype=lc.float64), degrees).tolist()
    assert got == pytest.approx([OF_DEGREE_3[name][0], 1.0, 0.0])


def test_poles() -> None:
    at = lc.tensor([0.0, -1.0])
    assert lc.lgamma(at).tolist() == [math.inf, math.inf]
    assert lc.lgamma(lc.tensor([-math.inf])).tolist() == [math.inf]
    pole, undefined = lc.digamma(at).tolist()
    assert pole == -math.inf
    assert math.isnan(undefined)
    assert lc.erfinv(lc.tensor([-1.0, 1.0])).tolist() == [-math.inf, math.inf]


def test_polygamma() -> None:
    x = lc.tensor([1.0, -0.3], dtype=lc.float64)
    np.testing.assert_allclose(lc.polygamma(0, x).numpy(), lc.digamma(x).numpy())
    # pi^2 / 6, and the value at -0.3 by the reflection formula.
    assert lc.polygamma(1, x).tolist() == pytest.approx([math.pi**2 / 6, 13.9451602677], rel=1e-8)
    assert x.polygamma(2).tolist()[0] == pytest.approx(-2.40411380631919)
    written = lc.ones(2, dtype=lc.float64)
    assert written.polygamma_(1) is written
    assert written.tolist() == pytest.approx([math.pi**2 / 6] * 2, rel=1e-8)
    with pytest.raises(RuntimeError, match="negative n"):
        lc.polygamma(-1, x)


def test_mvlgamma() -> None:
    x = lc.tensor([3.0], dtype=lc.float64)
    expected = 0.5 * math.log(math.pi) + math.lgamma(3.0) + math.lgamma(2.5)
    assert lc.mvlgamma(x, 2).item() == pytest.approx(expected)
    assert special.multigammaln(x, 2).item() == pytest.approx(expected)
    with pytest.raises(RuntimeError, match="greater than or equal to 1"):
        lc.mvlgamma(x, 0)
    with pytest.raises(RuntimeError, match="boolean"):
        lc.mvlgamma(lc.tensor([True]), 1)


def test_incomplete_gamma() -> None:
    a, x = lc.tensor([1.0]), lc.tensor([0.5])
    assert lc.igamma(a, x).item() == pytest.approx(-math.expm1(-0.5))
    assert lc.igammac(a, x).item() == pytest.approx(math.exp(-0.5))


def test_zeta_and_xlog1py() -> None:
    assert special.zeta(lc.tensor(2.0), 1).item() == pytest.approx(math.pi**2 / 6)
    got = special.xlog1py(lc.tensor([0.0, 2.0]), lc.tensor([-1.0, 0.5])).tolist()
    assert got == pytest.approx([0.0, 2 * math.log(1.5)])


def test_names() -> None:
    x = lc.tensor([0.25, 0.5])
    assert special.expit(x).tolist() == lc.sigmoid(x).tolist()
    assert special.psi(x).tolist() == lc.digamma(x).tolist()
    assert x.erf().tolist() == lc.erf(x).tolist()
    assert x.erf_() is x


def test_polygamma_of_orders_whose_factorial_is_no_float() -> None:
    """PyTorch 2.13 gives minus infinity for 200 at 1."""
    assert float(lc.polygamma(200, lc.tensor(1.0))) == -math.inf


def test_erfinv_keeps_the_sign_of_zero() -> None:
    assert lc.tensor([-0.0, 0.0]).erfinv().signbit().tolist() == [True, False]
