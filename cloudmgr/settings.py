"""What a node is told from outside: environment variables with the prefix CLOUDMGR_."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError


class Settings(BaseSettings):
    """Embedded defaults need nothing: one SQLite file and a folder of Parquet."""

    model_config = SettingsConfigDict(env_prefix="CLOUDMGR_")

    data_dir: Path = Path("var/cloudmgr")
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    due_seconds: int = 30
    worker: bool = True
    """Whether `cloudmgr serve` works off the outbox and the jobs too; `cloudmgr worker` always
    does."""
    worker_threads: Annotated[int, Field(ge=1, le=64)] = 2
    worker_idle_seconds: Annotated[float, Field(gt=0)] = 1.0
    worker_lease_seconds: Annotated[int, Field(ge=1)] = 120
    """Longer than an order to a pool can take, question, order and look at the result together."""
    worker_retry_seconds: Annotated[int, Field(ge=1)] = 5
    worker_longest_retry_seconds: Annotated[int, Field(ge=1)] = 600
    worker_attempts: Annotated[int, Field(ge=1)] = 10
    secrets_dir: Path | None = None
    """Folder with one file per credential; `secrets` in the data folder unless given."""
    pool_exchange_seconds: Annotated[float, Field(gt=0)] = 10.0
    pool_poll_seconds: Annotated[int, Field(ge=1)] = 5
    pool_health_seconds: Annotated[int, Field(ge=1)] = 60
    pool_inventory_seconds: Annotated[int, Field(ge=1)] = 900
    pool_usage_seconds: Annotated[int, Field(ge=1)] = 3600
    pool_incidents_seconds: Annotated[int, Field(ge=1)] = 60
    pool_drift_seconds: Annotated[int, Field(ge=1)] = 3600
    webhook_loopback: bool = False
    """Let webhooks be received on this machine, over http too: for trying them out."""
    webhook_seconds: Annotated[float, Field(gt=0)] = 10.0
    """How long one delivery may take; shorter than a lease."""
    webhook_retry_seconds: Annotated[int, Field(ge=1)] = 10
    webhook_longest_retry_seconds: Annotated[int, Field(ge=1)] = 3600
    webhook_attempts: Annotated[int, Field(ge=1)] = 20
    plain_http: bool = False
    """Let session cookies go without TLS: only where nobody else can listen in."""
    oidc_issuer: str | None = None
    oidc_client: str | None = None
    oidc_secret: SecretStr | None = None
    oidc_redirect_url: str | None = None
    """The callback as the sign-on knows it, where the node cannot tell its own public address."""

    @model_validator(mode="after")
    def _a_whole_sign_on(self) -> Self:
        told = (self.oidc_issuer, self.oidc_client, self.oidc_secret)
        if any(told) and not all(told):
            raise ValueError(
                "a sign-on needs all of CLOUDMGR_OIDC_ISSUER, CLOUDMGR_OIDC_CLIENT and "
                "CLOUDMGR_OIDC_SECRET"
            )
        return self

    @field_validator("database_url")
    @classmethod
    def _a_url(cls, value: str | None) -> str | None:
        try:
            if value is not None:
                make_url(value)
        except ArgumentError as error:  # its own words could repeat a password
            raise ValueError("it is no URL, such as postgresql://user@host/database") from error
        return value

    @property
    def url(self) -> str:
        """The database by URL, or the SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{self._file.absolute()}"

    @property
    def present(self) -> bool:
        """Whether there is a database to open; a server's is asked when it is opened."""
        return self.database_url is not None or self._file.exists()

    @property
    def secrets_folder(self) -> Path:
        return self.secrets_dir or self.data_dir / "secrets"

    @property
    def lake_dir(self) -> Path:
        return self.data_dir / "lake"

    @property
    def _file(self) -> Path:
        return self.data_dir / "cloudmgr.db"
