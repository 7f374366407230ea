import jax, jax.numpy as jnp
from jax import lax
w = jnp.array([0.5, 1.5])
def f(w):
    def cond_fun(val):
        i, y = val
        return i < 3
    def body_fun(val):
        i, y = val
        return i + 1, jnp.sin(y) * w
    _, y = lax.while_loop(cond_fun, body_fun, (0, w))
    return jnp.sum(y)
y = f(w)
g = jax.jacfwd(f)(w)
print(g)
