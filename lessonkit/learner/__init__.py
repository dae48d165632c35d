"""A learner's own place: a workspace, where they stand, one exercise at a time, and a newer course under their work.

| module      | what it does                                                             |
|-------------|--------------------------------------------------------------------------|
| `shelf`     | which course is installed, its released notebooks, its answers if any     |
| `workspace` | the folder of one learner's own, with `.course/` inside                   |
| `state`     | what was tried, seen and passed: one JSON file, read and written by all   |
| `outline`   | chapters and exercises with minutes and points, without opening a notebook |
| `merge`     | a newer released notebook under the learner's cells                       |
| `keep`      | old texts kept before a change, and the way back                          |
| `visible`   | an exercise's visible checks, run in a process of their own               |
| `desk`      | the same verbs inside a notebook: `status()`, `solution("relu")`           |
| `needs`     | which cells of a notebook an exercise depends on                           |
| `verbs`     | what the verbs say, for the command line and the panel                     |
| `cli`       | the command `course`                                                      |
| `jupyterlab`| `course lab`, and where the built panel lies (its source: `labextension/`)  |
| `server`    | the verbs over HTTP, for the panel                                         |
"""
