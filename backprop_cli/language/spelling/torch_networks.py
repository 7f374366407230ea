"""What PyTorch's functions and layers of networks are in our language: torch.nn.functional, torch.nn; see `rows`."""

_FUNCTIONAL = """
    relu relu6 leaky_relu elu selu celu gelu silu mish softplus softsign hardtanh hardsigmoid hardswish
    logsigmoid glu prelu softmax log_softmax softmin tanhshrink softshrink hardshrink threshold sigmoid tanh
    linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d max_pool1d max_pool2d
    max_pool3d avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
    embedding one_hot dropout pad unfold fold interpolate
    layer_norm rms_norm batch_norm group_norm instance_norm normalize scaled_dot_product_attention
    cosine_similarity pairwise_distance mse_loss l1_loss smooth_l1_loss huber_loss binary_cross_entropy
    binary_cross_entropy_with_logits cross_entropy nll_loss kl_div gaussian_nll_loss hinge_embedding_loss
    triplet_margin_loss cosine_embedding_loss margin_ranking_loss poisson_nll_loss soft_margin_loss
    multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss local_response_norm pixel_shuffle upsample
    gumbel_softmax lp_pool1d lp_pool2d lp_pool3d adaptive_max_pool1d adaptive_max_pool2d hardtanh_ relu_
    dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout rrelu upsample_nearest upsample_bilinear pdist
    max_unpool1d max_unpool2d max_unpool3d pixel_unshuffle channel_shuffle
"""
FUNCTIONAL = frozenset(_FUNCTIONAL.split())
"""The names in torch.nn.functional: `F.relu` is one of them, `F.sum(0)` a method of a tensor called F."""
LAYERS = {
    **{name.replace("_", ""): name for name in FUNCTIONAL if not name.endswith("_")}, "kldivloss": "kl_div",
    "bceloss": "binary_cross_entropy",
    "bcewithlogitsloss": "binary_cross_entropy_with_logits",
}  # fmt: skip
"""The function that a layer without params calls, by its class's name in small letters: `nn.LeakyReLU`, leaky_relu."""


def layer_function(kind: str) -> str | None:
    """The function of a layer's class: `CrossEntropyLoss` cross_entropy, `SmoothL1Loss` smooth_l1_loss."""
    name = kind.lower()
    return LAYERS.get(name, LAYERS.get(name.removesuffix("loss")))


_POWERS = "avg_pool{}d(input**norm_type, kernel_size, stride, divisor_override=1)"
_MEANS = "(kernel_size**{0}*avg_pool{0}d(input**norm_type, kernel_size, stride, ceil_mode=ceil_mode))"
"""The sum of powers in every window; where one hangs over the end, PyTorch has so many times the mean of the rest."""
_ROOT = "where({0} == 0, 0, {0})**(1/norm_type)"
"""Where the sum is 0, the root has an infinite slope, and PyTorch a gradient of 0."""
NETWORKS = """
bilinear(input1, input2, weight, bias:none=none) = einsum('...i,kij,...j->...k', input1, weight, input2)
bilinear(input1, input2, weight, bias) = einsum('...i,kij,...j->...k', input1, weight, input2) + bias
softmax(input, dim=-1) = softmax(input, axis=dim)
log_softmax(input, dim=-1) = log_softmax(input, axis=dim)
softmin(input, dim=-1) = softmax(-input, axis=dim)
constant_pad_nd(input, pad, value=0) = torch_pad(input, pad, 'constant', value)
layer_norm(input, normalized_shape, weight=none, bias=none, eps=1e-5) = layer_norm(input, weight, bias,
    normalized_shape=normalized_shape, eps=eps)
rms_norm(input, normalized_shape, weight=none, eps=none) = rms_norm(input, weight,
    normalized_shape=normalized_shape, eps=eps)
batch_norm(input, running_mean=none, running_var=none, weight=none, bias=none, training=false, momentum=0.1,
    eps=1e-5) = batch_norm(input, running_mean, running_var, weight, bias, training=training, eps=eps)
group_norm(input, num_groups, weight=none, bias=none, eps=1e-5) = group_norm(input, weight, bias,
    num_groups=num_groups, eps=eps)
instance_norm(input, running_mean=none, running_var=none, weight=none, bias=none, use_input_stats=true,
    momentum=0.1, eps=1e-5) = instance_norm(input, running_mean, running_var, weight, bias,
    use_input_stats=use_input_stats, eps=eps)
normalize(input, p=2, dim=1, eps=1e-12) = normalize(input, p, axis=dim, eps=eps)
cosine_similarity(x1, x2, dim=1, eps=1e-8) = cosine_similarity(x1, x2, axis=dim, eps=eps)
softplus(input, beta=1, threshold=20) = softplus(input, beta, threshold)
dropout(input, p=0.5, training:false) = input
dropout(input, p:zero, training=true) = input
alpha_dropout(input, p=0.5, training:false=false) = input
alpha_dropout(input, p:zero, training=false) = input
feature_alpha_dropout(input, p=0.5, training:false=false) = input
feature_alpha_dropout(input, p:zero, training=false) = input
rrelu(input, lower=1/8, upper=1/3, training:false=false) = leaky_relu(input, (lower + upper)/2)
upsample_nearest(input, size=none, scale_factor=none) = interpolate(input, size, scale_factor, mode='nearest')
upsample_bilinear(input, size=none, scale_factor=none) = interpolate(input, size, scale_factor, mode='bilinear',
    align_corners=true)
scaled_dot_product_attention(query, key, value, attn_mask:none=none, dropout_p:zero=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, is_causal=is_causal, scale=scale)
scaled_dot_product_attention(query, key, value, attn_mask:mask, dropout_p:zero=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, attn_mask, is_causal=is_causal, scale=scale)
scaled_dot_product_attention(query, key, value, attn_mask:tensor, dropout_p:zero=0, is_causal:false=false,
    scale:none=none) =
    softmax((query @ key.mT) / sqrt(shape(query)[-1]) + attn_mask, axis=-1) @ value ! attn_mask is read as PyTorch's of
    floats, which is added to the scores; one of true and false is written as a comparison: attn_mask=m == 1
scaled_dot_product_attention(query, key, value, attn_mask:tensor, dropout_p:zero=0, is_causal:false=false, scale=none) =
    softmax((query @ key.mT)*scale + attn_mask, axis=-1) @ value
scaled_dot_product_attention(query, key, value, attn_mask=none, dropout_p=0, is_causal=false, scale=none) =
    scaled_dot_product_attention(query, key, value, dropout_p=dropout_p)
channel_shuffle(input, groups) = channel_shuffle(input, groups)
pdist(input, p=2) = pdist(input, p)
interpolate(input, size=none, scale_factor=none, mode='nearest', align_corners=none, recompute_scale_factor:none=none,
    antialias:false=false) = interpolate(input, size, scale_factor, mode=mode, align_corners=align_corners)
interpolate(input, size=none, scale_factor=none, mode='nearest', align_corners=none, recompute_scale_factor=none,
    antialias:false=false) = interpolate(input, size, scale_factor, mode=mode, align_corners=align_corners,
    recompute_scale_factor=recompute_scale_factor)
pixel_shuffle(input, upscale_factor) = pixel_shuffle(input, upscale_factor)
pixel_unshuffle(input, downscale_factor) = pixel_unshuffle(input, downscale_factor)
local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1) = local_response_norm(input, size, alpha, beta,
    bias=k)
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'mean'='mean') = mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)))
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'sum') = sum(mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)), axis=-1))
multilabel_soft_margin_loss(input, target, weight:none=none, reduction:'none') = mean(-(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)), axis=-1)
pad(input, pad, mode='constant', value=none) = torch_pad(input, pad, mode, value)
multi_margin_loss(input, target, p=1, margin=1, weight:none=none, reduction:'none') = (sum(relu(margin + input
    - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1) - maximum(margin, 0)**p)/shape(input)[-1]
multi_margin_loss(input, target, p=1, margin=1, weight:none=none, reduction:'sum') = sum(sum(relu(margin + input
    - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1) - maximum(margin, 0)**p)/shape(input)[-1]
multi_margin_loss(input, target, p=1, margin=1, weight:none=none, reduction:'mean'='mean') = mean(sum(relu(
    margin + input - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1)
    - maximum(margin, 0)**p)/shape(input)[-1]
multi_margin_loss(input, target, p=1, margin=1, weight, reduction:'none') = take(weight, target)*(sum(relu(margin
    + input - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1)
    - maximum(margin, 0)**p)/shape(input)[-1]
multi_margin_loss(input, target, p=1, margin=1, weight, reduction:'sum') = sum(take(weight, target)*(sum(relu(margin
    + input - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1)
    - maximum(margin, 0)**p))/shape(input)[-1]
multi_margin_loss(input, target, p=1, margin=1, weight, reduction:'mean'='mean') = mean(take(weight, target)*(sum(relu(
    margin + input - take_along_axis(input, expand_dims(target, -1), axis=-1))**p, axis=-1)
    - maximum(margin, 0)**p))/shape(input)[-1]
relu_(input) = relu(input)
hardtanh_(input, min_val=-1, max_val=1) = hardtanh(input, min_val, max_val)
embedding(input, weight, padding_idx=none, max_norm:none=none, norm_type=2, scale_grad_by_freq:false=false,
    sparse=false) = embedding(input, weight, padding_idx=padding_idx)
multilabel_soft_margin_loss(input, target, weight, reduction:'mean'='mean') = mean(-weight*(target*logsigmoid(input)
    + (1 - target)*logsigmoid(-input)))
""" + "".join(f"""
max_unpool{n}d(input, indices, kernel_size, stride=none, padding=0, output_size:list) = max_unpool{n}d(input, indices,
    output_size)
max_unpool{n}d(input, indices, kernel_size:int, stride:none=none, padding:zero=0, output_size:none=none) =
    max_unpool{n}d(input, indices, ({", ".join(f"shape(input)[{axis}]*kernel_size" for axis in range(-n, 0))},))
max_unpool{n}d(input, indices, kernel_size:int, stride:int, padding:int=0, output_size:none=none) =
    max_unpool{n}d(input, indices, ({", ".join(f"(shape(input)[{axis}] - 1)*stride - 2*padding + kernel_size"
                                               for axis in range(-n, 0))},))
dropout{n}d(input, p=0.5, training:false) = input
dropout{n}d(input, p:zero, training=true) = input
lp_pool{n}d(input, norm_type, kernel_size, stride=none, ceil_mode:false=false) = {_ROOT.format(_POWERS.format(n))}
lp_pool{n}d(input, norm_type, kernel_size:int, stride=none, ceil_mode=false) = {_ROOT.format(_MEANS.format(n))}
""" for n in (1, 2, 3))
