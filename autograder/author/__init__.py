"""For authors: text to notebooks and back, the rules of the course, a chapter proved as a product."""
