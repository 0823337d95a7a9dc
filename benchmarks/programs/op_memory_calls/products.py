"""Products of vectors and matrices, linear algebra, distances and Fourier transforms."""

from __future__ import annotations

from functools import partial
from types import ModuleType

from op_memory_calls import Calls


def calls(torch: ModuleType) -> tuple[Calls, Calls]:
    functional, linalg = torch.nn.functional, torch.linalg
    x, y = (torch.rand(2_000_000) + 0.5 for _ in range(2))
    half, brief, double = x.half(), x.bfloat16(), x.double()
    numbers, whole = torch.complex(x[:1_000_000], y[:1_000_000]), torch.arange(2_000_000)
    wide, tall = torch.randn(1000, 2000), torch.randn(2000, 1000)
    weight, bias = torch.randn(2000, 2000), torch.randn(2000)
    gaps, batch = torch.randn(1200, 2500)[100:1100, 200:2200], tall.view(20, 100, 1000)
    big, many = torch.randn(1000, 1000), torch.randn(10_000, 10, 10)
    points, crossed = x[:1_999_998].view(-1, 3), torch.zeros(666_666, 3)
    square, given = torch.zeros(1000, 1000), torch.zeros(1000, 2000)
    doubles, sums = double[:1_000_000].view(1000, 1000), torch.zeros(1000, 1000).double()
    batched = torch.zeros(20, 100, 100)
    new: Calls = {
        "matmul": lambda: wide @ tall,
        "matmul of a transpose": lambda: wide @ wide.t(),
        "matmul with gaps": lambda: gaps @ tall,
        "linear with gaps": lambda: functional.linear(gaps, gaps),
        "matrix times vector, with gaps": lambda: gaps @ bias,
        "vdot": lambda: torch.vdot(numbers, numbers),
        "addr of float16 with factors": lambda: torch.addr(
            half.view(1000, 2000), half[:1000], half[:2000], beta=2, alpha=3
        ),
        "addbmm": lambda: torch.addbmm(
            double[:1_000_000].view(1000, 1000),
            double[:1_000_000].view(100, 1000, 10)[:10],
            double[:100_000].view(10, 10, 1000),
        ),
        "baddbmm of float16": lambda: torch.baddbmm(
            half.view(50, 200, 200),
            half[:100_000].view(50, 200, 10),
            half[:100_000].view(50, 10, 200),
        ),
        "ifft of real numbers": lambda: torch.fft.ifft(wide),
        "linear of a permuted tensor": lambda: functional.linear(
            x.view(20, 100, 1000).permute(2, 0, 1), wide[:20, :100]
        ),
        "linear": lambda: functional.linear(wide, weight, bias),
        "addmm": lambda: torch.addmm(square, wide, tall, beta=2, alpha=3),
        "addmm of a row": lambda: torch.addmm(bias[:1000], wide, tall),
        "addr": lambda: torch.addr(wide, bias[:1000], bias, beta=2),
        "block_diag": lambda: torch.block_diag(wide, wide[:10, :10]),
        "vander": lambda: torch.vander(bias, 1000),
        "cross of integers": lambda: torch.cross(
            whole[:1_999_998].view(-1, 3), whole[:1_999_998].view(-1, 3), 1
        ),
        "matrix times vector of float16": lambda: half.view(1000, 2000) @ half[:2000],
        "dot of bfloat16": lambda: brief @ brief,
        "batched product of float16": lambda: half.view(50, 20, 2000) @ half.view(50, 2000, 20),
        "linear of float16, few rows": lambda: functional.linear(
            half[:16_000].view(8, 2000), half.view(1000, 2000)
        ),
        "fft": lambda: torch.fft.fft(numbers),
        "fft of a real input": lambda: torch.fft.fft(x),
        "fft2": lambda: torch.fft.fft2(numbers.view(1000, 1000)),
        "rfft": lambda: torch.fft.rfft(x),
        "cross": lambda: torch.cross(x[:1_999_998].view(-1, 3), y[:1_999_998].view(-1, 3), 1),
        "Euclidean cdist": lambda: torch.cdist(wide, wide),
        "cdist of order 1": lambda: torch.cdist(wide[:, :50], wide[:, :50], 1),
        "pdist": lambda: functional.pdist(wide[:, :50]),
        "householder_product, small matrices": lambda: linalg.householder_product(many, many[:, 0]),
        "lu, matrix": lambda: linalg.lu(big),
        "solve, small matrices": lambda: linalg.solve(many, many),
        "slogdet, small matrices": lambda: linalg.slogdet(many),
        "eigh, small matrices": lambda: linalg.eigh(many),
        "svd, small matrices": lambda: linalg.svd(many),
        "svd, all columns": lambda: linalg.svd(big[:, :40]),
    }
    for kind, a in (("matrix", big), ("small matrices", many)):
        definite = a @ a.mT + torch.eye(a.shape[-1])
        factors = linalg.lu_factor(a)
        new |= {
            f"cholesky, {kind}": partial(linalg.cholesky, definite),
            f"qr, {kind}": partial(linalg.qr, a),
            f"geqrf, {kind}": partial(torch.geqrf, a),
            f"lu_factor, {kind}": partial(linalg.lu_factor, a),
            f"lu_solve, {kind}": partial(linalg.lu_solve, *factors, a),
            f"ldl_factor, {kind}": partial(linalg.ldl_factor, definite),
            f"solve_triangular, {kind}": partial(
                linalg.solve_triangular, definite, a, upper=True, left=False
            ),
            f"cholesky_solve, {kind}": partial(torch.cholesky_solve, a, definite),
            f"cholesky_inverse, {kind}": partial(torch.cholesky_inverse, definite),
            f"inv, {kind}": partial(linalg.inv, a),
        }
    inside: Calls = {
        "inv into a tensor": lambda: torch.linalg.inv(big, out=square),
        "matmul into a tensor": lambda: torch.matmul(wide, tall, out=square),
        "addmm into a tensor": lambda: torch.addmm(bias[:1000], wide, tall, out=square),
        "outer into a tensor": lambda: torch.outer(x[:1000], y[:2000], out=given),
        "addr in place": lambda: given.addr_(x[:1000], x[:2000], beta=0.5),
        "addmm in place": lambda: square.addmm_(wide, tall),
        "addmm of float64 in place": lambda: sums.addmm_(doubles, doubles),
        "baddbmm in place": lambda: batched.baddbmm_(batch[:, :, :200], batch[:, :, 200:400].mT),
        "addbmm in place": lambda: square.addbmm_(wide.view(1000, 20, 100).transpose(0, 1), batch),
        "cross into a tensor": lambda: torch.cross(points, points, dim=1, out=crossed),
        "kron into a tensor": lambda: torch.kron(wide[:25, :50], wide[:40, :40], out=given),
    }
    return new, inside
