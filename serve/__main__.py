"""`python -m serve`: see `main`."""

from serve.lean import keep_lean

if __name__ == "__main__":
    keep_lean()

    from serve.main import main

    main()
