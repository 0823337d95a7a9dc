"""scikit-learn's estimators and metrics on our tensors, against the same on NumPy's arrays.

scikit-learn asks for SciPy's array API, which is chosen by a variable of the environment when SciPy
is imported, so the calls run in a process of their own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
import numpy as np
from sklearn import config_context, metrics as m
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import pairwise
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
import lamella

rng = np.random.default_rng(0)
X = rng.standard_normal((60, 6))
X[:30] += 1
y = np.repeat([0, 1], 30)
t = X @ rng.standard_normal(6) + 0.1 * rng.standard_normal(60)
first, second = rng.integers(0, 3, 60), rng.integers(0, 3, 60)
score = rng.random(60)
CALLS = {
    "PCA": lambda f: PCA(3, svd_solver="full").fit_transform(f(X)),
    "PCA covariance": lambda f: PCA(3, svd_solver="covariance_eigh").fit(
        f(X)).explained_variance_,
    "LDA": lambda f: LinearDiscriminantAnalysis().fit(f(X), f(y)).predict_proba(f(X)),
    "Ridge": lambda f: Ridge(solver="svd").fit(f(X), f(t)).coef_,
    "LogisticRegression": lambda f: LogisticRegression().fit(f(X), f(y)).coef_,
    "GaussianMixture": lambda f: GaussianMixture(
        2, init_params="random", random_state=0).fit(f(X)).means_,
    "GaussianNB": lambda f: GaussianNB().fit(f(X), f(y)).predict_proba(f(X)),
    "pipeline": lambda f: make_pipeline(
        StandardScaler(), PCA(2, svd_solver="full")).fit_transform(f(X)),
    "MinMaxScaler": lambda f: MinMaxScaler().fit_transform(f(X)),
    "PolynomialFeatures": lambda f: PolynomialFeatures(2).fit_transform(f(X)),
    "r2_score": lambda f: m.r2_score(f(t), f(t + 0.1)),
    "accuracy_score": lambda f: m.accuracy_score(f(first), f(second)),
    "f1_score": lambda f: m.f1_score(f(first), f(second), average="macro"),
    "confusion_matrix": lambda f: m.confusion_matrix(f(first), f(second)),
    "roc_auc_score": lambda f: m.roc_auc_score(f(y), f(score)),
    "log_loss": lambda f: m.log_loss(f(y), f(score)),
    "mean_squared_error": lambda f: m.mean_squared_error(f(t), f(t + 0.1)),
    "rbf_kernel": lambda f: pairwise.rbf_kernel(f(X)),
    "euclidean_distances": lambda f: pairwise.euclidean_distances(f(X)),
}

report = {}
for name, call in CALLS.items():
    try:
        expected = call(lambda x: x)
        with config_context(array_api_dispatch=True):
            found = call(lambda x: lamella.from_numpy(x.copy()))
        if isinstance(expected, np.ndarray) and not isinstance(found, lamella.Tensor):
            raise TypeError(f"a {type(found).__name__} came back")
        np.testing.assert_allclose(np.asarray(found, float), expected, rtol=1e-5, atol=1e-7)
        report[name] = ""
    except Exception as error:
        report[name] = f"{type(error).__name__}: {error}"[:500]
json.dump(report, sys.stdout)
"""


@pytest.fixture(scope="module")
def report() -> dict[str, str]:
    pytest.importorskip("sklearn", minversion="1.8")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        capture_output=True,
        text=True,
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_scikit_learn_gives_tensors_with_numpys_numbers(report: dict[str, str]) -> None:
    assert len(report) == 19
    assert {name: error for name, error in report.items() if error} == {}
