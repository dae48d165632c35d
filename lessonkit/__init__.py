"""What any course's notebooks import: checks, hints, plots and progress bars.

| module  | what a notebook uses it for                                          |
|---------|----------------------------------------------------------------------|
| `check` | observe what a cell's code does and say whether it is what was asked |
| `hints` | staged hints, one more each time you ask                             |
| `plot`  | one palette, one size, alt text for every figure                     |
| `train` | a progress bar for loops that take a while                           |
| `ranks` | run a function on several ranks of a real process group                |

Nothing in here knows an answer or a subject, and nothing in here imports the grader.
"""
