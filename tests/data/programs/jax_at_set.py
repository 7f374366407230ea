import jax, jax.numpy as jnp
def f(x):
    y = jnp.zeros(4)
    y = y.at[0].set(x[0] ** 2)
    y = y.at[1:3].add(x[1:] * 2)
    y = y.at[3].multiply(3.0)
    return jnp.sum(jnp.sin(y))
x = jnp.array([0.5, 1.0, -0.7])
g = jax.grad(f)(x)
