"""What is deployed is valid against Kubernetes' own schemas, and says what the code says."""

import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from libs.common.metrics import Metrics
from services.settings import PORTS

DEPLOY = Path("deploy")
BASE = DEPLOY / "k8s" / "base"
MANIFESTS = sorted(path for path in (DEPLOY / "k8s").rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted((DEPLOY / "k8s").rglob("kustomization.yaml"))


def _documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _pods() -> list[tuple[str, dict[str, Any]]]:
    return [
        (document["metadata"]["name"], document["spec"]["template"]["spec"])
        for path in MANIFESTS
        for document in _documents(path)
        if document["kind"] in {"Deployment", "Job"}
    ]


@pytest.mark.parametrize("path", MANIFESTS, ids=str)
def test_a_manifest_is_valid_in_kubernetes_own_schema(path: Path) -> None:
    for document in _documents(path):
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_a_misspelt_field_would_be_noticed() -> None:
    broken = _documents(BASE / "intake.yaml")[0]
    broken["spec"]["replicaz"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("path", KUSTOMIZATIONS, ids=str)
def test_a_kustomization_names_only_what_exists(path: Path) -> None:
    body = yaml.safe_load(path.read_text())
    for entry in [*body.get("resources", []), *body.get("components", [])]:
        assert (path.parent / entry).exists(), entry
    for generator in body.get("configMapGenerator", []):
        for entry in generator["files"]:
            assert (path.parent / entry).is_file(), entry


def test_the_base_carries_every_file_of_the_configuration_tree() -> None:
    body = yaml.safe_load((BASE / "kustomization.yaml").read_text())
    carried = {Path(entry).name for entry in body["configMapGenerator"][0]["files"]}
    assert carried == {path.name for path in (DEPLOY / "config").glob("*.yaml")}


@pytest.mark.parametrize("service", PORTS)
def test_every_service_is_deployed_with_probes_limits_and_a_disruption_budget(service: str) -> None:
    documents = {document["kind"]: document for document in _documents(BASE / f"{service}.yaml")}
    assert set(documents) == {"Deployment", "Service", "PodDisruptionBudget"}
    container = documents["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert container["args"] == [f"services.{service}"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert "memory" in container["resources"]["limits"]
    labels = documents["Deployment"]["spec"]["template"]["metadata"]["labels"]
    for kind in ("Service", "PodDisruptionBudget"):
        selector = documents[kind]["spec"]["selector"]
        assert (selector.get("matchLabels") or selector).items() <= labels.items()


@pytest.mark.parametrize(("name", "pod"), _pods(), ids=[name for name, _ in _pods()])
def test_no_container_has_more_rights_than_it_needs(name: str, pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def test_migrations_run_for_every_service() -> None:
    job = _documents(BASE / "migrate.yaml")[0]
    assert [c["args"] for c in job["spec"]["template"]["spec"]["containers"]] == [
        [f"services.{name}", "migrate"] for name in ("intake", "escalator", "oncall", "notifier", "statuspage")
    ]


def test_the_image_runs_without_root_and_without_build_arguments() -> None:
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    assert not [line for line in lines if line.startswith("ARG")]
    users = [line.split()[1] for line in lines if line.startswith("USER")]
    assert users == ["10001:10001"]
    copied = [line.split()[-2] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert all(Path(name).exists() for name in copied)


def test_compose_runs_the_five_services_on_kafka_and_postgresql_without_a_secret_in_it() -> None:
    text = (DEPLOY / "compose.yaml").read_text()
    body = yaml.safe_load(text)
    assert set(body["services"]) == {"postgres", "kafka", *PORTS}
    for service in PORTS:
        assert body["services"][service]["command"] == [f"services.{service}"]
    assert not re.search(r"(PASSWORD|KEY_[A-Z]+): (?!\$\{)\S", text)


def test_alert_rules_ask_only_for_metrics_that_tocsin_has() -> None:
    exposed = {
        sample.name
        for family in text_string_to_metric_families(Metrics().exposition().decode())
        for sample in [*family.samples, Sample(family.name, {}, 0)]
    }
    rules = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())["groups"][0]["rules"]
    for rule in rules:
        asked = set(re.findall(r"tocsin_[a-z_]+", rule["expr"]))
        assert asked, rule["alert"]
        for name in asked:
            assert any(name.removesuffix(end) in exposed for end in ("", "_bucket", "_total")), name
        assert rule["annotations"]["action"]
