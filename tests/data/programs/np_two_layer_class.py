import numpy as np
import matplotlib.pyplot as plt

np.random.seed(42)

class NeuralNetwork:
    def __init__(self, input_size, hidden_size, output_size, learning_rate=0.1):
        self.W1 = np.random.randn(input_size, hidden_size) * 0.5
        self.b1 = np.zeros((1, hidden_size))
        self.W2 = np.random.randn(hidden_size, output_size) * 0.5
        self.b2 = np.zeros((1, output_size))
        self.lr = learning_rate
        self.losses = []

    @staticmethod
    def sigmoid(z):
        return 1.0 / (1.0 + np.exp(-z))

    def sigmoid_derivative(self, a):
        return a * (1 - a)

    def forward(self, X):
        self.z1 = X @ self.W1 + self.b1
        self.a1 = np.tanh(self.z1)
        self.z2 = self.a1 @ self.W2 + self.b2
        self.a2 = self.sigmoid(self.z2)
        return self.a2

    def compute_loss(self, y, y_hat):
        m = y.shape[0]
        return -np.sum(y * np.log(y_hat) + (1 - y) * np.log(1 - y_hat)) / m

    def backward(self, X, y):
        m = X.shape[0]
        dz2 = self.a2 - y
        self.dW2 = self.a1.T @ dz2 / m
        self.db2 = np.sum(dz2, axis=0, keepdims=True) / m
        dz1 = (dz2 @ self.W2.T) * (1 - self.a1 ** 2)
        self.dW1 = X.T @ dz1 / m
        self.db1 = np.sum(dz1, axis=0, keepdims=True) / m
        #self.W2 -= self.lr * self.dW2
        #self.b2 -= self.lr * self.db2
        #self.W1 -= self.lr * self.dW1
        #self.b1 -= self.lr * self.db1

    def train(self, X, y, epochs=1000):
        for epoch in range(epochs):
            y_hat = self.forward(X)
            loss = self.compute_loss(y, y_hat)
            self.losses.append(loss)
            self.backward(X, y)
            if epoch % 100 == 0:
                print(f"Epoch {epoch}: loss = {loss:.4f}")

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
y = np.array([[0], [1], [1], [0]])
nn = NeuralNetwork(2, 3, 1)
nn.train(X, y, epochs=1)
plt.plot(nn.losses)
plt.xlabel('epoch'); plt.ylabel('loss')
plt.show()
