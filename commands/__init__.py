"""Programs behind the make targets: what is no stage."""
