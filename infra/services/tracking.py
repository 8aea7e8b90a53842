"""MLflow: a server that keeps its tables in PostgreSQL and its artifacts in the object store."""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus

from daemon import Daemon
from database import database_url
from place import HOST, Place

BUCKET = "mlflow"
START_SECONDS = 180.0


def start_tracking(place: Place, store: Mapping[str, str]) -> None:
    """Start the server; clients reach artifacts through it and need no access to the bucket."""
    server = Daemon(
        name="mlflow",
        command=(
            sys.executable, "-m", "mlflow", "server",
            "--host", HOST, "--port", str(place.port("mlflow")), "--workers", "1",
            "--backend-store-uri", database_url(place, "mlflow", "psycopg"),
            "--serve-artifacts", "--artifacts-destination", f"s3://{BUCKET}",
        ),
        environment={
            **store,
            "PGPASSFILE": str(place.password_file),
            "MLFLOW_S3_ENDPOINT_URL": store["AWS_ENDPOINT_URL"],
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "1",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # jobs of its own, which nobody asks for
        },
    )  # fmt: skip
    server.start(place)
    server.await_healthy(place, lambda: _answers(place), START_SECONDS)


def tracking_url(place: Place) -> str:
    """What ``tracking.uri`` says."""
    return f"http://{place.address('mlflow')}"


def _answers(place: Place) -> bool:
    with urllib.request.urlopen(f"{tracking_url(place)}/health", timeout=10) as answer:
        return answer.status == HTTPStatus.OK
