"""Text that a small model can learn in half a minute: made here, the same for a seed everywhere, of nobody's.

Two kinds, from one alphabet: `stories` of children who hand things on, in which a later sentence can only be
right if an earlier one was read, and `recipes`, which the first kind never mentions.
"""

from __future__ import annotations

import random

import torch

#: Every character that occurs, in the order of its number.
ALPHABET = "\n abcdefghijklmnopqrstuvwxyz,."

_NAMES = ("mia", "tom", "ada", "ben", "eva", "leo", "ida", "max")
_COLOURS = ("red", "blue", "green", "white", "black")
_THINGS = ("ball", "kite", "drum", "boat", "book", "hat")
_FOODS = ("onions", "carrots", "apples", "beans", "potatoes", "plums")
_WAYS = ("boil", "fry", "bake", "steam")
_TASTES = ("salt", "butter", "honey", "pepper", "lemon")


def stories(count: int, seed: int) -> str:
    """Return `count` stories, a line each: who finds what, who gets it, who has it."""
    draw = random.Random(f"stories {seed}")
    return "".join(_story(draw) for _ in range(count))


def recipes(count: int, seed: int) -> str:
    """Return `count` recipes, a line each: what to cook, how, and how to serve it."""
    draw = random.Random(f"recipes {seed}")
    return "".join(_recipe(draw) for _ in range(count))


def _story(draw: random.Random) -> str:
    first, second = draw.sample(_NAMES, 2)
    thing = f"{draw.choice(_COLOURS)} {draw.choice(_THINGS)}"
    return f"{first} finds a {thing}. {first} gives it to {second}. now {second} has the {thing}.\n"


def _recipe(draw: random.Random) -> str:
    one, other = draw.sample(_FOODS, 2)
    way, taste = draw.choice(_WAYS), draw.choice(_TASTES)
    return f"{way} {one} and {other} with {taste}. serve the {one} on the {other}.\n"


def encode(text: str) -> torch.Tensor:
    """Return the number of each character, int64 (len(text),); ValueError for one that is not in the alphabet."""
    return torch.tensor([ALPHABET.index(character) for character in text])


def decode(numbers: torch.Tensor | list[int]) -> str:
    """Return the text that numbers stand for."""
    return "".join(ALPHABET[int(number)] for number in numbers)
