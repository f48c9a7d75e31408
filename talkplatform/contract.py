"""Whether a new description of the API would break the clients of an old one."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

from common.shapes import Json


def described() -> Json:
    """The OpenAPI description of the code as it is."""
    with GENERATOR_STATS.silence():
        return SchemaGenerator().get_schema(request=None, public=True)


def major(schema: Json) -> int:
    """The number that says which clients this version is for."""
    return int(schema["info"]["version"].partition(".")[0])


def breaks(old: Json, new: Json) -> list[str]:
    """What clients of `old` would stumble over, a line each; nothing where only things came to it.

    Clients take a new field, a new operation, a new value of an enumeration that they read: those
    break nothing. What they read must stay there, of the same type; what they send must be taken.
    """
    return [line for path in old["paths"] for line in _path(path, old, new)]


def _path(path: str, old: Json, new: Json) -> Iterator[str]:
    for method, operation in old["paths"][path].items():
        name = f"{method.upper()} {path}"
        changed = new["paths"].get(path, {}).get(method)
        if changed is None:
            yield f"{name} is gone"
            continue
        yield from _operation(name, (operation, old), (changed, new))


def _operation(name: str, old: tuple[Json, Json], new: tuple[Json, Json]) -> Iterator[str]:
    before, after = old[0], new[0]
    if before["operationId"] != after["operationId"]:
        yield f"{name} is now called {after['operationId']}, not {before['operationId']}"
    yield from _parameters(name, before, after)
    yield from _input(f"{name} takes", _content(before, old[1]), _content(after, new[1]), old, new)
    for status, answer in before["responses"].items():
        if status not in after["responses"]:
            yield f"{name} no longer answers {status}"
            continue
        yield from _output(
            f"{name} {status}",
            _resolved(_schema(answer), old[1]),
            _resolved(_schema(after["responses"][status]), new[1]),
            old,
            new,
        )


def _parameters(name: str, before: Json, after: Json) -> Iterator[str]:
    known = {(p["in"], p["name"]): p for p in before.get("parameters", [])}
    offered = {(p["in"], p["name"]): p for p in after.get("parameters", [])}
    for key in known.keys() - offered.keys():
        yield f"{name} no longer takes the {key[0]} parameter {key[1]}"
    for key, parameter in offered.items():
        was = known.get(key, {})
        if parameter.get("required") and not was.get("required"):
            yield f"{name} now requires the {key[0]} parameter {key[1]}"
        if was and narrowed(was["schema"], parameter["schema"]):
            yield f"{name} takes less in the {key[0]} parameter {key[1]}"


def _input(where: str, before: Json, after: Json, old: Any, new: Any) -> Iterator[str]:
    known, offered = before.get("properties", {}), after.get("properties", {})
    for field in known.keys() - offered.keys():
        yield f"{where} no longer {field}"
    for field in set(after.get("required", ())) - set(before.get("required", ())):
        yield f"{where} now requires {field}"
    for field in known.keys() & offered.keys():
        was, now = _resolved(known[field], old[1]), _resolved(offered[field], new[1])
        if narrowed(was, now):
            yield f"{where} less in {field}"


def _output(where: str, before: Json, after: Json, old: Any, new: Any) -> Iterator[str]:
    yield from _codes(where, before, after)
    if before.get("type") != after.get("type") or before.get("format") != after.get("format"):
        yield f"{where} is now {_kind(after)}, not {_kind(before)}"
        return
    if "items" in before:
        items = _resolved(before["items"], old[1]), _resolved(after["items"], new[1])
        yield from _output(f"{where}[]", *items, old, new)
    for field, schema in before.get("properties", {}).items():
        if field not in after.get("properties", {}):
            yield f"{where} no longer has {field}"
            continue
        if field in before.get("required", ()) and field not in after.get("required", ()):
            yield f"{where} may leave {field} out"
        now = _resolved(after["properties"][field], new[1])
        yield from _output(f"{where} {field}", _resolved(schema, old[1]), now, old, new)


def _codes(where: str, before: Json, after: Json) -> Iterator[str]:
    options = [{o.get("$ref") or str(o) for o in s.get("oneOf", [])} for s in (before, after)]
    for option in sorted(options[0] - options[1]):
        yield f"{where} no longer is {option.rpartition('/')[2]}"


def narrowed(before: Json, after: Json) -> bool:
    """Whether something that `before` took is not taken any more."""
    if before.get("type") != after.get("type") or before.get("format") != after.get("format"):
        return True
    if "enum" in after and not set(before.get("enum", [object()])) <= set(after["enum"]):
        return True
    if after.get("pattern") != before.get("pattern") and "pattern" in after:
        return True
    upper = after.get("maxLength", float("inf")) < before.get("maxLength", float("inf"))
    return upper or after.get("minLength", 0) > before.get("minLength", 0)


def _content(operation: Json, schema: Json) -> Json:
    return _resolved(_schema(operation.get("requestBody", {})), schema)


def _schema(holder: Json) -> Json:
    found: Json = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _resolved(schema: Json, root: Json) -> Json:
    """The schema itself where it is a reference, or the one thing that a field is all of."""
    while True:
        if "allOf" in schema and len(schema["allOf"]) == 1:
            schema = schema["allOf"][0]
        if "$ref" not in schema:
            return schema
        schema = root["components"]["schemas"][schema["$ref"].rpartition("/")[2]]


def _kind(schema: Json) -> str:
    return str(schema.get("format") or schema.get("type") or "something else")
