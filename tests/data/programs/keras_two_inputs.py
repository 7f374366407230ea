import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(4)
a = np.random.randn(5, 3).astype("float32"); b = np.random.randn(5, 2).astype("float32")
y = np.random.randn(5, 1).astype("float32")
ia = layers.Input((3,)); ib = layers.Input((2,))
ha = layers.Dense(4, activation="relu")(ia)
hb = layers.Dense(4, activation="tanh")(ib)
h = layers.Multiply()([ha, hb])
h = layers.Concatenate()([h, ia])
h = h * 2.0 + 1.0
out = layers.Dense(1)(h)
m = keras.Model(inputs=[ia, ib], outputs=out)
m.compile("sgd", loss="mae")
m.fit([a, b], y, epochs=1, batch_size=5, verbose=0)
