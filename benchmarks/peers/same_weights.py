"""The weights of our networks as the arrays of other libraries, and back."""

import numpy as np

from backprop.experiments import zip_training
from backprop.network import Network


def maps_first(kernel):
    """Row, column, input, map -> map, input, row, column."""
    return kernel.transpose(3, 2, 0, 1)


def places(network: Network) -> list[np.ndarray]:
    """For each array of a peer, where its entries are in our vector of weights.

    The 1989 network: kernels and biases of H1 and H2, where H2 has a kernel for each of its three
    groups; then weights and biases of H3 and the outputs. Fully connected layers: weights and
    biases. Matrices are units by inputs.
    """
    parts = network.unpack(np.arange(network.n_params))
    if len(parts) == 2:
        return [array for w, b in parts for array in (w.T, b)]
    (h1, h1_bias), (h2, h2_bias), (h3, h3_bias), (out, out_bias) = parts
    h1_kernel, h2_kernel = (network.layers[i].kernel(w) for i, w in enumerate((h1, h2)))
    groups = [
        maps_first(h2_kernel[:, :, list(read), first : first + 4])
        for first, read in zip((0, 4, 8), zip_training.groups()[::4], strict=True)
    ]
    of_map = h3.reshape(4, 4, 12, 30).transpose(3, 2, 0, 1).reshape(30, 192)
    return [
        maps_first(h1_kernel),
        h1_bias.reshape(8, 8, 12).transpose(2, 0, 1),
        *groups,
        h2_bias.reshape(4, 4, 12).transpose(2, 0, 1),
        of_map,
        h3_bias,
        out.T,
        out_bias,
    ]


def arrays(network: Network, w: np.ndarray) -> list[np.ndarray]:
    """Our vector of weights as the arrays of a peer."""
    return [w[place] for place in places(network)]


def vector(network: Network, weights: list[np.ndarray]) -> np.ndarray:
    """The arrays of a peer as our vector of weights."""
    w = np.full(network.n_params, np.nan)
    for place, array in zip(places(network), weights, strict=True):
        w[place] = array
    return w
