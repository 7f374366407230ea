import jax, jax.numpy as jnp
from jax import lax
def newton_sqrt(a, n=5):
    def body(i, x):
        return 0.5 * (x + a / x)
    return lax.fori_loop(0, n, body, a)
def f(a):
    return newton_sqrt(a) ** 3
a = 2.0
print(jax.grad(f)(a))
