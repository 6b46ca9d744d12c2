"""Layers: forward beside backward, one file a kind.

A layer is a frozen dataclass that holds no weights. It says how many it needs
(`parts`), and its three passes are pure functions of the weights given to them.
"""

from backprop.layers.base import Layer, LayerCount, Part
from backprop.layers.dense import Dense
from backprop.layers.local import Local
from backprop.layers.mask import Mask
from backprop.layers.normalise import Normalise
from backprop.layers.residual import Residual
from backprop.layers.split import Split
from backprop.layers.unshared import Unshared

__all__ = [
    "Dense",
    "Layer",
    "LayerCount",
    "Local",
    "Mask",
    "Normalise",
    "Part",
    "Residual",
    "Split",
    "Unshared",
]
