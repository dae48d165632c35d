"""Verdicts: records of a submission against the reference's, and which known mistake explains a difference."""
