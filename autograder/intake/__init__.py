"""The door: what comes in from students or their LMS is looked at as bytes, and nothing of it is run."""
