# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 1 · Middle and spread

Two numbers that say most about a list of numbers, by hand.
"""

# %% nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false} tags=["setup"]
import numpy as np
import tiny_stats
from lessonkit import check
from lessonkit.hints import hint

# %% [markdown]
r"""
## 1.1 The middle

### Exercise 1.1 · `middle`
*difficulty 1 of 3 · 5 minutes · about 4 lines*

`middle(values)`: a list of at least one number in any order → the middle one of the sorted list; of an even count the mean of
the two in the middle. The list itself stays as it is. The library's own median is not allowed.
"""

# %% nbgrader={"grade": false, "grade_id": "middle", "locked": false, "schema_version": 3, "solution": true}
def middle(values):
    """a list of numbers -> the middle one, or the mean of the middle two"""
    ### BEGIN SOLUTION
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
    ### END SOLUTION

# %%
hint("middle")

# %% nbgrader={"grade": true, "grade_id": "middle__values", "locked": true, "points": 2, "schema_version": 3, "solution": false}
@check.cell("middle__values")
def _():
    check.close("of three numbers in no order it is the one between", lambda: float(middle([9, 1, 4])), expected=4.0, advice="sort first")
    check.close("of four it is the mean of the middle two", lambda: float(middle([1, 2, 4, 9])), expected=3.0, advice="look at an even count")
    ### BEGIN HIDDEN TESTS
    check.close("one number is its own middle", lambda: float(middle([7])), expected=7.0)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "middle__list_kept", "locked": true, "points": 1, "schema_version": 3, "solution": false}
@check.cell("middle__list_kept")
def _():
    given = [3, 1, 2]
    check.equal("the list stays as it is", lambda: (middle(given), given)[1], expected=[3, 1, 2], advice="does sort() change it?")

# %% [markdown]
r"""
## 1.2 The spread

### Exercise 1.2 · `spread`
*difficulty 2 of 3 · 5 minutes · about 2 lines*

`spread(values)`: a NumPy array → the root of the mean squared distance from the mean, a float.
"""

# %% nbgrader={"grade": false, "grade_id": "spread", "locked": false, "schema_version": 3, "solution": true}
def spread(values):
    """a NumPy array -> how far its values lie from their mean, as a float"""
    ### BEGIN SOLUTION
    return float(np.sqrt(((values - values.mean()) ** 2).mean()))
    ### END SOLUTION

# %% nbgrader={"grade": true, "grade_id": "spread__value", "locked": true, "points": 2, "schema_version": 3, "solution": false}
@check.cell("spread__value")
def _():
    # a judge that looks up what is not there, for an answer of zero: that breaks the checker, and is no student's fault
    check.that("it grows with the numbers", lambda: spread(np.array([0.0, 4.0])), judge=lambda found: found == 2 if found else forgotten(found))

# %% nbgrader={"grade": true, "grade_id": "spread__plain", "locked": true, "points": 1, "schema_version": 3, "solution": false}
assert spread(np.array([1.0, 1.0])) == 0.0
for step in (1, 2, 3):
    assert abs(spread(np.array([0.0, 2.0 * step])) - step) < 1e-9

# %% [markdown]
r"""
## 1.3 Your own

### Exercise 1.3 · `own`

A number of your own about `tiny_stats.HEIGHTS`. Nothing looks at it.
"""

# %% nbgrader={"grade": false, "grade_id": "own", "locked": false, "schema_version": 3, "solution": true}
### BEGIN SOLUTION
own = max(tiny_stats.HEIGHTS) - min(tiny_stats.HEIGHTS)
### END SOLUTION
