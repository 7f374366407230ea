import numpy as np
import keras
from keras import layers, ops
np.random.seed(0)
x = np.random.rand(4, 3).astype("float32")
y = np.random.rand(4, 2).astype("float32")
def weighted(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred) * ops.exp(y_true), axis=-1)
class Block(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units)
    def call(self, x):
        return x + ops.tanh(self.dense(x))
model = keras.Sequential([keras.Input((3,)), Block(3), layers.Dense(2)])
model.compile(loss=weighted, optimizer=keras.optimizers.SGD(0.0))
model.fit(x, y, batch_size=4, epochs=1, verbose=0, shuffle=False)
