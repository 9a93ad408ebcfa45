"""The command by the package's name: ``python -m facslens``."""

from facslens.cli.main import main

if __name__ == "__main__":
    main()
