# %% middle: by_both_ends
def middle(values):
    left = sorted(values)
    while len(left) > 2:
        left = left[1:-1]
    return sum(left) / len(left)

# %% spread: by_numpy
def spread(values):
    return float(np.std(values))
