"""Named mistakes of chapter 11: wrong solutions that the checks must reject, each with its own help."""

import math
import time

import torch

# %% validate_input: asserts
# help: Your refusals are asserts. They raise AssertionError here, and nothing at all under python -O: raise TypeError and ValueError yourself.
def validate_input(x, features):
    assert isinstance(x, torch.Tensor), f"expected a tensor, got {type(x).__name__}"
    assert x.is_floating_point(), f"expected floating point, got {x.dtype}"
    assert x.dim() and x.shape[-1] == features and x.numel(), f"expected (..., {features}), got {tuple(x.shape)}"
    assert torch.isfinite(x).all(), "expected finite numbers"
    return x


# %% validate_input: asserts_translated
# help: Here everything is refused, under python -O nothing is. An assert is left out there, inside a try too, and __debug__ is False.
def validate_input(x, features):
    try:
        assert isinstance(x, torch.Tensor), f"expected a tensor, got {type(x).__name__}"
        assert x.is_floating_point(), f"expected floating point, got {x.dtype}"
    except AssertionError as error:
        raise TypeError(str(error)) from None
    try:
        assert x.dim() and x.shape[-1] == features and x.numel(), f"expected (..., {features}), got {tuple(x.shape)}"
        assert torch.isfinite(x).all(), "expected finite numbers"
    except AssertionError as error:
        raise ValueError(str(error)) from None
    return x


# %% validate_input: only_when_debugging
# help: Your shape and number checks stand behind __debug__, which is False under python -O: they vanish with the asserts.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if __debug__:
        if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
            raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
        if not torch.isfinite(x).all():
            raise ValueError("expected finite numbers")
    return x


# %% validate_input: empty_passes
# help: A batch without a single row gets through. all() of nothing is True, so the test for finite numbers does not catch it: ask for entries too.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: counts_first_axis
# help: You count rows along the first axis only. (2, 0, features) has two of something there, and still not one row.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or len(x) == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: two_axes_only
# help: Only (N, features) gets through. One row without a batch axis is fine, and so are more axes in front: the last one alone counts.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() != 2 or x.shape[1] != features or len(x) == 0:
        raise ValueError(f"expected (N, {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: first_axis
# help: A tensor passes whose last size is not `features`: the number is found on another axis, or divides the whole. Features are the last axis, and no other counts.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[0] != features or x.numel() == 0:
        raise ValueError(f"expected ({features}, ...), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: infinity_passes
# help: You look for NaN only. Infinity is a number to isnan, and just as poisonous.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if torch.isnan(x).any():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: sum_overflows
# help: You ask whether the sum is finite. Large numbers that are fine each overflow together: ask each number, not the sum.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x.sum()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: nothing_finite_checked
# help: NaN gets through. Type and shape say nothing about the numbers inside.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    return x


# %% validate_input: any_finite
# help: One NaN among good numbers gets through: you refuse only where no number at all is finite.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).any():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: one_dtype
# help: Only float32 gets through. Every floating-point dtype is welcome; a tensor can be asked for the kind of its dtype.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if x.dtype != torch.float32:
        raise TypeError(f"expected float32, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: integers_pass
# help: Whole numbers get through. Being a tensor is not enough: ask for a floating-point dtype, rather than against one or two others.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: converts
# help: You convert what comes (a list becomes a tensor, integers become floats). The doorkeeper refuses, or hands back the very object it was given.
def validate_input(x, features):
    x = torch.as_tensor(x).float()
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: returns_true
# help: A good input gives True. Hand back x itself, so that the caller can write layer(validate_input(x, n)).
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return True


# %% validate_input: returns_nothing
# help: A good input gives None: the return at the end is missing.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")


# %% validate_input: a_copy
# help: You hand back another object than the one that was given: a copy, or a view of it. return x.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x.clone()


# %% validate_input: all_value_errors
# help: A list gets a ValueError. Where the kind of thing is wrong, Python says TypeError; ValueError is for the right kind with a wrong value.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise ValueError(f"expected a floating-point tensor, got {type(x).__name__} {getattr(x, 'dtype', '')}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: all_type_errors
# help: A wrong shape gets a TypeError. A tensor is the right kind of thing; its shape is a wrong value, so ValueError.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise TypeError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise TypeError("expected finite numbers")
    return x


# %% validate_input: silent
# help: Your refusals have no words. Whoever calls at night sees the message alone: say what came and what was expected.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0 or not torch.isfinite(x).all():
        raise ValueError
    return x


# %% validate_input: says_only_expected
# help: Your messages say what you wanted, and not what came. The caller needs both to see the difference.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError("expected a floating-point tensor")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features})")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: says_only_found
# help: Your messages say what came, and not what was expected.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"{type(x).__name__} is not supported")
    if not x.is_floating_point():
        raise TypeError(f"{x.dtype} is not supported")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"bad shape {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("found numbers that are not finite")
    return x


# %% validate_input: three_axes_at_most
# help: Four axes are refused. Any number of axes may stand in front of the features.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() not in (1, 2, 3) or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: finite_in_an_assert
# help: NaN is refused here, and gets through under python -O: that test alone stands in an assert, or behind __debug__.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    try:
        assert torch.isfinite(x).all()
    except AssertionError:
        raise ValueError("expected finite numbers") from None
    return x


# %% validate_input: without_the_word
# help: The message for NaN and infinity lacks the word "finite".
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    if not torch.isfinite(x).all():
        raise ValueError("there is a NaN or an infinity in x")
    return x


# %% validate_input: vague
# help: Your messages name neither what came nor what was expected. Whoever reads them sees neither your code nor the input.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor) or not x.is_floating_point():
        raise TypeError("wrong type")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError("wrong shape")
    if not torch.isfinite(x).all():
        raise ValueError("numbers have to be finite")
    return x


# %% validate_input: cleans
# help: You write zeros over NaN and let the input pass. It was to be refused, and what somebody gave you is not yours to change.
def validate_input(x, features):
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected floating point, got {x.dtype}")
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected (..., {features}), got {tuple(x.shape)}")
    with torch.no_grad():
        x.nan_to_num_()
    return x


# %% batched_bilinear: sums_the_batch
# help: You have one row for the whole batch: b was summed over as well. It stands in the result, so it is kept.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->o", x, w, y)


# %% batched_bilinear: transposed_result
# help: Your result is (O, B). The batch comes first.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->ob", x, w, y)


# %% batched_bilinear: x_and_y_swapped
# help: You put y where x belongs: with unequal sizes the product does not fit, and with equal ones it is that of w transposed.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->bo", y, w, x)


# %% batched_bilinear: all_pairs
# help: You combine every x with every y and have (B, B, O). Row b of x goes with row b of y alone: the same letter for both.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,cj->bco", x, w, y)


# %% batched_bilinear: j_left_over
# help: An axis too many is left: after x @ w and the product with y, j has not been summed.
def batched_bilinear(x, w, y):
    return (x @ w * y).permute(1, 0, 2)


# %% batched_bilinear: mean_not_sum
# help: Your numbers are too small by the size of an axis that is to be summed: a mean in place of a sum.
def batched_bilinear(x, w, y):
    return (x @ w * y).mean(dim=-1).T


# %% batched_bilinear: y_forgotten
# help: y is not in your result: you sum x w over i and j. Each term has three factors.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij->bo", x, w)


# %% batched_bilinear: always_float32
# help: float64 came in and float32 went out. Leave the dtype to the inputs.
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->bo", x.float(), w.float(), y.float())


# %% batched_bilinear: map_over_both
# help: A loop inside map, or in recursion, is still a loop: Python walks over every pair of row and output, and it is no faster.
def batched_bilinear(x, w, y):
    return torch.stack(list(map(lambda a, c: torch.stack(list(map(lambda m: a @ m @ c, w))), x, y)))


# %% batched_bilinear: map_over_outputs
# help: Half of the loop is still there: one step for each output, be it in map or in recursion. The number of operations should not depend on O.
def batched_bilinear(x, w, y):
    return torch.stack(list(map(lambda m: ((x @ m) * y).sum(dim=1), w)), dim=1)


# %% batched_bilinear: map_over_rows
# help: One step for each row of the batch, be it in map or in recursion. The number of operations should not depend on B.
def batched_bilinear(x, w, y):
    return torch.stack(list(map(lambda a, c: (a @ w) @ c, x, y)))


# %% batched_bilinear: reshapes_in_place
# help: unsqueeze_ with an underscore changes the caller's own tensor: after the call x has an axis more. Without it you get a view.
def batched_bilinear(x, w, y):
    x.unsqueeze_(0)
    return (x @ w * y).sum(dim=-1).T


# %% tiled_attention: whole_table
# help: You compute all scores at once, whatever the block. The result is right and the memory is what it was: walk over the keys.
def tiled_attention(q, k, v, block):
    return torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=1) @ v


# %% tiled_attention: blocks_kept
# help: The scores of all blocks are alive together, in a list or in the calls of a recursion: the whole table. Keep running sums, not blocks.
def tiled_attention(q, k, v, block):
    blocks = [q @ k[i : i + block].T / math.sqrt(q.shape[1]) for i in range(0, len(k), block)]
    top = torch.stack([b.amax(1) for b in blocks]).amax(0)[:, None]
    total = sum(torch.exp(b - top).sum(1, keepdim=True) for b in blocks)
    out = sum(torch.exp(b - top) @ v[i * block : (i + 1) * block] for i, b in enumerate(blocks))
    return out / total


# %% tiled_attention: softmax_per_block
# help: You take a softmax in each block and add up or average the results. A softmax needs the sum over all keys: divide once, at the end.
def tiled_attention(q, k, v, block):
    parts = []
    for i in range(0, len(k), block):
        parts.append(torch.softmax(q @ k[i : i + block].T / math.sqrt(q.shape[1]), dim=1) @ v[i : i + block])
    return torch.stack(parts).mean(0)


# %% tiled_attention: nothing_corrected
# help: When the maximum rises, what was summed before still has the old one in it. Both running sums have to be multiplied by exp(old - new).
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        top = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - top)
        total = total + weights.sum(1, keepdim=True)
        out = out + weights @ v[i : i + block]
    return out / total


# %% tiled_attention: output_not_corrected
# help: The sum is corrected when the maximum rises, and the output is not. The same factor belongs to both.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: sum_not_corrected
# help: The output is corrected when the maximum rises, and the sum is not. The same factor belongs to both.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: corrected_the_wrong_way
# help: Your correction is exp(new - old), more than 1. Old terms shrink when the maximum rises: exp(old - new).
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -1e4)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True)) if i else scores.amax(1, keepdim=True)
        correction = torch.exp(new - top) if i else torch.ones_like(new)
        weights = torch.exp(scores - new)
        total = total * correction + weights.sum(1, keepdim=True)
        out = out * correction + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: no_scale
# help: The scores are not divided by √D.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: scale_of_values
# help: You divide by √E, the width of the values. The scale belongs to what is summed in a score: √D, the width of queries and keys.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(v.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: no_maximum
# help: No maximum is taken out before exp. Small scores work; scores of thousands overflow to infinity, and inf / inf is NaN.
def tiled_attention(q, k, v, block):
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        weights = torch.exp(q @ k[i : i + block].T / math.sqrt(q.shape[1]))
        total = total + weights.sum(1, keepdim=True)
        out = out + weights @ v[i : i + block]
    return out / total


# %% tiled_attention: maximum_from_zero
# help: Your running maximum does not start low enough. Where all scores are far below it, every weight underflows to 0, and 0 / 0 is NaN: start at minus infinity.
def tiled_attention(q, k, v, block):
    top = q.new_zeros(len(q), 1)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: last_block_lost
# help: Keys at the end are missing where the block does not divide S: your loop counts whole blocks only.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for n in range(max(1, len(k) // block)):
        i = n * block
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: zeros_padded
# help: You fill the last block up with zero keys, and they take part: a score of 0 is a weight of e to the 0. Mask them, or let the block be short.
def tiled_attention(q, k, v, block):
    missing = -len(k) % block
    k, v = (torch.cat([t, t.new_zeros(missing, t.shape[1])]) for t in (k, v))
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: never_divided
# help: You return the weighted sum itself. The division by the running sum at the end is missing.
def tiled_attention(q, k, v, block):
    top = q.new_full((len(q), 1), -math.inf)
    out = q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        out = out * torch.exp(top - new) + torch.exp(scores - new) @ v[i : i + block]
        top = new
    return out


# %% tiled_attention: double_block
# help: You take more than `block` keys at a time: the result is right, and more scores are held than allowed.
def tiled_attention(q, k, v, block):
    block = 2 * block
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: block_of_its_own
# help: Your blocks are larger than a small `block` allows: with block = 1 a single score a query may exist at a time.
def tiled_attention(q, k, v, block):
    block = max(block, 16)
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: sums_in_float32
# help: float64 came in, and your running sums are float32. Make them with q.new_zeros, which takes the dtype from q.
def tiled_attention(q, k, v, block):
    q, k, v = q.float(), k.float(), v.float()
    top = torch.full((len(q), 1), -math.inf)
    total, out = torch.zeros(len(q), 1), torch.zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: scales_q_in_place
# help: You divide q itself by √D. It belongs to the caller, who finds it changed, and a second call divides again.
def tiled_attention(q, k, v, block):
    q /= math.sqrt(q.shape[1])
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% profile_layer: warmup_counted
# help: The slow first calls are among your times: warm-up passes run, and are thrown away.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup + repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: no_warmup
# help: Too few passes run: the warm-up comes on top of the repeats. First `warmup` passes that do not count, then `repeats` that do.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: warmup_inside_repeats
# help: Too few passes run: the warm-up comes on top of the repeats. First `warmup` passes that do not count, then `repeats` that do.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for i in range(repeats):
            started = time.perf_counter()
            layer(x)
            if i >= warmup or repeats <= warmup:
                times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: one_call_too_many
# help: The layer is called once more than asked for. A look at the shape of the output, or a call outside the loops, is a pass too.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        layer(x)
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: grads_on
# help: Your passes run with gradients: the graph that is built for each of them is part of what you time.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    for _ in range(warmup):
        layer(x)
    for _ in range(repeats):
        started = time.perf_counter()
        layer(x)
        times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: warmup_with_grads
# help: The warm-up runs with gradients, the counted passes without: it warms up something else. Put both loops into the block.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    for _ in range(warmup):
        layer(x)
    with torch.no_grad():
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: grads_left_off
# help: Gradients are still off when you are done, for the whole program. Use torch.no_grad() as a block, which puts back what was.
def profile_layer(layer, x, warmup=3, repeats=20):
    torch.set_grad_enabled(False)
    times = []
    for _ in range(warmup):
        layer(x)
    for _ in range(repeats):
        started = time.perf_counter()
        layer(x)
        times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: left_in_eval
# help: You put the layer into eval mode and leave it there. Its modes are the caller's.
def profile_layer(layer, x, warmup=3, repeats=20):
    layer.eval()
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: output_fed_back
# help: You put the output of one pass into the next: x = layer(x). Every pass gets the x that was given.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            x = layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: flags_off
# help: You switch off requires_grad of the layer's parameters and leave it off: the layer cannot be trained any more. torch.no_grad() as a block is enough.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    layer.requires_grad_(False)
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: input_flag_off
# help: You switch off requires_grad of the input and leave it off. It is the caller's; torch.no_grad() as a block is enough.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    x.requires_grad_(False)
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: milliseconds
# help: Your times are far too large, a thousand times or more: milli-, micro- or nanoseconds. Seconds were asked for.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(1000 * (time.perf_counter() - started))
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: as_text
# help: The values of your dictionary are texts. Numbers were asked for, to go on calculating with; rounding and units are for the line that prints them.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    found = {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}
    return {name: f"{seconds:.6f}" for name, seconds in found.items()}


# %% profile_layer: mean_called_median
# help: Your median is the mean. One slow pass moves a mean; the median is the middle of the sorted times.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    return {"median": sum(times) / len(times), "minimum": min(times), "maximum": max(times)}


# %% profile_layer: not_sorted
# help: Your median is the pass in the middle of the run. Sort the times first, then take the middle.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    return {"median": times[len(times) // 2], "minimum": min(times), "maximum": max(times)}


# %% profile_layer: cpu_time
# help: Your times are shorter than the passes can have been. Is the layer called between the two looks at the clock, is nothing rounded,
#   and does the clock run on while the layer waits? perf_counter does, process_time does not.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.process_time()
            layer(x)
            times.append(time.process_time() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: clock_not_restarted
# help: Your times grow from pass to pass: the clock is started once, before the loop. Each pass needs a start of its own.
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        started = time.perf_counter()
        for _ in range(repeats):
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "minimum": times[0], "maximum": times[-1]}


# %% profile_layer: total_divided
# help: You time all passes together and divide: all three numbers are the mean. A spread needs every pass by itself.
def profile_layer(layer, x, warmup=3, repeats=20):
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        started = time.perf_counter()
        for _ in range(repeats):
            layer(x)
    one = (time.perf_counter() - started) / repeats
    return {"median": one, "minimum": one, "maximum": one}


# %% profile_layer: other_names
# help: The dictionary has other names than "median", "minimum" and "maximum".
def profile_layer(layer, x, warmup=3, repeats=20):
    times = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    return {"median": times[len(times) // 2], "min": times[0], "max": times[-1]}


# %% bottleneck: blocks_counted
# help: You time a block, which takes at least as long as all that is in it. Ask the leaves only, and however deep they lie.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if name or not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: top_level_only
# help: You time a block, which takes at least as long as all that is in it. Ask the leaves only, and however deep they lie.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in list(model.named_children()) or [('', model)]:
            if True:
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: longest_single_call
# help: You keep the time of one call of a layer. One that is called often counts each time: add up over the calls of a pass.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = max(spent.get(name, 0.0), time.perf_counter() - began[name])
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: last_call_only
# help: You keep the time of one call of a layer. One that is called often counts each time: add up over the calls of a pass.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: calls_counted
# help: You count calls. A layer that is called often may still take little: add up seconds.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0) + 1
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: since_the_layer_before
# help: You measure from the end of one layer to the end of the next, so what the model does between its layers is
#   charged to one of them. Each layer has a beginning of its own.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began.setdefault('last', time.perf_counter())
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began['last']
            began['last'] = time.perf_counter()
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: fewest_seconds
# help: You give back the layer that takes least.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return min(spent, key=spent.get)


# %% bottleneck: the_class_name
# help: You give back the name of a class. The qualified name is the one in model.named_modules().
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return type(dict(model.named_modules())[max(spent, key=spent.get)]).__name__


# %% bottleneck: the_module_itself
# help: You give back the module. Its name was asked for.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return dict(model.named_modules())[max(spent, key=spent.get)]


# %% bottleneck: last_part_of_the_name
# help: You give back the last part of the name only. The qualified name has all of its dots.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get).split('.')[-1]


# %% bottleneck: root_left_out
# help: You leave out a model that has no children: it is itself the leaf, under the name ''.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if name and not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get) if spent else None


# %% bottleneck: hooks_left
# help: Your hooks are still there afterwards, and go on timing somebody else's model. Keep each handle, and remove it.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        pass
    return max(spent, key=spent.get)


# %% bottleneck: hooks_left_on_error
# help: Where the model raises, your hooks stay. Remove them in a finally.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    if True:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    for handle in handles:
        handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: everybodys_hooks_removed
# help: You clear all hooks, other people's too. Remove yours, by their handles.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for module in model.modules():
            module._forward_pre_hooks.clear()
            module._forward_hooks.clear()
    return max(spent, key=spent.get)


# %% bottleneck: with_gradients
# help: Your pass runs with gradients. Put it under torch.no_grad().
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: gradients_left_off
# help: You switch gradients off for good. torch.no_grad() as a block puts them back.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        torch.set_grad_enabled(False)
        model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: put_into_eval
# help: You put the model into eval mode. It runs in whatever mode it is in, and stays there.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []
    model.eval()

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% bottleneck: exception_swallowed
# help: What the model raises does not come out of your function. The caller has to hear of it.
def bottleneck(model, x):
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    except Exception:
        spent.setdefault('', 0.0)
    finally:
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)


# %% custom_op: relu_on_the_gate
# help: You swap the two: the ReLU belongs to x and the sigmoid to the gate.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return gate.relu() * x.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = x.sigmoid()
    return grad * gate.relu() * s * (1 - s), grad * (gate > 0) * s


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: no_relu
# help: Negative x get through: the ReLU is missing, only the gate is there.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * s, grad * x * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: tanh_gate
# help: Your gate is a tanh: it is 0 at 0 and can be negative. A sigmoid is 1/2 at 0.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.tanh()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    t = gate.tanh()
    return grad * (x > 0) * t, grad * x.relu() * (1 - t * t)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: no_autograd
# help: Forward works, and there is no gradient: the operator has no autograd formula. register_autograd takes backward and setup_context.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


# %% custom_op: no_fake
# help: The fake kernel is missing: whoever wants to know the shape without computing gets nothing.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: gradients_swapped
# help: Your two gradients are in the wrong order. They come in the order of the inputs: x first, gate second.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * x.relu() * s * (1 - s), grad * (x > 0) * s


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: upstream_ignored
# help: You return the slopes alone. The gradient from above is a factor of both.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return (x > 0) * s, x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: upstream_ignored_for_gate
# help: The gradient of the gate has lost the gradient from above: chain rule, for both inputs.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: sigmoid_slope_missing
# help: The gradient of the gate is grad · relu(x) · s, without the sigmoid's own slope: its derivative is s · (1 − s).
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: no_mask
# help: The gradient of x passes where x was negative. The ReLU stops it there: a mask from the forward input.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: gate_constant
# help: The gate gets no gradient (None): it would never learn. Both inputs have one.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    return grad * (x > 0) * gate.sigmoid(), None


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: gate_slope_of_x
# help: The gradient of the gate uses x where it needs relu(x): where x is negative the output does not move with the gate.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: writes_into_x
# help: Your kernel works in place: an input is changed after the call. The operator gives a new tensor, and changes none.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu_() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: capped
# help: Your ReLU has an upper end: a large x comes out as a smaller one. A ReLU cuts below 0 only.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.clamp(0, 6) * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: kept_in_a_global
# help: backward looks at what the last call left in a variable of the module: with two calls before a backward it is the wrong one. ctx belongs to one call.
LAST = {}


@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    LAST["inputs"] = [t.detach() for t in inputs]


def backward(ctx, grad):
    x, gate = LAST["inputs"]
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: backward_writes
# help: Your backward writes into a tensor that was saved: it is the caller's x itself, and no copy.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    x.relu_()
    return grad * (x > 0) * s, grad * x * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: fake_transposed
# help: The fake kernel says another shape than the kernel gives: sizes the other way round, or an axis too few.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return x.new_empty(x.shape[::-1])


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: fake_float32
# help: The fake kernel says float32 for every input. The result has the dtype of x.
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty(x.shape)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: fake_contiguous
# help: The fake kernel always says contiguous; for a transposed x the kernel's result has other strides. torch.empty_like keeps them.
# hidden_only: only an input in another memory order shows it, and that is one of the hidden cases
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return x.new_empty(x.shape)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def backward(ctx, grad):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return grad * (x > 0) * s, grad * x.relu() * s * (1 - s)


gated_relu.register_autograd(backward, setup_context=keep)


# %% custom_op: plain_function
# help: Nothing is registered under course::gated_relu: a plain function is no operator, and an operator of another name is another one.
def gated_relu(x, gate):
    return torch.relu(x) * torch.sigmoid(gate)


# %% export_program: static_batch
# help: Every size is fixed, the batch too: the program takes as many rows as the example had. Say with dynamic_shapes which axis is free.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.export.export(model, (example,))
    for m, training in before:
        m.training = training
    return program


# %% export_program: wrong_axis
# help: You have freed axis 1, the features. The batch is axis 0.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.export.export(model, (example,), dynamic_shapes=({1: torch.export.Dim("features")},))
    for m, training in before:
        m.training = training
    return program


# %% export_program: small_batches_only
# help: There is an upper end to your batch size. Any number of rows was asked for.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},))
    for m, training in before:
        m.training = training
    return program


# %% export_program: in_training
# help: The model, or a part of it, is in training mode while it is exported: what it does in training only is in the program for ever. eval first.
def export_program(model, example):
    return torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


# %% export_program: left_in_eval
# help: The model stays in eval mode after the export. Write the modes down before, and put them back.
def export_program(model, example):
    return torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))


# %% export_program: one_mode_for_all
# help: You put modes back with train(...), which sets all submodules below as well. A frozen one is awake now: set the `training` of each by itself.
def export_program(model, example):
    training = model.training
    program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model.train(training)
    return program


# %% export_program: always_train
# help: You end with model.train(), whatever the modes were before.
def export_program(model, example):
    program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    model.train()
    return program


# %% export_program: children_only
# help: The modes of the children come back, those of their children do not, and the model's own neither. modules() walks over all of them.
def export_program(model, example):
    before = [(m, m.training) for m in model.children()]
    program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for m, training in before:
        m.training = training
    return program


# %% export_program: graph_module
# help: You return a module to call, program.module() or the bare graph. The ExportedProgram itself was asked for: it can be saved.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for m, training in before:
        m.training = training
    return program.module()


# %% export_program: traced
# help: torch.jit.trace gives another kind of thing, the older one. torch.export.export gives an ExportedProgram.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.jit.trace(model, example)
    for m, training in before:
        m.training = training
    return program


# %% export_program: arguments_not_a_tuple
# help: The arguments go in as a tuple, also where there is one: (example,) with its comma.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    program = torch.export.export(model, (example), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for m, training in before:
        m.training = training
    return program


# %% export_program: frozen
# help: You switch off requires_grad for the export and leave it off: the model cannot be trained any more.
def export_program(model, example):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    model.requires_grad_(False)
    program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},))
    for m, training in before:
        m.training = training
    return program


# %% export_onnx: fixed_rows
# help: The file takes as many rows as the example had: no axis was declared free (dynamic_shapes; for the older exporter dynamic_axes).
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    torch.onnx.export(model, (example,), path, dynamo=True, verbose=False)
    for m, training in before:
        m.training = training


# %% export_onnx: in_training
# help: The model, or a part of it, is in training mode while it is written down. Layers that ask self.training answer so for ever: eval first.
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)
    for m, training in before:
        m.training = training


# %% export_onnx: stays_in_eval
# help: The file is right, and the model stays in eval mode. Its modes are the caller's: put each back.
def export_onnx(model, example, path):
    torch.onnx.export(model.eval(), (example,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)


# %% export_onnx: all_one_mode
# help: The file is right; afterwards submodules have the mode of the model above them. train(flag) sets all below as well, and so does the older exporter (dynamo=False): put back each by itself.
def export_onnx(model, example, path):
    training = model.training
    model.eval()
    torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)
    model.train(training)


# %% export_onnx: frozen
# help: The file is right, and requires_grad of the model is off afterwards: it cannot be trained any more.
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    model.requires_grad_(False)
    torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)
    for m, training in before:
        m.training = training


# %% export_onnx: pytorch_file
# help: The file is PyTorch's own format, under an ONNX name. torch.onnx.export writes the other one.
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    torch.save(model.state_dict(), path)
    for m, training in before:
        m.training = training


# %% export_onnx: not_written
# help: There is no file at the path: the program is made and not saved.
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    torch.onnx.export(model, (example,), dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)
    for m, training in before:
        m.training = training


# %% export_onnx: a_name_of_its_own
# help: The file is written under another name than the one that was given.
def export_onnx(model, example, path):
    before = [(m, m.training) for m in model.modules()]
    model.eval()
    torch.onnx.export(model, (example,), path + ".onnx", dynamo=True, dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False)
    for m, training in before:
        m.training = training


# %% fgsm: down_the_loss
# help: You step against the gradient, so the loss falls. An attack makes it rise.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() - eps * slope.sign()).clamp(0, 1)


# %% fgsm: the_gradient_itself
# help: You add the gradient, not its sign. Every pixel moves by eps, whatever the size of its gradient.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope).clamp(0, 1)


# %% fgsm: normalised_gradient
# help: You scale the gradient to length 1. FGSM takes the sign of every entry.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope / slope.norm()).clamp(0, 1)


# %% fgsm: not_clamped
# help: Your pixels leave [0, 1]. Clamp after the step.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return x.detach() + eps * slope.sign()


# %% fgsm: around_zero
# help: You clamp to [-1, 1]. Pixels lie in [0, 1].
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(-1, 1)


# %% fgsm: only_the_change
# help: You give back the change. The changed x was asked for.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (eps * slope.sign()).clamp(0, 1)


# %% fgsm: graph_kept
# help: What you give back still has a graph, or asks for a gradient. Detach it.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1).requires_grad_()


# %% fgsm: in_the_mode_it_is_in
# help: You take the gradient in the mode the model is in: dropout drops, and a batch norm looks at the batch. A served
#   model is in eval mode.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: left_in_eval
# help: You leave the model in eval mode. Every submodule's mode is to be as before.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        pass
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: train_at_the_end
# help: You call model.train() at the end, which wakes submodules that were in eval. Put each back by itself.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        model.train()
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: into_the_parameters
# help: Your backward() adds to the .grad of the model's parameters. torch.autograd.grad gives the one gradient you need
#   and adds nothing anywhere.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            F.cross_entropy(model(leaf), y).backward()
            slope = leaf.grad
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: gradients_cleared
# help: You clear the gradients of the model's parameters. They are somebody else's: do not touch them at all.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            F.cross_entropy(model(leaf), y).backward()
            slope = leaf.grad
            model.zero_grad()
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: not_under_no_grad
# help: Inside torch.no_grad() there is no graph for you. Turn recording on in a block of your own.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        if True:
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: x_asks_for_a_gradient
# help: You make x itself require grad, and leave it so. Work on a copy.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: parameters_frozen
# help: You freeze the model's parameters and leave them so. Their flags are to be as before.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval().requires_grad_(False)
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)


# %% fgsm: x_changed_in_place
# help: You change x itself. Give back a new tensor.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return x.data.add_(eps * slope.sign()).clamp_(0, 1)


# %% fgsm: what_the_model_says
# help: You take the model's own answer in place of the label y. The loss is that of the true label.
def fgsm(model, x, y, eps):
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():
            leaf = x.detach().clone().requires_grad_()
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), model(leaf).argmax(dim=1)), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)
