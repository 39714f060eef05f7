"""The command line: `python -m flask_api <command>`."""

from __future__ import annotations

import argparse
import sys

from flask_api.settings import SettingsError, example, load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run a command; 0 if it went well, 2 if the settings are wrong."""
    parser = argparse.ArgumentParser(prog="python -m flask_api", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("env", help="print .env.example: every setting and its default")
    commands.add_parser("check", help="say whether the settings can be used")
    commands.add_parser("database", help="create the database or bring it up to date")
    command = parser.parse_args(arguments).command
    if command == "env":
        print(example(), end="")
        return 0
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    if command == "database":
        from flask_api.store.sql import SqlStore

        settings.instance_folder.mkdir(parents=True, exist_ok=True)
        SqlStore(settings.database).close()
    print("ready" if command == "database" else "the settings are fine")
    return 0


if __name__ == "__main__":
    sys.exit(main())
