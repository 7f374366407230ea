import random
from micrograd.engine import Value
from micrograd.nn import MLP
random.seed(1337)
model = MLP(2, [3, 1])
xs = [[0.5, -1.0], [1.5, 0.3], [-0.7, 0.9]]
ys = [1, -1, 1]
inputs = [list(map(Value, row)) for row in xs]
scores = list(map(model, inputs))
losses = [(1 + -yi * scorei).relu() for yi, scorei in zip(ys, scores)]
data_loss = sum(losses) * (1.0 / len(losses))
alpha = 1e-4
reg_loss = alpha * sum((p * p for p in model.parameters()))
total_loss = data_loss + reg_loss
model.zero_grad()
total_loss.backward()
for k in range(2):
    for p in model.parameters():
        p.data -= 1.0 * p.grad
