"""The compose stack, as far as it can be judged without Docker."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml")
jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
TEXT = (DOCKER / "docker-compose.yml").read_text(encoding="utf-8")
STACK = yaml.safe_load(TEXT)
SERVICES = STACK["services"]
LONG_RUNNING = {
    name: service for name, service in SERVICES.items() if service.get("restart") != "no"
}
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rest>[^}]*)\}")
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|KEY")


def _example() -> dict[str, str]:
    lines = (DOCKER / "env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _versions(image: str) -> set[str]:
    return {
        service["image"].rsplit(":", 1)[1]
        for service in SERVICES.values()
        if f"/{image}:" in service["image"]
    }


def test_the_stack_follows_the_compose_specification():
    spec = find_spec("check_jsonschema")
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(
            "the schema of the compose specification comes with check-jsonschema (test extra)"
        )
    schema = Path(
        spec.submodule_search_locations[0], "builtin_schemas", "vendor", "compose-spec.json"
    )
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    assert [
        f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(STACK)
    ] == []


def test_elasticsearch_and_kibana_have_one_version_of_the_nine_series():
    versions = _versions("elasticsearch") | _versions("kibana")
    assert len(versions) == 1
    assert re.fullmatch(r"9\.\d+\.\d+", versions.pop())


def test_the_stack_runs_the_version_that_the_local_node_runs():
    source = ROOT / "catalog" / "engine" / "distribution.py"
    pinned = re.findall(
        r'^\w*VERSION\w*(?:\s*:\s*[\w\[\]]+)?\s*=\s*"(\d+\.\d+\.\d+)"',
        source.read_text("utf-8"),
        re.M,
    )
    assert pinned
    assert pinned[0] in _versions("elasticsearch")


def test_the_setup_services_reuse_the_image_of_elasticsearch():
    assert (
        SERVICES["setup"]["image"]
        == SERVICES["volumes"]["image"]
        == SERVICES["elasticsearch"]["image"]
    )


@pytest.mark.parametrize("name", SERVICES)
def test_every_published_port_is_on_loopback(name):
    for port in SERVICES[name].get("ports", []):
        assert isinstance(port, str)
        assert port.startswith("127.0.0.1:")
    assert SERVICES[name].get("network_mode", "none") == "none"


def test_the_two_ports_people_use_are_published():
    assert SERVICES["elasticsearch"]["ports"] == ["127.0.0.1:${ELASTICSEARCH_PORT:-9200}:9200"]
    assert SERVICES["kibana"]["ports"] == ["127.0.0.1:${KIBANA_PORT:-5601}:5601"]


def test_every_catalog_variable_is_a_setting():
    config = pytest.importorskip("catalog.config")
    known = {f"CATALOG_{name}".upper() for name in config.Settings.__dataclass_fields__}
    known |= {f"CATALOG_{name}_FILE".upper() for name in config.secret_names(config.Settings)}
    used = set(
        re.findall(r"\bCATALOG_[A-Z_]+", TEXT + (DOCKER / "README.md").read_text(encoding="utf-8"))
    )
    assert used
    assert used <= known


def test_env_example_lists_exactly_the_variables_of_the_stack():
    assert {match["name"] for match in VARIABLE.finditer(TEXT)} == set(_example())


def test_defaults_in_the_stack_and_in_env_example_agree():
    for match in VARIABLE.finditer(TEXT):
        if match["rest"].startswith(":-"):
            assert match["rest"][2:] == _example()[match["name"]]


def test_no_secret_has_a_value_and_none_may_be_empty():
    secrets = [match for match in VARIABLE.finditer(TEXT) if SECRET.search(match["name"])]
    assert {match["name"] for match in secrets} == {
        "ELASTIC_PASSWORD",
        "KIBANA_PASSWORD",
        "KIBANA_ENCRYPTION_KEY",
    }
    for match in secrets:
        assert match["rest"].startswith(":?")
        assert _example()[match["name"]] == ""


def test_every_secret_in_an_environment_comes_from_a_variable():
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if SECRET.search(name):
                assert VARIABLE.fullmatch(value), name


def test_security_is_on():
    environment = SERVICES["elasticsearch"]["environment"]
    assert environment["xpack.security.enabled"] == "true"
    assert "ELASTIC_PASSWORD" in environment


def test_only_elasticsearch_and_kibana_run_for_long():
    assert set(LONG_RUNNING) == {"elasticsearch", "kibana"}


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_long_running_service_is_watched_and_comes_back(name):
    check = LONG_RUNNING[name]["healthcheck"]
    assert check["test"][0] in {"CMD", "CMD-SHELL"}
    assert {"interval", "timeout", "retries", "start_period"} <= set(check)
    assert LONG_RUNNING[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_memory_limit(name):
    assert SERVICES[name]["mem_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_named_volume_and_every_awaited_service_exists(name):
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, str):
            assert volume.split(":")[0] in STACK["volumes"]
    for other, wait in SERVICES[name].get("depends_on", {}).items():
        watched = "healthcheck" in SERVICES[other]
        assert wait["condition"] == (
            "service_healthy" if watched else "service_completed_successfully"
        )


def test_snapshots_have_a_volume_at_the_registered_path():
    service = SERVICES["elasticsearch"]
    assert f"snapshots:{service['environment']['path.repo']}" in service["volumes"]


def test_the_photos_are_read_only_and_no_folder_is_made_for_a_missing_mount():
    mounts = {
        volume["target"]: volume
        for volume in SERVICES["catalog"]["volumes"]
        if isinstance(volume, dict)
    }
    assert mounts["/photos"]["read_only"] is True
    assert mounts["/nas"]["bind"]["create_host_path"] is False
    assert SERVICES["catalog"]["environment"]["CATALOG_NAS_ROOT"] == "/nas"


def test_the_image_is_built_from_the_checkout():
    build = SERVICES["catalog"]["build"]
    assert (DOCKER / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).exists()
    assert "tools" in SERVICES["catalog"]["profiles"]


def _dockerfile() -> list[str]:
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", "")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def test_the_program_does_not_run_as_root_in_its_image():
    lines = _dockerfile()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert users[-1] not in {"root", "0"}
    assert lines.index(f"USER {users[-1]}") < lines.index('ENTRYPOINT ["catalog"]')


def test_the_image_adds_nothing_but_the_package():
    lines = _dockerfile()
    assert {line.split()[1] for line in lines if line.startswith("FROM ")} == {"python:3.12-slim"}
    assert not re.search(r"apt-get|apk |curl|wget", "\n".join(lines))
    installed = [line for line in lines if "pip install" in line]
    assert all("/src" in line.split("&&")[0] for line in installed) and len(installed) == 2


def test_build_arguments_are_those_that_the_image_knows():
    known = {line.split()[1].split("=")[0] for line in _dockerfile() if line.startswith("ARG ")}
    assert set(SERVICES["catalog"]["build"]["args"]) == known


def test_only_named_files_go_into_the_image():
    lines = (DOCKER / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {"!catalog", "!pyproject.toml", "!setup.cfg", "!requirements.lock", "**/.env"} <= set(
        rules
    )
