import numpy as np
import keras
from keras import layers
keras.utils.set_random_seed(5)
X = np.array([[1, 2, 3], [4, 0, 1]])
y = np.array([0, 2])
model = keras.Sequential([keras.Input((3,)), layers.Embedding(5, 4), layers.SimpleRNN(3), layers.Dense(3)])
model.compile("adam", loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(X, y, verbose=0, batch_size=2, epochs=1)
