"""Backpropagation networks, and the experiments of the two papers that made them."""

from backprop.activations import LECUN_TANH, LINEAR, LOGISTIC, RELU, TANH, Activation, scaled_tanh
from backprop.initialisers import constant, uniform, uniform_fan_in
from backprop.layers import Dense, Local
from backprop.losses import CROSS_ENTROPY, HALF_SUMMED_SQUARES, MEAN_SQUARES, Loss, margin
from backprop.network import Network
from backprop.optimisers import Decay, Momentum, PseudoNewton, SteepestDescent
from backprop.training import train_batch, train_online

__version__ = "0.1.0"

__all__ = [
    "CROSS_ENTROPY",
    "HALF_SUMMED_SQUARES",
    "LECUN_TANH",
    "LINEAR",
    "LOGISTIC",
    "MEAN_SQUARES",
    "RELU",
    "TANH",
    "Activation",
    "Decay",
    "Dense",
    "Local",
    "Loss",
    "Momentum",
    "Network",
    "PseudoNewton",
    "SteepestDescent",
    "constant",
    "margin",
    "scaled_tanh",
    "train_batch",
    "train_online",
    "uniform",
    "uniform_fan_in",
]
