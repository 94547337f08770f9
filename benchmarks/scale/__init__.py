"""What changes with the number of rows."""
