"""What a node is told from outside: environment variables with the prefix CLOUDMGR_."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Embedded defaults need nothing: one SQLite file and a folder of Parquet."""

    model_config = SettingsConfigDict(env_prefix="CLOUDMGR_")

    data_dir: Path = Path("var/cloudmgr")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    due_seconds: int = 30

    @property
    def url(self) -> str:
        """The database by URL, or the SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'cloudmgr.db').absolute()}"

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"
