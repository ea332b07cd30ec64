//! The same for `DPoP` proofs (RFC 9449), at every door that takes one: where tokens are issued, and where a token that
//! is bound to a key is shown.

mod keys;
mod standing;

use serde_json::{Value, json};

use super::published::{examples, wycheproofs};
use super::spelling::respelled;
use super::{Doors, assertion_key, fits_into_a_header, is, part, service};
use crate::harness::{Answer, Prover, TestApp, proof_claims, with_token};
use crate::oauth::Caller;
use crate::oauth::assertion::claims;

/// Where a proof is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Door {
    method: &'static str,
    path: &'static str,
}

impl Door {
    const fn new(method: &'static str, path: &'static str) -> Self {
        Self { method, path }
    }

    fn issues(self) -> bool {
        ISSUING.contains(&self)
    }
}

const ISSUING: [Door; 2] = [Door::new("POST", "/token"), Door::new("POST", "/authorize")];
const RESOURCES: [Door; 3] = [
    Door::new("GET", "/verify"),
    Door::new("POST", "/verify"),
    Door::new("GET", "/verify/requiring/scope=read/a"),
];

fn doors() -> impl Iterator<Item = Door> {
    ISSUING.into_iter().chain(RESOURCES)
}

/// A client with a key, and a token bound to it.
struct Holder<'a> {
    caller: Caller<'a>,
    prover: Prover,
    token: String,
}

impl<'a> Holder<'a> {
    async fn new(test: &'a TestApp, id: &'a str) -> Self {
        let caller = Caller::new(test, id, "read", "").await;
        let holder = Self {
            caller,
            prover: Prover::new("ES256"),
            token: String::new(),
        };
        let answer = holder.show(ISSUING[0], &holder.proof(ISSUING[0])).await;
        let token = answer.access_token();
        Self { token, ..holder }
    }

    /// Claims that are good at a door.
    fn claims(&self, door: Door) -> Value {
        let claims = proof_claims(door.method, &format!("https://tokens.test{}", door.path));
        if door.issues() {
            claims
        } else {
            with_token(claims, &self.token)
        }
    }

    fn proof(&self, door: Door) -> String {
        self.prover.sign(&self.claims(door))
    }

    async fn show(&self, door: Door, proof: &str) -> Answer {
        let (test, path) = (self.caller.test, door.path);
        let params = [
            ("grant_type", "client_credentials"),
            ("client_id", self.caller.id),
            ("client_secret", &self.caller.secret),
        ];
        let authorization = format!("DPoP {}", self.token);
        match door.method {
            "GET" => {
                let headers = [("authorization", authorization.as_str()), ("dpop", proof)];
                test.get_with(path, &headers).await
            }
            _ if door.issues() => test.post_form_with(path, &params, &[("dpop", proof)]).await,
            _ => {
                let params = [("token", self.token.as_str())];
                test.post_form_with(path, &params, &[("dpop", proof)]).await
            }
        }
    }

    /// Shows the proof that `make` makes for each door.
    async fn refuse(&self, name: &str, make: impl Fn(Door) -> String) {
        for door in doors() {
            self.refuse_at(door, name, &make(door)).await;
        }
    }

    async fn refuse_at(&self, door: Door, name: &str, proof: &str) {
        if fits_into_a_header(proof) {
            let answer = self.show(door, proof).await;
            let status = if door.issues() { 400 } else { 401 };
            let name = format!("{name} at {door:?}");
            is(&name, &answer, status, "invalid_dpop_proof");
        }
    }
}

#[tokio::test]
async fn a_good_proof_is_accepted_at_every_door() {
    let test = service("ES256").await;
    let holder = Holder::new(&test, "holder").await;

    for door in doors() {
        let answer = holder.show(door, &holder.proof(door)).await;
        assert_eq!(answer.status, 200, "{door:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_others_published_is_no_proof() {
    let test = service("ES256").await;
    let holder = Holder::new(&test, "holder").await;

    for (name, jws) in wycheproofs() {
        holder.refuse(&name, |_| jws.clone()).await;
    }
    for (name, jws) in examples() {
        holder.refuse(name, |_| jws.clone()).await;
    }
}

#[tokio::test]
async fn a_proof_has_one_spelling() {
    let test = service("ES256").await;
    let holder = Holder::new(&test, "holder").await;

    for door in doors() {
        let proof = holder.proof(door);
        for (name, respelled) in respelled(&proof) {
            holder.refuse_at(door, name, &respelled).await;
        }
        assert_eq!(holder.show(door, &proof).await.status, 200);
    }
}

#[tokio::test]
async fn another_jwt_is_no_proof_and_a_proof_no_other_jwt() {
    let test = service("ES256").await;
    let holder = Holder::new(&test, "holder").await;
    let doors = Doors::of(&test).await;
    let client = assertion_key(&test).await;
    let assertion = client.sign(json!({"kid": "k", "jwk": client.jwk("k")}), &claims());
    let as_assertion = client.sign(
        json!({"typ": "dpop+jwt", "jwk": client.jwk("k")}),
        &proof_claims("POST", "https://tokens.test/token"),
    );

    for (name, jwt) in [("a token", &holder.token), ("an assertion", &assertion)] {
        holder.refuse(name, |_| jwt.clone()).await;
    }
    doors.refuse("a proof", &holder.proof(ISSUING[0])).await;
    doors
        .refuse("a proof under a registered key", &as_assertion)
        .await;
    assert_eq!(part(&holder.token, 1)["cnf"]["jkt"], holder.prover.jkt());
}
