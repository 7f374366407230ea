from micrograd.engine import Value
x = [Value(1.0), Value(-2.0)]
w = [Value(0.5), Value(0.25)]
b = Value(0.1)
params = w + [b]
steps = 3
for i in range(steps):
    loss = Value(0.0)
    act = b
    for wi, xi in zip(w, x):
        act = act + wi * xi
    loss = loss + (act - 1.0) ** 2
    for p in params:
        p.grad = 0
    loss.backward()
    for p in params:
        p.data -= 0.1 * p.grad
