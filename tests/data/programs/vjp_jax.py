import jax, jax.numpy as jnp
def f(x):
    return jnp.sin(x) * x
x = jnp.array([1., 2.])
y, vjp = jax.vjp(f, x)
g, = vjp(jnp.ones(2))
J = jax.jacobian(f)(x)
h = jax.grad(lambda v: f(v).sum())(x)
