"""An S3-compatible object store: Ceph with one monitor, one disk in a file, and one gateway.

Authentication stays on between the daemons: without it the gateway hangs on its start.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.error
import urllib.request
import uuid
from contextlib import suppress
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from daemon import Daemon, clean_environment, kill, started
from place import HOST, LISTEN, Place, ServiceError, program

BUCKETS = ("scalemai", "mlflow")
DISK_GIB = int(os.environ.get("SCALEMAI_SERVICES_DISK_GIB", "64"))
"""Size of the disk's file when it is made; it is sparse and grows as it fills."""
MEMORY_MIB = 896
"""What the disk's daemon may take; the least it accepts, for machines with little."""
USER = "scalemai"
START_SECONDS = 120.0
COMMAND_SECONDS = 60
RIGHTS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
    "client.rgw": {"mon": "allow rw", "osd": "allow rwx"},
}

CONFIGURATION = """\
[global]
fsid = {fsid}
mon initial members = a
mon host = [{mon}]
ms bind msgr1 = false
public addr = {host}
cluster addr = {host}
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
admin socket =
run dir = {folder}
log to file = false
log to stderr = true
err to stderr = true
mon cluster log to file = false
mon data = {folder}/mon
osd data = {folder}/osd
keyring = {folder}/keys
mon allow pool size one = true
mon warn on pool no redundancy = false
mon data avail warn = 2
mon data avail crit = 1
auth allow insecure global id reclaim = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = bluestore
osd memory target = {memory}
bluestore block size = {disk}
rgw enable usage log = false
rgw enable ops log = false
rgw thread pool size = 64
"""


class ObjectStore:
    """The store's files and daemons below one folder."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.folder = place.folder / "ceph"
        self._ready = self.folder / "ready"
        self._monitor = f"v2:{place.address('monitor')}"
        self._common = ("-c", str(self.folder / "ceph.conf"))

    def start(self) -> None:
        """Start all three daemons; the first start makes what they serve."""
        first = not self._ready.exists()
        if first:
            self._lay_out()
        monitor = self._daemon("monitor", "ceph-mon", "a")
        disk = self._daemon("disk", "ceph-osd", "0")
        gateway = self._daemon("gateway", "radosgw", "client.rgw")
        monitor.start(self.place)
        if first:
            self._admit_disk()
        disk.start(self.place)
        if first:
            self._admit_user()
            self._ready.touch()
        gateway.start(self.place)

        def healthy() -> bool:
            for needed in (monitor, disk):
                needed.refuse_ended(self.place)
            return _answers(self.url)

        gateway.await_healthy(self.place, healthy, START_SECONDS)
        self._check()

    @property
    def url(self) -> str:
        """Where S3 is spoken."""
        return f"http://{self.place.address('s3')}"

    @property
    def environment(self) -> dict[str, str]:
        """What clients need."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": self.place.secret("s3 access"),
            "AWS_SECRET_ACCESS_KEY": self.place.secret("s3 secret"),
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_REGION": "us-east-1",
        }

    @property
    def _keys(self) -> Path:
        return self.folder / "keys"

    def _daemon(self, role: str, command: str, who: str) -> Daemon:
        call = [program(command, command), *self._common, "-f"]
        call += ["-n", who] if command == "radosgw" else ["-i", who]
        if command == "radosgw":
            endpoint = f"beast endpoint={LISTEN}:{self.place.port('s3')} tcp_nodelay=1"
            call += ["--rgw-frontends", endpoint]
        return Daemon(name=f"ceph-{role}", command=tuple(call))

    def _lay_out(self) -> None:
        """Configuration, keys and the monitor's files; a start that was killed begins anew."""
        for name in started(self.place):
            if name.startswith("ceph-"):
                kill(self.place, name)
        shutil.rmtree(self.folder, ignore_errors=True)
        for folder in (self.folder, self.folder / "mon", self.folder / "osd"):
            folder.mkdir(mode=0o700)
        fsid = str(uuid.UUID(self.place.secret("fsid")[:32]))
        text = CONFIGURATION.format(
            fsid=fsid,
            mon=self._monitor,
            host=HOST,
            folder=self.folder,
            memory=MEMORY_MIB << 20,
            disk=DISK_GIB << 30,
        )
        self.place.write_private(self.folder / "ceph.conf", text)
        self._run("ceph-authtool", "--create-keyring", str(self._keys))
        for who, rights in RIGHTS.items():
            caps = [word for part, right in rights.items() for word in ("--cap", part, right)]
            self._run("ceph-authtool", str(self._keys), "--gen-key", "-n", who, *caps)
        monmap = str(self.folder / "monmap")
        address = f"[{self._monitor}]"
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, monmap)
        self._run("ceph-mon", *self._common, "--mkfs", "-i", "a", "--monmap", monmap)

    def _admit_disk(self) -> None:
        disk = str(uuid.UUID(self.place.secret("disk")[:32]))
        self._run("ceph", *self._common, "osd", "new", disk)
        self._run("ceph-osd", *self._common, "-i", "0", "--mkfs", "--osd-uuid", disk)

    def _admit_user(self) -> None:
        """Whom clients sign as."""
        create = ("user", "create", "--uid", USER, "--display-name", USER)
        access, secret = self.place.secret("s3 access"), self.place.secret("s3 secret")
        keys = ("--access-key", access, "--secret-key", secret)
        self._run("radosgw-admin", *self._common, "-n", "client.rgw", *create, *keys)

    def _run(self, command: str, *arguments: str) -> None:
        call = [program(command, "ceph-common"), *arguments]
        try:
            done = subprocess.run(
                call,
                capture_output=True,
                text=True,
                check=False,
                env=clean_environment(),
                timeout=COMMAND_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            logs = self.place.folder / "log"
            raise ServiceError(f"{command} found no monitor; see {logs}/ceph-*.log") from error
        if done.returncode:
            raise ServiceError(f"{command} failed: {done.stderr.strip()[-500:]}")

    def _check(self) -> None:
        """Buckets are there, and an object is written once where two would write it."""
        client = boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=self.place.secret("s3 access"),
            aws_secret_access_key=self.place.secret("s3 secret"),
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 5}, read_timeout=COMMAND_SECONDS),
        )
        for bucket in BUCKETS:
            client.create_bucket(Bucket=bucket)
        key = f".check/{uuid.uuid4().hex}"
        client.put_object(Bucket=BUCKETS[0], Key=key, Body=b"first", IfNoneMatch="*")
        try:
            client.put_object(Bucket=BUCKETS[0], Key=key, Body=b"second", IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise
        else:
            raise ServiceError("the object store lets two writers make one object")
        client.delete_object(Bucket=BUCKETS[0], Key=key)


def _answers(url: str) -> bool:
    """Whether anybody speaks S3 there: an unsigned request is refused or answered, not dropped."""
    with suppress(urllib.error.HTTPError):
        urllib.request.urlopen(url, timeout=5).close()
    return True
