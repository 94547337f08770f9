"""The figures of README.md and deploy/clouds.md, and what they come from."""
