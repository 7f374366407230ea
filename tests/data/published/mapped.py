import jax.numpy as jnp
from jax import grad, jit, vmap, value_and_grad
from jax.nn import relu, log_softmax
from jax.scipy.special import logsumexp
import numpy as np
np.random.seed(0)
params = [(np.random.randn(4, 3) * 0.1, np.random.randn(4) * 0.1), (np.random.randn(2, 4) * 0.1, np.random.randn(2) * 0.1)]
def predict(params, image):
    activations = image
    for w, b in params[:-1]:
        outputs = jnp.dot(w, activations) + b
        activations = relu(outputs)
    final_w, final_b = params[-1]
    logits = jnp.dot(final_w, activations) + final_b
    return logits - logsumexp(logits)
batched_predict = vmap(predict, in_axes=(None, 0))
images = np.random.randn(5, 3)
targets = np.array([[1., 0.], [0., 1.], [1., 0.], [0., 1.], [1., 0.]])
def loss(params, images, targets):
    preds = batched_predict(params, images)
    return -jnp.mean(preds * targets)
value, grads = value_and_grad(loss)(params, images, targets)
