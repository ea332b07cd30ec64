"""openapi-python-client: it generates a client from the server's document without a warning, and the client works."""

import os
import subprocess
import sys
import tempfile

from raises import version_of

version_of("openapi-python-client")

folder = tempfile.TemporaryDirectory()
config = os.path.join(folder.name, "config.yml")
with open(config, "w") as file:
    # It knows no JSON lines; nothing is run over what it generates.
    file.write("post_hooks: []\ncontent_type_overrides:\n  application/x-ndjson: text/plain\n")
command = [sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning"]
command += ["--url", os.environ["ISSUER"] + "/openapi.json", "--config", config]
command += ["--output-path", os.path.join(folder.name, "client")]
generated = subprocess.run(command, capture_output=True, text=True)
assert generated.returncode == 0, generated.stdout + generated.stderr
sys.path.append(os.path.join(folder.name, "client"))

# snippet: openapi-python-client
import os

from token_server_client import AuthenticatedClient, Client
from token_server_client.api.administration import create_client
from token_server_client.api.clients import issue_token
from token_server_client.models import NewClient, TokenRequest

request = TokenRequest(
    grant_type="client_credentials",
    client_id=os.environ["OPERATOR_ID"],
    client_secret=os.environ["OPERATOR_SECRET"],
)
token = issue_token.sync(client=Client(os.environ["ISSUER"]), body=request)
admin = AuthenticatedClient(os.environ["ISSUER"], token=token.access_token)
created = create_client.sync(client=admin, body=NewClient(client_id="shipping", scopes="parcels.read"))
print(created.client.client_id, created.secret.client_secret)
# end
from token_server_client.api.administration import (
    delete_client,
    inspect_token,
    list_audit_events,
    list_client_secrets,
    list_clients,
    rotate_keys,
    show_client,
    show_overview,
    update_client,
)
from token_server_client.api.verification import introspect_token, verify_token
from token_server_client.models import (
    ClientChanges,
    Error,
    KeyRotation,
    TokenAndClient,
    TokenToInspect,
    TokenToVerify,
)

# What was registered is what was asked for, in the types of the document.
assert created.client.client_id == "shipping", created
assert created.client.scopes == "parcels.read" and created.client.status == "enabled"
assert created.secret.client_secret.startswith("tks_")

# It logs in, and its token is judged.
anybody = Client(os.environ["ISSUER"])
secret = created.secret.client_secret
asked = TokenRequest(grant_type="client_credentials", client_id="shipping", client_secret=secret)
token = issue_token.sync(client=anybody, body=asked)
assert token.token_type == "Bearer" and token.scope == "parcels.read", token
claims = verify_token.sync(client=anybody, body=TokenToVerify(token=token.access_token))
assert claims.success and claims.client_id == "shipping" and claims.aud == os.environ["ISSUER"], claims
asked = TokenAndClient(token=token.access_token, client_id="shipping", client_secret=secret)
assert introspect_token.sync(client=anybody, body=asked).active

# A second one of this name, and one without its version, are errors of one type.
refused = create_client.sync_detailed(client=admin, body=NewClient(client_id="shipping"))
assert refused.status_code == 409 and isinstance(refused.parsed, Error), refused
assert refused.parsed.error == "conflict"
refused = update_client.sync(
    "shipping", client=admin, body=ClientChanges(name="Shipping"), if_match='"AAECAwQFBgcICQoLDA0ODw"'
)
assert isinstance(refused, Error) and refused.error == "precondition_failed", refused

# It is changed at the version that was read. Its secret was used.
shown = show_client.sync_detailed("shipping", client=admin)
changed = update_client.sync(
    "shipping", client=admin, body=ClientChanges(name="Shipping", token_ttl=None), if_match=shown.headers["etag"]
)
assert changed.name == "Shipping" and changed.token_ttl is None, changed
[listed] = list_client_secrets.sync("shipping", client=admin).secrets
assert listed.secret_id == created.secret.secret_id

# Pages, and what has no body or none but numbers.
page = list_clients.sync(client=admin, prefix="ship", limit=1)
assert [client.client_id for client in page.clients] == ["shipping"] and page.next_ is None, page
events = list_audit_events.sync(client=admin, client_id="shipping", limit=10).events
assert [event.action for event in events] == ["client.update", "client.create"], events
overview = show_overview.sync(client=admin)
assert overview.issuer == os.environ["ISSUER"] and len(overview.minutes) == 60
inspected = inspect_token.sync(client=admin, body=TokenToInspect(token=token.access_token))
assert inspected.good and inspected.claims["client_id"] == "shipping", inspected
assert rotate_keys.sync(client=admin, body=KeyRotation(now=True)).active
deleted = delete_client.sync_detailed("shipping", client=admin, if_match="*")
assert deleted.status_code == 204 and deleted.parsed is None, deleted
