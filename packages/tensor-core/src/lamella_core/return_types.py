"""Named tuples that ops with several results return: fields by name, ``torch``'s repr."""

from __future__ import annotations

from operator import itemgetter
from typing import Any


class NamedResults(tuple[Any, ...]):
    """A tuple with named fields, made from the fields or from one sequence of them."""

    __slots__ = ()

    fields: tuple[str, ...] = ()
    n_fields = n_sequence_fields = property(len)
    n_unnamed_fields = 0

    def __new__(cls, *values: Any) -> NamedResults:
        # PyTorch's files have an empty dict behind the sequence.
        if len(values) == 1 or len(values) == 2 and values[1].__class__ is dict:
            values = tuple(values[0])
        if len(values) != len(cls.fields):
            raise TypeError(
                f"{cls.__name__}() takes a {len(cls.fields)}-sequence "
                f"({len(values)}-sequence given)"
            )
        return tuple.__new__(cls, values)

    def __repr__(self) -> str:
        lines = ",\n".join(
            f"{name}={value!r}" for name, value in zip(self.fields, self, strict=True)
        )
        return f"torch.return_types.{self.__class__.__name__}(\n{lines})"

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.__class__, (tuple(self), {})


def _named(name: str, fields: str) -> type[NamedResults]:
    names = tuple(fields.split())
    body: dict[str, Any] = {
        "__slots__": (),
        "__doc__": f"What ``{name}`` returns: {', '.join(names)}.",
        "__module__": __name__,
        "fields": names,
    }
    for i, field in enumerate(names):
        body[field] = property(itemgetter(i))
    return type(name, (NamedResults,), body)


_VALUES_INDICES = "values indices"

max = _named("max", _VALUES_INDICES)
min = _named("min", _VALUES_INDICES)
median = _named("median", _VALUES_INDICES)
nanmedian = _named("nanmedian", _VALUES_INDICES)
mode = _named("mode", _VALUES_INDICES)
kthvalue = _named("kthvalue", _VALUES_INDICES)
sort = _named("sort", _VALUES_INDICES)
topk = _named("topk", _VALUES_INDICES)
cummax = _named("cummax", _VALUES_INDICES)
cummin = _named("cummin", _VALUES_INDICES)
aminmax = _named("aminmax", "min max")
histogram = _named("histogram", "hist bin_edges")
histogramdd = _named("histogramdd", "hist bin_edges")
frexp = _named("frexp", "mantissa exponent")
qr = _named("qr", "Q R")
svd = _named("svd", "U S V")
slogdet = _named("slogdet", "sign logabsdet")
_lu_with_info = _named("_lu_with_info", "LU pivots info")
lu_unpack = _named("lu_unpack", "P L U")
geqrf = _named("geqrf", "a tau")
triangular_solve = _named("triangular_solve", "solution cloned_coefficient")
eig = _named("eig", "eigenvalues eigenvectors")
symeig = _named("symeig", "eigenvalues eigenvectors")
solve = _named("solve", "solution LU")
lstsq = _named("lstsq", "solution QR")
linalg_cholesky_ex = _named("linalg_cholesky_ex", "L info")
linalg_eig = _named("linalg_eig", "eigenvalues eigenvectors")
linalg_eigh = _named("linalg_eigh", "eigenvalues eigenvectors")
linalg_inv_ex = _named("linalg_inv_ex", "inverse info")
linalg_ldl_factor = _named("linalg_ldl_factor", "LD pivots")
linalg_ldl_factor_ex = _named("linalg_ldl_factor_ex", "LD pivots info")
linalg_lstsq = _named("linalg_lstsq", "solution residuals rank singular_values")
linalg_lu = _named("linalg_lu", "P L U")
linalg_lu_factor = _named("linalg_lu_factor", "LU pivots")
linalg_lu_factor_ex = _named("linalg_lu_factor_ex", "LU pivots info")
linalg_qr = _named("linalg_qr", "Q R")
linalg_slogdet = _named("linalg_slogdet", "sign logabsdet")
linalg_solve_ex = _named("linalg_solve_ex", "result info")
linalg_svd = _named("linalg_svd", "U S Vh")
