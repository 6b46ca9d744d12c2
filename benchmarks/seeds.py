"""Many seeds at once against an interpreted loop over single networks, on mirror symmetry."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.experiments import symmetry
from backprop.initialisers import uniform
from backprop.optimisers import Momentum
from backprop.symmetry_weights import NETWORK
from backprop.training import train_batch
from timing import in_turn, rounded

CONFIG = symmetry.Config.paper()


def starts(seeds: int) -> Array:
    """Draw the initial weights of the seeds 0, 1, ..., ``(seeds, P)``."""
    return NETWORK.init_replicas(uniform(CONFIG.half_width), seeds=range(seeds))


def train(w: Array, sweeps: int) -> Array:
    """Train replicas side by side for all sweeps; give their weights."""
    x, _, d = symmetry.cases(CONFIG)
    optimiser = Momentum(CONFIG.lr, CONFIG.momentum)
    return train_batch(NETWORK, w, x, d, optimiser=optimiser, sweeps=sweeps).w


def train_each(w: Array, sweeps: int) -> Array:
    """Train the same replicas one after the other."""
    return np.concatenate([train(one[None], sweeps) for one in w])


def sizes(largest: int) -> list[int]:
    """Numbers of replicas to time: 1, 3, 10, 30, ... and the largest."""
    steps = (digit * 10**power for power in range(7) for digit in (1, 3))
    return [*(step for step in steps if step < largest), largest]


def cost(replicas: Sequence[int], sweeps: int, repeats: int) -> list[float]:
    """Seconds for each seed and sweep with so many seeds at once, the shortest of some repeats."""
    w = starts(max(replicas))
    runs = {str(n): lambda n=n: train(w[:n], sweeps) for n in replicas}
    measured = in_turn(runs, repeats)
    return [rounded(min(measured[str(n)])[0] / (n * sweeps)) for n in replicas]


def measure(
    seeds: int = 1000, sweeps: int = 5000, singles: int = 20, *, repeats: int = 3
) -> dict[str, Any]:
    """Time both ways in turn, and the cost of a seed against the number of seeds at once.

    Both ways train for all sweeps; no replica stops early. The loop is timed over the first
    `singles` seeds only, and its time is multiplied by ``seeds / singles``: each seed takes the
    same work.

    Parameters
    ----------
    seeds : int
        Replicas trained at once, at least `singles`.
    sweeps : int
        Sweeps of every replica.
    singles : int
        Networks that the loop trains one by one.
    repeats : int
        Rounds in which the two ways take turns.

    Returns
    -------
    dict
        ``together_seconds`` and ``one_by_one_seconds`` for all seeds (the latter extrapolated),
        the shortest of the rounds; ``times``, their ratio, with the ``lowest`` and ``highest`` of
        a round; ``identical``, how many of the single networks end with the very same weights, and
        ``largest_difference`` between weights, relative; ``replicas`` and ``seconds_per_sweep``,
        the time of each seed and sweep with so many seeds at once.
    """
    w, ends = starts(seeds), {}

    def together() -> None:
        ends["together"] = train(w, sweeps)[:singles]

    def one_by_one() -> None:
        ends["one by one"] = train_each(w[:singles], sweeps)

    measured = in_turn({"together": together, "one by one": one_by_one}, repeats)
    at_once, loop = (np.array(rounds)[:, 0] for rounds in measured.values())
    loop *= seeds / singles
    one, other = ends["together"], ends["one by one"]
    replicas = sizes(seeds)
    return {
        "seeds": seeds,
        "sweeps": sweeps,
        "singles": singles,
        "together_seconds": rounded(at_once.min()),
        "one_by_one_seconds": rounded(loop.min()),
        "times": rounded(loop.min() / at_once.min()),
        "lowest": rounded((loop / at_once).min()),
        "highest": rounded((loop / at_once).max()),
        "identical": int((one == other).all(axis=-1).sum()),
        "largest_difference": rounded((np.abs(one - other) / np.abs(other)).max()),
        "replicas": replicas,
        "seconds_per_sweep": cost(replicas, max(1, sweeps // 25), repeats),
    }
