"""`make secrets`, `make smoke`, `make rollout`: the services of docker-compose.yml."""
