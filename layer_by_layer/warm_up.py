"""Import what this course's notebooks import, and make the slow first calls, before a warm process forks.

Nothing here may start OpenMP threads: a fork after that can hang. One thread, and tiny tensors only.
"""

import torch

import lessonkit.plot
import lessonkit.train  # noqa: F401

torch.set_num_threads(1)
_weight = torch.nn.Parameter(torch.zeros(2))
_weight.grad = torch.ones(2)
torch.optim.Adam([_weight]).step()  # imports what a first step imports, about half a second
torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.zeros(1)))
