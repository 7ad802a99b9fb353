"""When a request is sent again."""

from __future__ import annotations

import email.utils
import random
import time

FIRST_DELAY = 0.5
"""Seconds: the longest wait before the second attempt."""
LONGEST_DELAY = 30.0
"""Seconds. A server that asks for longer by Retry-After is waited for, up to LONGEST_RETRY_AFTER."""
LONGEST_RETRY_AFTER = 300.0


def delay_before(attempt: int, retry_after: float | None = None) -> float:
    """Seconds to wait before attempt number `attempt` (the first is 1).

    Full jitter: anything from none to the exponential bound, so that clients whom one fault stopped do not come
    back as one. What the server asks for comes on top of nothing: it is the least, and jitter is added.
    """
    bound = min(LONGEST_DELAY, FIRST_DELAY * 2 ** min(attempt - 2, 16))
    jitter = random.uniform(0, bound)
    if retry_after is None:
        return jitter
    return min(retry_after, LONGEST_RETRY_AFTER) + min(jitter, FIRST_DELAY)


def parse_retry_after(value: str | None, date: str | None) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3), which is compared with the answer's own `Date`: the clock of
    this machine may be off."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    until, now = parse_date(value), parse_date(date)
    if until is None:
        return None
    return max(0.0, until - (time.time() if now is None else now))


def parse_date(value: str | None) -> float | None:
    """Seconds since 1970, of a date of HTTP."""
    parsed = email.utils.parsedate_tz(value or "")
    return None if parsed is None else float(email.utils.mktime_tz(parsed))


def is_retryable_status(status: int) -> bool:
    """For an answer that is no problem document: one of a proxy, mostly."""
    return status in (408, 425, 429) or status >= 500
