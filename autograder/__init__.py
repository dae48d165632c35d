"""The instructor's tool of *Layer by Layer*: build the course, grade it in a sandbox, keep nbgrader's gradebook."""

__version__ = "0.1.0"
