//! Nothing but the key in `jwk`, with an algorithm of its kind, signs a proof.

use serde_json::json;

use super::{Holder, service};
use crate::harness::{Prover, SECRET, Signer};
use crate::keys::confusion::spellings;
use crate::oauth::corpus::{encode, hmac_signed, with};

#[tokio::test]
async fn another_key_and_another_algorithm_sign_no_proof() {
    let test = service("RS256").await;
    let holder = Holder::new(&test, "holder").await;
    let (prover, attacker) = (&holder.prover, Signer::new("ES256"));
    let jwks = test.get("/.well-known/jwks.json").await.json();
    let (own, ours) = (prover.jwk(), jwks["keys"][0].clone());
    let nowhere = encode([7; 32]);

    for (name, change) in [
        ("no jwk", json!({"jwk": null})),
        (
            "jku",
            json!({"jwk": null, "jku": "https://evil.test/jwks.json"}),
        ),
        (
            "x5u",
            json!({"jwk": null, "x5u": "https://evil.test/cert.pem"}),
        ),
        ("x5c", json!({"jwk": null, "x5c": ["AQID"]})),
        ("kid of ours", json!({"jwk": null, "kid": ours["kid"]})),
        (
            "kid as a path",
            json!({"jwk": null, "kid": "../../dev/null"}),
        ),
        ("another's jwk", json!({"jwk": attacker.jwk("a")})),
        ("the server's jwk", json!({"jwk": ours})),
        (
            "the server's jwk and alg",
            json!({"jwk": ours, "alg": "RS256"}),
        ),
        ("jwks", json!({"jwk": [own]})),
        ("jwk as text", json!({"jwk": own.to_string()})),
        (
            "jwk that is private",
            json!({"jwk": with(&own, &json!({"d": "AQAB"}))}),
        ),
        (
            "jwk that is symmetric",
            json!({"jwk": {"kty": "oct", "k": encode(SECRET)}}),
        ),
        (
            "jwk for encryption",
            json!({"jwk": with(&own, &json!({"use": "enc"}))}),
        ),
        (
            "jwk off the curve",
            json!({"jwk": with(&own, &json!({"x": nowhere, "y": nowhere}))}),
        ),
        (
            "jwk of no key",
            json!({"jwk": {"kty": "EC", "crv": "P-256"}}),
        ),
        ("alg none", json!({"alg": "none"})),
        ("alg HS256", json!({"alg": "HS256"})),
        ("alg RS256", json!({"alg": "RS256"})),
        ("alg ES512", json!({"alg": "ES512"})),
        ("alg as a list", json!({"alg": ["ES256"]})),
        ("crit", json!({"crit": ["exp"]})),
        ("b64 false", json!({"b64": false, "crit": ["b64"]})),
        ("typ of a token", json!({"typ": "at+jwt"})),
        ("no typ", json!({"typ": null})),
    ] {
        let header = with(&prover.header(), &change);
        holder
            .refuse(name, |door| {
                prover.signer.sign(header.clone(), &holder.claims(door))
            })
            .await;
    }
    let unsigned = |door| {
        let proof = holder.proof(door);
        proof[..=proof.rfind('.').unwrap()].to_owned()
    };
    holder.refuse("no signature", unsigned).await;
    for (jwk, own_alg) in [
        (own, "ES256"),
        (Prover::new("RS256").jwk(), "RS256"),
        (Prover::new("EdDSA").jwk(), "EdDSA"),
        (ours, "RS256"),
    ] {
        let secrets = spellings(&with(&jwk, &json!({"kid": "k"})));
        for secret in secrets.into_iter().chain([SECRET.into()]) {
            for alg in ["HS256", own_alg] {
                let header = json!({"typ": "dpop+jwt", "alg": alg, "jwk": jwk}).to_string();
                let forged = |door| hmac_signed(&header, holder.claims(door).to_string(), &secret);
                holder
                    .refuse(&format!("{header}: {secret:?}"), forged)
                    .await;
            }
        }
    }
}
