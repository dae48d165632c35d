"""What a course root holds, read as data: whose course it is, its chapters, their settings and named solutions."""
