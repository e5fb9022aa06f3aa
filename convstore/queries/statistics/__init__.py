"""Numbers about the set, counted in SQL over every row, a module a subject. Nothing here is ever a sample."""
