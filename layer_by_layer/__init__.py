"""What the notebooks of *Layer by Layer* import besides `lessonkit`: this course's parts, instruments, data, judges.

| module        | what a notebook uses it for                                                        |
|---------------|------------------------------------------------------------------------------------|
| `parts`       | the course's own parts, lent to checks of later exercises                           |
| `instruments` | what looks at a student's code: recorded backward passes, counted work, a far device |
| `candidates`  | right and wrong answers for the exercises in which the student is the judge        |
| `data`        | MNIST and the offline digits, from wherever they can be had                         |
| `judges`      | judges of properties that are no equality: a law, an accuracy, an order             |

Nothing in here imports the grader.
"""

from lessonkit import guard

guard.trust(__file__)
