import jax, jax.numpy as jnp
def f(x):
    return jax.lax.cond(x > 0, lambda v: v ** 2, lambda v: -3 * v, x)
print(jax.grad(f)(2.0))
