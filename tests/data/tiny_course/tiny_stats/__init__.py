"""What the notebooks of Tiny Statistics import besides `lessonkit`."""

from lessonkit import guard

guard.trust(__file__)
HEIGHTS = [1.62, 1.75, 1.80, 1.58]
