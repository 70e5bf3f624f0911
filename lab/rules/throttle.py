"""How often something may be tried: so many times at once, then one more every so often. Counted before it costs anything."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import IPv6Address, IPv6Network


@dataclass(frozen=True)
class Limit:
    """``burst`` tries at once, and one more every ``every``."""

    burst: int
    every: timedelta


class Bucket(StrEnum):
    """What tries are counted by. A device that its owner signed in from before has a bucket of its own.

    NOTED counts the notes on refused tries, so that they do not fill the log.
    """

    PAIR = "pair"
    ACCOUNT = "account"
    ADDRESS = "address"
    DEVICE = "device"
    NOTED = "noted"


class Trial(StrEnum):
    """What is tried."""

    SIGN_IN = "sign_in"
    SECOND_FACTOR = "second_factor"
    CONFIRM = "confirm"
    RESET = "reset"


_MINUTE = timedelta(minutes=1)
# A stranger who uses up an account's tries stops other strangers; its owner's own devices, and the link for a new
# password, which makes one of any device, stay open.
LIMITS: dict[tuple[Trial, Bucket], Limit] = {
    (Trial.SIGN_IN, Bucket.PAIR): Limit(10, _MINUTE),
    (Trial.SIGN_IN, Bucket.ACCOUNT): Limit(30, 2 * _MINUTE),
    (Trial.SIGN_IN, Bucket.ADDRESS): Limit(100, timedelta(seconds=10)),
    (Trial.SIGN_IN, Bucket.DEVICE): Limit(10, _MINUTE),
    # A code is one of a million, and three of them are right at a time.
    (Trial.SIGN_IN, Bucket.NOTED): Limit(1, _MINUTE),
    (Trial.SECOND_FACTOR, Bucket.PAIR): Limit(5, 3 * _MINUTE),
    (Trial.SECOND_FACTOR, Bucket.ACCOUNT): Limit(20, 10 * _MINUTE),
    (Trial.SECOND_FACTOR, Bucket.ADDRESS): Limit(100, timedelta(seconds=10)),
    (Trial.SECOND_FACTOR, Bucket.DEVICE): Limit(5, 3 * _MINUTE),
    (Trial.CONFIRM, Bucket.ACCOUNT): Limit(10, _MINUTE),
    (Trial.RESET, Bucket.ACCOUNT): Limit(3, 20 * _MINUTE),
    (Trial.RESET, Bucket.ADDRESS): Limit(30, 2 * _MINUTE),
}


@dataclass(frozen=True)
class Try:
    """One count: what is tried, and on which bucket. ``key`` tells nothing about whom."""

    trial: Trial
    bucket: Bucket
    subject: str

    @property
    def key(self) -> str:
        """Its row's name: a hash, so that no table lists who was tried from where."""
        subject = network_of(self.subject) if self.bucket is Bucket.ADDRESS else self.subject
        return hashlib.sha256(f"{self.trial}|{self.bucket}|{subject}".encode()).hexdigest()

    @property
    def limit(self) -> Limit:
        """How often."""
        return LIMITS[self.trial, self.bucket]


def network_of(address: str) -> str:
    """What counts as one network address: of IPv6 the half that a provider gives to one customer."""
    with suppress(ValueError):
        found = IPv6Address(address)
        if found.ipv4_mapped is None:
            return str(IPv6Network((found, 64), strict=False))
    return address


def tries(trial: Trial, account: str, address: str, device: str = "") -> tuple[Try, ...]:
    """What a try on ``account`` from the network ``address`` counts against.

    ``device`` names a browser that the account's owner has signed in from before; empty for a strange one.
    """
    if device:
        return (Try(trial, Bucket.DEVICE, f"{account}|{device}"),)
    return (
        Try(trial, Bucket.PAIR, f"{account}|{network_of(address)}"),
        Try(trial, Bucket.ACCOUNT, account),
        Try(trial, Bucket.ADDRESS, address),
    )


def take(full_at: datetime, limit: Limit, now: datetime) -> tuple[datetime, timedelta]:
    """One try of a bucket that is full again at ``full_at``: (the new instant, how long to wait).

    A wait above zero means refused, and then the instant is the old one: waiting is not made longer by trying.
    """
    after = max(full_at, now) + limit.every
    wait = after - now - limit.burst * limit.every
    return (full_at, wait) if wait > timedelta() else (after, timedelta())


def give_back(full_at: datetime, limit: Limit) -> datetime:
    """One try returned: what succeeded does not count."""
    return full_at - limit.every
