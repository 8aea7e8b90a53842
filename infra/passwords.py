"""Print a password for everyone who needs one, as lines for Compose and Kubernetes.

(umask 077; python infra/passwords.py > infra/.env)
"""

from __future__ import annotations

import secrets

NAMES = (
    "S3_ACCESS",
    "S3_SECRET",
    "POSTGRES_PASSWORD",
    "PREFECT_PASSWORD",
    "MLFLOW_PASSWORD",
    "REVIEW_PASSWORD",
)

if __name__ == "__main__":
    for name in NAMES:
        print(f"{name}={secrets.token_hex(20)}")
