"""The book: the course's text as a site of pages, with figures of the reference and without its answers."""
