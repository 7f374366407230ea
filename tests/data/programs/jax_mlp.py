import jax
import jax.numpy as jnp
from jax import grad, jit, vmap, value_and_grad
import numpy as np

def init_mlp(sizes, rng):
    return [(rng.normal(size=(m, n)) * 0.3, np.zeros(n)) for m, n in zip(sizes[:-1], sizes[1:])]

def predict(params, x):
    for W, b in params[:-1]:
        x = jnp.tanh(jnp.dot(x, W) + b)
    W, b = params[-1]
    return jnp.dot(x, W) + b

@jit
def mse(params, batch):
    inputs, targets = batch
    preds = predict(params, inputs)
    return jnp.mean((preds - targets) ** 2)

rng = np.random.RandomState(0)
params = init_mlp([2, 4, 1], rng)
x = rng.randn(5, 2)
y = (x ** 2).sum(axis=1, keepdims=True)
loss, grads = jax.value_and_grad(mse)(params, (x, y))
params = [(W - 0.1 * dW, b - 0.1 * db) for (W, b), (dW, db) in zip(params, grads)]
print(loss)
