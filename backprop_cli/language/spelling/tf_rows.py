"""What TensorFlow's calls are in our language, where name, order or defaults differ; see `rows`."""

_REDUCED = {"sum": "sum", "mean": "mean", "max": "max", "min": "min", "prod": "prod", "logsumexp": "logsumexp",
            "std": "std", "variance": "var", "euclidean_norm": "norm"}  # fmt: skip
_IMAGE = "moveaxis({}(moveaxis(input, -1, 1), {}), 1, -1)"
_FILTERS = "transpose(filters, (3, 2, 0, 1))"

TENSORFLOW = "".join(
    f"reduce_{name}(input_tensor, axis=none, keepdims=false) = {ours}(input_tensor, axis=axis, keepdims=keepdims)\n"
    for name, ours in _REDUCED.items()
) + "".join(
    f"{path}matmul(a, b, transpose_a:{first}, transpose_b:{second}) = a{turned[first[:4]]} @ b{turned[second[:4]]}\n"
    for turned in ({"fals": "", "true": ".mT"},) for path in ("", "linalg.")
    for first in ("false=false", "true") for second in ("false=false", "true")
) + f"""
add_n(inputs) = sum(stack(inputs), axis=0)
squared_difference(x, y) = (x - y)**2
pow(x, y) = x ** y
floormod(x, y) = x % y
mod(x, y) = x % y
maximum(x:zero, y) = relu(y)
maximum(x, y:zero) = relu(x)
maximum(x, y) = maximum(x, y)
identity(input) = input
transpose(a, perm=none) = transpose(a, perm)
linalg.transpose(a) = a.mT
linalg.matrix_transpose(a) = a.mT
matrix_transpose(a) = a.mT
linalg.matvec(a, b, transpose_a:false=false) = a @ b
linalg.matvec(a, b, transpose_a:true) = a.mT @ b
linalg.diag(diagonal) = diag(diagonal)
linalg.diag_part(input) = diag(input)
linalg.trace(x) = trace(x)
expand_dims(input, axis) = expand_dims(input, axis=axis)
squeeze(input, axis=none) = squeeze(input, axis=axis)
concat(values, axis) = concat(values, axis=axis)
stack(values, axis=0) = stack(values, axis=axis)
tile(input, multiples) = tile(input, multiples)
repeat(input, repeats, axis=none) = repeat(input, repeats, axis=axis)
reverse(tensor, axis) = flip(tensor, axis=axis)
gather(params, indices, axis=0) = take(params, indices, axis=axis)
cumsum(x, axis=0) = cumsum(x, axis=axis)
cumprod(x, axis=0) = cumprod(x, axis=axis)
argmax(input, axis=0) = argmax(input, axis=axis)
argmin(input, axis=0) = argmin(input, axis=axis)
clip_by_value(t, clip_value_min, clip_value_max) = clip(t, clip_value_min, clip_value_max)
where(condition, x, y) = where(condition, x, y)
broadcast_to(input, shape) = broadcast_to(input, shape)
zeros_like(input) = zeros(shape(input))
ones_like(input) = ones(shape(input))
norm(tensor, ord:'euclidean'='euclidean', axis:none=none, keepdims:false=false) = norm(reshape(tensor, -1))
norm(tensor, ord:'euclidean'='euclidean', axis:int, keepdims=false) = norm(tensor, axis=axis, keepdims=keepdims)
norm(tensor, ord:number, axis=none, keepdims=false) = vector_norm(tensor, ord, axis=axis, keepdims=keepdims)
softmax(logits, axis=-1) = softmax(logits, axis=axis)
nn.softmax(logits, axis=-1) = softmax(logits, axis=axis)
nn.log_softmax(logits, axis=-1) = log_softmax(logits, axis=axis)
log_softmax(logits, axis=-1) = log_softmax(logits, axis=axis)
nn.leaky_relu(features, alpha=0.2) = leaky_relu(features, alpha)
nn.gelu(features, approximate:false=false) = gelu(features)
nn.gelu(features, approximate:true) = gelu(features, approximate='tanh')
nn.swish(features) = silu(features)
nn.silu(features) = silu(features)
nn.crelu(features) = concat([relu(features), relu(-features)], axis=-1)
nn.l2_loss(t) = sum(t**2)/2
nn.bias_add(value, bias) = value + bias
nn.xw_plus_b(x, weights, biases) = x @ weights + biases
nn.embedding_lookup(params, ids) = take(params, ids, axis=0)
nn.l2_normalize(x, axis=none, epsilon=1e-12) = x * rsqrt(maximum(sum(x**2, axis=axis, keepdims=true), epsilon))
l2_normalize(x, axis=none, epsilon=1e-12) = x * rsqrt(maximum(sum(x**2, axis=axis, keepdims=true), epsilon))
nn.moments(x, axes, keepdims=false) = mean(x, axis=axes, keepdims=keepdims) & var(x, axis=axes, keepdims=keepdims)
nn.softmax_cross_entropy_with_logits(labels, logits, axis=-1) = -sum(labels*log_softmax(logits, axis=axis), axis=axis)
nn.softmax_cross_entropy_with_logits_v2(labels, logits, axis=-1) = -sum(labels*log_softmax(logits, axis=axis),
    axis=axis)
nn.sparse_softmax_cross_entropy_with_logits(labels, logits) = cross_entropy(logits, labels, reduction='none')
nn.sigmoid_cross_entropy_with_logits(labels, logits) = binary_cross_entropy_with_logits(logits, labels,
    reduction='none')
nn.conv2d(input, filters, strides:int=1, padding:'VALID') = {_IMAGE.format("conv2d", _FILTERS + ", stride=strides")}
nn.conv2d(input, filters, strides:none=none, padding:'VALID') = {_IMAGE.format("conv2d", _FILTERS)}
nn.conv2d(input, filters, strides:int=1, padding:'SAME') = {_IMAGE.format("conv2d", _FILTERS + ", padding='same'")}
nn.max_pool2d(input, ksize, strides, padding:'VALID') = {_IMAGE.format("max_pool2d", "ksize, strides")}
nn.avg_pool2d(input, ksize, strides, padding:'VALID') = {_IMAGE.format("avg_pool2d", "ksize, strides")}
"""
