import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(2)
X = np.random.randn(4, 3, 2).astype("float32")
y = np.array([0., 1., 1., 0.], dtype="float32")
inputs = keras.Input(shape=(3, 2))
x = layers.GRU(3)(inputs)
x = layers.Dropout(0.0)(x)
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.compile(loss=keras.losses.BinaryCrossentropy(from_logits=False), optimizer="rmsprop")
model.fit(X, y.reshape(-1, 1), epochs=1, batch_size=8, verbose=0)
