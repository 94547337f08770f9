"""What becomes of time and memory as tables grow."""
