"""Losses of Keras, each as the program that its documentation says it is; see `written_out`."""

from typing import Final

LOSSES: Final = '''
class MeanSquaredError(Layer):
    def __init__(self, name=None):
        pass

    def call(self, y_true, y_pred):
        return tf.reduce_mean((y_pred - y_true) ** 2)


class MeanAbsoluteError(Layer):
    def __init__(self, name=None):
        pass

    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.abs(y_pred - y_true))


class BinaryCrossentropy(Layer):
    def __init__(self, from_logits=False, name=None):
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        if self.from_logits:
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=y_pred))
        return -tf.reduce_mean(y_true * tf.math.log(y_pred) + (1 - y_true) * tf.math.log(1 - y_pred))


class CategoricalCrossentropy(Layer):
    def __init__(self, from_logits=False, name=None):
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        if self.from_logits:
            return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=y_pred))
        total = tf.reduce_sum(y_pred, axis=-1, keepdims=True)
        return -tf.reduce_mean(tf.reduce_sum(y_true * tf.math.log(y_pred / total), axis=-1))


class SparseCategoricalCrossentropy(Layer):
    def __init__(self, from_logits=False, name=None):
        self.from_logits = from_logits

    def call(self, y_true, y_pred):
        y_true = tf.reshape(y_true, (y_pred.shape[0],))
        logits = y_pred if self.from_logits else tf.math.log(y_pred)
        return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y_true, logits=logits))


class Huber(Layer):
    def __init__(self, delta=1.0, name=None):
        self.delta = delta

    def call(self, y_true, y_pred):
        error = tf.abs(y_pred - y_true)
        far = self.delta * error - 0.5 * self.delta ** 2
        return tf.reduce_mean(tf.where(error <= self.delta, 0.5 * error ** 2, far))


class LogCosh(Layer):
    def __init__(self, name=None):
        pass

    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.math.log(tf.cosh(y_pred - y_true)))
'''
