import numpy as np
class LogisticRegression:
    def __init__(self, lr=0.01, n_iters=1):
        self.lr = lr
        self.n_iters = n_iters
        self.weights = None
        self.bias = None
    def fit(self, X, y):
        n_samples, n_features = X.shape
        self.weights = np.zeros(n_features)
        self.bias = 0
        for _ in range(self.n_iters):
            linear_model = np.dot(X, self.weights) + self.bias
            y_predicted = self._sigmoid(linear_model)
            loss = -np.mean(y * np.log(y_predicted) + (1 - y) * np.log(1 - y_predicted))
            dw = (1 / n_samples) * np.dot(X.T, (y_predicted - y))
            db = (1 / n_samples) * np.sum(y_predicted - y)
            self.dw, self.db = dw, db
            self.weights -= self.lr * dw
            self.bias -= self.lr * db
    def predict(self, X):
        linear_model = np.dot(X, self.weights) + self.bias
        y_predicted = self._sigmoid(linear_model)
        y_predicted_cls = [1 if i > 0.5 else 0 for i in y_predicted]
        return np.array(y_predicted_cls)
    def _sigmoid(self, x):
        return 1 / (1 + np.exp(-x))
X = np.array([[0.5, 1.2], [-1.0, 0.3], [2.0, -0.7], [0.1, 0.1]])
y = np.array([1, 0, 1, 0])
clf = LogisticRegression(lr=0.1, n_iters=1)
clf.fit(X, y)
accuracy = np.mean(clf.predict(X) == y)
