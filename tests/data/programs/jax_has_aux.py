import jax
import jax.numpy as jnp
def loss_fn(w, x, y):
    pred = jnp.where(x @ w > 0, x @ w, 0.1 * (x @ w))
    err = pred - y
    return jnp.mean(err ** 2), {'mae': jnp.mean(jnp.abs(err))}
w = jnp.array([0.5, -0.3])
x = jnp.array([[1., 2.], [2., -1.]])
y = jnp.array([1., 0.])
(loss, aux), g = jax.value_and_grad(loss_fn, has_aux=True)(w, x, y)
