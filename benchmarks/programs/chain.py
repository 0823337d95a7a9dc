"""Ten times `y = tanh(y * 1.01 + 0.5)` on an 8x8 tensor, then `y.sum().backward()`."""

from __future__ import annotations

from measure import load, read_arguments, report, seconds_per_round


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    tanh = torch.tanh
    x = torch.randn(8, 8, requires_grad=True)

    def rounds(count: int) -> None:
        for _ in range(count):
            x.grad = None
            y = x
            for _ in range(10):
                y = tanh(y * 1.01 + 0.5)
            y.sum().backward()

    rounds(1)
    check = x.grad.sum().item()
    report(seconds_per_round(rounds), "s", check=check)


if __name__ == "__main__":
    main()
