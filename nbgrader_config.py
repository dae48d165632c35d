"""nbgrader's settings for this course; everything else is configured in pyproject.toml."""

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "layer_by_layer"
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"]
c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write this, then delete this line")'}
c.ClearSolutions.text_stub = "*Your answer here: double-click to write.*"
c.Execute.timeout = 120
c.HTMLExporter.sanitize_html = True
# nbgrader's own templates show Markdown as it comes; pages of ours carry nobody's script
c.HTMLExporter.filters = {"markdown2html": "autograder.books.pages.markdown2html"}
