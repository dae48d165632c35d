# %% middle: not_sorted
# help: this takes the number in the middle of the list as it came; the middle is that of the sorted list
def middle(values):
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

# %% middle: sorts_in_place
# help: `values.sort()` changes the list that came in; `sorted(values)` gives a new one
def middle(values):
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

# %% spread: squared
# help: this is the mean squared distance; its root is asked for
def spread(values):
    return float(((values - values.mean()) ** 2).mean())
