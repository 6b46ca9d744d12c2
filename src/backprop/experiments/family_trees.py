"""Learning two family trees (Rumelhart et al. 1986, Figs 2 to 4).

A person and a relation go in, the relatives come out: 24 + 12 inputs, two separate groups
of 6 units, 12 units, 6 units, 24 outputs. The captions give the schedule, the decay, the
margins and the number of sweeps. They do not give the initial range, say which four cases
were held out, or whether the biases decay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import Array
from backprop.datasets import family_trees
from backprop.errors import InputError, unknown_name
from backprop.experiments import encodings
from backprop.initialisers import uniform
from backprop.layers import Dense, Split
from backprop.losses import CROSS_ENTROPY, HALF_SUMMED_SQUARES, Loss, margin
from backprop.network import Network
from backprop.optimisers import Decay, Momentum, Optimiser, Schedule
from backprop.training import NEVER, all_errors_below, or_none, train_batch, train_online

BLOCK = 20
uses_zip_codes = False
X, ANSWERS = family_trees.encoded()


@dataclass(frozen=True)
class Config:
    """Settings of a run; the defaults are the recipe as printed.

    Parameters
    ----------
    half_width : float
        Of the initial weights. Departure: the paper does not state it for this net; 0.3 is
        that of its Fig. 1 (claim family-train-as-printed).
    first_lr, first_momentum, first_sweeps : float, float, int
        For the first sweeps: 0.005, 0.5 and 20.
    lr, momentum : float
        For the others: 0.01 and 0.9. The gradient is summed over the cases.
    decay : float
        Each change is followed by a decay of each weight by 0.2 %.
    decay_in_gradient : bool
        Count the decay to the gradient instead.
    biases : str
        "decay" (as the weights), "stay" (no decay) or "none" (no biases). The paper says none
        of it (claim family-train-as-printed).
    targets : str
        What an output short of its margin is drawn to: its "answer" (0 or 1) or the "margin"
        (0.2 or 0.8). "plain" does without margins.
    loss : str
        "squares", or "cross-entropy", which drops the slope y (1 - y) of the output units.
    online : bool
        Change the weights after each case.
    sweeps : int
        Sweeps trained: 1,500.
    held_out : int
        Cases kept from training, drawn anew for each seed: 4.
    encodings : bool
        Also measure what the person units encode. It does not change the run.
    """

    half_width: float = 0.3
    first_lr: float = 0.005
    first_momentum: float = 0.5
    first_sweeps: int = 20
    lr: float = 0.01
    momentum: float = 0.9
    decay: float = 0.002
    decay_in_gradient: bool = False
    biases: str = "decay"
    targets: str = "answer"
    loss: str = "squares"
    online: bool = False
    sweeps: int = 1500
    held_out: int = 4
    encodings: bool = False

    @classmethod
    def paper(cls) -> Config:
        """Return the recipe as printed."""
        return cls()

    @classmethod
    def fast(cls) -> Config:
        """Return a short run for tests."""
        return cls(sweeps=30)


# The smallest departure from print that trains, picked from the recorded design by
# `family_tree_readings.ranked`: a step ten times as large contradicts the captions; the
# range, the biases and the aim of the margin are open there (claim family-train-minimal).
MINIMAL = Config(
    half_width=1.0, first_lr=0.05, lr=0.1, biases="stay", targets="margin", encodings=True
)
HELD_OUT = (4, 8, 12, 16, 20, 30, 40)

PRESETS = {
    "as-printed": Config.paper(),
    "as-printed-to-margin": Config(targets="margin"),
    "as-printed-thousandth": Config(lr=0.001),
    "minimal": MINIMAL,
    # The same with biases that decay like weights: it failed by one run of six.
    "minimal-biases-decay": replace(MINIMAL, biases="decay", encodings=False),
    # The printed step, with the slope of the output units dropped instead.
    "printed-step": Config(half_width=2.0, loss="cross-entropy"),
    **{
        f"minimal-held-out-{n}": replace(MINIMAL, held_out=n, encodings=False)
        for n in HELD_OUT
        if n != 4
    },
    "fast": Config.fast(),
}


@cache
def network(biases: bool = True) -> Network:
    """Build the network of Fig. 3: 24 + 12 -> 6 + 6 -> 12 -> 6 -> 24, all units logistic.

    Parameters
    ----------
    biases : bool
        Whether the units have biases.

    Returns
    -------
    Network
        With 576 weights and 54 biases.
    """
    person, relation = Dense(24, 6, bias=biases), Dense(12, 6, bias=biases)
    above = [Dense(12, 12, bias=biases), Dense(12, 6, bias=biases), Dense(6, 24, bias=biases)]
    return Network((Split((person, relation)), *above))


def make_loss(config: Config) -> Loss:
    """Build the loss that a configuration asks for.

    Parameters
    ----------
    config : Config
        Settings.

    Returns
    -------
    Loss
        With the margins 0.2 and 0.8 unless the targets are plain.

    Raises
    ------
    UnknownName
        If its name or its targets do not exist.
    """
    bases = {"squares": HALF_SUMMED_SQUARES, "cross-entropy": CROSS_ENTROPY}
    if config.loss not in bases:
        raise unknown_name("loss", config.loss, bases)
    if config.targets == "plain":
        return bases[config.loss]
    return margin(base=bases[config.loss], aim=config.targets)


def make_optimiser(config: Config) -> Schedule:
    """Build the schedule: slow for the first sweeps, then faster, with decay throughout.

    Parameters
    ----------
    config : Config
        Settings.

    Returns
    -------
    Schedule
        Two phases of momentum with decay.
    """
    if config.biases not in ("decay", "stay", "none"):
        raise unknown_name("treatment of biases", config.biases, ("decay", "stay", "none"))
    only = network().mask("w") if config.biases == "stay" else None

    def phase(lr: float, momentum: float) -> Optimiser:
        return Decay(Momentum(lr, momentum), config.decay, config.decay_in_gradient, only)

    slow = phase(config.first_lr, config.first_momentum)
    return Schedule(slow, config.first_sweeps, phase(config.lr, config.momentum))


def held_out(count: int, *, seed: int) -> NDArray[np.intp]:
    """Draw the cases that are kept from training.

    Parameters
    ----------
    count : int
        How many: from 0 to 103.
    seed : int
        Of the draw; another stream than that of the initial weights.

    Returns
    -------
    int array, shape (count,)
        Row numbers of `family_trees.encoded`, ascending.

    Raises
    ------
    InputError
        If there would be nothing to train on, or `count` is negative.
    """
    if not 0 <= count < len(X):
        raise InputError(
            f"{count} cases were to be held out of {len(X)}; expected 0 to {len(X) - 1}, so that "
            "at least one is left to train on. Correct held_out."
        )
    rng = np.random.default_rng([seed, 1986])
    return np.sort(rng.permutation(len(X))[:count])


@dataclass(frozen=True)
class Trained:
    """Networks after training, and which cases each has not seen.

    Parameters
    ----------
    network : Network
        Their architecture.
    snapshots : dict of int to array, shape (S, P)
        Weights after so many sweeps.
    sweeps_to_learned : int array, shape (S,)
        Sweeps before every output of every training case was first on the right side of one
        half, or `NEVER`.
    unseen : bool array, shape (S, 104)
        True for the held-out cases.
    """

    network: Network
    snapshots: dict[int, Array]
    sweeps_to_learned: NDArray[np.int64]
    unseen: NDArray[np.bool_]

    @property
    def w(self) -> Array:
        """Final weights, ``(S, P)``."""
        return self.snapshots[max(self.snapshots)]


def start(config: Config, seeds: Sequence[int]) -> Array:
    """Draw initial weights, one replica for each seed.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Seeds.

    Returns
    -------
    array, shape (S, P)
        Weights and biases, all within the half-width.
    """
    net = network(config.biases != "none")
    return net.init_replicas(uniform(config.half_width), seeds=seeds)


def train(
    config: Config, seeds: Sequence[int], *, w: Array | None = None, snapshots: Sequence[int] = ()
) -> Trained:
    """Train one replica for each seed, each with its own held-out cases.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Of the initial weights and of the choice of held-out cases.
    w : array, shape (S, P), optional
        Initial weights. Default: `start`.
    snapshots : sequence of int
        Also keep the weights after these numbers of sweeps.

    Returns
    -------
    Trained
        The networks.
    """
    loss, optimiser = make_loss(config), make_optimiser(config)
    unseen = np.zeros((len(seeds), len(X)), dtype=bool)
    for row, seed in zip(unseen, seeds, strict=True):
        row[held_out(config.held_out, seed=seed)] = True
    own = np.array([np.flatnonzero(~row) for row in unseen])
    net = network(config.biases != "none")
    w = start(config, seeds) if w is None else w
    x, d = X[own], ANSWERS[own]
    learned, wanted = all_errors_below(0.5), {*snapshots, config.sweeps}
    if not config.online:
        result = train_batch(
            net,
            w,
            x,
            d,
            optimiser=optimiser,
            sweeps=config.sweeps,
            loss=loss,
            criteria={"learned": learned},
            snapshots=wanted,
            keep_going=True,
        )
        return Trained(net, result.snapshots, result.reached["learned"], unseen)
    kept: dict[int, Array] = {}
    reached = np.full(len(seeds), NEVER)

    def look(done: int, w: Array) -> None:
        first = learned(net.forward(w, x)[0], d) & (reached == NEVER)
        reached[first] = done
        if done in wanted:
            kept[done] = w.copy()

    train_online(
        net, w, x, d, optimiser=optimiser, passes=config.sweeps, loss=loss, after_pass=look
    )
    return Trained(net, kept, reached, unseen)


def right(y: Array, answers: Array = ANSWERS) -> dict[str, NDArray[np.bool_]]:
    """Tell which cases are answered correctly, by three criteria.

    Parameters
    ----------
    y : array, shape (..., n, 24)
        Outputs.
    answers : array, shape (n, 24)
        What they should be, 0 or 1.

    Returns
    -------
    dict of str to bool array, shape (..., n)
        "half": every output on its side of one half, which the accounts of Hinton's runs name.
        "margin": those to be on above 0.8, the others below 0.2. "rank": those to be on are
        the highest. The paper names none (claim family-held-out).
    """
    error = np.abs(y - answers).max(axis=-1)
    lowest_on = np.where(answers == 1, y, np.inf).min(axis=-1)
    highest_off = np.where(answers == 0, y, -np.inf).max(axis=-1)
    return {"half": error < 0.5, "margin": error < 0.2, "rank": lowest_on > highest_off}


def count_right(trained: Trained, w: Array) -> dict[str, NDArray[np.int64]]:
    """Count the correct answers among the training and the held-out cases.

    Parameters
    ----------
    trained : Trained
        Says which cases are held out.
    w : array, shape (S, P)
        Weights.

    Returns
    -------
    dict of str to int array, shape (S,)
        "train" and "test" by "half", and "test_margin", "test_rank".
    """
    by = right(trained.network.forward(w, X)[0])
    counts = {"train": (by["half"] & ~trained.unseen).sum(axis=-1)}
    for name, key in (("half", "test"), ("margin", "test_margin"), ("rank", "test_rank")):
        counts[key] = (by[name] & trained.unseen).sum(axis=-1)
    return counts


def guess_right() -> Array:
    """How often a guess that ignores the person is right.

    The guess is one of the different answers to the other questions with the same relation
    about people of the same nation.

    Returns
    -------
    array, shape (104,)
        One divided by the number of those answers, or 0 where the right one is not among them.
    """
    nation = [person in family_trees.ENGLISH for person, _ in family_trees.CASES]
    kinds = list(zip(nation, [relation for _, relation in family_trees.CASES], strict=True))
    rows = [row.tobytes() for row in ANSWERS]
    known = [
        {rows[j] for j in range(len(X)) if j != i and kinds[j] == kinds[i]} for i in range(len(X))
    ]
    return np.array([(rows[i] in known[i]) / len(known[i]) for i in range(len(X))])


def counterparts() -> NDArray[np.intp]:
    """For each case the number of the same question about the counterpart, ``(104,)``."""
    other = dict(
        zip(
            family_trees.ENGLISH + family_trees.ITALIAN,
            family_trees.ITALIAN + family_trees.ENGLISH,
            strict=True,
        )
    )
    return np.array([family_trees.case(other[p], relation) for p, relation in family_trees.CASES])


def aunts_of_colin(y: Array) -> dict[str, Array]:
    """Measure the answer to "Colin, aunt" (Fig. 3).

    Parameters
    ----------
    y : array, shape (..., 104, 24)
        Outputs for all cases.

    Returns
    -------
    dict of str to array, shape (...)
        Mean activity of his "aunts", of their "italian" counterparts, and of the "others";
        `aunts_highest`, whether the two aunts are the two highest outputs.
    """
    people = family_trees.PEOPLE
    english = [people.index(aunt) for aunt in family_trees.relatives("Colin", "aunt")]
    italian = [people.index(aunt) for aunt in family_trees.relatives("Alfonso", "aunt")]
    others = [i for i in range(len(people)) if i not in english + italian]
    case = family_trees.case("Colin", "aunt")
    groups = {"aunts": english, "italian": italian, "others": others}
    means = {name: y[..., case, group].mean(axis=-1) for name, group in groups.items()}
    return means | {"aunts_highest": right(y)["rank"][..., case]}


def runs(config: Config, seeds: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Train once for each seed and measure.

    Parameters
    ----------
    config : Config
        Settings.
    seeds : sequence of int
        Of the initial weights and of the choice of held-out cases.

    Returns
    -------
    dict of int to dict
        Numbers of correct answers at the end (see `count_right`); `sweeps_to_learned`, when all
        training cases were first right, with `learned` and `learned_in_500`; `all_held_out`,
        whether all held-out cases are right at the end, and `held_out_right`, the numbers of those
        that are; the answer to "Colin, aunt"; and, if
        asked for, how the person units encode nationality, generation and branch (see
        `encodings.measure`).
    """
    trained = train(config, seeds)
    counts = count_right(trained, trained.w)
    y, _ = trained.network.forward(trained.w, X)
    aunts, correct = aunts_of_colin(y), right(y)["half"]
    measured = {}
    for i, seed in enumerate(seeds):
        reached = int(trained.sweeps_to_learned[i])
        colin = {name: round(float(aunts[name][i]), 3) for name in ("aunts", "italian", "others")}
        measured[seed] = {
            **{name: int(count[i]) for name, count in counts.items()},
            "sweeps_to_learned": or_none(reached),
            "learned": reached != NEVER,
            "learned_in_500": NEVER < reached <= 500,
            "all_held_out": bool(counts["test"][i] == config.held_out),
            "held_out_right": np.flatnonzero(correct[i] & trained.unseen[i]).tolist(),
            **{f"colin_{name}": activity for name, activity in colin.items()},
            "colin_aunts_highest": bool(aunts["aunts_highest"][i]),
            "colin_italian_above_others": colin["italian"] > colin["others"],
        }
        if config.encodings:
            person = trained.network.unpack(trained.w[i])[0][0]
            measured[seed] |= encodings.measure(person, seed=seed)
    return measured


def run(config: Config, *, seed: int) -> dict[str, Any]:
    """Train once; see `runs`."""
    return runs(config, [seed])[seed]


FACTS: dict[str, Callable[[], float]] = {
    "cases": lambda: float(len(X)),
    "triples": lambda: float(ANSWERS.sum()),
    "people": lambda: float(len(family_trees.PEOPLE)),
    "relations": lambda: float(len(family_trees.RELATIONS)),
    "isomorphic": lambda: float(family_trees.isomorphic()),
    "person_units": lambda: float(network().unpack(np.zeros(network().n_params))[0][0].shape[1]),
    "last_hidden_units": lambda: float(network().layers[-1].n_in),
}
