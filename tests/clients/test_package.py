"""The client's package: its types are those of the schema, it needs httpx alone and has the service's version."""

import ast
import inspect
import sys
import tomllib
import types
import typing
from typing import Any, is_typeddict

import pytest
import yaml

import backend
import face_parsing_client
from face_parsing_client import schema
from tests.conftest import ROOT

FOLDER = ROOT / "clients" / "python"
OPENAPI = yaml.safe_load((ROOT / "frontend" / "openapi.yaml").read_text())
SCHEMAS: dict[str, Any] = OPENAPI["components"]["schemas"]
TYPED = {
    name: kind
    for name, kind in vars(schema).items()
    if is_typeddict(kind) and kind.__module__ == schema.__name__
}
PRIMITIVES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def reference(name: str) -> str:
    return {"ProblemBody": "Problem"}.get(name, name)


def described(kind: Any) -> Any:
    """A type as the schema would have it."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.NotRequired:
        return described(arguments[0])
    if origin is types.UnionType:
        return sorted(PRIMITIVES[one] for one in arguments)
    if origin is typing.Literal:
        return set(arguments)
    if origin is list:
        return [described(arguments[0])]
    if origin is dict:
        return "object"
    return reference(kind.__name__) if is_typeddict(kind) else PRIMITIVES[kind]


def expected(field: dict[str, Any]) -> Any:
    """The schema's field in the same words."""
    if "allOf" in field:
        return expected(field["allOf"][0])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return set(SCHEMAS[name]["enum"]) if "enum" in SCHEMAS[name] else name
    if isinstance(field["type"], list):
        return sorted(field["type"])
    if field["type"] == "array":
        return [expected(field["items"])]
    return field["type"]


@pytest.mark.parametrize("name", sorted(TYPED))
def test_a_type_is_that_of_the_schema(name: str) -> None:
    there = SCHEMAS[reference(name)]
    hints = typing.get_type_hints(TYPED[name], include_extras=True)
    assert {key: described(kind) for key, kind in hints.items()} == {
        key: expected(field) for key, field in there["properties"].items()
    }
    assert TYPED[name].__required_keys__ == set(there.get("required", []))


def test_every_schema_that_answers_refer_to_has_a_type() -> None:
    requests = {name for name in SCHEMAS if name.endswith("Request")}
    enums = {name for name, there in SCHEMAS.items() if "enum" in there}
    assert {reference(name) for name in TYPED} == set(SCHEMAS) - requests - enums


@pytest.mark.parametrize("path", ["/api/segment/", "/api/segment/batch/"])
def test_the_options_are_the_query_parameters(path: str) -> None:
    parameters = {row["name"] for row in OPENAPI["paths"][path]["post"]["parameters"]}
    assert parameters - {"output"} == set(face_parsing_client.Options.__annotations__)


def test_there_is_a_method_for_every_output() -> None:
    assert set(SCHEMAS["OutputEnum"]["enum"]) <= {
        name for name, _ in inspect.getmembers(face_parsing_client.Client, inspect.isfunction)
    }


def test_it_imports_httpx_and_the_standard_library_alone() -> None:
    files = list((FOLDER / "src" / "face_parsing_client").glob("*.py"))
    assert len(files) > 5
    extra = {"numpy", "PIL"}  # inside Output.array()
    for file in files:
        tree = ast.parse(file.read_text())
        names = {
            alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
        }
        names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        roots = {name.partition(".")[0] for name in names}
        allowed = extra if file.name == "calls.py" else set()
        assert roots <= {"httpx", "face_parsing_client", *sys.stdlib_module_names, *allowed}
    project = tomllib.loads((FOLDER / "pyproject.toml").read_text())["project"]
    assert [line.partition(">")[0] for line in project["dependencies"]] == ["httpx"]


def test_client_and_service_have_one_version() -> None:
    assert face_parsing_client.__version__ == backend.__version__
