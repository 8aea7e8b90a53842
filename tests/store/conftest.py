"""The two kinds of place a workspace may lie in: a disk, and a bucket on a real S3 server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import s3fs
from made_up_workspace import Made, make
from s3_server import s3_server

from scalemai_core.store.workspace import Workspace


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """URL of an S3 server in this process."""
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of an empty place in a bucket, reached through the environment as users do."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="hospital")
    yield f"s3://hospital/{uuid.uuid4().hex}"
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(params=["disk", "bucket"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty place, once on a disk and once in a bucket."""
    if request.param == "disk":
        return str(tmp_path / "workspace")
    place: str = request.getfixturevalue("bucket")
    return place


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    """An empty workspace on a disk."""
    return Workspace.create(str(tmp_path / "workspace"), patient_key="key")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """The workspace on a disk."""
    return make(str(tmp_path / "workspace"))


@pytest.fixture
def anywhere(url: str) -> Made:
    """The workspace, once on a disk and once in a bucket."""
    return make(url)
