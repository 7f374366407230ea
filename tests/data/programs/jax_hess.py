import jax
import jax.numpy as jnp
f = lambda x: x**3 + 2*x**2 - 3*x + 1
dfdx = jax.grad(f)
d2fdx = jax.grad(dfdx)
print(dfdx(1.5))
print(d2fdx(1.5))
