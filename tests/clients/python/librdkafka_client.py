"""librdkafka as a client, which gets its tokens by itself. There is no broker: a token is there before one is asked."""

import logging
import os
import time

import confluent_kafka

print("librdkafka", confluent_kafka.libversion()[0])


# snippet: librdkafka
from confluent_kafka import Producer


def settings(client_id, client_secret):
    return {
        "bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:1"),
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": os.environ["ISSUER"] + "/token",
        "sasl.oauthbearer.client.id": client_id,
        "sasl.oauthbearer.client.secret": client_secret,
        "sasl.oauthbearer.scope": "invoices.read",
        "https.ca.location": os.environ["SSL_CERT_FILE"],
    }
# end


class Told(logging.Handler):
    def __init__(self):
        super().__init__()
        self.text = ""

    def emit(self, record):
        self.text += record.getMessage() + "\n"


def listen(secret, words):
    """What the library says, until it says these words."""
    told = Told()
    logger = logging.Logger("librdkafka", logging.DEBUG)
    logger.addHandler(told)
    errors = []
    watched = {"debug": "security", "error_cb": lambda error: errors.append(error.str())}
    producer = Producer(settings(os.environ["CLIENT_ID"], secret) | watched, logger=logger)
    for _ in range(300):
        producer.poll(0.1)
        said = told.text + "\n".join(errors)
        if words in said:
            return said
        time.sleep(0.01)
    raise AssertionError(f"{words!r} not in:\n{said}")


good = listen(os.environ["CLIENT_SECRET"], "setting OAUTHBEARER token")
assert "Failed to acquire" not in good, good
listen("wrong", "Failed to acquire SASL OAUTHBEARER token")
