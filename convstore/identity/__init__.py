"""Who somebody is: tokens, passwords, and the profile behind them. Knows no screen and no rights."""

from convstore.identity.browser_sessions import SESSION_LIFE, BrowserSessions
from convstore.identity.claims import Identity, check_claims, identity_of_claims
from convstore.identity.passwords import PasswordSession, SupabasePasswords
from convstore.identity.persons import Person, admit
from convstore.identity.tokens import TokenVerifier

__all__ = [
    "SESSION_LIFE",
    "BrowserSessions",
    "Identity",
    "PasswordSession",
    "Person",
    "SupabasePasswords",
    "TokenVerifier",
    "admit",
    "check_claims",
    "identity_of_claims",
]
