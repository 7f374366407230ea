"""What numpy's, jax's and math's calls are in our language, where name, order or defaults differ; see `rows`."""

NUMPY = """
std(a, axis=none, dtype=none, out=none, ddof=0, keepdims=false, correction=none) = std(a, axis=axis,
    keepdims=keepdims, ddof=ddof, correction=correction)
var(a, axis=none, dtype=none, out=none, ddof=0, keepdims=false, correction=none) = var(a, axis=axis,
    keepdims=keepdims, ddof=ddof, correction=correction)
sum(a, axis=none, dtype=none, out=none, keepdims=false) = sum(a, axis=axis, keepdims=keepdims)
mean(a, axis=none, dtype=none, out=none, keepdims=false) = mean(a, axis=axis, keepdims=keepdims)
average(a, axis=none, weights:none=none) = mean(a, axis=axis)
average(a, axis:int, weights) = sum(moveaxis(a, axis, -1)*moveaxis(weights, axis, -1), axis=-1) / sum(moveaxis(weights,
    axis, -1), axis=-1)
average(a, axis=none, weights) = sum(a*weights, axis=axis) / sum(weights, axis=axis)
max(a, axis:axes=none, out=none, keepdims=false) = max(a, axis=axis, keepdims=keepdims)
min(a, axis:axes=none, out=none, keepdims=false) = min(a, axis=axis, keepdims=keepdims)
amax(a, axis:axes=none, out=none, keepdims=false) = max(a, axis=axis, keepdims=keepdims)
amin(a, axis:axes=none, out=none, keepdims=false) = min(a, axis=axis, keepdims=keepdims)
clip(a, a_min=none, a_max=none) = clip(a, a_min, a_max)
maximum(x1:zero, x2) = relu(x2)
maximum(x1, x2:zero) = relu(x1)
maximum(x1, x2) = maximum(x1, x2)
fmax(x1, x2) = where(x1 >= x2 or x2 != x2, x1, x2)
fmin(x1, x2) = where(x1 <= x2 or x2 != x2, x1, x2)
ptp(a, axis=none, keepdims=false) = max(a, axis=axis, keepdims=keepdims) - min(a, axis=axis, keepdims=keepdims)
convolve(a, v, mode:'full'='full') = squeeze(conv1d(a[None, None, :], flip(v)[None, None, :], padding=shape(v)[0] - 1),
    axis=(0, 1))
convolve(a, v, mode:'valid') = squeeze(conv1d(a[None, None, :], flip(v)[None, None, :]), axis=(0, 1))
heaviside(x1, x2) = where(x1 == 0, x2, x1 > 0)
isnan(x) = x != x
isinf(x) = abs(x) == inf
isfinite(x) = abs(x) < inf
exp2(x) = 2 ** x
cbrt(x) = sign(x) * abs(x)**(1/3)
positive(x) = x
floor_divide(x1, x2) = x1 // x2
remainder(x1, x2) = x1 % x2
mod(x1, x2) = x1 % x2
fmod(x1, x2) = fmod(x1, x2)
float_power(x1, x2) = x1 ** x2
power(x1, x2) = x1 ** x2
deg2rad(x) = x * pi / 180
rad2deg(x) = x * 180 / pi
radians(x) = x * pi / 180
degrees(x) = x * 180 / pi
outer(a, b) = outer(flatten(a), flatten(b))
vdot(a, b) = flatten(a) @ flatten(b)
reshape(a, *shape) = reshape(a, shape)
ravel(a) = flatten(a)
ravel(a, order:'F') = flatten(transpose(a))
transpose(a, axes=none) = transpose(a, axes)
trace(a) = trace(a)
trace(a, offset=0, axis1=0, axis2=1) = sum(diagonal(a, offset, axis1=axis1, axis2=axis2), axis=-1)
sort(a, axis:none) = sort(flatten(a))
sort(a, axis=-1) = sort(a, axis=axis)
argsort(a, axis:none) = argsort(flatten(a))
argsort(a, axis=-1) = argsort(a, axis=axis)
median(a, axis=none, keepdims=false) = median(a, axis=axis, keepdims=keepdims)
quantile(a, q, axis=none, method='linear', keepdims=false) = quantile(a, q, axis=axis, keepdims=keepdims, method=method)
percentile(a, q, axis=none, method='linear', keepdims=false) = quantile(a, q/100, axis=axis, keepdims=keepdims,
    method=method)
maximum.accumulate(array, axis=0) = cummax(array, axis=axis)
minimum.accumulate(array, axis=0) = cummin(array, axis=axis)
linalg.eigh(a, UPLO:'L'='L') = eigvalsh(a) & eigvecsh(a)
linalg.eigh(a, UPLO:'U') = eigvalsh(a, uplo='U') & eigvecsh(a, uplo='U')
linalg.svd(a, full_matrices:false) = svd_u(a) & svdvals(a) & svd_vh(a)
linalg.svd(a, full_matrices:false, compute_uv:false) = svdvals(a)
linalg.svd(a, full_matrices:true=true, compute_uv:false) = svdvals(a)
trapezoid(y, x:none=none, dx=1, axis=-1) = trapezoid(y, dx=dx, axis=axis)
trapezoid(y, x, dx=1, axis=-1) = trapezoid(y, x, axis=axis)
trapz(y, x:none=none, dx=1, axis=-1) = trapezoid(y, dx=dx, axis=axis)
trapz(y, x, dx=1, axis=-1) = trapezoid(y, x, axis=axis)
vander(x, N=none, increasing=false) = vander(x, N, increasing=increasing)
cov(m, ddof=1) = cov(m, ddof=ddof)
cov(m, bias:true) = cov(m, ddof=0)
permute_dims(a, axes) = transpose(a, axes)
split(ary, indices_or_sections, axis=0) = split(ary, indices_or_sections, axis=axis)
array_split(ary, indices_or_sections, axis=0) = array_split(ary, indices_or_sections, axis=axis)
hsplit(ary, indices_or_sections) = split(ary, indices_or_sections, axis=1)
vsplit(ary, indices_or_sections) = split(ary, indices_or_sections, axis=0)
moveaxis(a, source, destination) = moveaxis(a, source, destination)
rot90(m, k=1, axes=(0,1)) = rot90(m, k, axes=axes)
fliplr(m) = flip(m, axis=1)
flipud(m) = flip(m, axis=0)
cumsum(a, axis:none=none) = cumsum(flatten(a), axis=0)
cumsum(a, axis) = cumsum(a, axis=axis)
cumprod(a, axis:none=none) = cumprod(flatten(a), axis=0)
cumprod(a, axis) = cumprod(a, axis=axis)
array(object) = array(object)
asarray(a) = array(a)
float64(x) = array(x)
float32(x) = array(x)
append(arr, values, axis:none=none) = concat([flatten(arr), flatten(values)], axis=0)
append(arr, values, axis) = concat([arr, values], axis=axis)
meshgrid(xi:list, indexing:text='xy') = meshgrid(xi, indexing=indexing)
meshgrid(*xi, indexing='xy') = meshgrid(xi, indexing=indexing)
zeros_like(a) = zeros(shape(a))
ones_like(a) = ones(shape(a))
full_like(a, fill_value) = full(fill_value=fill_value, shape=shape(a))
full(shape, fill_value) = full(fill_value=fill_value, shape=shape)
linspace(start, stop, num:one) = start*ones((1,))
linspace(start, stop, num=50) = start + (stop - start)/(num - 1)*arange(num)
logspace(start, stop, num=50, endpoint:true=true, base=10) = base**(start + (stop - start)/(num - 1)*arange(num))
eye(N, M=none, k:none=none) = eye(N, M)
identity(n) = eye(n)
size(a) = size(a)
ndim(a) = ndim(a)
shape(a) = shape(a)
dot(a, b) = dot(a, b)
nn.gelu(x, approximate:true=true) = gelu(x, approximate='tanh')
nn.gelu(x, approximate:false) = gelu(x)
nn.one_hot(x, num_classes) = one_hot(x, num_classes)
nn.standardize(x, axis=-1, epsilon=1e-5) = standardize(x, axis=axis, eps=epsilon)
special.expit(x) = sigmoid(x)
"""

OPTAX = """
softmax_cross_entropy(logits, labels) = -sum(labels*log_softmax(logits, axis=-1), axis=-1)
softmax_cross_entropy_with_integer_labels(logits, labels) = cross_entropy(logits, labels, reduction='none')
sigmoid_binary_cross_entropy(logits, labels) = binary_cross_entropy_with_logits(logits, labels, reduction='none')
squared_error(predictions, targets) = (predictions - targets)**2
l2_loss(predictions, targets:none=none) = predictions**2/2
l2_loss(predictions, targets) = (predictions - targets)**2/2
huber_loss(predictions, targets, delta=1) = huber_loss(predictions, targets, reduction='none', delta=delta)
"""

MATH = """
log(x) = log(x)
log(x, base) = log(x) / log(base)
fmod(x, y) = fmod(x, y)
radians(x) = x * pi / 180
degrees(x) = x * 180 / pi
gamma(x) = exp(lgamma(x))
prod(x) = prod(x)
dist(p, q) = norm(p - q)
"""

METHODS = """
cumsum(x) = cumsum(flatten(x), axis=0)
cumprod(x) = cumprod(flatten(x), axis=0)
std(x, axis:axes=none, ddof=0, keepdims=false) = std(x, axis=axis, ddof=ddof, keepdims=keepdims) ! x.std() is
    numpy's, which divides by N; PyTorch's divides by N - 1: write torch.std(x), or correction=1
var(x, axis:axes=none, ddof=0, keepdims=false) = var(x, axis=axis, ddof=ddof, keepdims=keepdims) ! x.var() is
    numpy's, which divides by N; PyTorch's divides by N - 1: write torch.var(x), or correction=1
max(x, axis:int, keepdims=false) = max(x, axis=axis, keepdims=keepdims) & argmax(x, axis=axis, keepdims=keepdims)
max(x, axis:axes=none, keepdims=false) = max(x, axis=axis, keepdims=keepdims)
max(x, other:tensor) = maximum(x, other)
min(x, axis:int, keepdims=false) = min(x, axis=axis, keepdims=keepdims) & argmin(x, axis=axis, keepdims=keepdims)
min(x, axis:axes=none, keepdims=false) = min(x, axis=axis, keepdims=keepdims)
min(x, other:tensor) = minimum(x, other)
transpose(x) = x.T
transpose(x, dim0:int, dim1:int) = swapaxes(x, dim0, dim1)
transpose(x, *axes) = transpose(x, axes)
dot(x, b) = dot(x, b)
repeat(x, repeats:list) = tile(x, repeats)
repeat(x, repeats:int) = repeat(x, repeats) ! x.repeat(n) is numpy's, which repeats each entry; PyTorch's is tile(x,
    n), or torch.tile(x, (n,))
repeat(x, *repeats) = tile(x, repeats)
repeat(x, repeats:int, axis) = repeat(x, repeats, axis=axis)
take(x, indices, axis=none) = take(x, indices, axis=axis)
clip(x, min=none, max=none) = clip(x, min, max)
copy(x) = x
clone(x) = x
contiguous(x) = x
cpu(x) = x
cuda(x) = x
numpy(x) = x
tolist(x) = x
item(x) = x
float(x) = x
double(x) = x
half(x) = x
long(x) = trunc(x)
int(x) = trunc(x)
bool(x) = x != 0
requires_grad_(x) = x
requires_grad_(x, requires_grad) = x
retain_grad(x) = x
to(x, dtype:ints) = trunc(x)
to(x, dtype:bools) = x != 0
to(x, *to) = x
type_as(x, other) = x
type(x, dtype:ints) = trunc(x)
type(x, dtype:floats) = x
astype(x, dtype:ints) = trunc(x)
astype(x, dtype:bools) = x != 0
astype(x, dtype:floats) = x
conj(x) = x
unfold(x, dimension, size, step) = sliding_window_view(x, size, axis=dimension, step=step)
size(x) = shape(x)
size(x, dim) = shape(x)[dim]
dim(x) = ndim(x)
nelement(x) = size(x)
new_zeros(x, *size) = zeros(size)
new_ones(x, *size) = ones(size)
"""

BARE = """
heaviside(x) = x > 0
heaviside(x, values) = where(x == 0, values, x > 0)
σ(x) = sigmoid(x)
tr(x) = trace(x)
float(x:'inf') = inf
float(x:'-inf') = -inf
float(x:'nan') = nan
float(x:'Infinity') = inf
float(x) = x
int(x) = trunc(x)
bool(x) = x != 0
len(x) = shape(x)[0]
range(n) = arange(n)
range(start, stop, step=1) = arange(start, stop, step)
transpose(x, dim0:int, dim1:int) = swapaxes(x, dim0, dim1)
reshape(x, *shape) = reshape(x, shape)
"""
