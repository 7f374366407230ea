import jax, jax.numpy as jnp
import optax
def model(params, x):
    h = jax.nn.gelu(x @ params['dense1']['kernel'] + params['dense1']['bias'])
    return (h @ params['dense2']['kernel'] + params['dense2']['bias']).squeeze()
params = {'dense1': {'kernel': jnp.array([[0.1, -0.4, 0.2]]), 'bias': jnp.zeros((3,))},
          'dense2': {'kernel': jnp.array([[0.3], [0.2], [-0.5]]), 'bias': jnp.ones((1,))}}
optimizer = optax.adam(1e-3)
opt_state = optimizer.init(params)
x = jnp.linspace(-1, 1, 5)[:, None]
y = jnp.sin(x[:, 0])
def loss_fn(params):
    return optax.l2_loss(model(params, x), y).mean()
loss, grads = jax.value_and_grad(loss_fn)(params)
updates, opt_state = optimizer.update(grads, opt_state)
params = optax.apply_updates(params, updates)
