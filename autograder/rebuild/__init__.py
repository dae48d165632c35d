"""The notebook that runs: the source's cells in the source's order, with only the student's own code poured in."""
