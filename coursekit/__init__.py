"""The student's library of *Layer by Layer*: checks, hints, data, plots and training progress.

| module      | what a notebook uses it for                                          |
|-------------|----------------------------------------------------------------------|
| `check`     | observe what a cell's code does and say whether it is what was asked |
| `hints`     | staged hints, one more each time you ask                             |
| `data`      | MNIST and the offline digits, from wherever they can be had          |
| `plot`      | one palette, one size, alt text for every figure                     |
| `train`     | a progress bar for loops that take a while                           |

Nothing in here knows an answer, and nothing in here imports the grader.
"""
