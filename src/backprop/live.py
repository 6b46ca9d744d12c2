"""Networks for the pages that compute in the reader's browser, as plain data.

A component of a page (`book/_static/live`) gets the layers of a network, its recorded weights and
whatever else it shows. Everything is exported from here, so that a page and the package cannot
disagree. `script` writes it as a script that assigns a value: a page that was opened from a disk
may load scripts, but no other files.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from backprop import live_training, reading
from backprop.activations import Activation, Array
from backprop.datasets import family_trees as kin
from backprop.datasets import pictures, strokes
from backprop.errors import InputError, unknown_name
from backprop.experiments import family_trees, zip_codes
from backprop.layers import Dense, Layer, Local, Split
from backprop.network import Network

# How figures stand on the drawing pad, in sides of the pad; as `strokes.draw` places them.
CORNER, HEIGHT, PEN = (0.28, 0.15), 0.7, 0.08


def described(layer: Layer) -> dict[str, Any]:
    """Describe a layer by plain values.

    Parameters
    ----------
    layer : Layer
        A `Dense`, `Local` or `Split` layer of sigmoid units.

    Returns
    -------
    dict
        Its fields under their names, and its kind.

    Raises
    ------
    InputError
        If the pages have no forward pass for a layer or an activation like this.
    """
    if isinstance(layer, Split):
        return {"kind": "split", "branches": [described(branch) for branch in layer.branches]}
    if isinstance(layer, Dense):
        return {
            "kind": "dense",
            "n_in": layer.n_in,
            "n_out": layer.n_out,
            "bias": layer.bias,
            "activation": _sigmoid(layer.activation),
        }
    if isinstance(layer, Local):
        return {
            "kind": "local",
            "in_shape": list(layer.in_shape),
            "out_shape": list(layer.out_shape),
            "size": layer.size,
            "stride": layer.stride,
            "border": layer.border,
            "table": [list(row) for row in layer.table] if layer.table else None,
            "activation": _sigmoid(layer.activation),
        }
    raise InputError(
        f"a layer of the kind {type(layer).__name__} was given; expected Dense, Local or Split. "
        "Add its forward pass to book/_static/live/network.js first."
    )


def _sigmoid(activation: Activation) -> dict[str, float]:
    """Give ``o``, ``A`` and ``S`` of ``o + A tanh(S net)``."""
    if activation.sigmoid is None:
        raise InputError(
            f"the activation '{activation.name}' was given; expected a sigmoid. "
            "Add it to book/_static/live/network.js first."
        )
    names = ("offset", "amplitude", "steepness")
    return dict(zip(names, map(float, activation.sigmoid), strict=True))


def encoded(numbers: Array) -> dict[str, str]:
    """Write numbers in little space, losing nothing.

    Parameters
    ----------
    numbers : array, shape (n,)
        Of type float32 or float64.

    Returns
    -------
    dict of str to str
        The type's name, and the bytes (the lowest first) in base 64.
    """
    little = numbers.astype(numbers.dtype.newbyteorder("<"))
    return {
        "type": numbers.dtype.name,
        "base64": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def network(net: Network, w: Array) -> dict[str, Any]:
    """Describe a network and its weights.

    Parameters
    ----------
    net : Network
        The network.
    w : array, shape (P,)
        Its parameters.

    Returns
    -------
    dict
        Its layers (see `described`) and its weights (see `encoded`).

    Raises
    ------
    InputError
        If the weights are not those of one such network, or as `described` does.
    """
    if w.shape != (net.n_params,):
        raise InputError(
            f"weights of shape {w.shape} were given; expected ({net.n_params},), those of one "
            "network. Take one replica."
        )
    return {"layers": [described(layer) for layer in net.layers], "weights": encoded(w)}


def activities(net: Network, w: Array, x: Array) -> list[Array]:
    """Compute what every layer makes of the inputs.

    Parameters
    ----------
    net : Network
        The network.
    w : array, shape (P,)
        Its parameters.
    x : array, shape (n, n_in)
        Inputs of ``n`` cases.

    Returns
    -------
    list of arrays, shape (n, n_out)
        Outputs of each layer, from the first to the last.
    """
    found = []
    for layer, parameters in zip(net.layers, net.unpack(w), strict=True):
        x, _ = layer.forward(parameters, x)
        found.append(x)
    return found


def draw_digit(seed: int = 0) -> dict[str, Any]:
    """Export what "Draw a digit" needs: a network that reads, and drawings to try.

    Parameters
    ----------
    seed : int
        Which of the recorded zip-code networks. Default: the one that `backprop classify` uses.

    Returns
    -------
    dict
        The network, its seed and its threshold; the rules by which `datasets.fit` prepares a
        picture; the width of the pen; and our own drawings, as strokes on the pad with the digit
        that each is meant for (None for a letter).

    Raises
    ------
    ResultsError
        As `reading.recorded_reader` does.
    """
    reader = reading.recorded_reader(seed)
    return {
        "network": network(zip_codes.network(), reader.w),
        "seed": seed,
        "threshold": reader.threshold,
        "rules": {
            "side": pictures.SIDE,
            "faint": pictures.FAINT,
            "ink": pictures.INK,
            "gap": pictures.GAP,
        },
        "pen": PEN,
        "drawings": [
            {"name": name, "digit": _meant(name), "strokes": [_on_pad(each) for each in figure]}
            for name, figure in strokes.STROKES.items()
        ],
    }


def _meant(name: str) -> int | None:
    """Read the digit out of a name like "7 with a bar"."""
    return next((int(word) for word in name.split() if word.isdigit()), None)


def _on_pad(stroke: strokes.Stroke) -> list[list[float]]:
    """Place the points of a stroke on the pad, whose side is 1."""
    left, top = CORNER
    return [[round(left + HEIGHT * x, 4), round(top + HEIGHT * y, 4)] for x, y in stroke]


def family_tree(seed: int = 0) -> dict[str, Any]:
    """Export what "Ask the family tree" needs, training its network anew.

    No weights of these networks are on record. The training is short, and the same every time.

    Parameters
    ----------
    seed : int
        Of the initial weights and of the questions held out. Default: the first one on record.
        None is special.

    Returns
    -------
    dict
        The network and its seed; the people (the first half English, the other Italian) and the
        relations in the order of the inputs; ``answers[person][relation]``, the numbers of the
        people who are right; and the questions held out of training, as pairs of numbers.
    """
    trained = family_trees.train(family_trees.PRESETS["minimal"], [seed])
    return {
        "network": network(trained.network, trained.w[0]),
        "seed": seed,
        "people": list(kin.PEOPLE),
        "relations": list(kin.RELATIONS),
        "answers": [
            [
                [kin.PEOPLE.index(p) for p in kin.relatives(person, relation)]
                for relation in kin.RELATIONS
            ]
            for person in kin.PEOPLE
        ],
        "held_out": [
            [kin.PEOPLE.index(person), kin.RELATIONS.index(relation)]
            for person, relation in (kin.CASES[k] for k in np.flatnonzero(trained.unseen[0]))
        ],
    }


COMPONENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "draw-digit": draw_digit,
    "family-tree": family_tree,
    "symmetry": live_training.symmetry,
    "step-through": live_training.step_through,
}


def script(name: str) -> str:
    """Write the data of a component as a script that a page can load.

    Parameters
    ----------
    name : str
        One of `COMPONENTS`.

    Returns
    -------
    str
        JavaScript that assigns the data to ``Backprop.data[name]``.

    Raises
    ------
    UnknownName
        If there is no such component.
    """
    if name not in COMPONENTS:
        raise unknown_name("live component", name, COMPONENTS)
    data = json.dumps(COMPONENTS[name](), allow_nan=False, separators=(",", ":"))
    return (
        "window.Backprop = window.Backprop || {};\n"
        "Backprop.data = Backprop.data || {};\n"
        f"Backprop.data[{json.dumps(name)}] = {data};\n"
    )
