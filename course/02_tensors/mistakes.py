"""Named mistakes of chapter 2: wrong solutions that the checks must reject, each with its own help."""

import torch

# %% tensor_loss_and_grads: loss_as_python_float
# help: Your loss is a Python number. Here it stays a tensor without axes, so leave out float(...) or .item().
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum().item(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: loss_rewrapped
# help: You take the loss out as a Python number and wrap it again with torch.tensor. The new tensor is float32
#   on the CPU, whatever the inputs were. The sum already is the tensor you want.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return torch.tensor((d**2).sum().item()), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: zeros_on_the_cpu
# help: One of your tensors is made with torch.zeros(...) alone. That is float32 on the CPU, and your inputs may
#   be neither. Make it like an existing tensor, or do without it.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = torch.maximum(h, torch.zeros(h.shape))
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: mask_as_float32
# help: The gradient of w1 comes out as float32, whatever came in: .float() always means float32. The bool mask
#   can be multiplied as it is, and everything else has the right dtype already.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    grad_h = (2 * d @ w2.T).float() * (h > 0).float()
    return (d**2).sum(), x.T.float() @ grad_h, a.T @ (2 * d)


# %% tensor_loss_and_grads: everything_in_float32
# help: float64 came in and float32 went out: somewhere you call .float(). The inputs' dtype is the results'
#   dtype.
def tensor_loss_and_grads(x, y, w1, w2):
    x, y, w1, w2 = x.float(), y.float(), w1.float(), w2.float()
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: back_to_the_cpu
# help: You fetch the inputs with .cpu(). The numbers are right, but the results stay behind on the CPU: leave
#   them where they are, and every operation happens there.
def tensor_loss_and_grads(x, y, w1, w2):
    x, y, w1, w2 = x.cpu(), y.cpu(), w1.cpu(), w2.cpu()
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: targets_in_place
# help: y -= … writes into the caller's targets. After one call they are gone: y = y - …, or a name of its own,
#   makes a new tensor.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    y -= y_pred
    g = -2 * y
    return (y**2).sum(), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% tensor_loss_and_grads: no_shape_check
# help: Targets of another shape were stretched to fit, without a word. Compare the shapes and raise ValueError.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    d = a @ w2 - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: mean_loss
# help: Your loss is a mean. This network adds the squares up: the loss is their sum, and the gradients are those of
#   the sum.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = (y_pred - y) / y.numel()
    return ((y_pred - y) ** 2).mean(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: loss_alone_averaged
# help: Your loss is a mean. This network adds the squares up: the loss is their sum, and the gradients are those of
#   the sum.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return ((y_pred - y) ** 2).mean(), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% tensor_loss_and_grads: relu_forgotten_backward
# help: No mask on the way back: the gradient of w1 gets a share from hidden values that the ReLU had cut off.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ (2 * d @ w2.T), a.T @ (2 * d)


# %% tensor_loss_and_grads: clamped_from_above
# help: Your ReLU is upside down: clamp(max=0) keeps what is negative.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(max=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h < 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: factor_two_missing
# help: The loss is right and both gradients are half as large as they should be. What is the derivative of d²?
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), x.T @ ((d @ w2.T) * (h > 0)), a.T @ d


# %% tensor_loss_and_grads: gradients_swapped
# help: The two gradients are in each other's place. The order is loss, grad_w1, grad_w2.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum(), a.T @ (2 * d), x.T @ ((2 * d @ w2.T) * (h > 0))


# %% tensor_loss_and_grads: loss_keeps_an_axis
# help: Your loss has shape (1,) where it should have none: a sum over everything, without keepdim, has no axes.
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    d = y_pred - y
    return (d**2).sum().reshape(1), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% one_hot: whole_numbers
# help: Your table is int64. Networks multiply it with float32 weights, so it has to be float32.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).long()


# %% one_hot: true_and_false
# help: You return the comparison itself, True and False. Turn it into numbers, float32 ones.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    return labels.unsqueeze(-1) == torch.arange(num_classes)


# %% one_hot: no_check
# help: A label outside the classes gives a row of zeros, and nobody hears of it. Look at all labels first and
#   raise ValueError.
def one_hot(labels, num_classes):
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()


# %% one_hot: identity_wraps_around
# help: A negative label goes through and counts from the end, as everywhere in Python. Check both ends of the range
#   before you index, and raise ValueError.
def one_hot(labels, num_classes):
    return torch.eye(num_classes)[labels]


# %% one_hot: negative_accepted
# help: A negative label goes through and counts from the end, as everywhere in Python. Check both ends of the range
#   before you index, and raise ValueError.
def one_hot(labels, num_classes):
    if (labels >= num_classes).any():
        raise ValueError("labels out of range")
    return torch.eye(num_classes)[labels]


# %% one_hot: one_too_many
# help: The label num_classes itself is let through: classes are counted from 0, so the last one is num_classes
#   - 1.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels > num_classes)).any():
        raise ValueError("labels out of range")
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()


# %% one_hot: last_class_refused
# help: You refuse the last class. Labels go up to num_classes - 1, that one included.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes - 1)).any():
        raise ValueError("labels out of range")
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()


# %% one_hot: one_axis_only
# help: This works for a row of labels only: with two axes of labels, the pairs of indices no longer fit. Let
#   the new axis be the last one, however many come before.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    table = torch.zeros(len(labels), num_classes)
    table[torch.arange(len(labels)), labels] = 1
    return table


# %% one_hot: flattened
# help: You flatten the labels and never give them their shape back: the result has labels.shape, and then the
#   classes.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    return (labels.reshape(-1, 1) == torch.arange(num_classes)).float()


# %% one_hot: classes_first
# help: Your classes are on the first axis. They belong on the last: labels.shape + (num_classes,).
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    classes = torch.arange(num_classes).reshape([-1] + [1] * labels.dim())
    return (labels.unsqueeze(0) == classes).float()


# %% one_hot: classes_counted
# help: You count the classes from the labels. A class that happens not to occur is missing then: take
#   num_classes.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    return (labels.unsqueeze(-1) == torch.arange(int(labels.max()) + 1)).float()


# %% one_hot: clamped
# help: You push bad labels to the nearest class. That hides the mistake of whoever made them: raise ValueError.
def one_hot(labels, num_classes):
    return torch.eye(num_classes)[labels.clamp(0, num_classes - 1)]


# %% one_hot: double
# help: Your table is float64. The statement asks for float32.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("labels out of range")
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).double()


# %% one_hot: asserted
# help: An assert raises AssertionError, and under `python -O` nothing. Raise ValueError yourself.
def one_hot(labels, num_classes):
    assert ((labels >= 0) & (labels < num_classes)).all()
    return torch.eye(num_classes)[labels]


# %% one_hot: scattered_unchecked
# help: scatter raises a RuntimeError of torch's own for a label that does not fit. Look at the labels first, and raise
#   ValueError.
def one_hot(labels, num_classes):
    return torch.zeros(*labels.shape, num_classes).scatter_(-1, labels.unsqueeze(-1), 1.0)


# %% one_hot: only_negative_refused
# help: Negative labels are refused, and those that are too large get a row of zeros. Check both ends.
def one_hot(labels, num_classes):
    if (labels < 0).any():
        raise ValueError("negative label")
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()


# %% one_hot: view_of_strided_labels
# help: `view` fails where the labels are not contiguous, after a transpose for one. `reshape` copies where it has to.
def one_hot(labels, num_classes):
    if ((labels < 0) | (labels >= num_classes)).any():
        raise ValueError("label outside the classes")
    out = torch.zeros(labels.numel(), num_classes)
    out[torch.arange(labels.numel()), labels.view(-1)] = 1.0
    return out.view(*labels.shape, num_classes)


# %% same_storage: first_entries
# help: You compare where the tensors' first entries lie. A row or a slice begins later in the same storage: ask
#   each tensor for its storage, and where that begins.
def same_storage(a, b):
    return a.data_ptr() == b.data_ptr()


# %% same_storage: same_object
# help: You ask whether both names mean one Python object. A view is a new object over the old storage.
def same_storage(a, b):
    return a is b


# %% same_storage: equal_values
# help: You compare the numbers. A copy has equal numbers and a storage of its own.
def same_storage(a, b):
    return torch.equal(a, b)


# %% same_storage: overlapping_addresses
# help: You compare the stretches of memory that the two tensors read. The question is about the storage: two
#   halves of it never meet, and share it all the same.
def same_storage(a, b):
    def stretch(t):
        reach = sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True)) + 1
        return t.data_ptr(), t.data_ptr() + reach * t.element_size()

    (a_first, a_last), (b_first, b_last) = stretch(a), stretch(b)
    return a_first < b_last and b_first < a_last


# %% same_storage: same_cells
# help: What you find out is whether the two have a cell in common. Two slices of one tensor may have none and still
#   share the storage: ask for the storage.
def same_storage(a, b):
    def cells(t):
        found = [t.data_ptr()]
        for n, s in zip(t.shape, t.stride(), strict=True):
            found = [address + i * s * t.element_size() for address in found for i in range(n)]
        return set(found)

    return bool(cells(a) & cells(b))


# %% same_storage: base_of_one
# help: You go by the tensor that a view was taken from. Not every view remembers it (detach() and view(dtype) leave
#   other traces), and two views of a third tensor share a storage too: ask each tensor for its storage.
def same_storage(a, b):
    return a is b or a._base is b or b._base is a


# %% same_storage: base_of_both
# help: You go by the tensor that a view was taken from. Not every view remembers it (detach() and view(dtype) leave
#   other traces), and two views of a third tensor share a storage too: ask each tensor for its storage.
def same_storage(a, b):
    base_a, base_b = (t if t._base is None or t.dtype != t._base.dtype else t._base for t in (a, b))
    return base_a is base_b


# %% same_storage: offset_and_size
# help: You compare sizes and offsets. Two storages of one size are still two: compare where they lie.
def same_storage(a, b):
    return a.untyped_storage().nbytes() == b.untyped_storage().nbytes()


# %% same_storage: tensor_as_answer
# help: Your answer is a tensor, not Python's True or False. bool(...) turns one into the other.
def same_storage(a, b):
    return torch.tensor(a.untyped_storage().data_ptr()) == torch.tensor(b.untyped_storage().data_ptr())


# %% same_storage: tried_by_writing
# help: What you find out is whether the two have a cell in common. Two slices of one tensor may have none and still
#   share the storage: ask for the storage.
def same_storage(a, b):
    before = b.clone()
    a.add_(1)
    return not torch.equal(before, b)


# %% same_storage: dtypes_compared_too
# help: You also ask for equal dtypes. A tensor reinterpreted as another dtype still looks at the same cells.
def same_storage(a, b):
    return a.dtype == b.dtype and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


# %% same_storage: shapes_compared_too
# help: You also ask for equal shapes. A slice or a transpose has another shape and looks at the same storage.
def same_storage(a, b):
    return a.shape == b.shape and a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()


# %% same_storage: four_bytes_an_entry
# help: You walk back from the first entry in steps of 4 bytes. An entry of float64 has 8: there is element_size(), and
#   the storage can be asked directly.
def same_storage(a, b):
    return a.data_ptr() - 4 * a.storage_offset() == b.data_ptr() - 4 * b.storage_offset()


# %% sliding_windows: stacked
# help: Your windows are a copy: stack, cat, clone and indexing with a list of positions all make new memory.
#   The numbers are right, but writing into x no longer shows. A view needs strides and nothing else.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return torch.stack([x[i : i + size] for i in range(len(x) - size + 1)])


# %% sliding_windows: strides_of_one
# help: Your strides are 1, whatever x is. For a column or for every second entry the neighbour lies further
#   away: take x's own stride.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.as_strided((len(x) - size + 1, size), (1, 1))


# %% sliding_windows: offset_of_zero
# help: Your windows begin where the storage begins. x may begin later in it: leave the offset to torch, or take
#   x.storage_offset().
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.as_strided((len(x) - size + 1, size), (x.stride(0), x.stride(0)), 0)


# %% sliding_windows: made_contiguous
# help: contiguous() copies where x is strided, and your windows look at the copy. The strides of x itself will
#   do.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.contiguous().unfold(0, size, 1)


# %% sliding_windows: last_window_missing
# help: The last window is missing: T entries hold T - size + 1 windows.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.as_strided((len(x) - size, size), (x.stride(0), x.stride(0)))


# %% sliding_windows: side_by_side
# help: Your windows lie side by side and do not overlap. Each begins one entry after the one before.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.unfold(0, size, size)


# %% sliding_windows: transposed
# help: Rows and columns are swapped: each row is one window, so the shape is (T - size + 1, size).
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("the window does not fit")
    return x.unfold(0, size, 1).T


# %% sliding_windows: no_check
# help: A window that does not fit gives torch's own RuntimeError, and a window of 0 gives no error at all.
#   Check the size and raise ValueError.
def sliding_windows(x, size):
    return x.unfold(0, size, 1)


# %% sliding_windows: only_too_long
# help: A size of 0 gets through. A window has at least one entry.
def sliding_windows(x, size):
    if size > len(x):
        raise ValueError("the window does not fit")
    return x.unfold(0, size, 1)


# %% sliding_windows: only_too_short
# help: A window that is too long still ends in torch's own RuntimeError. Compare size with len(x) too, and raise
#   ValueError.
def sliding_windows(x, size):
    if size < 1:
        raise ValueError("a window has at least one entry")
    return x.unfold(0, size, 1)


# %% sliding_windows: windows_of_one_refused
# help: A window of one entry is refused. The smallest size allowed is 1.
def sliding_windows(x, size):
    if size <= 1 or size > len(x):
        raise ValueError("size")
    return x.unfold(0, size, 1)


# %% sliding_windows: list_of_slices
# help: You return a list of slices. Each of them is a view, but one tensor of shape (T - size + 1, size) is asked for.
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError("size")
    return [x[i : i + size] for i in range(len(x) - size + 1)]


# %% sliding_windows: full_length_refused
# help: You refuse a window as long as the series. It fits exactly once.
def sliding_windows(x, size):
    if not 1 <= size < len(x):
        raise ValueError("the window does not fit")
    return x.unfold(0, size, 1)


# %% sliding_windows: cut_by_the_storage
# help: You read on to the end of the storage. x may end earlier: count the windows from len(x).
def sliding_windows(x, size):
    step = x.stride(0)
    left = (x.untyped_storage().nbytes() // x.element_size() - x.storage_offset() + step - 1) // step
    if not 1 <= size <= left:
        raise ValueError("the window does not fit")
    return x.as_strided((len(x) - size + 1 if size <= len(x) else 1, size), (step, step))


# %% pairwise_sq_dists: not_clamped
# help: Rounding leaves some of your distances a little below zero. What was pushed below zero was zero: cut it
#   off there.
def pairwise_sq_dists(a, b):
    return (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T


# %% pairwise_sq_dists: plus_the_product
# help: The product term has the wrong sign: (a - b)² is a² + b² minus 2ab.
def pairwise_sq_dists(a, b):
    return ((a * a).sum(1)[:, None] + (b * b).sum(1) + 2 * a @ b.T).clamp(min=0)


# %% pairwise_sq_dists: product_once
# help: The product is taken off once. (a - b)² has it twice: minus 2ab.
def pairwise_sq_dists(a, b):
    return ((a * a).sum(1)[:, None] + (b * b).sum(1) - a @ b.T).clamp(min=0)


# %% pairwise_sq_dists: square_root
# help: You take the root at the end. Squared distances are asked for.
def pairwise_sq_dists(a, b):
    return ((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T).clamp(min=0).sqrt()


# %% pairwise_sq_dists: transposed
# help: Rows and columns are swapped. A row belongs to a point of a, a column to a point of b: (N, M).
def pairwise_sq_dists(a, b):
    return ((b * b).sum(1)[:, None] + (a * a).sum(1) - 2 * b @ a.T).clamp(min=0)


# %% pairwise_sq_dists: row_by_row
# help: You subtract row n of b from row n of a, pair by pair. Every row of a has to meet every row of b: give
#   one of them an axis of size 1.
def pairwise_sq_dists(a, b):
    return ((a - b) ** 2).sum(-1)


# %% pairwise_sq_dists: mean_over_coordinates
# help: You average over the coordinates. A squared distance is their sum.
def pairwise_sq_dists(a, b):
    return ((a[:, None] - b[None]) ** 2).mean(-1)


# %% pairwise_sq_dists: absolute_differences
# help: You add up absolute differences. Square them first: 3 and 4 give 25, not 7.
def pairwise_sq_dists(a, b):
    return (a[:, None] - b[None]).abs().sum(-1)


# %% pairwise_sq_dists: one_call_a_row
# help: Something of yours still runs once for every point, in Python; map does. Give both tables an axis of size 1 and let
#   broadcasting do all at once.
def pairwise_sq_dists(a, b):
    return torch.stack(list(map(lambda row: ((row - b) ** 2).sum(-1), a)))


# %% pairwise_sq_dists: nan_hidden
# help: You set what is negative to something else than zero. Rounding pushed it below zero: zero is the nearest
#   right answer.
def pairwise_sq_dists(a, b):
    table = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
    return torch.where(table < 0, torch.full_like(table, 1.0), table)


# %% pairwise_sq_dists: centred_in_place
# help: You move the points to their centre with -=, and the caller's points move as well. Write a = a - …,
#   which makes a new tensor.
def pairwise_sq_dists(a, b):
    centre = a.mean(0, keepdim=True).clone()
    a -= centre
    b -= centre
    return ((a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T).clamp(min=0)


# %% pairwise_sq_dists: always_float32
# help: float64 points give a float32 table: somewhere you call .float().
def pairwise_sq_dists(a, b):
    return (a[:, None].float() - b[None].float()).square().sum(-1)


# %% pairwise_sq_dists: summed_over_the_points
# help: You sum over the points of b and keep the coordinates. The axis that goes away is the last one, the coordinates.
def pairwise_sq_dists(a, b):
    return (a[:, None] - b[None]).pow(2).sum(1)


# %% pairwise_sq_dists: pairwise_distance
# help: F.pairwise_distance adds 1e-6 to every difference before it squares: float64 shows it. Pass eps=0, or square the
#   differences yourself.
def pairwise_sq_dists(a, b):
    return torch.nn.functional.pairwise_distance(a[:, None], b[None]) ** 2


# %% gather_nll: sign_missing
# help: Your loss has the wrong sign: log-probabilities are negative, and the loss is minus their mean.
def gather_nll(log_probs, labels):
    return log_probs.gather(1, labels[:, None]).mean()


# %% gather_nll: sum_for_mean
# help: You add the examples up. The loss is their mean.
def gather_nll(log_probs, labels):
    return -log_probs.gather(1, labels[:, None]).sum()


# %% gather_nll: whole_columns
# help: log_probs[:, labels] takes whole columns: an (N, N) table, one column for each label. Pair each label
#   with its own row.
def gather_nll(log_probs, labels):
    return -log_probs[:, labels].mean()


# %% gather_nll: mean_over_classes
# help: Your sum is right, but you divide by N times C: the mean runs over all entries of a table that is mostly
#   zeros. Divide by N.
def gather_nll(log_probs, labels):
    truth = torch.eye(log_probs.shape[1], dtype=log_probs.dtype)[labels]
    return -(log_probs * truth).mean()


# %% gather_nll: not_averaged
# help: You return one number for each example. The loss is one number: their mean.
def gather_nll(log_probs, labels):
    return -log_probs[torch.arange(len(labels)), labels]


# %% gather_nll: keeps_an_axis
# help: Your loss has shape (1,): gather keeps the axis, and a mean over dim=0 leaves it there. Take the mean
#   over everything.
def gather_nll(log_probs, labels):
    return -log_probs.gather(1, labels[:, None]).mean(dim=0)


# %% gather_nll: python_number
# help: Your loss is a Python number. It should stay a tensor without axes.
def gather_nll(log_probs, labels):
    return -log_probs.gather(1, labels[:, None]).mean().item()


# %% gather_nll: gathered_down_the_batch
# help: You gather along axis 0: the label then picks an example, not a class. Classes are on axis 1.
def gather_nll(log_probs, labels):
    return -log_probs.gather(0, labels[None]).mean()


# %% gather_nll: softmax_again
# help: You apply log_softmax to what is already a table of log-probabilities. Take the entries as they are.
def gather_nll(log_probs, labels):
    return -torch.log_softmax(log_probs, 1).gather(1, labels[:, None]).mean()


# %% gather_nll: log_again
# help: You take the logarithm once more: log_probs holds logarithms already, and the log of a negative number
#   is NaN.
def gather_nll(log_probs, labels):
    return -log_probs.log().gather(1, labels[:, None]).mean()


# %% gather_nll: one_call_an_example
# help: Something of yours still runs once for every example, in Python; map does. Index all rows at once with two tensors, or gather.
def gather_nll(log_probs, labels):
    return -torch.stack(list(map(lambda row, label: row[label], log_probs, labels))).mean()


# %% gather_nll: float32_table
# help: float64 log-probabilities give a float32 loss. Keep the dtype you were given.
def gather_nll(log_probs, labels):
    return -log_probs.float().gather(1, labels[:, None]).mean()


# %% gather_nll: largest_entry
# help: You take the largest entry of each row: what the network believes. The loss asks for the entry at the
#   label.
def gather_nll(log_probs, labels):
    return -log_probs.max(1).values.mean()


# %% gather_nll: index_as_a_row
# help: Your index has shape (1, N): gather then reads only the first row of the table. It needs one row for each
#   example, (N, 1).
def gather_nll(log_probs, labels):
    return -log_probs.gather(1, labels[None]).mean()


# %% gather_nll: view_of_a_strided_table
# help: `view` fails where the table is not contiguous. `reshape` copies where it has to; picking needs neither.
def gather_nll(log_probs, labels):
    n, c = log_probs.shape
    return -log_probs.view(-1)[labels + c * torch.arange(n)].mean()


# %% gather_nll: negated_in_place
# help: `neg_` with the underscore turns the sign in the caller's table. Without it you get a new tensor.
def gather_nll(log_probs, labels):
    return log_probs.neg_().gather(1, labels[:, None]).mean()


# %% masked_mean: multiplied_by_mask
# help: You multiply by the mask. 0 times NaN is NaN, so a gap still has influence: choose with where or
#   masked_fill.
def masked_mean(x, mask, dim):
    return (x * mask).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: length_of_the_row
# help: You divide by the length of the axis. Count only the entries whose mask is True.
def masked_mean(x, mask, dim):
    return torch.where(mask, x, 0).mean(dim)


# %% masked_mean: zero_by_zero
# help: Where no entry is real you divide 0 by 0, and that is NaN. The answer there is 0.
def masked_mean(x, mask, dim):
    return torch.where(mask, x, 0).sum(dim) / mask.sum(dim)


# %% masked_mean: mask_inverted
# help: You average what is False. True marks the entries that count.
def masked_mean(x, mask, dim):
    return x.masked_fill(mask, 0).sum(dim) / (~mask).sum(dim).clamp(min=1)


# %% masked_mean: last_axis_only
# help: You take the same axis every time, the last. dim says which one goes away.
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(-1) / mask.sum(-1).clamp(min=1)


# %% masked_mean: over_everything
# help: x[mask] forgets the shape: you get one mean of all real entries. One is asked for along the axis dim.
def masked_mean(x, mask, dim):
    return x[mask].mean()


# %% masked_mean: axis_kept
# help: The axis dim is still there, with size 1. It should be gone: leave out keepdim.
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim, keepdim=True) / mask.sum(dim, keepdim=True).clamp(min=1)


# %% masked_mean: filled_in_place
# help: You write into x itself (masked_fill_ with the underscore does, and so does x[~mask] = 0): the caller's gaps
#   are gone. Make a new tensor.
def masked_mean(x, mask, dim):
    return x.masked_fill_(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: count_plus_one
# help: Your divisor is one too large everywhere. Only a count of 0 needs help.
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim) / (mask.sum(dim) + 1)


# %% masked_mean: sum_only
# help: That is the sum of the real entries. Divide it by how many there are.
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim)


# %% masked_mean: detached
# help: No gradient reaches x: detach, .data, .item() or no_grad on the way cuts the connection. Use operations
#   on x itself.
def masked_mean(x, mask, dim):
    return x.detach().masked_fill(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: divisor_in_float32
# help: The counts become float32 and the entries too: float64 comes out as float32.
def masked_mean(x, mask, dim):
    return x.float().masked_fill(~mask, 0).sum(dim) / mask.float().sum(dim).clamp(min=1)


# %% masked_mean: mask_ignored
# help: That is the mean of all entries. Those whose mask is False do not count, neither in the sum nor in the divisor.
def masked_mean(x, mask, dim):
    return x.mean(dim)


# %% masked_mean: one_count_for_all
# help: You divide every sum by the number of real entries in the whole tensor. Count along dim, as you add along dim.
def masked_mean(x, mask, dim):
    return torch.where(mask, x, 0).sum(dim) / mask.sum().clamp(min=1)


# %% batched_scores: turned_over_completely
# help: All axes of k are turned around, the leading ones too (.T does that). Only the last two change places.
def batched_scores(q, k):
    return q @ k.permute(*range(k.dim() - 1, -1, -1))


# %% batched_scores: axes_one_and_two
# help: You swap axes 1 and 2. Those are the right two for exactly one leading axis: count from the end.
def batched_scores(q, k):
    return q @ k.transpose(1, 2)


# %% batched_scores: bmm_only
# help: bmm takes tensors with exactly three axes. With none or two leading axes it refuses: @ takes any number.
def batched_scores(q, k):
    return torch.bmm(q, k.transpose(-2, -1))


# %% batched_scores: reshaped
# help: reshape gives k the right shape, but it reads the same cells in the same order: it is no transpose.
def batched_scores(q, k):
    return q @ k.reshape(*k.shape[:-2], k.shape[-1], k.shape[-2])


# %% batched_scores: not_transposed
# help: k is not turned around: the last axis of q has to meet the last axis of k. Without a transpose it fits
#   only where k is square, and is wrong there.
def batched_scores(q, k):
    return q @ k


# %% batched_scores: scaled
# help: You divide by the root of D. That belongs to attention, in chapter 9; these are plain dot products.
def batched_scores(q, k):
    return q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5


# %% batched_scores: softmaxed
# help: Your rows sum to 1: you already apply the softmax. Return the scores.
def batched_scores(q, k):
    return (q @ k.transpose(-2, -1)).softmax(-1)


# %% batched_scores: keys_by_queries
# help: Your table is (…, S, L): keys down and queries across. It should be the other way round.
def batched_scores(q, k):
    return k @ q.transpose(-2, -1)


# %% batched_scores: pair_by_pair
# help: You multiply row l of q with row l of k only. Every row of q has to meet every row of k.
def batched_scores(q, k):
    return (q * k).sum(-1)


# %% batched_scores: one_batch_axis
# help: Your einsum names one leading axis, b. Three dots stand for any number of them.
def batched_scores(q, k):
    return torch.einsum("bld,bsd->bls", q, k)


# %% batched_scores: normalised
# help: You divide every row by its length: those are cosines. Plain dot products are asked for.
def batched_scores(q, k):
    q, k = q / q.norm(dim=-1, keepdim=True), k / k.norm(dim=-1, keepdim=True)
    return q @ k.transpose(-2, -1)


# %% batched_scores: four_axes_only
# help: Your einsum names every axis, so it works for one number of axes only. `...` stands for however many come first.
def batched_scores(q, k):
    return torch.einsum("bhld,bhsd->bhls", q, k)


# %% batched_scores: view_of_strided
# help: `view` fails where the leading axes are not in the order of memory. `reshape` copies where it has to, and
#   counting axes from the end needs neither.
def batched_scores(q, k):
    first, second = q.view(-1, *q.shape[-2:]), k.view(-1, *k.shape[-2:])
    return torch.bmm(first, second.transpose(1, 2)).view(*q.shape[:-1], k.shape[-2])


# %% batched_scores: axes_of_one_dropped
# help: A single query or key loses its axis: squeeze takes every axis of length 1, those that mean something too.
def batched_scores(q, k):
    return (q @ k.transpose(-2, -1)).squeeze()


# %% batched_scores: across_the_batch
# help: Every query meets the keys of every other batch entry as well. Leading axes stay paired: only L meets S.
def batched_scores(q, k):
    return torch.tensordot(q, k, dims=([-1], [-1]))


# %% masked_mean: small_number_in_the_divisor
# help: You add a small number to every count. Where something is real the mean is off by it, and float64 shows it: only a
#   count of 0 needs help.
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim) / (mask.sum(dim) + 1e-6)


# %% masked_mean: nan_swallowed
# help: A NaN under True is replaced too: nan_to_num and isfinite ask the number, and only the mask says what counts.
def masked_mean(x, mask, dim):
    return (x.nan_to_num(0.0, 0.0, 0.0) * mask).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: nan_replaced_at_the_end
# help: A NaN under True is replaced too: nan_to_num and isfinite ask the number, and only the mask says what counts.
def masked_mean(x, mask, dim):
    kept = torch.where(mask, x, 0)
    return (kept / mask.sum(dim, keepdim=True)).sum(dim).nan_to_num(0.0)
