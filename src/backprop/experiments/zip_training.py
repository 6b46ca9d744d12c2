"""What the zip-code experiments share: networks of feature maps, training of seeds, measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop import datasets
from backprop.activations import LECUN_TANH, Activation, Array
from backprop.evaluation import half_mean_squares, rejected_for, wrong
from backprop.initialisers import Initialiser, uniform_fan_in
from backprop.layers import Dense, Local
from backprop.network import Network
from backprop.optimisers import Optimiser, Schedule
from backprop.training import train_online

Table = tuple[tuple[int, ...], ...]
Measured = dict[str, Any]
BATCH = 64  # cases measured at once: replicas by cases stay in the processor's cache


def groups(maps: int = 12) -> Table:
    """Connect three groups of H2 maps to two thirds of the H1 maps each.

    Departure: the paper says that each H2 map reads 8 of 12 and declines to say which
    (claim zip-h2-connections). This is the guess of the best-known replication.

    Parameters
    ----------
    maps : int
        Number of maps in H1, and in H2; a multiple of three.

    Returns
    -------
    tuple of tuples of int
        For each map of H2 the maps of H1 that it reads: with 12 maps 0 to 7, 4 to 11, or 0 to
        3 with 8 to 11.
    """
    third = maps // 3
    read = (range(2 * third), range(third, maps), (*range(third), *range(2 * third, maps)))
    return tuple(tuple(read[map_ // third]) for map_ in range(maps))


def feature_maps(
    table: Table | None,
    *,
    maps: int = 12,
    activation: Activation = LECUN_TANH,
    output: Activation | None = None,
    off: float = -1.0,
    layer: type[Local] = Local,
) -> Network:
    """Build a network like that of 1989: H1 and H2 of feature maps, 30 units, 10 outputs.

    Parameters
    ----------
    table : tuple of tuples of int, optional
        For each map of H2 the maps of H1 that it reads. Default: all.
    maps : int
        Number of maps in H1, and in H2.
    activation : Activation
        Of all units, save the outputs if `output` is given.
    output : Activation, optional
        Of the outputs.
    off : float
        What H2 reads beyond the edge of the H1 maps.
    layer : type
        `Local`, or `Unshared` for weights that are not shared.

    Returns
    -------
    Network
        From 256 inputs to 10 outputs.
    """
    window: dict[str, Any] = {"size": 5, "stride": 2, "activation": activation}
    return Network(
        (
            layer((16, 16, 1), maps=maps, border=-1.0, **window),
            layer((8, 8, maps), maps=maps, border=off, table=table, **window),
            Dense(16 * maps, 30, activation),
            Dense(30, 10, output or activation),
        )
    )


def measure(
    net: Network,
    w: Array,
    digits: datasets.Digits,
    encode: Callable[[NDArray[Any]], Array] = datasets.targets,
) -> list[Measured]:
    """Measure each replica on both sets, as the paper did after every pass.

    Parameters
    ----------
    net : Network
        The network.
    w : array, shape (S, P)
        Parameters of the replicas.
    digits : Digits
        Both sets.
    encode : callable
        Classes -> desired outputs.

    Returns
    -------
    list of dict
        For each replica what `judge` gives.
    """
    on_train = net.predict(w, digits.train_x, batch=BATCH)
    on_test = net.predict(w, digits.test_x, batch=BATCH)
    return [judge(*both, digits, encode) for both in zip(on_train, on_test, strict=True)]


def judge(
    on_train: Array,
    on_test: Array,
    digits: datasets.Digits,
    encode: Callable[[NDArray[Any]], Array] = datasets.targets,
) -> Measured:
    """Judge the outputs for both sets.

    Parameters
    ----------
    on_train, on_test : array, shape (n, 10)
        Outputs.
    digits : Digits
        Both sets.
    encode : callable
        Classes -> desired outputs.

    Returns
    -------
    dict
        ``<set>_half_mse`` and ``<set>_error`` (in percent) for train and test, and ``rejected``
        (percent of the test set rejected for 1 % error on the rest).
    """
    both = (("train", on_train, digits.train_digit), ("test", on_test, digits.test_digit))
    measured: Measured = {}
    for name, y, digit in both:
        measured[f"{name}_half_mse"] = rounded(half_mean_squares(y, encode(digit)))
        measured[f"{name}_error"] = rounded(100 * wrong(y, digit).mean())
    return {**measured, "rejected": rounded(100 * rejected_for(on_test, digits.test_digit))}


def rounded(value: float) -> float:
    """Round to six digits, so that records stay small."""
    return float(f"{value:.6g}")


def train_seeds(
    net: Network,
    seeds: Sequence[int],
    digits: datasets.Digits,
    *,
    optimiser: Optimiser | Schedule,
    passes: int,
    weights: Initialiser | None = None,
    biases: Initialiser | None = None,
    encode: Callable[[NDArray[Any]], Array] = datasets.targets,
    train_cases: int | None = None,
    course: bool = False,
    **how: Any,
) -> tuple[Array, list[Measured]]:
    """Train one network for each seed, all at once, and measure them.

    Parameters
    ----------
    net : Network
        The network.
    seeds : sequence of int
        Seeds of the initial weights.
    digits : Digits
        Both sets.
    optimiser, passes, **how
        As for `train_online`.
    weights, biases : Initialiser, optional
        Default: ±2.4/F, as printed in the paper.
    encode : callable
        Classes -> desired outputs.
    train_cases : int, optional
        Use the first cases only (for tests).
    course : bool
        Measure after every pass, not only at the end.

    Returns
    -------
    w : array, shape (S, P), float32
        Final weights.
    measured : list of dict
        For each seed what `measure` gives; with `course` also ``history``, the same over the
        passes.
    """
    w = net.init_replicas(weights or uniform_fan_in(2.4), biases, seeds=seeds, dtype=np.float32)
    after: list[list[Measured]] = [measure(net, w, digits, encode)] if course else []

    def note(number: int, w: Array) -> None:
        after.append(measure(net, w, digits, encode))

    used = slice(train_cases)
    w = train_online(
        net,
        w,
        digits.train_x[used],
        encode(digits.train_digit[used]).astype(w.dtype),
        optimiser=optimiser,
        passes=passes,
        after_pass=note if course else None,
        **how,
    )
    if not course:
        return w, measure(net, w, digits, encode)
    rows = list(zip(*after, strict=True))
    return w, [
        {**row[-1], "history": {key: [each[key] for each in row] for key in row[-1]}}
        for row in rows
    ]
