import jax
import jax.numpy as jnp
import equinox as eqx
class Linear(eqx.Module):
    weight: jax.Array
    bias: jax.Array
    def __init__(self, w, b):
        self.weight = w
        self.bias = b
    def __call__(self, x):
        return self.weight @ x + self.bias
@eqx.filter_grad
def loss_fn(model, x, y):
    pred = jax.vmap(model)(x)
    return jnp.mean((pred - y) ** 2)
model = Linear(jnp.array([[0.1, -0.2, 0.3], [0.5, 0.4, -0.6]]), jnp.array([0.0, 0.1]))
x = jnp.arange(12.).reshape(4, 3) / 10
y = jnp.ones((4, 2))
grads = loss_fn(model, x, y)
