"""Run cells of untrusted notebooks in forked children of a warm process, inside bubblewrap where it is to be had.

| module       | which side of the wall                                                       |
|--------------|------------------------------------------------------------------------------|
| `host`       | outside: starts the template, sends runs, reads frames, keeps the limits     |
| `bwrap`      | outside: the command line of the wall                                        |
| `template`   | inside, trusted: loads torch once, forks a child a run, never runs their code |
| `child`      | inside, a run's own namespaces: closes doors, then runs the cells            |
| `linux`      | the four system calls Python has no name for                                 |
| `wire`       | length-prefixed JSON between the two sides                                   |
"""
