"""What PyTorch's calls are in our language, where name, order or defaults differ; see `rows`.

`torch.f(x, ...)` and the method `x.f(...)` are one row.  A name without a row is our function of that name.
"""

from backprop_cli.language.spelling.torch_matrices import MATRICES
from backprop_cli.language.spelling.torch_networks import NETWORKS

_AXES = ", axis=dim, keepdims=keepdim"
_SPREADS = (
    ("unbiased:false", "", ""),
    ("unbiased:true", "", ", ddof=1"),
    ("dim:axes, unbiased:false, keepdim=false", _AXES, ""),
    ("dim:axes, unbiased:true, keepdim=false", _AXES, ", ddof=1"),
    ("dim=none, correction:none, keepdim=false", _AXES, ", ddof=1"),
    ("dim=none, correction=1, keepdim=false", _AXES, ", correction=correction"),
)
"""What std and var, with or without the mean, take: their parameters, those of the mean, and how they divide."""

_OF_SPREADS = "".join(
    f"{name}(input, {parameters}) = {name}(input{axes}{divisor})\n"
    f"{name}_mean(input, {parameters}) = {name}(input{axes}{divisor}) & mean(input{axes})\n"
    for name in ("std", "var") for parameters, axes, divisor in _SPREADS
)  # fmt: skip

TORCH = NETWORKS + MATRICES + _OF_SPREADS + """
add(input, other, alpha=1) = input + alpha*other
sub(input, other, alpha=1) = input - alpha*other
subtract(input, other, alpha=1) = input - alpha*other
rsub(input, other, alpha=1) = other - alpha*input
div(input, other, rounding_mode:none=none) = input / other
div(input, other, rounding_mode:'trunc') = trunc(input / other)
div(input, other, rounding_mode:'floor') = floor_divide(input, other)
divide(input, other, rounding_mode:none=none) = input / other
divide(input, other, rounding_mode:'trunc') = trunc(input / other)
divide(input, other, rounding_mode:'floor') = floor_divide(input, other)
floor_divide(input, other) = input // other
remainder(input, other) = input % other
fmod(input, other) = fmod(input, other)
rpow(input, other) = other ** input
float_power(input, exponent) = input ** exponent
pow(input, exponent) = input ** exponent
addcmul(input, tensor1, tensor2, value=1) = input + value*tensor1*tensor2
addcdiv(input, tensor1, tensor2, value=1) = input + value*tensor1/tensor2
lerp(input, end, weight) = input + weight*(end - input)
positive(input) = input
conj(input) = input
conj_physical(input) = input
resolve_conj(input) = input
resolve_neg(input) = input
real(input) = input
clone(input) = input
alias_copy(input) = input
fill(input, value) = 0*input + value
zero_(input) = 0*input
ldexp(input, other) = input * 2**other
logaddexp2(input, other) = logaddexp(input*log(2), other*log(2))/log(2)
copysign(input, other:minus) = -abs(input)
copysign(input, other) = abs(input) * where(arctan2(other, -1) < 0, -1, 1)
special.xlog1py(input, other) = input*log1p(where((input == 0)*(other <= -1), 0, other))
special.ndtr(input) = erfc(-input/sqrt(2))/2
special.ndtri(input) = sqrt(2)*erfinv(2*input - 1)
mvlgamma(input, p) = sum(lgamma(expand_dims(input, -1) - arange(p)/2), axis=-1) + p*(p - 1)/4*log(pi)
round(input, decimals:zero=0) = round(input)
round(input, decimals) = round(input * 10.0**decimals) / 10.0**decimals
nan_to_num(input, nan=0, posinf=none, neginf=none) = nan_to_num(input, nan, posinf, neginf)
nansum(input, dim=none, keepdim=false) = nansum(input, axis=dim, keepdims=keepdim)
nanmean(input, dim=none, keepdim=false) = nanmean(input, axis=dim, keepdims=keepdim)
frac(input) = input - trunc(input)
heaviside(input, values) = where(input == 0, values, input > 0)
isnan(input) = input != input
isinf(input) = abs(input) == inf
isfinite(input) = abs(input) < inf
cross(input, other, dim=-1) = cross(input, other, axis=dim)
trapezoid(y, dim:int=-1, dx=1) = trapezoid(y, dx=dx, axis=dim)
trapezoid(y, x, dim=-1) = trapezoid(y, x, axis=dim)
trapz(y, dim:int=-1, dx=1) = trapezoid(y, dx=dx, axis=dim)
trapz(y, x, dim=-1) = trapezoid(y, x, axis=dim)
cumulative_trapezoid(y, dim:int=-1, dx=1) = cumulative_trapezoid(y, dx=dx, axis=dim)
cumulative_trapezoid(y, x, dim=-1) = cumulative_trapezoid(y, x, axis=dim)
diag_embed(input, offset=0, dim1=-2, dim2=-1) = diag_embed(input, offset, axis1=dim1, axis2=dim2)
diagflat(input, offset=0) = diag(flatten(input), offset)
vander(x, N=none, increasing=false) = vander(x, N, increasing=increasing)
renorm(input, p, dim, maxnorm) = renorm(input, p, axis=dim, maxnorm=maxnorm)
cov(input, correction=1, fweights:none=none, aweights:none=none) = cov(input, ddof=correction)
corrcoef(input) = corrcoef(input)
cdist(x1, x2, p=2, compute_mode='') = cdist(x1, x2, p)
exp2(input) = 2 ** input
special.exp2(input) = 2 ** input
special.expit(input) = sigmoid(input)
deg2rad(input) = input * pi / 180
rad2deg(input) = input * 180 / pi
sigmoid_(input) = sigmoid(input)
logit(input, eps:none=none) = logit(input)
logit(input, eps) = logit(clip(input, eps, 1 - eps))
special.logit(input, eps:none=none) = logit(input)
special.logit(input, eps) = logit(clip(input, eps, 1 - eps))
gt(input, other) = input > other
ge(input, other) = input >= other
lt(input, other) = input < other
le(input, other) = input <= other
eq(input, other) = input == other
ne(input, other) = input != other
greater(input, other) = input > other
less(input, other) = input < other
where(condition, input, other) = where(condition, input, other)
fill_diagonal(input, fill_value) = where(eye(shape(input)[0], shape(input)[1]) == 1, fill_value, input)
masked_fill(input, mask, value) = where(mask, value, input)
clamp(input, min=none, max=none) = clip(input, min, max)
clamp_min(input, min) = clip(input, min, none)
clamp_max(input, max) = clip(input, none, max)
fmax(input, other) = where(input >= other or other != other, input, other)
fmin(input, other) = where(input <= other or other != other, input, other)
max(input, dim:axes, keepdim=false) = max(input, axis=dim, keepdims=keepdim) & argmax(input, axis=dim,
    keepdims=keepdim)
max(input, other:tensor) = maximum(input, other)
max(input) = max(input)
min(input, dim:axes, keepdim=false) = min(input, axis=dim, keepdims=keepdim) & argmin(input, axis=dim,
    keepdims=keepdim)
min(input, other:tensor) = minimum(input, other)
min(input) = min(input)
aminmax(input, dim=none, keepdim=false) = min(input, axis=dim, keepdims=keepdim) & max(input, axis=dim,
    keepdims=keepdim)
sort(input, dim=-1, descending=false, stable=false) = sort(input, axis=dim, descending=descending) & argsort(input,
    axis=dim, descending=descending)
argsort(input, dim=-1, descending=false, stable=false) = argsort(input, axis=dim, descending=descending)
msort(input) = sort(input, axis=0)
topk(input, k, dim=-1, largest=true, sorted=true) = topk(input, k, axis=dim, largest=largest) & argtopk(input, k,
    axis=dim, largest=largest)
kthvalue(input, k, dim=-1, keepdim=false) = kthvalue(input, k, axis=dim, keepdims=keepdim) & argkthvalue(input, k,
    axis=dim, keepdims=keepdim)
median(input) = lower_median(input)
median(input, dim, keepdim=false) = lower_median(input, axis=dim, keepdims=keepdim) & arglower_median(input, axis=dim,
    keepdims=keepdim)
quantile(input, q, dim=none, keepdim=false, interpolation='linear') = quantile(input, q, axis=dim, keepdims=keepdim,
    method=interpolation)
cummax(input, dim) = cummax(input, axis=dim) & argcummax(input, axis=dim)
cummin(input, dim) = cummin(input, axis=dim) & argcummin(input, axis=dim)
sum(input, dim=none, keepdim=false) = sum(input, axis=dim, keepdims=keepdim)
mean(input, dim=none, keepdim=false) = mean(input, axis=dim, keepdims=keepdim)
special.softmax(input, dim) = softmax(input, axis=dim)
special.log_softmax(input, dim) = log_softmax(input, axis=dim)
norm(input, p:'fro'='fro', dim:none=none, keepdim=false) = norm(reshape(input, -1))
norm(input, p:none, dim:none=none, keepdim=false) = norm(reshape(input, -1))
norm(input, p:'fro'='fro', dim:axes=none, keepdim=false) = norm(input, axis=dim, keepdims=keepdim)
norm(input, p:none, dim:axes=none, keepdim=false) = norm(input, axis=dim, keepdims=keepdim)
norm(input, p:'nuc', dim:axes=none, keepdim=false) = norm(input, 'nuc', axis=dim, keepdims=keepdim)
norm(input, p, dim:none=none, keepdim:false=false) = norm(reshape(input, -1), p)
norm(input, p, dim:int, keepdim=false) = norm(input, p, axis=dim, keepdims=keepdim)
norm(input, p, dim=none, keepdim=false) = vector_norm(input, p, axis=dim, keepdims=keepdim)
dist(input, other, p=2) = norm(reshape(input - other, -1), p)
t(input) = input.T
adjoint(input) = input.mT
transpose(input, dim0, dim1) = swapaxes(input, dim0, dim1)
swapdims(input, dim0, dim1) = swapaxes(input, dim0, dim1)
swapaxes(input, axis0, axis1) = swapaxes(input, axis0, axis1)
permute(input, *dims) = transpose(input, dims)
reshape(input, *shape) = reshape(input, shape)
view(input, *shape) = reshape(input, shape)
view_as(input, other) = reshape(input, shape(other))
reshape_as(input, other) = reshape(input, shape(other))
expand(input, *size) = broadcast_to(input, size)
expand_as(input, other) = broadcast_to(input, shape(other))
broadcast_to(input, size) = broadcast_to(input, size)
repeat(input, *repeats) = tile(input, repeats)
tile(input, *dims) = tile(input, dims)
repeat_interleave(input, repeats, dim=none, output_size=none) = repeat(input, repeats, axis=dim)
unsqueeze(input, dim) = expand_dims(input, axis=dim)
squeeze(input, dim=none) = squeeze(input, axis=dim)
sum_to_size(input, *size) = sum_to_size(input, size)
meshgrid(*tensors, indexing='ij') = meshgrid(tensors, indexing=indexing)
broadcast_tensors(*tensors) = broadcast_tensors(tensors)
combinations(input, r=2, with_replacement=false) = combinations(input, r, with_replacement=with_replacement)
unfold_copy(input, dimension, size, step) = sliding_window_view(input, size, axis=dimension, step=step)
flatten(input, start_dim=0, end_dim=-1) = flatten(input, start_dim, end_dim)
ravel(input) = flatten(input)
flip(input, *dims) = flip(input, axis=dims)
fliplr(input) = flip(input, axis=1)
flipud(input) = flip(input, axis=0)
roll(input, shifts, dims=none) = roll(input, shifts, axis=dims)
tril(input, diagonal=0) = tril(input, diagonal)
triu(input, diagonal=0) = triu(input, diagonal)
diag(input, diagonal=0) = diag(input, diagonal)
diagonal(input, offset=0, dim1=0, dim2=1) = diagonal(input, offset, axis1=dim1, axis2=dim2)
concat(tensors, dim=0) = concat(tensors, axis=dim)
cat(tensors, dim=0) = concat(tensors, axis=dim)
stack(tensors, dim=0) = stack(tensors, axis=dim)
split(tensor, split_size_or_sections, dim=0) = split_sizes(tensor, split_size_or_sections, axis=dim)
split_with_sizes(input, split_sizes, dim=0) = split_sizes(input, split_sizes, axis=dim)
unsafe_split(tensor, split_size, dim=0) = split_sizes(tensor, split_size, axis=dim)
unsafe_split_with_sizes(input, split_sizes, dim=0) = split_sizes(input, split_sizes, axis=dim)
split(tensor, split_size, dim=0) = split_sizes(tensor, split_size, axis=dim)
tensor_split(input, indices_or_sections, dim=0) = array_split(input, indices_or_sections, axis=dim)
chunk(input, chunks, dim=0) = chunk(input, chunks, axis=dim)
unsafe_chunk(input, chunks, dim=0) = chunk(input, chunks, axis=dim)
unbind(input, dim=0) = moveaxis(input, dim, 0)
unflatten(input, dim, sizes) = unflatten(input, dim, sizes)
rot90(input, k=1, dims=(0,1)) = rot90(input, k, axes=dims)
index_select(input, dim, index) = take(input, index, axis=dim)
gather(input, dim, index) = gather(input, index, axis=dim)
scatter(input, dim, index, src, reduce:'add') = add_along_axis(input, index, src, axis=dim)
scatter(input, dim, index, src) = put_along_axis(input, index, src, axis=dim)
scatter(input, dim, index, value) = put_along_axis(input, index, value, axis=dim)
movedim(input, source, destination) = moveaxis(input, source, destination)
take(input, index) = take(reshape(input, -1), index)
take_along_dim(input, indices, dim:none=none) = take_along_axis(reshape(input, -1), reshape(indices, -1), axis=0)
take_along_dim(input, indices, dim) = take_along_axis(input, indices, axis=dim)
select(input, dim, index) = squeeze(take(input, stack([index]), axis=dim), axis=dim)
narrow(input, dim, start, length) = take(input, arange(start, start + length), axis=dim)
masked_scatter(input, mask, source) = where(mask, reshape(take(flatten(source), maximum(cumsum(flatten(
    broadcast_to(mask, shape(input))), axis=0) - 1, 0)), shape(input)), input)
index_fill(input, dim, index, value) = index_fill(input, index, value, axis=dim)
index_copy(input, dim, index, source) = index_copy(input, index, source, axis=dim)
scatter_reduce(input, dim, index, src, reduce:'sum', include_self=true) = scatter_reduce(input, index, src, axis=dim,
    method='sum', include_self=include_self)
scatter_reduce(input, dim, index, src, reduce:'mean', include_self=true) = scatter_reduce(input, index, src, axis=dim,
    method='mean', include_self=include_self)
scatter_add(input, dim, index, src) = add_along_axis(input, index, src, axis=dim)
index_add(input, dim, index, source, alpha=1) = index_add(input, index, alpha*source, axis=dim)
cumsum(input, dim) = cumsum(input, axis=dim)
cumprod(input, dim) = cumprod(input, axis=dim)
zeros(*size) = zeros(size)
ones(*size) = ones(size)
full(size, fill_value) = full(fill_value=fill_value, shape=size)
linspace(start, end, steps:one) = start*ones((1,))
linspace(start, end, steps) = start + (end - start)/(steps - 1)*arange(steps)
logspace(start, end, steps, base=10) = base**(start + (end - start)/(steps - 1)*arange(steps))
eye(n, m=none) = eye(n, m)
zeros_like(input) = zeros(shape(input))
ones_like(input) = ones(shape(input))
full_like(input, fill_value) = full(fill_value=fill_value, shape=shape(input))
tensor(data) = array(data)
as_tensor(data) = array(data)
scalar_tensor(data) = array(data)
numel(input) = size(input)
block_diag(*tensors) = block_diag(tensors)
"""
