import numpy as np
import keras
from keras import layers
from keras.layers import Input, Dense
from keras.models import Model
np.random.seed(0)
keras.utils.set_random_seed(1)
X = np.array([[0.1, -0.4, 0.5], [1.0, 0.2, -0.3], [0.3, 0.3, -0.9]], dtype='float32')
y = np.array([[1.], [0.], [1.]], dtype='float32')
inputs = Input(shape=(3,))
h = Dense(4, activation='tanh', name='hidden')(inputs)
outputs = Dense(1, activation='sigmoid')(h)
model = Model(inputs=inputs, outputs=outputs)
model.compile(optimizer='sgd', loss='binary_crossentropy', metrics=['accuracy'])
model.summary()
history = model.fit(X, y, epochs=1, batch_size=3, verbose=0)
