"""`python -m deploy.dispatcher`: see `main`."""

from deploy.dispatcher.main import main

if __name__ == "__main__":
    main()
