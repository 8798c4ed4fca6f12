"""SOAP: Adam in the eigenbases of the gradients' covariances, for weights that are matrices; Adam itself for others.

After *SOAP: Improving and Stabilizing Shampoo using Adam* (Vyas et al., 2024). A 1×1 convolution, a stem and a merge
are matrices G of outputs by inputs. G·Gᵀ and Gᵀ·G are averaged, G is turned into their eigenbases, Adam's moments are
kept there, and the step is turned back. One power iteration now and then lets the bases follow. The matrices are shared
out over the processes of a run, since turning them is most of the work.
"""

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from trellic.train.processes import rank, world

SMALLEST, LARGEST = 32, 512
"""Sides of a matrix: one with a smaller side is left to Adam, a larger side is not turned."""
COVARIANCES_EVERY, COVARIANCES_KEPT = 5, 0.98
BASES_EVERY, FIRST_BASES = 100, 20
"""Steps between two changes of the bases, and how often covariances are taken before the first bases."""

Moments = dict[str, Any]
"""Of a matrix: Adam's, and for the axes 0 and 1 a covariance each and, once enough is seen, a basis each."""


class Soap(torch.optim.Adam):
    """SOAP over the groups of named parameters that torch's Adam takes.

    precision  in which gradients and steps are turned
    """

    def __init__(
        self, groups: list[dict[str, Any]], learning_rate: float, betas: tuple[float, float], precision: torch.dtype
    ) -> None:
        super().__init__(groups, lr=learning_rate, betas=betas)
        self.precision = precision
        self.groups = {weight: group for group in self.param_groups for weight in group["params"] if sides_of(weight)}
        self.owners = _shared_out(list(self.groups))

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Take a step: of a matrix in the process that owns it, of all else in every process."""
        gradients = {weight: weight.grad for weight in self.groups}
        for weight in gradients:
            weight.grad = None
        super().step(closure)
        for weight, gradient in gradients.items():
            weight.grad = gradient
            if gradient is not None and self.holds(weight):
                group = self.groups[weight]
                direction = self._direction(self.state[weight], gradient.reshape(sides_of(weight)), group["betas"])
                weight.sub_(direction.view(weight.shape), alpha=group["lr"])
        for owner in set(self.owners.values()) if world() > 1 else ():
            _send([weight for weight in self.groups if self.owners[weight] == owner], owner)

    def holds(self, weight: Tensor) -> bool:
        """Return whether this process has the moments of a weight."""
        return self.owners.get(weight, rank()) == rank()

    def _direction(self, moments: Moments, gradient: Tensor, betas: tuple[float, float]) -> Tensor:
        """Return a matrix's step at a learning rate of 1, and bring its moments up to date."""
        if not moments:
            zeros = torch.zeros_like(gradient)
            moments |= {"step": torch.tensor(0.0, device="cpu"), "exp_avg": zeros, "exp_avg_sq": zeros.clone()}
        moments["step"] += 1
        count = int(moments["step"])
        for name in ("exp_avg", "exp_avg_sq"):
            moments[name] = moments[name].reshape(gradient.shape)
        if count % COVARIANCES_EVERY == 0:
            _see(moments, gradient)
        if count % BASES_EVERY == 0 and moments.get("seen", 0) >= FIRST_BASES:
            _follow(moments)
        mean, square = moments["exp_avg"], moments["exp_avg_sq"]
        turned = self._turn(moments, gradient)
        mean.lerp_(turned, 1 - betas[0])
        square.mul_(betas[1]).addcmul_(turned, turned, value=1 - betas[1])
        debias = (1 - betas[1] ** count) ** 0.5 / (1 - betas[0] ** count)
        return debias * self._turn(moments, mean / (square.sqrt() + 1e-8), back=True)

    def _turn(self, moments: Moments, matrix: Tensor, back: bool = False) -> Tensor:
        """Return a matrix as its bases see it, or from there back."""
        turned = matrix
        for axis in (0, 1):
            if (basis := moments.get(f"basis_{axis}")) is not None:
                turned = _along(axis, (basis if back else basis.T).to(self.precision), turned.to(self.precision))
        return turned.to(matrix.dtype)


def sides_of(weight: Tensor) -> tuple[int, int] | None:
    """Return a weight's sides as a matrix of outputs by inputs, or None where it is none or too small."""
    sides = (len(weight), weight.numel() // len(weight)) if weight.dim() > 1 else (0, 0)
    return sides if min(sides) >= SMALLEST else None


def _shared_out(matrices: list[Tensor]) -> dict[Tensor, int]:
    """Return the process that owns each matrix: from the largest on, the one that has least to do."""
    work, owners = [0] * world(), dict[Tensor, int]()
    for weight in sorted(matrices, key=_work, reverse=True):
        owners[weight] = work.index(min(work))
        work[owners[weight]] += _work(weight)
    return owners


def _work(weight: Tensor) -> int:
    return weight.numel() * sum(side for side in sides_of(weight) or () if side <= LARGEST)


def _send(weights: list[Tensor], owner: int) -> None:
    """Give weights of their owner to all other processes."""
    flat = torch.cat([weight.flatten() for weight in weights])
    dist.broadcast(flat, owner)
    for weight, part in zip(weights, flat.split([weight.numel() for weight in weights]), strict=True):
        weight.copy_(part.view(weight.shape))


def _see(moments: Moments, gradient: Tensor) -> None:
    """Let a gradient count in the covariances: in a plain mean at first, in one that forgets later."""
    seen = moments["seen"] = moments.get("seen", 0) + 1
    for axis, side in enumerate(gradient.shape):
        if side <= LARGEST:
            covariance = gradient @ gradient.T if axis == 0 else gradient.T @ gradient
            kept = min(COVARIANCES_KEPT, 1 - 1 / seen)
            moments[f"covariance_{axis}"] = covariance.lerp(moments.get(f"covariance_{axis}", covariance), kept)


def _follow(moments: Moments) -> None:
    """Bring the bases nearer to the eigenvectors of the covariances, and turn the moments with them."""
    for axis in (0, 1):
        if (covariance := moments.get(f"covariance_{axis}")) is None:
            continue
        before = moments.get(f"basis_{axis}")
        if before is None:
            basis = _eigenvectors(covariance)
            change = basis.T
        else:
            stretched = covariance @ before
            order = (before * stretched).sum(dim=0).argsort(descending=True)
            basis = torch.linalg.qr(stretched[:, order]).Q
            change = basis.T @ before
        moments[f"basis_{axis}"] = basis.contiguous()
        moments["exp_avg"] = _along(axis, change, moments["exp_avg"])
        moments["exp_avg_sq"] = _along(axis, change.square(), moments["exp_avg_sq"])


def _eigenvectors(covariance: Tensor) -> Tensor:
    """Return the eigenvectors in columns. Eigenvalues that differ by far do not always converge in single precision."""
    found: Tensor = torch.linalg.eigh(covariance.double() / covariance.abs().max().clamp_min(1e-30)).eigenvectors
    return found.to(covariance.dtype)


def _along(axis: int, factor: Tensor, matrix: Tensor) -> Tensor:
    """Return a matrix with each of its columns (axis 0) or rows (axis 1) multiplied by a factor."""
    return factor @ matrix if axis == 0 else matrix @ factor.T
