"""How long a bucket is asked again before an error counts, and which errors may pass at all."""

from __future__ import annotations

import errno
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, TypeVar

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as NoConnection
from deltalake.exceptions import DeltaError

from scalemai_core.errors import SettingsError

log = logging.getLogger("scalemai.store")

T = TypeVar("T")

TRIES_VARIABLE = "SCALEMAI_STORE_TRIES"
"""How often one request to a bucket is sent; 8. 1 sends it once."""
WAIT_VARIABLE = "SCALEMAI_STORE_WAIT_SECONDS"
"""Longest silence of a bucket that counts as an answer still to come; 20."""

PATIENCE_S = 90.0
"""After this long nothing is begun again."""
STORE_ERRORS = (OSError, BotoCoreError, ClientError)
"""What a disk or a bucket may raise: no permission, no credentials, no such bucket, no network."""
TRIES = 8
"""Half a minute of pauses on average: a store that is started again is back by then."""
LONGEST_PAUSE = "20s"
"""Between two requests; botocore's own limit, given to delta-rs as well."""
THROTTLED = frozenset({"SlowDown", "RequestTimeout", "ServiceUnavailable", "Throttling"})
"""S3's codes for later; some stores send them with a status below 500."""
PASSING_NUMBERS = frozenset(
    {errno.EBUSY, errno.EREMOTEIO, errno.ETIMEDOUT, errno.ENETDOWN, errno.ENETUNREACH, errno.ESTALE}
)
"""What s3fs makes of throttling and of a server's own fault, and what a network disk may say."""
BARRED_NUMBERS = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EACCES, errno.EPERM}
)
"""No room, or no right to it: no voxel's fault, and nothing that passes by itself."""
LOST_ANSWERS = (HTTPClientError, IncompleteReadError, NoConnection, ConnectionError, TimeoutError)
CUT_BODY = "ClientPayloadError"
"""Of aiohttp, which only s3fs loads: fewer bytes came than were announced."""
DELTA_GAVE_UP = "Generic S3 error"
"""How delta-rs begins when no answer or a server's fault ended its retries; what is missing,
forbidden or in conflict has words of its own."""

_dice = random.SystemRandom()


def bucket_options() -> dict[str, Any]:
    """For s3fs: botocore sends again after 5xx, throttling and connection errors, after a random
    pause below 1, 2, 4, ... 20 s. Bodies that were cut are read again by s3fs."""
    wait = _number(WAIT_VARIABLE, 20)
    retries = {"mode": "standard", "total_max_attempts": _number(TRIES_VARIABLE, TRIES)}
    return {
        "config_kwargs": {"retries": retries, "connect_timeout": wait, "read_timeout": wait},
    }


def table_options() -> dict[str, str]:
    """For delta-rs: the same, its pauses drawn with a decorrelated jitter.

    A commit is a conditional put. Sent again after it had succeeded, it is refused as if somebody
    else had been faster; the catalog then looks whose commit it is.
    """
    tries, wait = _number(TRIES_VARIABLE, TRIES), _number(WAIT_VARIABLE, 20)
    return {
        "max_retries": str(2 * tries),
        "retry_timeout": "60s",
        "backoff_config.init_backoff": "200ms",
        "backoff_config.max_backoff": LONGEST_PAUSE,
        "backoff_config.base": "2",
        "timeout": f"{3 * wait}s",
        "connect_timeout": f"{wait}s",
    }


def insist(ask: Callable[[], T]) -> T:
    """Ask again, after a random pause that doubles, while an error may pass and time is left.

    For what delta-rs does not send again itself: it gives up where an answer breaks off. ``ask``
    must be safe to repeat.
    """
    deadline = time.monotonic() + PATIENCE_S
    for pause_s in (min(2.0**tried, 20.0) for tried in range(_number(TRIES_VARIABLE, TRIES) - 1)):
        try:
            return ask()
        except (*STORE_ERRORS, DeltaError) as error:
            if not may_pass(error) or time.monotonic() > deadline:
                raise
            log.info("the store is asked again: %s", error)
            time.sleep(_dice.uniform(0, pause_s))
    return ask()


def may_pass(error: BaseException) -> bool:
    """Whether the same request could succeed later: throttling, a timeout, a lost connection.

    Never for what is missing, forbidden, damaged or impossible.
    """
    return any(_passing(one) for one in _causes(error))


def is_barred(error: BaseException) -> bool:
    """Whether the store lets this process do nothing: full, out of handles, or not permitted."""
    found = (one for one in _causes(error) if isinstance(one, OSError))
    return any(isinstance(one, PermissionError) or one.errno in BARRED_NUMBERS for one in found)


def _passing(error: BaseException) -> bool:
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        busy = HTTPStatus.TOO_MANY_REQUESTS
        return code in THROTTLED or status == busy or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, OSError | DeltaError) and DELTA_GAVE_UP in str(error):
        return True
    if isinstance(error, LOST_ANSWERS):
        return True
    if type(error).__name__ == CUT_BODY:
        return True
    return isinstance(error, OSError) and error.errno in PASSING_NUMBERS


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__


def _number(variable: str, otherwise: int) -> int:
    text = os.environ.get(variable, "")
    if not text:
        return otherwise
    if not text.isdigit() or int(text) < 1:
        raise SettingsError(f"{variable} is {text!r}; give a whole number of at least 1")
    return int(text)
