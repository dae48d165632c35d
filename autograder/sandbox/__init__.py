"""Run cells of untrusted notebooks in forked children of a warm process, inside bubblewrap where it is to be had.

| module         | which side of the wall                                                          |
|----------------|---------------------------------------------------------------------------------|
| `host`         | outside: starts the template, sends runs, reads what comes back                 |
| `follow`       | outside: one run as seen from there, its limits and its fair time               |
| `bwrap`        | outside: the command line of the wall                                           |
| `nobody`       | outside: root becomes a user of no name before the wall is built                |
| `cgroup`       | outside: limits that the kernel keeps on all of a run, where systemd gives them |
| `levels`       | outside: names of the walls, canaries that measure them                         |
| `trial`        | both: does the wall stand here? With everything that a run has                  |
| `remedies`     | outside: one sentence and one remedy for each way it may not                    |
| `grading_data` | outside: the data that runs may see, apart from what they may not               |
| `cold`         | outside: runs without fork, for Windows                                         |
| `template`     | inside, trusted: loads torch once, forks a child a run, never runs their code   |
| `usage`        | inside, trusted: what a run's processes take together                           |
| `child`        | inside, a run's own namespaces: closes doors, then runs the cells               |
| `inside`       | inside: runs cells and emits what the checks observed                           |
| `in_process`   | inside: cells of plain asserts, scored there by nbgrader's own rule             |
| `kinds`        | inside: which containers a value is made of                                     |
| `seccomp`      | inside: the system calls that a run may not make                                |
| `linux`        | the system calls Python has no name for                                         |
| `frames`       | outside: what a frame has to look like before anything behind it reads it       |
| `wire`         | length-prefixed JSON between the two sides                                      |
"""
