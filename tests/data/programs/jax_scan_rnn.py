import jax
import jax.numpy as jnp
from jax import lax
Wh = jnp.array([[0.1, -0.2], [0.3, 0.4]])
Wx = jnp.array([[0.5, 0.1, -0.3], [0.2, -0.6, 0.7]])
xs = jnp.array([[1., 0., 2.], [0.5, -1., 0.], [0., 1., 1.], [2., 0.3, -0.5]])
def step(params, h, x):
    Wh, Wx = params
    h = jnp.tanh(Wh @ h + Wx @ x)
    return h, h
def loss(params):
    h0 = jnp.zeros(2)
    h, hs = lax.scan(lambda h, x: step(params, h, x), h0, xs)
    return jnp.sum(hs ** 2) + h[0]
g = jax.grad(loss)((Wh, Wx))
print(g)
