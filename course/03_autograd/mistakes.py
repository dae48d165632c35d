"""Named mistakes of chapter 3: wrong solutions that the checks must reject, each with its own help."""

import torch

# %% autograd_train: never_cleared
# help: From the second step on your gradients are sums over all steps so far: backward() adds to .grad. Clear both in
#   every round of the loop.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
    return losses


# %% autograd_train: cleared_after_the_loop
# help: From the second step on your gradients are sums over all steps so far: backward() adds to .grad. Clear both in
#   every round of the loop.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
    w1.grad = w2.grad = None
    return losses


# %% autograd_train: only_one_cleared
# help: One of the two weights keeps its old gradient from step to step. Clear the .grad of both.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
        w1.grad = None
    return losses


# %% autograd_train: cleared_before_the_update
# help: You fill .grad with zeros between backward() and the update, so nothing moves. The order is
#   backward, update, clear.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        w1.grad.zero_()
        w2.grad.zero_()
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
    return losses


# %% autograd_train: stale_gradients_count
# help: Your first step still uses what .grad held before the call. Clear before the first backward(), not
#   only after updates.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
    return losses


# %% autograd_train: last_gradient_left
# help: You clear at the start of each round only, so the gradient of the last step is still in .grad when
#   you return.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        w1.grad = w2.grad = None
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
    return losses


# %% autograd_train: new_tensors
# help: You train new tensors under the old names. The caller's w1 and w2 have not moved: write into them,
#   in place.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        g1, g2 = torch.autograd.grad(loss, (w1, w2))
        w1 = (w1 - lr * g1).detach().requires_grad_()
        w2 = (w2 - lr * g2).detach().requires_grad_()
    return losses


# %% autograd_train: data_replaced
# help: Assigning to .data gives the weight other memory. Whoever shares the old memory sees no update:
#   change the numbers where they are.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        for w in (w1, w2):
            w.data = w.data - lr * w.grad
            w.grad = None
    return losses


# %% autograd_train: watched_update
# help: Autograd is watching while you change a leaf in place, and refuses. The update belongs under
#   torch.no_grad().
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        w1 -= lr * w1.grad
        w2 -= lr * w2.grad
        w1.grad = w2.grad = None
    return losses


# %% autograd_train: rebound_and_no_longer_leaves
# help: After `w = w - …` the name holds a computed tensor, not the leaf, and computed tensors get no
#   .grad. Update the leaf in place.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        w1 = w1 - lr * w1.grad
        w2 = w2 - lr * w2.grad
    return losses


# %% autograd_train: no_graph_at_all
# help: The loss is computed under no_grad, so there is no graph and backward() has nowhere to go. Only
#   the update belongs there.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    with torch.no_grad():
        for _ in range(steps):
            loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
            losses.append(loss.item())
            loss.backward()
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
            w1.grad = w2.grad = None
    return losses


# %% autograd_train: losses_are_tensors
# help: Your list holds tensors, each with its graph and all the graph had kept. Take the number out of
#   each loss.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss)
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
    return losses


# %% autograd_train: mean_loss
# help: Your loss is the mean of the squares. Chapter 1's loss is their sum, and its learning rates are
#   made for that.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).mean()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
    return losses


# %% autograd_train: only_one_weight_moves
# help: Only w1 learns. The second weight has a gradient too: move both.
def autograd_train(x, y, w1, w2, lr, steps):
    w1.grad = w2.grad = None
    losses = []
    for _ in range(steps):
        loss = ((torch.relu(x @ w1) @ w2 - y) ** 2).sum()
        loss.backward()
        losses.append(loss.item())
        with torch.no_grad():
            w1 -= lr * w1.grad
        w1.grad = w2.grad = None
    return losses


# %% autograd_train: stops_when_it_is_good
# help: You stop before the last step where the loss is small. Whoever asks for five steps gets five losses.
def autograd_train(x, y, w1, w2, lr, steps):
    w1.grad = w2.grad = None
    losses = []
    for _ in range(steps):
        loss = ((torch.relu(x @ w1) @ w2 - y) ** 2).sum()
        loss.backward()
        losses.append(loss.item())
        if losses[-1] < 1e-4:
            w1.grad = w2.grad = None
            break
        with torch.no_grad():
            w1 -= lr * w1.grad
            w2 -= lr * w2.grad
        w1.grad = w2.grad = None
    return losses


# %% autograd_train: uphill
# help: You add the gradient, and the loss climbs. Downhill is against the gradient.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w += lr * w.grad
                w.grad = None
    return losses


# %% autograd_train: loss_after_the_update
# help: Your losses come one update late: the first one should belong to the weights you were given.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
            losses.append((torch.relu(x @ w1) @ w2 - y).pow(2).sum().item())
    return losses


# %% autograd_train: one_weight_after_the_other
# help: w2's gradient is taken after w1 has already moved. Both gradients belong to one point: one
#   backward(), then both updates.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        losses.append((torch.relu(x @ w1) @ w2 - y).pow(2).sum().item())
        for w in (w1, w2):
            (torch.relu(x @ w1) @ w2 - y).pow(2).sum().backward()
            with torch.no_grad():
                w -= lr * w.grad
            w1.grad = w2.grad = None
    return losses


# %% autograd_train: relu_forgotten
# help: There is no ReLU between the two products: two linear layers in a row are one.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (x @ w1 @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
    return losses


# %% autograd_train: flag_switched_off
# help: You switch requires_grad off for the update and never on again: the weights no longer ask for a
#   gradient.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        for w in (w1, w2):
            w.requires_grad_(False)
            w -= lr * w.grad
            w.grad = None
    return losses


# %% autograd_train: cleared_in_the_loop_only
# help: Where steps is 0 the loop never runs, and what .grad held before the call is still there. Clear before the loop,
#   or after it.
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        w1.grad = w2.grad = None
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None
    return losses


# %% sgd_update: never_cleared
# help: The gradients are still in .grad after your call. backward() will add the next ones to them.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad


# %% sgd_update: rebound
# help: `p = p - …` makes a new tensor and gives it the name p for one round. The parameter in the list
#   has not moved.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p = p - lr * p.grad
                p.grad = None


# %% sgd_update: data_replaced
# help: Assigning to .data gives the parameter new memory. In place means new numbers in the memory it
#   has.
def sgd_update(params, lr):
    for p in params:
        if p.grad is not None:
            p.data = p.data - lr * p.grad
            p.grad = None


# %% sgd_update: second_walk_over_a_generator
# help: You loop twice. After the first loop a generator is empty, so nothing was cleared. One loop can do
#   both.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad
    for p in params:
        p.grad = None


# %% sgd_update: none_not_handled
# help: One of the parameters has no gradient, .grad is None, and a number times None is an error. Ask
#   first.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: stops_at_none
# help: At the first parameter without a gradient you stop altogether. Skip that one and go on.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                break
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: counted_by_index
# help: A generator has no length and no first element. Walk over the parameters themselves, without an index.
def sgd_update(params, lr):
    with torch.no_grad():
        for i in range(len(params)):
            if params[i].grad is not None:
                params[i] -= lr * params[i].grad
                params[i].grad = None


# %% sgd_update: left_frozen
# help: Your parameters no longer require grad: you switch the flag off for the update, and it stays off.
def sgd_update(params, lr):
    for p in params:
        if p.grad is not None:
            p.requires_grad_(False)
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: autograd_switched_on
# help: You switch autograd on at the end, also where it was off when you were called. A with block puts back what it
#   found.
def sgd_update(params, lr):
    torch.set_grad_enabled(False)
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad
            p.grad = None
    torch.set_grad_enabled(True)


# %% sgd_update: watched_update
# help: Autograd refuses an in-place change to a leaf that it watches. Tell it to look away while you
#   update.
def sgd_update(params, lr):
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: uphill
# help: You go in the direction of the gradient, and that is uphill: subtract.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p += lr * p.grad
                p.grad = None


# %% sgd_update: learning_rate_ignored
# help: You subtract the whole gradient. The learning rate scales it first.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= p.grad
                p.grad = None


# %% sgd_update: cleared_first
# help: You clear before you update, so every step subtracts zeros. The order is update, then clear.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.grad.zero_()
                p -= lr * p.grad


# %% sgd_update: only_the_last_cleared
# help: Only the last parameter is cleared: the clearing stands outside the loop.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad
    p.grad = None


# %% sgd_update: flag_lost
# help: Afterwards the parameters no longer require grad. detach_() and requires_grad_(False) last;
#   no_grad() is for one block.
def sgd_update(params, lr):
    for p in params:
        p.detach_()
        if p.grad is not None:
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: autograd_switched_off
# help: You switch autograd off for the whole program and it stays off. A with block switches it on again
#   at its end.
def sgd_update(params, lr):
    torch.set_grad_enabled(False)
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad
            p.grad = None


# %% sgd_update: gradient_normalised
# help: You divide the gradient by its length and keep only its direction. Plain descent takes it as it
#   is.
def sgd_update(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad / (p.grad.norm() + 1e-12)
                p.grad = None


# %% target_loss: nothing_detached
# help: Gradient reaches the target as well: both outputs still have their graphs. Cut one of the two.
def target_loss(online, target, x):
    return (online(x) - target(x)).pow(2).mean()


# %% target_loss: wrong_side_detached
# help: You cut the online side, so the target learns and online does not. It is the other way round.
def target_loss(online, target, x):
    return (online(x).detach() - target(x)).pow(2).mean()


# %% target_loss: both_sides_cut
# help: Both forward passes run under no_grad, so the loss has no graph at all and backward() fails. Only
#   the target's may.
def target_loss(online, target, x):
    with torch.no_grad():
        return (online(x) - target(x)).pow(2).mean()


# %% target_loss: a_plain_number
# help: You return a Python float. Numbers have no graph: return the tensor and let the caller take the
#   number out.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).pow(2).mean().item()


# %% target_loss: sum_for_mean
# help: You add up the squares. The statement asks for their mean over all entries.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).pow(2).sum()


# %% target_loss: mean_over_the_batch_only
# help: You average over the batch but add up over the outputs. The mean goes over all entries.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).pow(2).sum(-1).mean()


# %% target_loss: absolute_difference
# help: You average absolute differences. Square them.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).abs().mean()


# %% target_loss: square_of_the_mean
# help: You square after averaging, and differences of opposite sign cancel. Square first, then take the
#   mean.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).mean() ** 2


# %% target_loss: target_put_into_eval
# help: You put the target into eval mode and leave it there. Its mode is not yours to change; no_grad and
#   eval are two things.
def target_loss(online, target, x):
    target.eval()
    with torch.no_grad():
        wanted = target(x)
    return (online(x) - wanted).pow(2).mean()


# %% target_loss: online_put_into_eval
# help: You put the online network into eval mode and leave it there. Each network runs in the mode it is in.
def target_loss(online, target, x):
    online.eval()
    return ((online(x) - target(x).detach()) ** 2).mean()


# %% target_loss: differences_not_squared
# help: You average the differences as they are, and those of opposite sign cancel. Square them first.
def target_loss(online, target, x):
    return (online(x) - target(x).detach()).mean()


# %% target_loss: one_mean_an_output
# help: You get one mean for each output. The mean goes over everything and leaves no axes.
def target_loss(online, target, x):
    return ((online(x) - target(x).detach()) ** 2).mean(0)


# %% target_loss: autograd_switched_on
# help: You switch autograd on again by hand, also where it was off when you were called. A with block puts back what
#   it found.
def target_loss(online, target, x):
    torch.set_grad_enabled(False)
    wanted = target(x)
    torch.set_grad_enabled(True)
    return ((online(x) - wanted) ** 2).mean()


# %% target_loss: eval_and_back
# help: While the target runs it is in eval mode, so layers that depend on the mode give other numbers;
#   afterwards everything is in train mode, even what was not. Leave the modes alone.
def target_loss(online, target, x):
    target.eval()
    with torch.no_grad():
        wanted = target(x)
    target.train()
    return (online(x) - wanted).pow(2).mean()


# %% target_loss: target_frozen
# help: The target's parameters no longer require grad after your call. Stop the gradient at the output
#   instead.
def target_loss(online, target, x):
    for p in target.parameters():
        p.requires_grad_(False)
    return (online(x) - target(x)).pow(2).mean()


# %% target_loss: frozen_and_thawed
# help: You switch the target's flags off and then all of them on, also those that were off before. Do not
#   touch them at all.
def target_loss(online, target, x):
    target.requires_grad_(False)
    loss = (online(x) - target(x)).pow(2).mean()
    target.requires_grad_(True)
    return loss


# %% target_loss: grads_cleared
# help: You throw away what .grad of online held. Clearing is the business of whoever does the update.
def target_loss(online, target, x):
    online.zero_grad()
    return (online(x) - target(x).detach()).pow(2).mean()


# %% target_loss: backward_included
# help: You already call backward(), and gradients are left behind. The caller does that.
def target_loss(online, target, x):
    loss = (online(x) - target(x).detach()).pow(2).mean()
    loss.backward()
    return loss


# %% freeze: contains
# help: You freeze every name that contains a prefix anywhere. A prefix is at the start.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if any(prefix in name for prefix in prefixes):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: whole_components
# help: You compare whole parts of the name between dots. By str.startswith, "encoder" fits
#   "encoder2.bias" too, and "head.w" fits "head.weight".
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if any(name == prefix or name.startswith(prefix.rstrip(".") + ".") for prefix in prefixes):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: names_equal
# help: You look for the whole name among the prefixes. It only has to begin with one of them.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if name in prefixes:
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: name_of_the_child
# help: You compare the names of the model's children. What is asked is how the full name of each parameter begins.
def freeze(model, prefixes):
    for name, child in model.named_children():
        if any(name.startswith(prefix) for prefix in prefixes):
            child.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: first_prefix_only
# help: Only the first prefix counts. A name may begin with any of them.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if len(prefixes) and name.startswith(prefixes[0]):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: listed_before_freezing
# help: You make the list before you freeze, so the newly frozen are still in it.
def freeze(model, prefixes):
    still = [name for name, p in model.named_parameters() if p.requires_grad]
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
    return still


# %% freeze: thaws_the_others
# help: You set the flag of every parameter, and so wake up some that were frozen before. Only ever switch
#   off.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        p.requires_grad_(not name.startswith(tuple(prefixes)))
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: last_prefix_wins
# help: Each prefix undoes what the one before it has frozen: in the end only the last one counts.
def freeze(model, prefixes):
    for prefix in prefixes:
        for name, p in model.named_parameters():
            p.requires_grad_(not name.startswith(prefix))
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: lists_the_frozen
# help: You return the names that are frozen. Wanted are those that still train.
def freeze(model, prefixes):
    frozen = []
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
            frozen.append(name)
    return frozen


# %% freeze: asks_the_name_only
# help: Your list has a parameter in it that was frozen long before. A name that does not fit is not
#   enough: ask the flag.
def freeze(model, prefixes):
    still = []
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
        else:
            still.append(name)
    return still


# %% freeze: list_given_to_startswith
# help: str.startswith takes a string or a tuple of strings, and a list is neither. Turn the prefixes into
#   a tuple.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if name.startswith(prefixes):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: flag_on_the_module
# help: No parameter's flag has changed. On a module, requires_grad is a new attribute that nobody reads, and the
#   tensors of state_dict() are detached ones: the flag belongs to each tensor of named_parameters().
def freeze(model, prefixes):
    for name, child in model.named_children():
        if any(name.startswith(prefix.split(".")[0]) for prefix in prefixes):
            child.requires_grad = False
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: grad_cleared_only
# help: The names are those of the others, but no flag was switched off. Clearing .grad once, p.detach() or an attribute
#   with a slip of the pen in its name change nothing for the next backward(): requires_grad is what stops it.
def freeze(model, prefixes):
    still = []
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.grad = None
        elif p.requires_grad:
            still.append(name)
    return still


# %% freeze: eval_mode
# help: You put the model into eval mode. That is about dropout and batch norm, and it is not asked for
#   here.
def freeze(model, prefixes):
    model.eval()
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: nothing_returned
# help: Your function returns None. The list of names that still train is missing.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)


# %% freeze: sorted_names
# help: The names are right and in alphabetical order. Keep the order of named_parameters.
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
    return sorted(name for name, p in model.named_parameters() if p.requires_grad)


# %% freeze: modules_with_all_their_names
# help: A shared parameter has one name in named_parameters, the first. You went by another name of it and
#   froze it.
def freeze(model, prefixes):
    for name, p in model.named_parameters(remove_duplicate=False):
        if name.startswith(tuple(prefixes)):
            p.requires_grad_(False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% hessian_vector_product: no_create_graph
# help: Your first gradient has no graph of its own (nobody asked for one, or it was detached), so it
#   cannot be differentiated again.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x)
    return torch.autograd.grad((gradient * v).sum(), x)[0]


# %% hessian_vector_product: directional_derivative
# help: You return the gradient dotted with v, one number. Its gradient is still to be taken.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return (gradient * v).sum()


# %% hessian_vector_product: gradient_times_v
# help: You multiply the first gradient by v, entry by entry. There is no second derivative in that.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x)
    return gradient * v


# %% hessian_vector_product: row_sums_times_v
# help: You take the row sums of H and multiply them by v. v has to come in before the second pass, not
#   after it.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    (rows,) = torch.autograd.grad(gradient.sum(), x)
    return rows * v


# %% hessian_vector_product: v_ignored
# help: v has no influence: you differentiate the plain sum of the gradient, which is H times a vector of
#   ones.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return torch.autograd.grad(gradient.sum(), x)[0]


# %% hessian_vector_product: diagonal_only
# help: You only have the diagonal of H. The mixed derivatives belong to the product as well.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    diagonal = []
    for i, g in enumerate(gradient.reshape(-1)):
        diagonal.append(torch.autograd.grad(g, x, retain_graph=True)[0].reshape(-1)[i])
    return torch.stack(diagonal).reshape(x.shape) * v


# %% hessian_vector_product: whole_hessian
# help: The numbers are right, but you build every row of H: one backward pass for each entry of x. Two
#   passes are enough.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    rows = [torch.autograd.grad(g, x, retain_graph=True)[0].reshape(-1) for g in gradient.reshape(-1)]
    return (torch.stack(rows) @ v.reshape(-1)).reshape(x.shape)


# %% hessian_vector_product: squared_gradient
# help: That is the outer product of the gradient with itself, times v: an approximation of H that some
#   methods use, but not H.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x)
    return gradient * (gradient * v).sum()


# %% hessian_vector_product: vectors_only
# help: Your dot product takes vectors only, and x may have any shape. Multiply entry by entry and add
#   everything up.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return torch.autograd.grad(torch.dot(gradient, v), x)[0]


# %% hessian_vector_product: flattened
# help: The result comes back as a vector. It has the shape of x.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return torch.autograd.grad((gradient * v).sum(), x)[0].reshape(-1)


# %% hessian_vector_product: flag_always_cleared
# help: You work on x itself and switch its requires_grad off at the end, also where it was on. Work on a leaf of your own.
def hessian_vector_product(f, x, v):
    x.requires_grad_()
    (g,) = torch.autograd.grad(f(x), x, create_graph=True)
    (product,) = torch.autograd.grad(g, x, v)
    x.requires_grad_(False)
    return product


# %% hessian_vector_product: flag_left_on_x
# help: After your call the caller's x requires grad. Work on a leaf of your own.
def hessian_vector_product(f, x, v):
    x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return torch.autograd.grad((gradient * v).sum(), x)[0]


# %% hessian_vector_product: x_has_to_ask
# help: You expect x to require grad. It need not: make a leaf from it that does.
def hessian_vector_product(f, x, v):
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    return torch.autograd.grad((gradient * v).sum(), x)[0]


# %% hessian_vector_product: both_passes_in_one_grad
# help: Both passes add into one .grad: you return the gradient plus H v. Take the second result alone.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    x.grad = gradient.detach().clone()
    (gradient * v).sum().backward(inputs=[x])
    return x.grad


# %% hessian_vector_product: gradients_left_in_the_module
# help: Your backward() also writes into the .grad of the module's parameters. torch.autograd.grad only
#   returns.
def hessian_vector_product(f, x, v):
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    (gradient * v).sum().backward()
    return x.grad


# %% hessian_vector_product: finite_difference
# help: A difference of two gradients comes near, but only to a few digits. The second pass gives it
#   exactly.
def hessian_vector_product(f, x, v):
    def gradient(point):
        point = point.detach().requires_grad_()
        return torch.autograd.grad(f(point), point)[0]

    eps = 1e-3
    return (gradient(x + eps * v) - gradient(x)) / eps


# %% jacobian: transposed
# help: Inputs and outputs are the wrong way round: the shape of the output comes first.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        if v.requires_grad else torch.zeros_like(x)
        for v in out.reshape(-1)
    ]  # fmt: skip
    return torch.stack(rows, dim=-1).reshape(x.shape + out.shape)


# %% jacobian: flat_matrix
# help: You return one flat matrix. Give it the shape of the output followed by the shape of x.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0].reshape(-1)
        if v.requires_grad else torch.zeros(x.numel(), dtype=x.dtype)
        for v in out.reshape(-1)
    ]  # fmt: skip
    return torch.stack(rows)


# %% jacobian: vectors_only
# help: This takes both sides for vectors: one row for each y[i]. Output and input may have any shape, a number's too.
def jacobian(f, x):
    z = x.detach().clone().requires_grad_()
    y = f(z)
    table = torch.zeros(len(y), len(x), dtype=x.dtype)
    for i in range(len(y)):
        table[i] = torch.autograd.grad(y[i], z, retain_graph=True)[0]
    return table


# %% jacobian: gradient_of_the_sum
# help: That is the gradient of the sum of all outputs: the rows added up. Each output has a row of its
#   own.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


# %% jacobian: rows_pile_up
# help: Every row also holds the rows before it: .grad adds. Clear it between rows, or use
#   torch.autograd.grad.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = []
    for v in out.reshape(-1):
        v.backward(retain_graph=True)
        rows.append(x.grad.clone())
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: all_rows_are_one_tensor
# help: All your rows are the same tensor, x.grad, and hold what the last pass left there. Store a copy,
#   or use torch.autograd.grad.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = []
    for v in out.reshape(-1):
        if x.grad is not None:
            x.grad.zero_()
        v.backward(retain_graph=True)
        rows.append(x.grad)
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: graph_freed
# help: The first row frees the graph that the second one needs. Say that it is to be kept.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [torch.autograd.grad(v, x)[0] for v in out.reshape(-1)]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: no_graph_no_answer
# help: Where f never looks at x, its result has no graph and torch.autograd.grad gives up. Those rows are
#   zeros.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        for v in out.reshape(-1)
    ]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: unused_input
# help: An output may have a graph that x is no part of (it comes from a weight). Then the gradient of x
#   does not exist: zeros.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True)[0] if v.requires_grad else torch.zeros_like(x)
        for v in out.reshape(-1)
    ]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: always_float32
# help: Your table is float32 whatever x is. Make it in the dtype of x.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    table = torch.zeros(out.numel(), *x.shape)
    for i, v in enumerate(out.reshape(-1)):
        if v.requires_grad:
            row = torch.autograd.grad(v, x, retain_graph=True, allow_unused=True)[0]
            table[i] = 0 if row is None else row
    return table.reshape(out.shape + x.shape)


# %% jacobian: contiguous_only
# help: view() fails where the output is not contiguous, such as a transpose. reshape() copes with it.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        if v.requires_grad else torch.zeros_like(x)
        for v in out.view(-1)
    ]  # fmt: skip
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: first_axis_only
# help: You take one gradient for each entry along the first axis of the output. Every single entry needs
#   its own.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [
        torch.autograd.grad(v.sum(), x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        if v.requires_grad else torch.zeros_like(x)
        for v in out
    ]  # fmt: skip
    return torch.stack(rows)


# %% jacobian: list_of_rows
# help: You return a list of rows. Stack them into one tensor and give it its shape.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    return [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        if v.requires_grad else torch.zeros_like(x)
        for v in f(x).reshape(-1)
    ]  # fmt: skip


# %% jacobian: flag_left_on_x
# help: The x you were given requires grad after your call. Make a leaf of your own and leave theirs
#   alone.
def jacobian(f, x):
    x.requires_grad_(True)
    out = f(x)
    rows = [
        torch.autograd.grad(v, x, retain_graph=True, allow_unused=True, materialize_grads=True)[0]
        if v.requires_grad else torch.zeros_like(x)
        for v in out.reshape(-1)
    ]  # fmt: skip
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: gradients_left_in_the_module
# help: backward() leaves gradients in the parameters of the module f as well. Use torch.autograd.grad,
#   which only returns.
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    rows = []
    for v in out.reshape(-1):
        x.grad = torch.zeros_like(x)
        if v.requires_grad:
            v.backward(retain_graph=True)
        rows.append(x.grad)
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% graph_nodes: level_by_level
# help: You go level by level. A node with a short way and a long way to it comes too early then: it has
#   to wait for the long one.
def graph_nodes(t):
    seen, names, level = set(), [], [t.grad_fn] if t.grad_fn is not None else []
    while level:
        below = []
        for node in level:
            if node not in seen:
                seen.add(node)
                names.append(type(node).__name__)
                below += [child for child, _ in node.next_functions if child is not None]
        level = below
    return names


# %% graph_nodes: one_path_to_its_end
# help: You follow the first path to its end and write nodes down as you meet them. A node that a later
#   path also leads to stands too early.
def graph_nodes(t):
    seen, names, stack = set(), [], [t.grad_fn] if t.grad_fn is not None else []
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        names.append(type(node).__name__)
        stack += [child for child, _ in reversed(node.next_functions) if child is not None]
    return names


# %% graph_nodes: last_path_first
# help: You take the newest node from the stack and write it down at once. Whether all that points at it
#   is there already, you never ask.
def graph_nodes(t):
    seen, names, stack = set(), [], [t.grad_fn] if t.grad_fn is not None else []
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        names.append(type(node).__name__)
        stack += [child for child, _ in node.next_functions if child is not None]
    return names


# %% graph_nodes: never_remembers
# help: You enter a node once for every path that leads to it. The number of paths doubles with each
#   diamond: remember where you were.
def graph_nodes(t):
    names, todo = [], [t.grad_fn] if t.grad_fn is not None else []
    while todo:
        node = todo.pop(0)
        names.append(type(node).__name__)
        todo += [child for child, _ in node.next_functions if child is not None]
    return names


# %% graph_nodes: recursion
# help: The order is right, but your function calls itself for every node, and Python stops at about a
#   thousand calls inside each other. Keep your own list of what is to do.
def graph_nodes(t):
    seen, order = set(), []

    def visit(node):
        seen.add(node)
        for child, _ in node.next_functions:
            if child is not None and child not in seen:
                visit(child)
        order.append(type(node).__name__)

    if t.grad_fn is not None:
        visit(t.grad_fn)
    return order[::-1]


# %% graph_nodes: a_leaf_has_a_node
# help: For a leaf you return its AccumulateGrad. A leaf has no history (its grad_fn is None), so the list is empty.
def graph_nodes(t):
    if t.grad_fn is None:
        return ["AccumulateGrad"] if t.requires_grad else []
    order, seen, stack = [], set(), [(t.grad_fn, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((other, False) for other, _ in node.next_functions)
    return [type(node).__name__ for node in reversed(order)]


# %% graph_nodes: leaves_first
# help: Your list begins at the leaves and ends at the root: that is the way forward. Turn it around.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(type(node).__name__)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order


# %% graph_nodes: own_name_method
# help: node.name() writes AccumulateGrad another way, with torch::autograd:: before it. Take the name of
#   the node's type.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node.name())
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order[::-1]


# %% graph_nodes: leaves_left_out
# help: The AccumulateGrad nodes are missing. They are nodes like the others, at the end of every path.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(type(node).__name__)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((c, False) for c, _ in node.next_functions if c is not None and c.next_functions)
    return order[::-1]


# %% graph_nodes: each_name_once
# help: You remember names where you should remember nodes: two nodes of one kind are still two nodes.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    names, todo = [], [t.grad_fn]
    for node in todo:
        if type(node).__name__ not in names:
            names.append(type(node).__name__)
            todo += [child for child, _ in node.next_functions if child is not None]
    return names


# %% graph_nodes: none_not_handled
# help: An input that needs no gradient has None in next_functions. Skip it before you ask it anything.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    arriving, todo = {t.grad_fn: 0}, [t.grad_fn]
    for node in todo:
        for child, _ in node.next_functions:
            if child not in arriving:
                arriving[child] = 0
                todo.append(child)
            arriving[child] += 1
    names, ready = [], [t.grad_fn]
    while ready:
        node = ready.pop()
        names.append(type(node).__name__)
        for child, _ in node.next_functions:
            arriving[child] -= 1
            if arriving[child] == 0:
                ready.append(child)
    return names


# %% graph_nodes: none_written_down
# help: There is a NoneType in your list: an input that needs no gradient, for which there is no node.
def graph_nodes(t):
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(type(node).__name__)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            if node is not None:
                stack.extend((child, False) for child, _ in node.next_functions)
    return order[::-1]


# %% graph_nodes: history_expected
# help: A plain tensor or a leaf has no grad_fn, and you ask it for next_functions. Its list is empty.
def graph_nodes(t):
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(type(node).__name__)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order[::-1]


# %% graph_nodes: nodes_for_names
# help: You return the nodes. Asked for are the names of their types, as strings.
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return order[::-1]


# %% graph_nodes: first_input_only
# help: You follow the first input of every node and never look at the others. A graph is more than one
#   path.
def graph_nodes(t):
    names, node = [], t.grad_fn
    while node is not None:
        names.append(type(node).__name__)
        node = node.next_functions[0][0] if node.next_functions else None
    return names



# %% my_backward: overwrites_grad
# help: What .grad held before your call is gone. backward() clears nothing and replaces nothing: it adds to what is
#   there.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone()
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: grad_of_none
# help: A leaf that has no gradient yet has .grad None, and None cannot be added to. Ask first.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: leaves_share_one_tensor
# help: Two leaves hold one and the same tensor as their .grad, and adding to it in place changes both. Give each leaf
#   a copy.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                if leaf.grad is None:
                    leaf.grad = grads[0]
                else:
                    leaf.grad += grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: added_in_place
# help: You add into a tensor that arrived, and a sum sends one tensor to both of its inputs: the other one has
#   changed too. Make a new tensor.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held.add_(grad)


# %% my_backward: last_one_counts
# help: Where two gradients arrive, the later one replaces the earlier. Add them up.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad


# %% my_backward: starts_with_the_loss
# help: You start with the value of the loss. The loss moves as much as the loss: start with 1.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = loss.detach()
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: no_sum_over_stretched_axes
# help: The gradient of a stretched operand still has the stretched shape. Add it up to the shape in the receiving
#   node's _input_metadata.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: first_axis_only
# help: You add up over the first axis whenever shapes differ. Any axis may have been stretched, at the front or of
#   size 1: sum_to_size knows them all.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.to(wanted.dtype)
                if list(grad.shape) != list(wanted.shape):
                    grad = grad.sum(0).expand(wanted.shape) if grad.dim() > len(wanted.shape) else grad
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: dtype_as_it_comes
# help: A gradient arrives in another dtype than its leaf has. The receiving node's _input_metadata has the dtype as
#   well.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: slots_ignored
# help: You keep one gradient for each node. A node with several outputs wants one for each: the number in
#   next_functions says which.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {loss.grad_fn: torch.ones_like(loss)}
    with torch.no_grad():
        for node in reversed(order):
            grad = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grad.clone() if leaf.grad is None else leaf.grad + grad
                continue
            sent = node(grad)
            for grad, (child, _) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is not None and grad is not None:
                    wanted = child._input_metadata[0]
                    grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                    arrived[child] = arrived[child] + grad if child in arrived else grad


# %% my_backward: loss_is_output_0
# help: You take the loss for the first output of its node. It may be a later one: loss.output_nr.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][0] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: gradient_with_a_graph
# help: The .grad you leave has a graph of its own: the nodes ran while autograd was recording. Run them under
#   torch.no_grad().
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    if True:
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: none_not_handled
# help: An input that needs no gradient has no node: its place in next_functions is None. Skip it.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: every_path_on_its_own
# help: You call a node once for every path that leads to it, and the paths double with each diamond. Wait until the
#   node's sum is complete, and call it once.
def my_backward(loss):
    start = [None] * len(loss.grad_fn._input_metadata)
    start[loss.output_nr] = torch.ones_like(loss)
    todo = [(loss.grad_fn, start)]
    with torch.no_grad():
        while todo:
            node, grads = todo.pop()
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                places = [None] * len(child._input_metadata)
                places[slot] = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                todo.append((child, places))


# %% my_backward: handed_on_too_early
# help: You call a node when its first gradient arrives, and what comes later is lost: its sum was not complete. A
#   node waits for everything that points at it.
def my_backward(loss):
    order = [loss.grad_fn]
    for node in order:  # level by level
        order += [child for child, _ in node.next_functions if child is not None and child not in order]
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in order:
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived.get(child, [None] * (slot + 1))[slot]
                if child in arrived:
                    arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: other_grads_cleared
# help: What .grad held before your call is gone. backward() clears nothing and replaces nothing: it adds to what is
#   there.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    for node in order:
        if hasattr(node, "variable"):
            node.variable.grad = None
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad


# %% my_backward: gradients_returned
# help: You return the gradients and leave every .grad as it was. They belong in the .grad of each leaf.
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    found = []
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                found.append(grads[0])
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad
    return found
