"""Judges Kubernetes manifests by the schemas of custom resource definitions: crds.py CRD… -- MANIFEST…

As the API server does with strict validation, a member that a schema does not have is an error. Rules in CEL
(x-kubernetes-validations) are not evaluated.
"""

import sys

import jsonschema
import yaml


def closed(schema):
    """The schema, with every member refused that it does not have."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(part) for name, part in schema.items()}
    if schema.pop("x-kubernetes-int-or-string", False):
        schema["type"] = ["integer", "string"]
        schema.pop("anyOf", None)
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object" and not is_open:
        schema["additionalProperties"] = False
    return schema


def schemas(paths):
    """The schema of each version of each kind that is served."""
    found = {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            spec = yaml.safe_load(file)["spec"]
        for version in spec["versions"]:
            if version["served"]:
                schema = closed(version["schema"]["openAPIV3Schema"])
                # The API server knows these of every object.
                schema["properties"]["metadata"] = {
                    "type": "object",
                    "properties": {
                        name: {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"}
                        for name in ("name", "namespace")
                    }
                    | {name: {"type": "object"} for name in ("labels", "annotations")},
                    "required": ["name"],
                    "additionalProperties": False,
                }
                found[f"{spec['group']}/{version['name']}", spec["names"]["kind"]] = schema
    return found


def main():
    split = sys.argv.index("--")
    known = schemas(sys.argv[1:split])
    faults = 0
    for path in sys.argv[split + 1 :]:
        with open(path, encoding="utf-8") as file:
            documents = list(yaml.safe_load_all(file))
        for document in documents:
            kind = document["apiVersion"], document["kind"]
            if kind not in known:
                print(f"{path}: no schema of {'/'.join(kind)}")
                faults += 1
                continue
            for error in jsonschema.Draft202012Validator(known[kind]).iter_errors(document):
                print(f"{path}: {'/'.join(kind)}: {error.json_path}: {error.message}")
                faults += 1
        print(f"{path}: {len(documents)} objects, {faults} faults")
    sys.exit(1 if faults else 0)


main()
