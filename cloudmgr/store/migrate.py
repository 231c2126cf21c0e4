"""Brings a database to the tables of this release; runs the Alembic scripts of `migrations/`.

For developers, `python -m cloudmgr.store.migrate revision "why"` writes the next script from what
the tables have become. Until the first release there is one script: remove
`migrations/versions/0001_first.py` and run it with "first". `make format` afterwards.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from cloudmgr.store.engine import open_engine

FOLDER = Path(__file__).parent / "migrations"


def upgrade(url: str) -> None:
    """Create or bring up to date every table of the database at `url`, all or nothing.

    Two nodes that start at once do it one after the other; the second finds nothing to do.
    """
    engine = open_engine(url)
    try:
        with engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def revision(why: str) -> Path:
    """Write the script that leads from the present scripts to the present tables."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/empty.db"
        upgrade(url)
        engine = open_engine(url)
        config = _config()
        number = len(list(ScriptDirectory.from_config(config).walk_revisions())) + 1
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            script = command.revision(config, why, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()
    assert script is not None
    assert not isinstance(script, list)
    return Path(script.path)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.set_main_option("path_separator", "os")
    return config


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] != "revision":
        sys.exit('usage: python -m cloudmgr.store.migrate revision "why"')
    print(revision(sys.argv[2]))
