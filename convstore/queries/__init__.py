"""SQL, a module a set: what is read and written, nothing about why."""
