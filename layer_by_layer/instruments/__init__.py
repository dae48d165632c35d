"""What looks at a student's code without changing it: one module an instrument."""
