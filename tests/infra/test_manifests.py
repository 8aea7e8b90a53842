"""Compose and Kubernetes start the same set, under the hosts and passwords that the rest names."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from scalemai_core.settings.file import load_settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "infra" / "compose.yaml").read_text())
PASSWORDS = set(runpy.run_path(str(ROOT / "infra" / "passwords.py"))["NAMES"])
KUBERNETES = ROOT / "infra" / "kubernetes"
OWN_IMAGES = {"scalemai", "scalemai-store"}


def manifests() -> list[dict[str, Any]]:
    files = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    return [one for name in files for one in yaml.safe_load_all((KUBERNETES / name).read_text())]


def containers() -> dict[str, dict[str, Any]]:
    """The one container of every workload, by the workload's name."""
    found = {}
    for manifest in manifests():
        if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            (found[manifest["metadata"]["name"]],) = manifest["spec"]["template"]["spec"][
                "containers"
            ]
    return found


def environment(container: dict[str, Any]) -> dict[str, str]:
    """Names and values, a password as the name of its secret."""
    found = {}
    for one in container.get("env", []):
        secret = one.get("valueFrom", {}).get("secretKeyRef", {}).get("key")
        found[one["name"]] = f"${{{secret}}}" if secret else one["value"]
    if "envFrom" in container:
        shared = [m for m in manifests() if m["metadata"]["name"] == "scalemai"]
        found |= shared[0]["data"]
    return found


def test_both_run_the_same_services() -> None:
    assert set(containers()) == set(COMPOSE["services"])


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_a_service_is_the_same_in_both(name: str) -> None:
    ours, theirs = COMPOSE["services"][name], containers()[name]
    assert ours["image"] == theirs["image"]
    assert ours.get("command") == theirs.get("command")
    expected = {k: re.sub(r":\?[^}]*", "", v) for k, v in ours.get("environment", {}).items()}
    found = environment(theirs)
    assert {k: found.get(k) for k in expected} == expected


def test_the_database_is_prepared_by_the_same_words() -> None:
    (prepared,) = [m for m in manifests() if m["metadata"]["name"] == "databases"]
    words = COMPOSE["configs"]["databases"]["content"].replace("$$", "$")
    assert prepared["data"]["databases.sh"].strip() == words.strip()


def test_every_password_that_is_asked_for_is_drawn() -> None:
    compose = (ROOT / "infra" / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{([A-Z0-9_]+)[:}]", compose)) == PASSWORDS
    secrets = {
        one["valueFrom"]["secretKeyRef"]["key"]
        for container in containers().values()
        for one in container.get("env", [])
        if "valueFrom" in one
    }
    assert secrets == PASSWORDS


def test_no_container_reads_addresses_that_kubernetes_invents() -> None:
    """MLFLOW_PORT=tcp://... of a service named mlflow would be an option of its server."""
    for manifest in manifests():
        if manifest["kind"] in ("Deployment", "StatefulSet", "Job"):
            assert manifest["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_the_settings_of_the_cluster_name_these_hosts() -> None:
    settings = load_settings(str(ROOT / "deployments" / "settings" / "cluster.yaml"), [])
    urls = (settings.compute.dask, settings.review.database, settings.tracking.uri)
    for url in map(str, urls):
        assert urlsplit(url).hostname in COMPOSE["services"]
    hosts = {one["metadata"]["name"] for one in manifests() if one["kind"] == "Service"}
    assert {urlsplit(str(url)).hostname for url in urls} <= hosts


def test_what_the_images_copy_is_there_and_is_let_in() -> None:
    dockerfile = (ROOT / "infra" / "Dockerfile").read_text()
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()}
    for words in re.findall(r"^COPY (.+)$", dockerfile, re.MULTILINE):
        for source in words.split()[:-1]:
            assert (ROOT / source).exists()
            assert source in allowed
    images = {service["image"] for service in COMPOSE["services"].values()}
    assert images == OWN_IMAGES | {"postgres:17"}
