"""The servers that stand beside ours in `make bench-serve`, each as its own documents write it."""
