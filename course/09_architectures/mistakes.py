"""Named mistakes of chapter 9: wrong solutions that the checks must reject, each with its own help."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn

# %% conv2d: kernel_turned
# help: You turn the kernel around before you slide it, as mathematicians do. Deep learning lays it on as it stands:
#   weight[0, 0] meets the window's upper left pixel.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight.flip(2, 3))
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: padding_ignored
# help: The argument padding changes nothing: the image has to get that many zeros on each side before the windows are cut.
def conv2d(x, weight, bias=None, padding=0):
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: padding_at_the_end_only
# help: All the zeros are to the right and below. They belong on both sides, `padding` of them on each.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (0, 2 * padding, 0, 2 * padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: padding_of_the_width_only
# help: Zeros were put to the left and right, none above and below. F.pad takes two numbers an axis, the last axis first.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: padding_by_the_edge
# help: What lies outside the image counts as 0 here; you repeat the pixel at the edge.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding), mode="replicate")
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: bias_on_the_last_axis
# help: The bias meets the width: broadcasting counts axes from the end. It has one number for each output channel, axis 1.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias


# %% conv2d: bias_forgotten
# help: The bias is never added.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    return torch.einsum("nchwij,ocij->nohw", windows, weight)


# %% conv2d: first_channel_only
# help: Only the first input channel is used. Every output channel sums over all of them.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nhwij,oij->nohw", windows[:, 0], weight[:, 0])
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: mean_over_channels
# help: You take the mean over the input channels. It is their sum, as it is over the window.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight) / weight.shape[1]
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: square_kernel_assumed
# help: Both axes are cut into windows of the kernel's height. Its width is weight.shape[3], and may be another.
def conv2d(x, weight, bias=None, padding=0):
    size = weight.shape[2]
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, size, 1).unfold(3, size, 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: square_kernel_in_a_loop
# help: Both axes are cut into windows of the kernel's height. Its width is weight.shape[3], and may be another.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    size = weight.shape[2]
    height, width = x.shape[2] - size + 1, x.shape[3] - size + 1
    out = 0
    for i in range(size):
        for j in range(size):
            patch = x[:, :, i : i + height, j : j + width]
            out = out + torch.einsum("nchw,oc->nohw", patch, weight[:, :, i, j])
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: place_by_place
# help: You go through the places of the image one by one in Python. It is right and takes minutes for real images: let one
#   operation see all windows at once.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    kh, kw = weight.shape[2:]
    rows = []
    for i in range(x.shape[2] - kh + 1):
        row = [torch.einsum("ncij,ocij->no", x[:, :, i : i + kh, j : j + kw], weight) for j in range(x.shape[3] - kw + 1)]
        rows.append(torch.stack(row, dim=-1))
    out = torch.stack(rows, dim=2)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: image_by_image
# help: You go through the batch image by image in Python. The batch axis can stand in the same product as all others.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.stack([torch.einsum("chwij,ocij->ohw", one, weight) for one in windows])
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: graph_cut
# help: The result has no history: `.data`, `.detach()` or NumPy take the numbers out of the graph, and nothing gets a gradient.
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x.detach(), (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight.detach())
    return out if bias is None else out + bias.detach()[:, None, None]


# %% conv2d: canvas_in_float32
# help: Your padded image is always float32: torch.zeros makes that unless it is told the dtype. Take x's, with x.new_zeros or dtype=x.dtype.
def conv2d(x, weight, bias=None, padding=0):
    N, C, H, W = x.shape
    canvas = torch.zeros(N, C, H + 2 * padding, W + 2 * padding)
    canvas[:, :, padding : padding + H, padding : padding + W] = x
    windows = canvas.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight.float())
    return out if bias is None else out + bias[:, None, None].float()


# %% attention: not_scaled
# help: The scores are not divided by √dim. Everything runs, and for wide vectors softmax looks at one key only.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: divided_by_dim
# help: You divide by dim; it is the root of dim. Scores that small make all weights nearly equal.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / self.dim
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: scaled_by_value_width
# help: You scale by the width of value. The score is a sum over the entries of query and key, so their width counts.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(value.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: scaled_by_keys
# help: You scale by the number of keys. It is the width of a query, dim, whose root divides the scores.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(key.shape[-2])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: multiplied_by_root
# help: You multiply by √dim where the scores are to be divided by it.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) * math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: scaled_after_softmax
# help: You divide the weights, after softmax, so they no longer sum to 1. The division belongs to the scores.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1) / math.sqrt(self.dim)
        return weights @ value


# %% attention: softmax_over_queries
# help: Softmax runs over the queries: your columns sum to 1. Each query shares out its own weight, over the keys.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-2)
        return weights @ value


# %% attention: softmax_over_first_axis
# help: Softmax runs over axis 1, which is the keys only where there are no leading axes. Count from the end.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=1)
        return weights @ value


# %% attention: no_softmax
# help: The scores go straight to the values. They may be negative and sum to anything: softmax makes weights of them.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores
        return weights @ value


# %% attention: mask_inverted
# help: You hide what the mask allows. True means may attend; nn.MultiheadAttention's own masks mean the opposite.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: mask_ignored
# help: The mask has no effect. Does forward use its fourth argument?
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if False:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: mask_after_softmax
# help: You set weights to 0 after softmax, so those that are left no longer sum to 1. Mask the scores instead.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        weights = scores.softmax(dim=-1)
        if mask is not None:
            weights = weights * mask
        return weights @ value


# %% attention: mask_times_scores
# help: Hidden scores are 0, as a product with the mask makes them. A score of 0 has the weight e⁰: hidden keys get
#   attention.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores * mask
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: mask_added
# help: You add the mask to the scores: True counts 1, False 0. A hidden key's score has to be far below all others.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores + mask
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: filled_with_a_small_number
# help: Hidden scores get a number that is low, but real scores can be lower still. What lies below every number?
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e4)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: exp_overflows
# help: exp of a large score is inf, and inf / inf is nan. Subtract the row's maximum first, or let torch's softmax do
#   it.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.exp() / scores.exp().sum(dim=-1, keepdim=True)
        return weights @ value


# %% attention: scores_clamped
# help: You cut large scores off, so that two of them come out alike. Subtracting the row's maximum needs no limit.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        scores = scores.clamp(max=80)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: query_scaled_in_place
# help: You divide the query in place, so the caller's tensor changes. Make a new one.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        query /= math.sqrt(self.dim)
        scores = query @ key.transpose(-2, -1)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: weights_detached
# help: The weights are cut out of the graph: value gets a gradient, query and key get none. Nothing would learn where
#   to look.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1).detach()
        return weights @ value


# %% attention: weights_returned_too
# help: You return a pair. The answer is one tensor, (…, L, E); the weights stay inside.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value, weights


# %% attention: three_axes_only
# help: bmm and transpose(1, 2) want exactly three axes. The leading axes here are any number, none too: count from the
#   end.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = torch.bmm(query, key.transpose(1, 2)) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: all_axes_turned
# help: key.T turns all axes around, not only the last two. With leading axes that mixes up the batch.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.T / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: float32_inside
# help: float64 goes in and float32 comes out. Compute in the dtype of the inputs.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights.float() @ value.float()


# %% attention: learned_temperature
# help: Your module owns a parameter. Attention itself has nothing to learn; what is learned stands around it.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.temperature = nn.Parameter(torch.ones(1))

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: mask_repeated_by_hand
# help: You give the mask leading axes that the scores do not have. It broadcasts as it is: (L, S), (1, S) or (S,) work
#   too.
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None, :, :].expand(*scores.shape[:-2], *mask.shape[-2:]), -math.inf)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% attention: filled_with_minus_ten
# help: A hidden score of -10 still has the weight e⁻¹⁰, and real scores can be far lower. What lies below every number?
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        scores = query @ key.transpose(-2, -1) / math.sqrt(self.dim)
        if mask is not None:
            scores = scores.masked_fill(~mask, -10.0)
        weights = scores.softmax(dim=-1)
        return weights @ value


# %% multi_head_attention: scaled_by_embed_dim
# help: The scores are divided by the root of the whole width. A head's score is a sum over its own d numbers only.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(C)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: heads_not_scaled
# help: The heads' scores are not divided at all. Each wants the root of its own width d.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: heads_before_qkv
# help: You cut to_qkv's output into heads first and q, k, v inside each head. The rows are all of q, then all of k,
#   then all of v.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, H, 3, d).permute(3, 0, 2, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: qkv_last
# help: You read q, k, v as every third number. The rows are all of q, then all of k, then all of v.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, H, d, 3).permute(4, 0, 2, 1, 3)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: heads_strided
# help: A head takes every H-th number of q. Its numbers are neighbours: head 0 has the first d.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, d, H).permute(2, 0, 4, 1, 3)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: reshaped_into_heads
# help: You reach (B, H, N, d) by reshape, which moves no number: steps and heads are mixed up. Cut to (B, N, H, d),
#   then exchange two axes.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = (one.reshape(B, H, N, d) for one in self.to_qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: merged_without_transpose
# help: The heads' answers are (B, H, N, d), and you reshape them at once to (B, N, C). First bring each step's heads
#   together.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.reshape(B, N, C))


# %% multi_head_attention: attends_over_heads
# help: Each step's heads attend to each other: your scores are H × H. The N steps have to be the last axis but one.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 1, 3, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal and H == N:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.reshape(B, N, C))


# %% multi_head_attention: one_head
# help: The number of heads changes nothing: there is one softmax over all C numbers. Each head has a softmax of its
#   own.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, 1, C).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(C)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: heads_averaged
# help: The heads' weights are averaged before they meet the values, so that all heads look alike. Each uses its own.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1).mean(dim=1, keepdim=True) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: no_projection
# help: The heads stand side by side and stay apart: proj is made and never called.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return out.transpose(1, 2).reshape(B, N, C)


# %% multi_head_attention: keys_and_values_swapped
# help: The second third of the rows is taken for values and the last for keys. The order is q, k, v.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, v, k = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: queries_and_keys_swapped
# help: The first third of the rows is taken for keys and the second for queries. The order is q, k, v.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        k, q, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: softmax_over_steps_that_ask
# help: Your softmax shares out each key over the queries. Each query's weights have to sum to 1: the last axis.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-2) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: residual_inside
# help: You add x to the result. That is the block's business (9.7); attention returns what it found.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return x + self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: causal_ignored
# help: causal=True changes nothing. Does forward build a mask and use it?
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if False:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: causal_always
# help: The mask is applied where causal was not asked for.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if True:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: causal_by_default
# help: Without the argument your steps do not see what comes later. The default of causal is False.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=True):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: causal_upside_down
# help: Your mask lets each step see itself and what comes after. tril keeps what is on and below the diagonal.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).triu()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: own_step_hidden
# help: Step t does not see itself, and step 0 sees nothing at all: softmax of nothing is nan. The diagonal belongs to
#   the mask.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril(-1)
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: one_step_ahead
# help: Each step also sees the next one: the mask's diagonal is off by one, and a language model would read its answer
#   there.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril(1)
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: mask_after_heads_softmax
# help: The weights of later steps are set to 0 after softmax, so the others no longer sum to 1.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            return self.proj(((scores.softmax(-1) * seen) @ v).transpose(1, 2).reshape(B, N, C))
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: mask_of_the_first_call
# help: The mask is made once, for the length of the first call, and the next length does not fit. Make it from this
#   call's N.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            if not hasattr(self, 'seen'):
                self.seen = torch.ones(N, N, dtype=torch.bool).tril()
            seen = self.seen
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: without_bias
# help: to_qkv or proj has no bias. Both linear layers have one here.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim, bias=False)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: nothing_refused
# help: Heads that do not divide embed_dim are accepted by the constructor, and something breaks later. Raise ValueError
#   there.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if False:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: asserted
# help: You refuse with assert, which raises AssertionError, and nothing at all under python -O. Raise ValueError.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        assert embed_dim % num_heads == 0
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: more_heads_than_numbers
# help: You refuse more heads than numbers, but not those that leave a rest. What does % give?
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if num_heads > embed_dim:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: three_layers
# help: You have three linear layers for q, k and v. Here they are one, to_qkv, with 3C rows.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_q, self.to_k, self.to_v = (nn.Linear(embed_dim, embed_dim) for _ in range(3))
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = torch.cat([self.to_q(x), self.to_k(x), self.to_v(x)], -1).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: mask_of_sixteen_steps
# help: Your mask has a fixed size, and a longer x does not fit. Make it for the N of this call.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(16, 16, dtype=torch.bool).tril()[:N, :N]
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: layers_shared
# help: Two modules own one and the same layer: training one changes the other. Make the layers in the constructor, anew
#   each time.
made = {}


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = made.setdefault(embed_dim, nn.Linear(embed_dim, 3 * embed_dim))
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% multi_head_attention: causal_in_training_only
# help: In evaluation your mask is not applied. causal means the same in both modes.
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads != 0:
            raise ValueError("the heads do not divide embed_dim")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        B, N, C = x.shape
        H, d = self.num_heads, C // self.num_heads
        q, k, v = self.to_qkv(x).reshape(B, N, 3, H, d).permute(2, 0, 3, 1, 4)
        scores = q @ k.transpose(-2, -1) / math.sqrt(d)
        if causal and self.training:
            seen = torch.ones(N, N, dtype=torch.bool).tril()
            scores = scores.masked_fill(~seen, -math.inf)
        out = scores.softmax(dim=-1) @ v
        return self.proj(out.transpose(1, 2).reshape(B, N, C))


# %% layer_norm: unbiased_variance
# help: Your variance is divided by dim - 1, so every entry is too small by √((dim - 1)/dim). Layer norm divides by dim.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: not_the_root
# help: You divide by the variance. It is the standard deviation, its root.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / (var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: squares_minus_square
# help: The variance comes out as the mean of the squares minus the square of the mean. Far from 0 those are two huge, nearly equal
#   numbers, and float32 keeps nothing of their difference. Subtract the mean first, then square.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        variance = x.pow(2).mean(dim=-1, keepdim=True) - mean.pow(2)
        return (x - mean) / (variance + self.eps).sqrt() * self.weight + self.bias



# %% layer_norm: eps_outside_the_root
# help: eps is added to the standard deviation. It belongs to the variance, inside the root; for small inputs that
#   matters.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / (torch.sqrt(var) + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: eps_fixed
# help: Your eps is always 1e-5, whatever the constructor was given.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + 1e-5)
        return y * self.weight + self.bias


# %% layer_norm: no_eps
# help: Without eps a row of equal entries gives 0 / 0.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var)
        return y * self.weight + self.bias


# %% layer_norm: over_the_batch
# help: Mean and variance run over the first axis: that is batch norm. Each vector of the last axis is normalised by
#   itself.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=0, keepdim=True)
        var = x.var(dim=0, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: over_the_second_axis
# help: Mean and variance run over axis 1, which is the last one only for a batch of plain vectors. Count from the end.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=1, keepdim=True)
        var = x.var(dim=1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: over_everything
# help: One mean and one variance for the whole input: rows lean on each other. Each vector of the last axis has its
#   own.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean()
        var = x.var(unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: over_all_but_the_first
# help: Each example has one mean over all of its steps. It is one for each vector of the last axis.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=list(range(1, x.ndim)) or -1, keepdim=True)
        var = x.var(dim=list(range(1, x.ndim)) or -1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: mean_kept
# help: You divide by the spread and leave the mean in. (That comes close to RMSNorm, another layer.) Subtract the mean
#   first.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = x / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: axis_lost
# help: Mean and variance have lost their last axis, so they do not line up with the rows of x. Keep it.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1)
        var = x.var(dim=-1, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: no_affine
# help: weight and bias have no effect. After normalising, each feature is stretched by its weight and shifted by its
#   bias.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y


# %% layer_norm: bias_before_weight
# help: The bias is added first and then stretched too. Weight first, then bias.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return (y + self.bias) * self.weight


# %% layer_norm: plain_tensors
# help: weight and bias are plain tensors: no optimizer will find them, and .double() passes them by. Wrap each in
#   nn.Parameter.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = torch.ones(dim)
        self.bias = torch.zeros(dim)

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: weight_starts_at_zero
# help: The weight starts at 0, so a fresh norm returns zeros. Ones let it only normalise.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: weight_is_one_number
# help: weight and bias are single numbers. Each of the dim features has its own.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(1))
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: statistics_detached
# help: Mean and variance are cut out of the graph. x moves them, so part of its gradient comes through them.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.detach().mean(dim=-1, keepdim=True)
        var = x.detach().var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: in_place
# help: You subtract the mean from x in place: the caller's tensor changes.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        x -= mean
        y = x / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: remembers_the_first_batch
# help: The statistics of the first call are kept and used again in evaluation. Layer norm has no memory.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        if self.training or not hasattr(self, 'kept'):
            self.kept = mean.detach().mean(), var.detach().mean()
        else:
            mean, var = self.kept
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.weight + self.bias


# %% layer_norm: name_gamma
# help: The parameters are called gamma and beta. They are weight and bias here, as in nn.LayerNorm.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.gamma = nn.Parameter(torch.ones(dim))
        self.beta = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / torch.sqrt(var + self.eps)
        return y * self.gamma + self.beta


# %% layer_norm: eps_as_a_floor
# help: eps is the least variance that you allow. It is added to the variance, however large that is.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / var.clamp(min=self.eps).sqrt()
        return y * self.weight + self.bias


# %% layer_norm: eps_renamed
# help: eps goes by another name in your constructor, so LayerNorm(dim, eps=1e-3) fails.
class LayerNorm(nn.Module):
    def __init__(self, dim, epsilon=1e-5):
        super().__init__()
        self.eps = epsilon
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / (var + self.eps).sqrt()
        return y * self.weight + self.bias


# %% layer_norm: weight_in_training_only
# help: In evaluation the weight has no effect. A layer norm does the same in both modes.
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean = x.mean(dim=-1, keepdim=True)
        var = x.var(dim=-1, keepdim=True, unbiased=False)
        y = (x - mean) / (var + self.eps).sqrt()
        return y * (self.weight if self.training else 1) + self.bias


# %% residual_block: no_skip
# help: x is not added: this is a plain block of two layers.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(y)


# %% residual_block: relu_before_the_sum
# help: The branch has its own ReLU at the end and the sum has none. The change may be negative; the ReLU comes after
#   the sum.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return x + F.relu(y)


# %% residual_block: no_last_relu
# help: After the sum the last ReLU is missing.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return x + y


# %% residual_block: relu_twice
# help: There is one ReLU too many: the change is cut at 0 before it is added.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + F.relu(y))


# %% residual_block: no_first_relu
# help: There is no ReLU between the two convolutions.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn1(self.conv1(x))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: second_norm_unused
# help: bn2 is made and never used.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.conv2(y)
        return F.relu(x + y)


# %% residual_block: first_norm_twice
# help: bn1 runs behind both convolutions: its statistics are moved twice, and bn2 never learns.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn1(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: first_convolution_twice
# help: conv1 runs twice and conv2 never.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv1(y))
        return F.relu(x + y)


# %% residual_block: relu_before_norm
# help: Norm and ReLU have changed places: convolution, norm, ReLU is the order here.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn1(F.relu(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: pre_activation
# help: Norm and ReLU stand before the convolutions. That is the later block of 2016; here they stand behind.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.conv1(F.relu(self.bn1(x)))
        y = self.conv2(F.relu(self.bn2(y)))
        return x + y


# %% residual_block: skip_from_the_middle
# help: You add the output of the first half, not x. The way past starts before conv1.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: convolutions_with_bias
# help: The convolutions have a bias. The norm behind takes every constant out again, so here they have none.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: no_padding
# help: Without padding each convolution cuts two rows and columns off, and the sum does not fit. Padding 1 keeps the
#   size.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: writes_into_x
# help: x is changed in place. Whoever gave it to you may still need it.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        x += y
        return F.relu(x)


# %% residual_block: relu_in_place_on_x
# help: A ReLU in place runs on x itself: it cuts the caller's tensor, and the x that you add.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = F.relu(x, inplace=True)
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: skip_detached
# help: The x that you add is detached: no gradient takes the way past, which is the point of it.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x.detach() + y)


# %% residual_block: difference
# help: You subtract the change. The block adds it.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x - y)


# %% residual_block: mean_of_both
# help: You take the mean of x and the change. It is their sum.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu((x + y) / 2)


# %% residual_block: first_relu_capped
# help: The ReLU between the convolutions stops at 6. ReLU has no upper end.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = F.relu6(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% residual_block: norm_frozen
# help: A part of the block does not ask for gradients, so it will never learn. All of its weights are trained.
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.bn2.weight.requires_grad_(False)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return F.relu(x + y)


# %% gated_residual_block: gate_looks_at_x
# help: Your gate looks at x. Here it looks at y, the change that it lets pass.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(x))
        return x + g * y


# %% gated_residual_block: gate_on_x
# help: The gate multiplies x, and y is added whole. It is the change that goes through the gate.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return g * x + y


# %% gated_residual_block: gate_on_the_sum
# help: The gate multiplies the sum: where it is shut, x is lost too. Only y goes through it.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return g * (x + y)


# %% gated_residual_block: highway
# help: You mix x and y, g of one and 1 - g of the other. That is a highway layer; here x stays whole.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return (1 - g) * x + g * y


# %% gated_residual_block: gate_inverted
# help: You multiply by 1 - g: the gate is shut where it should be open.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x + (1 - g) * y


# %% gated_residual_block: gated_without_skip
# help: x is not added: where the gate is shut nothing is left of it.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return g * y


# %% gated_residual_block: no_sigmoid
# help: The gate's raw numbers multiply y. Sigmoid keeps them between 0 and 1.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = self.gate(y)
        return x + g * y


# %% gated_residual_block: tanh_gate
# help: tanh runs from -1 to 1: a gate that turns things around. Sigmoid runs from 0 to 1.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.tanh(self.gate(y))
        return x + g * y


# %% gated_residual_block: softmax_gate
# help: Softmax makes the channels share one door. Each channel and pixel has its own: sigmoid.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = self.gate(y).softmax(dim=1)
        return x + g * y


# %% gated_residual_block: gate_by_itself
# help: sigmoid(y) · y has no gate in it that could learn: the 1 × 1 convolution is never called.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(y)
        return x + g * y


# %% gated_residual_block: one_gate_for_all_channels
# help: Your gate is one number for all channels of a pixel. It has as many channels as y.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, 1, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x + g * y


# %% gated_residual_block: wide_gate
# help: Your gate is a 3 × 3 convolution. It is 1 × 1: it sees all channels of its own pixel and no neighbour.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x + g * y


# %% gated_residual_block: relu_in_between
# help: There is a ReLU behind conv that nobody asked for.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x).relu()
        g = torch.sigmoid(self.gate(y))
        return x + g * y


# %% gated_residual_block: gate_is_added
# help: The gate is added to y, where it should multiply it.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x + g + y


# %% gated_residual_block: gate_detached
# help: The gate looks at a y that is cut out of the graph: conv never hears what the gate thinks of it.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y.detach()))
        return x + g * y


# %% gated_residual_block: gated_in_place
# help: The change is added into x itself. Make a new tensor.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        x += g * y
        return x


# %% gated_residual_block: gate_per_image
# help: You average the gate over the image: one number for each channel. It is one for each channel and pixel.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y).mean(dim=(2, 3), keepdim=True))
        return x + g * y


# %% gated_residual_block: without_bias
# help: conv or gate has no bias. Both are made as nn.Conv2d makes them, with one.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1, bias=False)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x + g * y


# %% gated_residual_block: skip_detached
# help: The x that you add is detached: no gradient takes the way past.
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        g = torch.sigmoid(self.gate(y))
        return x.detach() + g * y


# %% transformer_block: post_norm
# help: You normalise after the sum. That is the block of 2017; here the norm stands before each part, and the way past
#   stays free.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = self.ln1(x + self.attention(x, causal=causal))
        x = self.ln2(x + self.mlp(x))
        return x


# %% transformer_block: normed_copy_added
# help: You add to the normalised copy. What is added to is x itself.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = self.ln1(x)
        x = x + self.attention(x, causal=causal)
        x = self.ln2(x)
        x = x + self.mlp(x)
        return x


# %% transformer_block: normed_copy_added_once
# help: The attention's result is added to ln1(x). What is added to is x itself.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = self.ln1(x)
        x = x + self.attention(x, causal=causal)
        return x + self.mlp(self.ln2(x))


# %% transformer_block: no_skip_around_attention
# help: The attention's result replaces x. It is added to it.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: no_skip_around_mlp
# help: The mlp's result replaces x. It is added to it.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = self.mlp(self.ln2(x))
        return x


# %% transformer_block: no_first_norm
# help: The attention gets x as it is. ln1 comes first.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(x, causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: no_second_norm
# help: The mlp gets x as it is. ln2 comes first.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(x)
        return x


# %% transformer_block: one_norm_twice
# help: ln1 normalises for both parts, and ln2 is never used. Each part has a norm of its own.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln1(x))
        return x


# %% transformer_block: norms_swapped
# help: ln2 stands before the attention and ln1 before the mlp. It is the other way round.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln2(x), causal=causal)
        x = x + self.mlp(self.ln1(x))
        return x


# %% transformer_block: one_norm_shared
# help: ln1 and ln2 are one and the same module, with one set of weights. Make two.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = self.ln1
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: parallel
# help: Both parts get the same x. The mlp is to see what the attention has added.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        return x + self.attention(self.ln1(x), causal=causal) + self.mlp(self.ln2(x))


# %% transformer_block: mlp_first
# help: The mlp comes before the attention. First the steps exchange, then each thinks by itself.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.mlp(self.ln2(x))
        x = x + self.attention(self.ln1(x), causal=causal)
        return x


# %% transformer_block: second_sum_from_the_start
# help: The second sum adds to the x from before the attention, so that the attention's part is lost.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        h = x + self.attention(self.ln1(x), causal=causal)
        return x + self.mlp(self.ln2(h))


# %% transformer_block: relu_instead
# help: There is a ReLU in your mlp. GELU is meant, whose corner is rounded.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.ReLU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: tanh_gelu
# help: Your GELU is the one with tanh, which is only near. The exact one is PyTorch's default.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(approximate='tanh'), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: no_gelu
# help: There is nothing between the two linear layers: two of them in a row are one.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: gelu_at_the_end
# help: GELU stands behind the second linear layer too, so the block can hardly add anything negative.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model), nn.GELU())

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: mlp_too_narrow
# help: Your mlp widens to 2 d. It is 4 d here.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 2 * d_model), nn.GELU(), nn.Linear(2 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: causal_not_passed
# help: causal ends in your forward: the attention is called without it and sees the future.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x))
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: always_causal
# help: The attention is causal whether it was asked for or not.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=True)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: dropout_added
# help: There is a dropout in your block, so in training it is random. Nobody asked for one.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model), nn.Dropout(1.0))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: final_norm
# help: You normalise once more at the end. That comes after the last block of a stack, not after each.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return self.ln2(x)


# %% transformer_block: adds_in_place
# help: x += … writes into the caller's tensor. Make a new one in the first sum.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x += self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: skip_cut
# help: The x that you add is detached, so no gradient takes the way past.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x.detach() + self.mlp(self.ln2(x))
        return x


# %% transformer_block: causal_by_default
# help: Without the argument your block is causal. The default of causal is False.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=True):
        x = x + self.attention(self.ln1(x), causal=causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% transformer_block: causal_remembered
# help: One causal call, and all that follow are causal too. causal belongs to the call, not to the module.
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x, causal=False):
        self.causal = getattr(self, "causal", False) or causal
        x = x + self.attention(self.ln1(x), causal=self.causal)
        x = x + self.mlp(self.ln2(x))
        return x


# %% is_causal: upside_down
# help: You answer True where the module looks ahead. True means causal: nothing before s has moved.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return True
        return False
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: always_true
# help: Your function says True to modules that look ahead. A test has to be able to fail.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if False:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: always_false
# help: Your function says False to modules that never look ahead.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return False
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: looks_at_later_outputs
# help: You compare the outputs from s on. Those may move; it is the ones before s that must not.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, s:].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: own_step_counts
# help: You compare output s as well. A step may depend on its own input; only what comes before s must stay.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, : s + 1].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: all_outputs
# help: You want no output at all to move. Outputs from s on may.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before).abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: only_the_last_input
# help: Only the last input is changed. A module that peeks one step ahead in the middle gets past you.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(max(1, length - 1), length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: only_the_first_output
# help: Only output 0 is looked at. A leak may end at any step.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :1].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: only_the_step_before
# help: You look only at the output right before the changed input. A leak may jump: the last input may reach the first
#   output.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, s - 1 : s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: next_step_not_tried
# help: The input right after an output is never changed, so a leak of one step is not seen.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for t in range(length - 2):
                changed = x.clone()
                changed[:, t + 2 :] = torch.randn(1, length - t - 2, dim, dtype=dtype)
                if (module(changed) - before)[:, t].abs().max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: second_input_only
# help: Only input 1 is changed. Every later input can leak as well.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, min(2, length)):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: only_the_first_feature
# help: Only feature 0 of the outputs is looked at. A leak may show in a single other one.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s, :1].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: one_feature_changed
# help: Only feature 0 of an input is changed. A leak may come from another one.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s, 0] += 3.0
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: shifted_by_one
# help: You add the same number to all features of a step. A layer norm takes it out again and notices nothing.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] += 1.0
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: stretched
# help: You multiply a step by a number. A layer norm takes that out again and notices nothing.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] *= 2.0
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-3:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: starts_from_zeros
# help: Your input is all zeros before the change. In a product with 0 nothing is seen; take random numbers.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.zeros(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: sums_the_outputs
# help: You add up the features of an output before you compare or differentiate. What moves up and what moves down
#   cancels, as behind every layer norm.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].sum(dim=-1).abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: not_in_evaluation
# help: You never switch to evaluation: dropout moves outputs by itself, and what a module does in training only is
#   taken for its answer.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.train()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: mode_as_found_counts
# help: The module is tested in whatever mode it came. It is evaluation that counts.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: evaluation_of_the_root
# help: You set training = False on the module alone. Its submodules, a dropout among them, stay in training.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.training = False
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: left_in_evaluation
# help: The module comes back in evaluation mode. Remember how it came, and put it back.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            pass


# %% is_causal: left_in_training
# help: The module always comes back in training mode, however it came.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = True


# %% is_causal: one_mode_for_all
# help: You give every submodule the mode of the whole. A norm that was in evaluation is in training now.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.train(modes[0][1])


# %% is_causal: mode_lost_on_the_way_out
# help: Where you return early the mode is not put back. try … finally runs whichever way you leave.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    if True:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        for part, training in modes:
            part.training = training
        return True


# %% is_causal: always_float32
# help: Your x is always float32, and a module in float64 does not take it. Make it in the dtype of the parameters.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = torch.float32
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: shorter_inputs
# help: You cut the input and compare with the outputs of the whole. The module takes x of the full length; some know no
#   other.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                moved = (module(x[:, :s]) - before[:, :s]).abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: gradients_left_behind
# help: backward() has written into the gradients of the parameters. torch.autograd.grad gives the gradient of x alone.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.enable_grad():
            w = torch.randn(16, dtype=dtype)
            x = torch.randn(1, length, dim, dtype=dtype)
            x.requires_grad_()
            for t in range(length - 1):
                x.grad = None
                out = module(x)[0, t]
                (out * w[: len(out)]).sum().backward()
                if x.grad[0, t + 1 :].abs().max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: gradients_cleared
# help: zero_grad() throws away gradients that somebody had left there on purpose. Do not touch them.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    module.zero_grad()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: frozen_and_left
# help: You switch requires_grad off for all parameters and never back on.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    module.requires_grad_(False)
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: first_call_in_training
# help: The first forward pass runs before you switch to evaluation: the statistics of a batch norm have moved, and they
#   stay moved.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module(torch.randn(1, length, dim, dtype=dtype))
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: coarse_tolerance
# help: Your tolerance is so wide that small leaks pass. Dependence shows from 1e-3 on, and rounding is far below that.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 2.0:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: length_one_refused
# help: Length 1 makes your function fail or answer False. There is no later input, so the answer is True.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return length > 1
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: sign_changed
# help: You change the sign of a step. A square and a cosine do not notice. Draw the step anew.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] *= -1.0
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: tolerance_of_a_tenth
# help: A leak of a few thousandths is below your tolerance. Dependence shows from 1e-3 on.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 0.1:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: modes_of_the_children
# help: You put back the modes of the direct children, and train() hands each on to all that is below. modules() goes
#   all the way down.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in (module, *module.children())]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)
                moved = (module(changed) - before)[:, :s].abs()
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.train(training)


# %% is_causal: gradients_switched_on
# help: You switch gradients on for everybody and leave it so. A with block puts the mode back.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        torch.set_grad_enabled(True)
        x = torch.randn(1, length, dim, dtype=dtype)
        before = module(x)
        for s in range(1, length):
            changed = x.clone()
            changed[:, s] = torch.randn(dim, dtype=dtype)
            moved = (module(changed) - before)[:, :s].abs()
            if moved.max() > 1e-5:
                return False
        return True
    finally:
        for part, training in modes:
            part.training = training


# %% is_causal: gradients_switched_off
# help: You switch gradients off for everybody and leave it so. A with block puts the mode back.
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        torch.set_grad_enabled(False)
        x = torch.randn(1, length, dim, dtype=dtype)
        before = module(x)
        for s in range(1, length):
            changed = x.clone()
            changed[:, s] = torch.randn(dim, dtype=dtype)
            moved = (module(changed) - before)[:, :s].abs()
            if moved.max() > 1e-5:
                return False
        return True
    finally:
        for part, training in modes:
            part.training = training
