import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(2)
X = np.random.randn(4, 3, 2).astype("float32")
y = np.random.randn(4, 1).astype("float32")
model = keras.Sequential([
    layers.Input(shape=(3, 2)),
    layers.LSTM(3, return_sequences=True),
    layers.LSTM(2),
    layers.Dense(1),
])
model.compile(optimizer="adam", loss="mse")
model.fit(X, y, epochs=1, batch_size=4, verbose=0)
