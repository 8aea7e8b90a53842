"""Thin Prefect tasks: resolve, call the core once per scan, publish, return a record."""

from __future__ import annotations

import os

# No telemetry leaves the machine; set before Prefect or MLflow are imported anywhere.
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# The engine's own log lines belong in Prefect's page too; Prefect's chatter and its tracebacks,
# which are raised as well, not on the console.
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "scalemai")
os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
os.environ.setdefault("PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW", "ignore")
# On a machine that is busy with something else the server of a single command takes its time.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
# Shards fill the cores; BLAS threads of their own would only fight over them.
os.environ.setdefault("OMP_NUM_THREADS", "1")
