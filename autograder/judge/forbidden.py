"""The rule about a solution's text. It stands in `lessonkit.forbidden`, so that a notebook's check reads by the same."""

from lessonkit.forbidden import find, refuse

__all__ = ["find", "refuse"]
