"""The 1989 network in JAX: a compiled scan over the cases of a pass."""

import jax
import jax.numpy as jnp


def tanh(x):
    return 1.7159 * jnp.tanh(2 / 3 * x)


def convolve(x, kernel):
    padded = jnp.pad(x, ((0, 0), (2, 2), (2, 2)), constant_values=-1.0)
    return jax.lax.conv(padded[None], kernel, window_strides=(2, 2), padding="VALID")[0]


def forward(params, x):
    h1, h1_bias, *h2, h2_bias, h3, h3_bias, out, out_bias = params
    x = tanh(convolve(x.reshape(1, 16, 16), h1) + h1_bias)
    read = x[:8], x[4:], jnp.concatenate([x[:4], x[8:]])
    x = jnp.concatenate([convolve(maps, kernel) for maps, kernel in zip(read, h2, strict=True)])
    x = tanh(x + h2_bias).ravel()
    x = tanh(h3 @ x + h3_bias)
    return tanh(out @ x + out_bias)


def loss(params, x, d):
    return jnp.mean((forward(params, x) - d) ** 2)


@jax.jit
def one_pass(params, x, d, lr):
    def step(params, case):
        gradient = jax.grad(loss)(params, *case)
        return jax.tree.map(lambda p, g: p - lr * g, params, gradient), None

    return jax.lax.scan(step, params, (x, d))[0]


def make(arrays, lr):
    return [jnp.asarray(array) for array in arrays], lr


def train(model, x, d):
    params, lr = model
    return jax.block_until_ready(one_pass(params, x, d, lr)), lr


def weights(model):
    return model[0]
