"""`python -m bridge.cli`: the same as `qbo-bridge`."""

from bridge.cli.main import app

if __name__ == "__main__":
    app()
