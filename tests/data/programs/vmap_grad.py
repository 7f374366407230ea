import jax, jax.numpy as jnp
from jax import vmap, grad
def predict(w, x):
    return jnp.tanh(x @ w)
def loss(w, x, y):
    return (predict(w, x) - y) ** 2
w = jnp.array([0.3, -0.2])
xs = jnp.array([[1., 2.], [0.5, -1.], [3., 0.1]])
ys = jnp.array([0., 1., 0.5])
per_example = vmap(grad(loss), in_axes=(None, 0, 0))(w, xs, ys)
print(per_example.shape)
