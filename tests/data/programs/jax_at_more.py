import jax, jax.numpy as jnp
idx = jnp.array([0, 2, 0])
def f(x, w):
    y = w.at[idx].add(x)
    y = y.at[1].divide(2.0).at[1:].max(0.1)
    z = y.at[0].subtract(x[0])
    return jnp.sum(z ** 2) + w.at[1].get()
x = jnp.array([0.5, 1.0, -0.7])
w = jnp.array([0.2, -0.4, 0.9])
g = jax.grad(f, argnums=(0, 1))(x, w)
