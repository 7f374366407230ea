"""Recurrent layers of Keras, each as the program that its documentation says it is; see `keras_layers`."""

from typing import Final

RECURRENT: Final = '''
class SimpleRNN(Layer):
    def __init__(self, units, activation="tanh", use_bias=True, return_sequences=False, return_state=False):
        self.units, self.activation, self.sequences = units, activation, return_sequences
        self.bias = weight((units,), "zeros") if use_bias else None
        self.made = False
        if return_state:
            unread("SimpleRNN with return_state")

    def call(self, x, training=None):
        if not self.made:
            self.kernel = weight((x.shape[-1], self.units), "glorot_uniform")
            self.recurrent = weight((self.units, self.units), "orthogonal")
            self.made = True
        h, hs = tf.zeros((x.shape[0], self.units)), []
        for t in range(x.shape[1]):
            z = x[:, t] @ self.kernel + h @ self.recurrent
            h = activated(self.activation, z if self.bias is None else z + self.bias)
            hs.append(h)
        return tf.stack(hs, axis=1) if self.sequences else h


class LSTM(Layer):
    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, unit_forget_bias=True,
                 return_sequences=False, return_state=False):
        self.units, self.sequences = units, return_sequences
        self.activation, self.gate = activation, recurrent_activation
        self.made, self.use_bias, self.forget, self.state = False, use_bias, unit_forget_bias, return_state

    def call(self, x, training=None, initial_state=None):
        n = self.units
        if not self.made:
            self.kernel = weight((x.shape[-1], 4 * n), "glorot_uniform")
            self.recurrent = weight((n, 4 * n), "orthogonal")
            self.bias = weight((4 * n,), "zeros") if self.use_bias else None
            if self.use_bias and self.forget:
                fill(self.bias, n, 2 * n, 1.0)
            self.made = True
        h, c = initial_state or (tf.zeros((x.shape[0], n)), tf.zeros((x.shape[0], n)))
        hs = []
        for t in range(x.shape[1]):
            z = x[:, t] @ self.kernel + h @ self.recurrent
            z = z if self.bias is None else z + self.bias
            i, f = activated(self.gate, z[:, :n]), activated(self.gate, z[:, n:2 * n])
            o = activated(self.gate, z[:, 3 * n:])
            c = f * c + i * activated(self.activation, z[:, 2 * n:3 * n])
            h = o * activated(self.activation, c)
            hs.append(h)
        out = tf.stack(hs, axis=1) if self.sequences else h
        return (out, h, c) if self.state else out


class GRU(Layer):
    def __init__(self, units, activation="tanh", recurrent_activation="sigmoid", use_bias=True, reset_after=True,
                 return_sequences=False, return_state=False):
        self.units, self.sequences = units, return_sequences
        self.activation, self.gate = activation, recurrent_activation
        self.made, self.use_bias, self.state = False, use_bias, return_state
        if not reset_after:
            unread("GRU with reset_after=False")

    def call(self, x, training=None, initial_state=None):
        n = self.units
        if not self.made:
            self.kernel = weight((x.shape[-1], 3 * n), "glorot_uniform")
            self.recurrent = weight((n, 3 * n), "orthogonal")
            self.bias = weight((2, 3 * n), "zeros") if self.use_bias else None
            self.made = True
        h = tf.zeros((x.shape[0], n)) if initial_state is None else initial_state
        hs = []
        for t in range(x.shape[1]):
            a, b = x[:, t] @ self.kernel, h @ self.recurrent
            if self.bias is not None:
                a, b = a + self.bias[0], b + self.bias[1]
            z, r = activated(self.gate, a[:, :n] + b[:, :n]), activated(self.gate, a[:, n:2 * n] + b[:, n:2 * n])
            h = z * h + (1 - z) * activated(self.activation, a[:, 2 * n:] + r * b[:, 2 * n:])
            hs.append(h)
        out = tf.stack(hs, axis=1) if self.sequences else h
        return (out, h) if self.state else out

'''
