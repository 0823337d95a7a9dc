"""SciPy's functions on our tensors, against the same on NumPy's arrays.

SciPy reads SCIPY_ARRAY_API when it is imported, so the calls run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = '''
import json, sys
import numpy as np
import scipy.cluster.vq as vq
import scipy.fft as sf
import scipy.integrate as si
import scipy.interpolate as ip
import scipy.ndimage as nd
import scipy.optimize.elementwise as oe
import scipy.signal as sg
import scipy.special as sp
import scipy.stats as st
import lamella

rng = np.random.default_rng(0)
a, b, p = rng.standard_normal((5, 8)), rng.standard_normal((5, 8)), rng.random((5, 8))
v, im = rng.standard_normal(30), rng.random((9, 10))
num, den = np.array([1.0, 0.5]), np.array([1.0, 0.2])
sos = sg.butter(3, 0.3, output="sos")
CALLS = {
    "zscore": lambda f: st.zscore(f(a), axis=1),
    "gmean": lambda f: st.gmean(f(p), axis=1),
    "skew": lambda f: st.skew(f(a), axis=-1),
    "kurtosis": lambda f: st.kurtosis(f(a)),
    "entropy": lambda f: st.entropy(f(p)),
    "describe": lambda f: tuple(st.describe(f(a)))[2:],
    "ttest_ind": lambda f: st.ttest_ind(f(a), f(b)),
    "ttest_rel": lambda f: st.ttest_rel(f(a), f(b)),
    "pearsonr": lambda f: tuple(st.pearsonr(f(a), f(b), axis=1)),
    "chisquare": lambda f: tuple(st.chisquare(f(p))),
    "f_oneway": lambda f: tuple(st.f_oneway(f(a[0]), f(b[0]))),
    "kruskal": lambda f: tuple(st.kruskal(f(a[0]), f(b[0]))),
    "mannwhitneyu": lambda f: tuple(st.mannwhitneyu(f(a[0]), f(b[0]))),
    "quantile": lambda f: st.quantile(f(a), 0.3, axis=1),
    "trim_mean": lambda f: st.trim_mean(f(a), 0.1),
    "circmean": lambda f: st.circmean(f(a)),
    "logsumexp": lambda f: sp.logsumexp(f(a), axis=1),
    "softmax": lambda f: sp.softmax(f(a), axis=1),
    "ndtri": lambda f: sp.ndtri(f(p)),
    "betainc": lambda f: sp.betainc(f(p), f(p), f(p)),
    "fftn": lambda f: sf.fftn(f(a)),
    "irfft": lambda f: sf.irfft(f(a) + 0j),
    "dct": lambda f: sf.dct(f(a)),
    "lfilter": lambda f: sg.lfilter(f(num), f(den), f(v)),
    "filtfilt": lambda f: sg.filtfilt(f(num), f(den), f(v)),
    "sosfilt": lambda f: sg.sosfilt(f(sos), f(v)),
    "fftconvolve": lambda f: sg.fftconvolve(f(v), f(a[0])),
    "hilbert": lambda f: sg.hilbert(f(v)),
    "resample": lambda f: sg.resample(f(v), 20),
    "savgol_filter": lambda f: sg.savgol_filter(f(v), 5, 2),
    "freqz": lambda f: sg.freqz(f(num), f(den)),
    "gaussian_filter": lambda f: nd.gaussian_filter(f(im), 1.0),
    "median_filter": lambda f: nd.median_filter(f(im), 3),
    "rotate": lambda f: nd.rotate(f(im), 20.0),
    "label": lambda f: nd.label(f(im > 0.5))[0],
    "trapezoid": lambda f: si.trapezoid(f(a)),
    "cubature": lambda f: si.cubature(
        lambda x: x[:, 0] ** 2, f(np.array([0.0])), f(np.array([1.0]))).estimate,
    "kmeans": lambda f: vq.kmeans(f(a), 2, rng=np.random.default_rng(1))[0],
    "find_root": lambda f: oe.find_root(
        lambda x: x**2 - 2, (f(np.array(0.0)), f(np.array(2.0)))).x,
    "CubicSpline": lambda f: ip.CubicSpline(f(np.arange(8.0)), f(a[0]))(f(np.array([0.5]))),
}


def numbers(result):
    """Every array of a result, checked to be of the class that went in."""
    if isinstance(result, (tuple, list)):
        return [n for each in result for n in numbers(each)]
    if not isinstance(result, lamella.Tensor):
        raise TypeError(f"a {type(result).__name__} came back")
    return [result.numpy()]


def arrays(result):
    if isinstance(result, (tuple, list)):
        return [n for each in result for n in arrays(each)]
    return [np.asarray(result)]


report = {}
for name, call in CALLS.items():
    try:
        expected = arrays(call(lambda x: x))
        found = numbers(call(lambda x: lamella.from_numpy(x.copy())))
        assert len(expected) == len(found)
        for one, other in zip(expected, found):
            np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-10)
            assert one.dtype == other.dtype, (one.dtype, other.dtype)
        report[name] = ""
    except Exception as error:
        report[name] = f"{type(error).__name__}: {error}"[:500]
json.dump(report, sys.stdout)
'''


@pytest.fixture(scope="module")
def report() -> dict[str, str]:
    pytest.importorskip("scipy", minversion="1.14")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_scipy_gives_tensors_with_numpys_numbers(report: dict[str, str]) -> None:
    assert len(report) == 40
    assert {name: error for name, error in report.items() if error} == {}
