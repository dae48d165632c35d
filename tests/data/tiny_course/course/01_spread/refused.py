# %% middle: by_the_library
# names: statistics
import statistics

def middle(values):
    return statistics.median(values)

# %% spread: of_a_sample
def spread(values):
    return float(np.std(values, ddof=1))
