"""The table of failed attempts to sign in; tokens stand with the people."""

from __future__ import annotations

from cloudmgr.domain.sessions import SignInAttempts
from cloudmgr.store.mapper import row_of

SignInAttemptsRow = row_of(SignInAttempts)
