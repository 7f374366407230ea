"""Layers and models of Keras, each as the program that its documentation says it is; see `written_out`."""

from typing import Final

from backprop_cli.tasks.importing.networks.keras_losses import LOSSES
from backprop_cli.tasks.importing.networks.keras_recurrent import RECURRENT

KERAS: Final = RECURRENT + LOSSES + '''
class Dense(Layer):
    def __init__(self, units, activation=None, use_bias=True, kernel_initializer="glorot_uniform",
                 bias_initializer="zeros", kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 input_shape=None, input_dim=None, name=None, dtype=None):
        if not (kernel_regularizer is None and bias_regularizer is None and activity_regularizer is None):
            unread("Dense with a regularizer")
        self.units, self.activation, self.use_bias = units, activation, use_bias
        self.rules = [kernel_initializer, bias_initializer]
        self.made = False

    def call(self, x, training=None):
        if not self.made:
            self.kernel = weight((x.shape[-1], self.units), self.rules[0])
            self.bias = weight((self.units,), self.rules[1]) if self.use_bias else None
            self.made = True
        y = tf.matmul(x, self.kernel)
        return activated(self.activation, y if self.bias is None else y + self.bias)


class Activation(Layer):
    def __init__(self, activation, name=None):
        self.activation = activation

    def call(self, x, training=None):
        return activated(self.activation, x)


class ReLU(Layer):
    def call(self, x, training=None):
        return tf.nn.relu(x)


class Softmax(Layer):
    def __init__(self, axis=-1):
        self.axis = axis

    def call(self, x, training=None):
        return tf.nn.softmax(x, axis=self.axis)


class LeakyReLU(Layer):
    def __init__(self, alpha=0.3, negative_slope=None, name=None):
        self.slope = alpha if negative_slope is None else negative_slope

    def call(self, x, training=None):
        return tf.nn.leaky_relu(x, self.slope)


class Dropout(Layer):
    def __init__(self, rate, noise_shape=None, seed=None, name=None):
        self.rate = rate

    def call(self, x, training=None):
        return tf.nn.dropout(x, self.rate)


class InputLayer(Layer):
    def __init__(self, input_shape=None, shape=None, name=None):
        pass

    def call(self, x, training=None):
        return x


class Flatten(Layer):
    def __init__(self, input_shape=None, name=None):
        pass

    def call(self, x, training=None):
        return tf.reshape(x, (x.shape[0], -1))


class Reshape(Layer):
    def __init__(self, target_shape, input_shape=None, name=None):
        self.shape = target_shape

    def call(self, x, training=None):
        return tf.reshape(x, (x.shape[0], *self.shape))


class Embedding(Layer):
    def __init__(self, input_dim, output_dim, embeddings_initializer="uniform", input_length=None, name=None):
        self.embeddings = weight((input_dim, output_dim), embeddings_initializer)

    def call(self, x, training=None):
        return tf.gather(self.embeddings, x)


class LayerNormalization(Layer):
    def __init__(self, axis=-1, epsilon=1e-3, name=None):
        if axis != -1:
            unread("LayerNormalization over another axis than the last")
        self.epsilon, self.made = epsilon, False

    def call(self, x, training=None):
        if not self.made:
            self.gamma, self.beta = weight((x.shape[-1],), "ones"), weight((x.shape[-1],), "zeros")
            self.made = True
        mean, variance = tf.nn.moments(x, -1, keepdims=True)
        return self.gamma * (x - mean) / tf.sqrt(variance + self.epsilon) + self.beta


class BatchNormalization(Layer):
    def __init__(self, axis=-1, momentum=0.99, epsilon=1e-3, name=None):
        if axis != -1:
            unread("BatchNormalization over another axis than the last")
        self.epsilon, self.made = epsilon, False

    def call(self, x, training=None):
        note("batch norm is read as it is in training: with the batch's own mean and variance")
        if not self.made:
            self.gamma, self.beta = weight((x.shape[-1],), "ones"), weight((x.shape[-1],), "zeros")
            self.made = True
        mean, variance = tf.nn.moments(x, tuple(range(len(x.shape) - 1)), keepdims=True)
        return self.gamma * (x - mean) / tf.sqrt(variance + self.epsilon) + self.beta


class Conv2D(Layer):
    def __init__(self, filters, kernel_size, strides=1, padding="valid", activation=None, use_bias=True,
                 input_shape=None, name=None, kernel_initializer="glorot_uniform"):
        self.filters, self.strides, self.padding = filters, strides, padding.upper()
        self.size = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
        self.activation, self.use_bias, self.rule, self.made = activation, use_bias, kernel_initializer, False

    def call(self, x, training=None):
        if not self.made:
            self.kernel = weight((*self.size, x.shape[-1], self.filters), self.rule)
            self.bias = weight((self.filters,), "zeros") if self.use_bias else None
            self.made = True
        strides = self.strides[0] if isinstance(self.strides, tuple) else self.strides
        y = tf.nn.conv2d(x, self.kernel, strides=strides, padding=self.padding)
        return activated(self.activation, y if self.bias is None else y + self.bias)


class MaxPooling2D(Layer):
    def __init__(self, pool_size=2, strides=None, padding="valid", name=None):
        self.size = pool_size[0] if isinstance(pool_size, tuple) else pool_size
        self.strides, self.padding = self.size if strides is None else strides, padding.upper()

    def call(self, x, training=None):
        return tf.nn.max_pool2d(x, self.size, self.strides, padding=self.padding)


class AveragePooling2D(MaxPooling2D):
    def call(self, x, training=None):
        return tf.nn.avg_pool2d(x, self.size, self.strides, padding=self.padding)


class GlobalAveragePooling1D(Layer):
    def call(self, x, training=None):
        return tf.reduce_mean(x, axis=1)


class GlobalAveragePooling2D(Layer):
    def call(self, x, training=None):
        return tf.reduce_mean(x, axis=(1, 2))


class Add(Layer):
    def call(self, xs, training=None):
        return sum(xs[1:], xs[0])


class Subtract(Layer):
    def call(self, xs, training=None):
        return xs[0] - xs[1]


class Multiply(Layer):
    def call(self, xs, training=None):
        y = xs[0]
        for x in xs[1:]:
            y = y * x
        return y


class Average(Layer):
    def call(self, xs, training=None):
        return sum(xs[1:], xs[0]) / len(xs)


class Maximum(Layer):
    def call(self, xs, training=None):
        y = xs[0]
        for x in xs[1:]:
            y = tf.maximum(y, x)
        return y


class Dot(Layer):
    def __init__(self, axes, normalize=False):
        if normalize or axes not in (1, -1, (1, 1)):
            unread("Dot over several axes")

    def call(self, xs, training=None):
        return tf.reduce_sum(xs[0] * xs[1], axis=-1, keepdims=True)


class Lambda(Layer):
    def __init__(self, function, output_shape=None):
        self.function = function

    def call(self, x, training=None):
        return self.function(x)


class GlobalMaxPooling1D(Layer):
    def call(self, x, training=None):
        return tf.reduce_max(x, axis=1)


class GlobalMaxPooling2D(Layer):
    def call(self, x, training=None):
        return tf.reduce_max(x, axis=(1, 2))


class Concatenate(Layer):
    def __init__(self, axis=-1, name=None):
        self.axis = axis

    def call(self, xs, training=None):
        return tf.concat(xs, axis=self.axis)


class Sequential(Layer):
    def __init__(self, layers=None, name=None):
        self.layers, self.count = [], 0
        for layer in layers or []:
            self.add(layer)

    def add(self, layer):
        if not is_input(layer):
            self.layers.append(layer)
            place(self, layer, self.count)
        self.count += 1

    def call(self, x, training=None, mask=None):
        for layer in self.layers:
            x = layer(x)
        return x


class Model(Layer):
    def __init__(self, inputs, outputs, name=None):
        layers = layers_of(outputs)
        for position, layer in enumerate(layers):
            place(self, layer, position)
        self.inputs, self.outputs, self.layers = inputs, outputs, layers

    def call(self, x, training=None, mask=None):
        return traced(self.inputs, self.outputs, x)
'''
