"""`python -m tests.bench.quantization_seeds`: the margin of chapter 10's gate, measured on twenty seeds.

For each seed a float network is trained on the stand-in digits, its weights are rounded to two bits, and it is
fine-tuned as plainly as the exercise allows (Adam at 1e-3, four epochs, batches of 64, half of the images). Accuracies are those on
the held-out images, in the chapter's own words: float, after training, quantization-aware. The result is written
beside this file; the chapter's table quotes it, and `tests/course/test_10_quantization.py` compares the two.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import numpy as np
import torch

from layer_by_layer import _held_out, data, judges
from layer_by_layer.parts import quantization as parts
from lessonkit import inputs

RESULT = Path(__file__).with_suffix(".json")
SEEDS, EPOCHS, BATCH, TRAINING, TUNING = 20, 4, 64, 16_000, 8_000
LEAST, GAIN = 0.8, 0.5


def measure(seed: int, images: torch.Tensor, labels: torch.Tensor) -> dict[str, float | int | bool]:
    """Return the three accuracies of one seed, and whether the gate lets it pass."""
    inputs.set_base_seed(seed)
    model = parts.digit_model(1, images, labels)
    before = [value.numpy() for value in parts.digit_weights(model)]
    parts.finetune(model, parts.shuffled_loader(images[:TUNING], labels[:TUNING], BATCH, 2), EPOCHS)
    after = [value.numpy() for value in parts.digit_weights(model)]
    return {
        "seed": seed,
        "float": share(before, rounded=False),
        "after training": share(before),
        "quantization-aware": share(after),
        "passes": judges.quantized_digits(after, before, LEAST, GAIN) is None,
    }


def share(weights: list[np.ndarray], rounded: bool = True) -> float:
    """Return the share of held-out digits that four weights and biases get right, rounded to two bits or not."""
    kept = [np.multiply(*judges._two_bits(w)) if rounded and i % 2 == 0 else w for i, w in enumerate(weights)]
    state = {f"{i // 2}.{'bias' if i % 2 else 'weight'}": values for i, values in enumerate(kept)}
    return round(_held_out.accuracy(state, "standin"), 4)


def main() -> None:
    """Measure every seed, print the rows, and write them with their summary."""
    train_set, _ = data.standin()
    images, labels = train_set.images[:TRAINING], train_set.labels[:TRAINING]
    rows = []
    for seed in range(SEEDS):
        rows.append(measure(seed, images, labels))
        print(rows[-1], flush=True)
    names = ("float", "after training", "quantization-aware")
    gains = [row["quantization-aware"] - row["after training"] for row in rows]
    summary = {n: _summary([row[n] for row in rows]) for n in names} | {"gain": _summary(gains)}
    what = {"epochs": EPOCHS, "batch": BATCH, "training images": TRAINING, "tuning images": TUNING, "gate": [LEAST, GAIN], "bits": 2}
    RESULT.write_text(
        json.dumps({"what": what, "summary": summary, "rows": rows}, indent=1) + "\n", encoding="utf-8"
    )
    print(json.dumps(summary))


def _summary(values: list[float]) -> dict[str, float]:
    found = {"lowest": min(values), "median": statistics.median(values), "highest": max(values)}
    return {name: round(value, 4) for name, value in found.items()}


if __name__ == "__main__":
    main()
