import numpy as np
import keras
from keras.models import Sequential
from keras.layers import Dense, Conv2D, MaxPooling2D, Flatten, Input, SimpleRNN
keras.utils.set_random_seed(3)
X = np.random.randn(2, 6, 6, 1).astype("float32")
y = keras.utils.to_categorical([1, 0], 3)
model = Sequential()
model.add(Input(shape=(6, 6, 1)))
model.add(Conv2D(2, kernel_size=(3, 3), activation='relu'))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Flatten())
model.add(Dense(3, activation='softmax'))
model.compile(loss=keras.losses.categorical_crossentropy, optimizer='sgd', metrics=['accuracy'])
model.fit(X, y, batch_size=2, epochs=1, verbose=0)
