import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(2)
X = np.random.randn(5, 4).astype("float32")
y = np.array([0, 2, 1, 1, 0])
inp = keras.Input(shape=(4,), name="features")
x = layers.Dense(6, activation="relu")(inp)
skip = x
x = layers.Dense(6)(x)
x = layers.Activation("tanh")(x)
x = layers.add([x, skip])
a = layers.Dense(3)(x)
b = layers.Dense(2, use_bias=False)(inp)
z = layers.concatenate([a, b])
out = layers.Dense(3, activation="softmax")(z)
model = keras.Model(inp, out, name="skip_net")
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01),
              loss=keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
model.fit(X, y, batch_size=5, epochs=1, verbose=0)
