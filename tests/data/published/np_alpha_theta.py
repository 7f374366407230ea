import numpy as np
data = np.array([[2104, 3, 399.9], [1600, 3, 329.9], [2400, 3, 369.0], [1416, 2, 232.0]])
X = (data[:, :2] - data[:, :2].mean(0)) / data[:, :2].std(0)
X = np.hstack([np.ones((4, 1)), X])
y = data[:, 2] / 100
theta = np.zeros(3)
m = len(y)
alpha = 0.01
iterations = 400

def compute_cost(X, y, theta):
    h = X.dot(theta)
    return 1 / (2 * m) * np.sum((h - y) ** 2)

for it in range(iterations):
    h = X.dot(theta)
    J = compute_cost(X, y, theta)
    theta = theta - alpha * (1 / m) * X.T.dot(h - y)
