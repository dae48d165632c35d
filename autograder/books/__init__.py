"""What is kept and shown: results as files, nbgrader's gradebook, pages for students, instructors and the LMS."""
