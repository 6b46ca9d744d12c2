"""The 1989 network and the 1986 net against PyTorch's automatic differentiation."""

import numpy as np
import pytest

from backprop.experiments import symmetry, zip_codes
from backprop.initialisers import uniform, uniform_fan_in

torch = pytest.importorskip("torch", reason="PyTorch is an optional peer")


def lecun(x):
    return 1.7159 * torch.tanh(2 / 3 * x)


def maps(x, kernel, bias, shape):
    """A feature-map layer as its users would write it: pad, convolve, add the biases."""
    rows, columns, count = shape
    # Ours is (row, column, in, out); theirs (out, in, row, column). The window of a unit
    # reaches two pixels before its centre and two behind.
    padded = torch.nn.functional.pad(x, (2, 2, 2, 2), value=-1.0)
    net = torch.nn.functional.conv2d(padded, kernel.permute(3, 2, 0, 1), stride=2)
    net = net[:, :, :rows, :columns]
    return lecun(net + bias.reshape(rows, columns, count).permute(2, 0, 1))


def test_outputs_and_gradients_of_the_1989_network():
    network, rng = zip_codes.network(), np.random.default_rng(0)
    w = network.init(uniform_fan_in(), rng=rng)
    x, d = rng.uniform(-1, 1, (3, 256)), rng.choice([-1.0, 1.0], (3, 10))
    y, caches = network.forward(w, x)
    ours = network.unpack(network.backward(w, caches, y - d))

    kernels = [network.layers[i].kernel(network.unpack(w)[i][0]) for i in (0, 1)]
    arrays = [kernels[0], network.unpack(w)[0][1], kernels[1], network.unpack(w)[1][1]]
    arrays += [array for layer in network.unpack(w)[2:] for array in layer]
    k1, b1, k2, b2, w3, b3, w4, b4 = leaves = [
        torch.tensor(array, requires_grad=True) for array in arrays
    ]
    h1 = maps(torch.tensor(x).reshape(3, 1, 16, 16), k1, b1, (8, 8, 12))
    h2 = maps(h1, k2, b2, (4, 4, 12)).permute(0, 2, 3, 1).reshape(3, 192)
    out = lecun(lecun(h2 @ w3 + b3) @ w4 + b4)
    (0.5 * (out - torch.tensor(d)) ** 2).sum().backward()

    np.testing.assert_allclose(y, out.detach().numpy(), rtol=1e-10)
    present = network.layers[1].kernel(np.ones(network.layers[1].parts[0].size)) > 0
    theirs = [leaf.grad.numpy() for leaf in leaves]
    pairs = [(ours[0][0], theirs[0].ravel()), (ours[0][1], theirs[1])]
    pairs += [(ours[1][0], theirs[2][present]), (ours[1][1], theirs[3])]
    pairs += [(ours[2][0], theirs[4]), (ours[2][1], theirs[5])]
    pairs += [(ours[3][0], theirs[6]), (ours[3][1], theirs[7])]
    for mine, other in pairs:
        np.testing.assert_allclose(mine, other, rtol=1e-8, atol=1e-12)


def test_ten_sweeps_of_the_1986_net_follow_torch_sgd():
    config = symmetry.Config(sweeps=10)
    x, _, d = symmetry.cases(config)
    (hidden, hidden_b), (out, out_b) = symmetry.NETWORK.unpack(
        symmetry.NETWORK.init(uniform(config.half_width), rng=np.random.default_rng(0))
    )
    leaves = [torch.tensor(a.copy(), requires_grad=True) for a in (hidden, hidden_b, out, out_b)]
    w1, b1, w2, b2 = leaves
    optimiser = torch.optim.SGD(leaves, lr=config.lr, momentum=config.momentum)
    for _ in range(10):
        optimiser.zero_grad()
        y = torch.sigmoid(torch.sigmoid(torch.tensor(x) @ w1 + b1) @ w2 + b2)
        (0.5 * (y - torch.tensor(d)) ** 2).sum().backward()
        optimiser.step()
    theirs = np.concatenate([leaf.detach().numpy().ravel() for leaf in leaves])
    np.testing.assert_allclose(symmetry.train(config, [0]).w[0], theirs, rtol=1e-8)
