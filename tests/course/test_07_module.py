"""Chapter 7: an earlier mistake costs points once, and a help that would be untrue is not given."""

from __future__ import annotations

import pytest

CHAPTER = "07_module"


def test_a_wrong_part_of_an_earlier_exercise_costs_points_once(rehearse):
    rehearsal = rehearse(CHAPTER)
    broken = {
        "relu_module": "class ReLU(nn.Module):\n    def forward(self, x):\n        return x.abs()",
        "linear": "class Linear(nn.Module):\n    def __init__(self, *sizes):\n        raise RuntimeError('not finished')",
        "xavier_init": "def xavier_uniform_(t, gain=1.0): ...\ndef xavier_normal_(t, gain=1.0): ...",
        "kaiming_init": "def kaiming_uniform_(t, a=0.0, mode='fan_in'): ...\ndef kaiming_normal_(t, a=0.0, mode='fan_in'): ...",
    }
    later = {"simple_mlp", "dynamic_net", "running_mean", "activation_recorder"}
    result = rehearsal.grade(rehearsal.right() | broken, set(broken) | later)
    assert {name: e.outcome for name, e in result.exercises.items() if name in later} == dict.fromkeys(later, "pass")
    assert all(result.exercises[name].outcome == "not yet" for name in broken)


WRONG_INSIDE = {
    # a known mistake's exception or judge's sentence, for another reason: no help is better than a false one
    ("simple_mlp", "one_hidden_layer"): '''
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, out_dim), nn.ReLU(), nn.Linear(out_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))
    def forward(self, x): return self.layers(x)
''',
    ("xavier_init", "one_sided"): '''
def xavier_uniform_(tensor, gain=1.0):
    if tensor.dim() < 2: raise ValueError("two axes")
    std = gain * (2 / ((tensor.shape[0] + tensor.shape[1]) * tensor[0, 0].numel())) ** 0.5
    with torch.no_grad(): return tensor.bernoulli_(0.5).mul_(2).sub_(1).mul_(std)
def xavier_normal_(tensor, gain=1.0):
    if tensor.dim() < 2: raise ValueError("two axes")
    std = gain * (2 / ((tensor.shape[0] + tensor.shape[1]) * tensor[0, 0].numel())) ** 0.5
    with torch.no_grad(): return tensor.normal_(0, std)
''',
}


@pytest.mark.parametrize(("exercise", "mistake"), WRONG_INSIDE, ids=lambda value: value)
def test_help_of_another_mistake_is_not_given(rehearse, exercise, mistake):
    found = rehearse(CHAPTER).grade({exercise: WRONG_INSIDE[exercise, mistake]}, {exercise}).exercises[exercise]
    assert found.score < found.max_score
    assert found.mistake != mistake
