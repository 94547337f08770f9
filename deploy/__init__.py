"""What runs around the server: its watchers' configuration, and the dispatcher."""
