"""Two contests: who trains a network fastest, one case at a time?

The 1989 network on the zip-code digits, and a fully connected network on the same digits.
All start from the same weights and take the same steps, in float32.
"""

import importlib
from functools import partial
from typing import Any

import numpy as np

import work
from backprop.activations import LINEAR, TANH, Array
from backprop.experiments import zip_baselines, zip_codes
from backprop.initialisers import uniform_fan_in
from backprop.layers import Dense
from backprop.network import Network
from backprop.optimisers import Optimiser, SteepestDescent
from backprop.training import train_online
from peers import same_weights
from settings import Settings, cases
from timing import Competitor, contest, ratio

READABLE, COMPILED, PRODUCT = "ours, readable", "ours, compiled", "matrix product"
NEWTON = ", pseudo-Newton"
# Module, and whether it is quick enough to be given the whole training set.
ZIP_PEERS = {
    "PyTorch": ("torch_eager", False),
    "PyTorch, compiled": ("torch_compiled", False),
    "JAX, compiled": ("jax_scan", True),
}
DENSE_PEERS = {"scikit-learn": ("sklearn_mlp", False)}
# The mean of ten squares, which PyTorch and JAX minimise, has a fifth of the slope of half their
# sum, which we do and scikit-learn does. With five times the rate the steps are the same.
TO_MEAN = 5


def dense_network() -> Network:
    """Build the baseline with the activations that scikit-learn has: tanh, and linear outputs."""
    sizes = [layer.n_in for layer in zip_baselines.hidden_40().layers]
    return Network((Dense(*sizes, TANH), Dense(sizes[-1], 10, LINEAR)))


def start(network: Network) -> Array:
    """Draw the initial weights."""
    return network.init(uniform_fan_in(2.4), rng=np.random.default_rng(0), dtype=np.float32)


def ours(network: Network, x: Array, d: Array, optimiser: Optimiser, *, fast: bool) -> Competitor:
    """Enter this package."""
    w = start(network)
    kind = "pseudo-newton" if optimiser.uses_curvature else "gradient-descent"

    def run() -> None:
        train_online(network, w, x, d, optimiser=optimiser, passes=1, compiled=fast)

    return Competitor(run, len(x), work.operations(network, kind))


def peer(module: str, network: Network, x: Array, d: Array, lr: float) -> Competitor:
    """Enter another library; an ImportError if it is not installed."""
    library = importlib.import_module(f"peers.{module}")
    model = library.make(same_weights.arrays(network, start(network)), lr)
    run = partial(library.train, model, x, d)
    return Competitor(run, len(x), work.operations(network), may_fail=True)


def entered(
    peers: dict[str, tuple[str, bool]],
    network: Network,
    x: Array,
    d: Array,
    lr: float,
    settings: Settings,
) -> tuple[dict[str, Competitor], dict[str, str]]:
    """Enter the peers that are installed; return them, and the others with the reason."""
    here, absent = {}, {}
    for name, (module, whole) in peers.items():
        shown = slice(None if whole else settings.slow)
        try:
            here[name] = peer(module, network, x[shown], d[shown], lr)
        except ImportError as error:
            absent[name] = f"not installed ({error})"
    return here, absent


def held(
    competitors: dict[str, Competitor], absent: dict[str, str], n: int, settings: Settings
) -> dict[str, Any]:
    """Hold a contest and compare everybody with our compiled loop."""
    items, failed = contest(competitors, cases=n, repeats=settings.repeats)
    for item in items.values():
        item["against_ours"] = ratio(item, items[COMPILED])
    return {"cases": n, "items": items, "skipped": {**absent, **failed}}


def zip_contest(settings: Settings) -> dict[str, Any]:
    """Hold the contest of the 1989 network, with the machine's own matrix product as the limit."""
    x, d = cases(settings)
    network = zip_codes.network()
    few = slice(settings.slow)
    competitors = {}
    for kind, name in (("gradient-descent", ""), ("pseudo-newton", NEWTON)):
        step = zip_codes.make_optimiser(zip_codes.PRESETS[kind])
        competitors[READABLE + name] = ours(network, x[few], d[few], step, fast=False)
        competitors[COMPILED + name] = ours(network, x, d, step, fast=True)
    product, operations = work.matrix_product(settings.product)
    each = work.operations(network)
    competitors[PRODUCT] = Competitor(product, operations / each, each)
    lr = zip_codes.PRESETS["gradient-descent"].lr
    here, absent = entered(ZIP_PEERS, network, x, d, lr * TO_MEAN, settings)
    return {
        **held(competitors | here, absent, len(x), settings),
        "multiply_adds": work.multiply_adds(network),
        "product_size": settings.product,
    }


def dense_contest(settings: Settings) -> dict[str, Any]:
    """Hold the contest of the fully connected network."""
    x, d = cases(settings)
    network = dense_network()
    few = slice(settings.slow)
    lr = zip_codes.PRESETS["gradient-descent"].lr
    step = SteepestDescent(lr)
    competitors = {
        READABLE: ours(network, x[few], d[few], step, fast=False),
        COMPILED: ours(network, x, d, step, fast=True),
    }
    here, absent = entered(DENSE_PEERS, network, x, d, lr, settings)
    return {
        **held(competitors | here, absent, len(x), settings),
        "multiply_adds": work.multiply_adds(network),
    }
