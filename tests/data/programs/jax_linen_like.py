import jax
import jax.numpy as jnp
from functools import partial
from typing import NamedTuple
class Params(NamedTuple):
    w: jnp.ndarray
    b: jnp.ndarray
@partial(jax.jit, static_argnums=(2,))
def loss_fn(params, batch, reg=0.1):
    x, y = batch
    logits = x @ params.w + params.b
    log_probs = jax.nn.log_softmax(logits)
    onehot = jax.nn.one_hot(y, logits.shape[-1])
    return -jnp.mean(jnp.sum(onehot * log_probs, axis=-1)) + reg * jnp.sum(jnp.square(params.w))
params = Params(w=jnp.array([[0.1, -0.2, 0.3], [0.5, 0.4, -0.1]]), b=jnp.zeros(3))
batch = (jnp.array([[1., 2.], [0.3, -0.4], [-1., 1.]]), jnp.array([0, 2, 1]))
loss, grads = jax.value_and_grad(loss_fn)(params, batch)
params = jax.tree_util.tree_map(lambda p, g: p - 0.1 * g, params, grads)
