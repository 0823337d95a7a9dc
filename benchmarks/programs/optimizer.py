"""A step of Adam over 25 million parameters in 25 tensors, without the rest of a training step."""

from __future__ import annotations

from measure import load, read_arguments, report, seconds_per_round

TENSORS = 25
SIZE = (1000, 1000)


def main() -> None:
    arguments = read_arguments(__doc__)
    torch = load(arguments.framework)
    torch.manual_seed(0)
    parameters = [torch.randn(*SIZE).requires_grad_() for _ in range(TENSORS)]
    for parameter in parameters:
        parameter.grad = torch.randn(*SIZE)
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for _ in range(3):
        optimizer.step()
    check = parameters[-1].detach().square().sum().item()

    def rounds(count: int) -> None:
        for _ in range(count):
            optimizer.step()

    report(seconds_per_round(rounds), "s", check=check)


if __name__ == "__main__":
    main()
