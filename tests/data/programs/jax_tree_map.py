import jax
import jax.numpy as jnp

layers = [{"w": jnp.array([[0.4, -0.2], [0.1, 0.3]]), "b": jnp.array([0.1, -0.1])},
          {"w": jnp.array([[0.5], [-0.7]]), "b": jnp.array([0.2])}]
scales = [{"w": 0.5, "b": 2.0}, {"w": 1.5, "b": 1.0}]
params = jax.tree.map(lambda p, s: p * s, layers, scales)
x = jnp.array([[0.3, -0.4], [1.0, 0.5]])


def loss(params):
    h = jnp.tanh(x @ params[0]["w"] + params[0]["b"])
    fit = jnp.mean((h @ params[1]["w"] + params[1]["b"]) ** 2)
    squares = jax.tree_util.tree_map(lambda p: jnp.sum(p ** 2), params)
    return fit + 0.01 * (squares[0]["w"] + squares[1]["w"])


g = jax.grad(loss)(params)
