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


def parse_retry_after(value: str | None) -> float | None:
    """Seconds, from seconds or a date (RFC 9110, 10.2.3). A date is compared with this machine's clock."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    parsed = email.utils.parsedate_tz(value)
    return max(0.0, email.utils.mktime_tz(parsed) - time.time()) if parsed else None


def is_retryable_status(status: int) -> bool:
    """For an answer that is no problem document: one of a proxy, mostly."""
    return status in (408, 425, 429) or status >= 500
