"""What the six units for a person have come to stand for (Rumelhart et al. 1986, Fig. 4)."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.activations import Array
from backprop.datasets import family_trees

PERMUTATIONS = 1000
LEVEL = 0.95


def features() -> dict[str, Array]:
    """List the three features that the paper finds in the units, ``(24,)`` each."""
    return {
        "nationality": family_trees.nationality(),
        "generation": family_trees.generation(),
        "branch": family_trees.branch(),
    }


def _standard(values: Array) -> Array:
    """Bring each column to mean 0 and length 1; a constant one to 0."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    return centred / np.where(length > 0, length, 1)


def correlations(weights: Array, feature: Array) -> Array:
    """Correlate the weights onto each unit with a feature of the people.

    Parameters
    ----------
    weights : array, shape (24, units)
        Weights from the people to the units, the receptive fields of Fig. 4.
    feature : array, shape (24,) or (24, m)
        A value for each person, or several columns of values.

    Returns
    -------
    array, shape (units,) or (units, m)
        From -1 to 1.
    """
    return _standard(weights).T @ _standard(feature)


def probe(weights: Array, feature: Array) -> Array:
    """Share of a feature that a linear function of all units explains.

    Parameters
    ----------
    weights : array, shape (24, units)
        As in `correlations`.
    feature : array, shape (24,) or (24, m)
        As in `correlations`.

    Returns
    -------
    array, shape () or (m,)
        The coefficient of determination, from 0 to 1.
    """
    basis, _ = np.linalg.qr(_standard(weights))
    return ((basis.T @ _standard(feature)) ** 2).sum(axis=0)


def measure(weights: Array, *, seed: int) -> dict[str, Any]:
    """Measure how the units encode each feature, beside features dealt out at random.

    Parameters
    ----------
    weights : array, shape (24, units)
        As in `correlations`.
    seed : int
        Of the permutations.

    Returns
    -------
    dict
        For each feature its correlation with the best unit and the share that a linear probe
        explains, each with whether it is above the 95 % quantile of 1,000 permutations of the
        people. `distinct_units`: whether all three best units are above chance and are three
        different ones. `ignoring`: how many of the units other than the best for nationality
        have a correlation with it within chance; `most_ignore`: whether most of them.
    """
    rng = np.random.default_rng([seed, 24])
    orders = np.array([rng.permutation(len(weights)) for _ in range(PERMUTATIONS)]).T
    measured: dict[str, Any] = {}
    best = []
    for name, feature in features().items():
        by_unit = np.abs(correlations(weights, feature))
        chance = np.abs(correlations(weights, feature[orders]))  # (units, permutations)
        explained = float(probe(weights, feature))
        limit = np.quantile(probe(weights, feature[orders]), LEVEL)
        measured[name] = round(float(by_unit.max()), 3)
        measured[f"{name}_above_chance"] = bool(
            by_unit.max() > np.quantile(chance.max(axis=0), LEVEL)
        )
        measured[f"{name}_explained"] = round(explained, 3)
        measured[f"{name}_explained_above_chance"] = bool(explained > limit)
        best.append(int(by_unit.argmax()))
        if name == "nationality":
            within = by_unit <= np.quantile(chance, LEVEL, axis=1)
            measured["ignoring"] = int(np.delete(within, best[0]).sum())
            measured["most_ignore"] = 2 * measured["ignoring"] > weights.shape[1] - 1
    measured["distinct_units"] = len(set(best)) == len(best) and all(
        measured[f"{name}_above_chance"] for name in features()
    )
    return measured
