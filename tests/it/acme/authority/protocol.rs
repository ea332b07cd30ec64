//! What the authority answers (RFC 8555): it verifies each request, makes what is asked for, and shows it.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use rcgen::{CertificateParams, DistinguishedName, date_time_ymd};
use serde_json::{Value, json};
use token_server::base::secret::random_base62;

use super::{Authority, Authorization, Fault, Order};
use crate::acme::jws::{self, AccountKey, Signed};
use crate::acme::request::Csr;
use crate::acme::validation;

/// A problem document (RFC 8555 §6.7).
struct Problem(StatusCode, &'static str, String);

impl Problem {
    fn malformed(detail: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, "malformed", detail.into())
    }

    fn json(&self) -> Value {
        let Self(status, kind, detail) = self;
        json!({
            "type": format!("urn:ietf:params:acme:error:{kind}"),
            "detail": detail,
            "status": status.as_u16(),
        })
    }
}

/// What is answered: where the thing is, and the thing.
struct Answer(StatusCode, Option<String>, Value);

fn ok(value: Value) -> Answer {
    Answer(StatusCode::OK, None, value)
}

pub(super) async fn answer(
    State(authority): State<Authority>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if authority.meets(|fault| *fault == Fault::Down).is_some() {
        return (StatusCode::SERVICE_UNAVAILABLE, "<html>later</html>").into_response();
    }
    let agent = headers.get("user-agent").and_then(|it| it.to_str().ok());
    assert!(agent.is_some_and(|it| it.starts_with("token-server/")));
    let nonce = [("replay-nonce", authority.nonce())];
    match (&method, uri.path()) {
        (&Method::GET, "/directory") => json_text(&authority.directory()),
        (&Method::HEAD, "/nonce") => nonce.into_response(),
        (&Method::POST, path) => {
            assert_eq!(headers["content-type"], "application/jose+json");
            let wait = match authority.inner().faults.front() {
                Some(Fault::RateLimited(seconds)) => *seconds,
                _ => 0,
            };
            match authority.post(path, &body).await {
                Ok(Answer(status, Some(place), value)) => {
                    let place = [("location", authority.url(&place))];
                    (status, nonce, place, json_text(&value)).into_response()
                }
                Ok(Answer(status, None, Value::String(text))) => {
                    (status, nonce, text).into_response()
                }
                Ok(Answer(status, None, value)) => {
                    (status, nonce, json_text(&value)).into_response()
                }
                Err(problem) if problem.1 == "rateLimited" => {
                    let after = [("retry-after", wait.to_string())];
                    (problem.0, nonce, after, json_text(&problem.json())).into_response()
                }
                Err(problem) => (problem.0, nonce, json_text(&problem.json())).into_response(),
            }
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

fn json_text(value: &Value) -> Response {
    ([("content-type", "application/json")], value.to_string()).into_response()
}

impl Authority {
    fn directory(&self) -> Value {
        json!({
            "newNonce": self.url("/nonce"),
            "newAccount": self.url("/account"),
            "newOrder": self.url("/order"),
            "revokeCert": self.url("/revoke"),
            "keyChange": self.url("/key"),
            "meta": { "termsOfService": self.url("/terms") },
        })
    }

    async fn post(&self, path: &str, body: &[u8]) -> Result<Answer, Problem> {
        let signed = Signed::parse(body).map_err(Problem::malformed)?;
        if signed.header["url"] != self.url(path) {
            return Err(Problem::malformed("another url"));
        }
        let nonce = signed.header["nonce"].as_str().unwrap_or_default();
        let is_fresh = self.inner().nonces.remove(nonce);
        if !is_fresh || self.meets(|fault| *fault == Fault::BadNonce).is_some() {
            let detail = "the nonce is none of ours".to_owned();
            return Err(Problem(StatusCode::BAD_REQUEST, "badNonce", detail));
        }
        if path == "/account" {
            return self.make_account(&signed);
        }
        let account = self.authenticate(&signed)?;
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        let number = |at: usize| parts.get(at).and_then(|it| it.parse::<usize>().ok());
        let first = number(1);
        if let (Some(order), "order" | "authorization" | "challenge" | "finalize") =
            (first, parts[0])
        {
            let inner = self.inner();
            let owner = inner.orders.get(order).map(|it| it.account.clone());
            if owner != Some(account.clone()) {
                let detail = "the order is somebody else's".to_owned();
                return Err(Problem(StatusCode::UNAUTHORIZED, "unauthorized", detail));
            }
        }
        match (parts[0], first, number(2)) {
            ("account", ..) => {
                self.inner()
                    .contacts
                    .push(signed.payload["contact"].clone());
                Ok(ok(json!({ "status": "valid" })))
            }
            ("order", None, _) => self.make_order(&account, &signed.payload),
            ("order", Some(order), _) => Ok(ok(self.show_order(order))),
            ("authorization", Some(order), Some(place)) => {
                Ok(ok(self.show_authorization(order, place)))
            }
            ("challenge", Some(order), Some(place)) => self.validate(order, place, &account).await,
            ("finalize", Some(order), _) => self.finalize(order, &signed.payload),
            ("certificate", Some(order), _) => {
                let chain = self.inner().orders[order].chain.clone().unwrap();
                Ok(ok(Value::String(chain)))
            }
            ("revoke", ..) => {
                let certificate = jws::decode(&signed.payload["certificate"]).unwrap();
                let reason = signed.payload["reason"].as_i64().unwrap_or(0);
                self.inner().revoked.push((certificate, reason));
                Ok(ok(json!({})))
            }
            _ => Err(Problem::malformed(format!("no such thing: {path}"))),
        }
    }

    fn make_account(&self, signed: &Signed) -> Result<Answer, Problem> {
        let key = AccountKey::parse(&signed.header["jwk"]).map_err(Problem::malformed)?;
        signed.verify(&key).map_err(Problem::malformed)?;
        if signed.payload["termsOfServiceAgreed"] != true {
            let detail = "the terms are not accepted".to_owned();
            return Err(Problem(StatusCode::FORBIDDEN, "userActionRequired", detail));
        }
        if let Some((key_id, secret)) = self.inner().external_account.clone() {
            let binding = &signed.payload["externalAccountBinding"];
            jws::verify_binding(binding, &key_id, &secret, &signed.header["jwk"])
                .map_err(|why| Problem(StatusCode::FORBIDDEN, "externalAccountRequired", why))?;
        }
        let mut inner = self.inner();
        inner.contacts.push(signed.payload["contact"].clone());
        let place = format!("/account/{}", random_base62(8));
        inner.accounts.insert(place.clone(), key);
        drop(inner);
        let made = json!({ "status": "valid" });
        Ok(Answer(StatusCode::CREATED, Some(place), made))
    }

    /// Whose request it is.
    fn authenticate(&self, signed: &Signed) -> Result<String, Problem> {
        let kid = signed.header["kid"].as_str().unwrap_or_default();
        let place = kid.strip_prefix(&self.url("")).unwrap_or_default();
        let key = self.inner().accounts.get(place).cloned();
        let key = key.ok_or_else(|| {
            let detail = "there is no such account".to_owned();
            Problem(StatusCode::BAD_REQUEST, "accountDoesNotExist", detail)
        })?;
        signed.verify(&key).map_err(Problem::malformed)?;
        Ok(place.to_owned())
    }

    fn make_order(&self, account: &str, payload: &Value) -> Result<Answer, Problem> {
        let is_limit = |fault: &Fault| matches!(fault, Fault::RateLimited(_));
        if self.meets(is_limit).is_some() {
            let detail = "too many certificates of late".to_owned();
            return Err(Problem(
                StatusCode::TOO_MANY_REQUESTS,
                "rateLimited",
                detail,
            ));
        }
        let identifiers = payload["identifiers"].as_array().unwrap();
        let authorization = |identifier: &Value| {
            assert_eq!(identifier["type"], "dns");
            Authorization {
                name: identifier["value"].as_str().unwrap().to_owned(),
                token: random_base62(43),
                outcome: None,
            }
        };
        let order = Order {
            account: account.to_owned(),
            authorizations: identifiers.iter().map(authorization).collect(),
            chain: None,
        };
        let mut inner = self.inner();
        inner.orders.push(order);
        let number = inner.orders.len() - 1;
        drop(inner);
        let place = format!("/order/{number}");
        let shown = self.show_order(number);
        Ok(Answer(StatusCode::CREATED, Some(place), shown))
    }

    fn show_order(&self, number: usize) -> Value {
        let inner = self.inner();
        let order = &inner.orders[number];
        let all = &order.authorizations;
        let status = if order.chain.is_some() {
            "valid"
        } else if all.iter().any(|it| matches!(it.outcome, Some(Err(_)))) {
            "invalid"
        } else if all.iter().all(|it| it.outcome.is_some()) {
            "ready"
        } else {
            "pending"
        };
        let authorization = |place| self.url(&format!("/authorization/{number}/{place}"));
        let name = |it: &Authorization| json!({ "type": "dns", "value": it.name });
        let mut shown = json!({
            "status": status,
            "identifiers": all.iter().map(name).collect::<Vec<_>>(),
            "authorizations": (0..all.len()).map(authorization).collect::<Vec<_>>(),
            "finalize": self.url(&format!("/finalize/{number}")),
        });
        if order.chain.is_some() {
            shown["certificate"] = json!(self.url(&format!("/certificate/{number}")));
        }
        shown
    }

    fn show_authorization(&self, order: usize, place: usize) -> Value {
        let inner = self.inner();
        let it = &inner.orders[order].authorizations[place];
        let status = match &it.outcome {
            None => "pending",
            Some(Ok(())) => "valid",
            Some(Err(_)) => "invalid",
        };
        let mut challenge = json!({
            "type": "tls-alpn-01",
            "url": self.url(&format!("/challenge/{order}/{place}")),
            "token": it.token,
            "status": status,
        });
        if let Some(Err(why)) = &it.outcome {
            challenge["error"] = Problem(StatusCode::FORBIDDEN, "connection", why.clone()).json();
        }
        json!({
            "identifier": { "type": "dns", "value": it.name },
            "status": status,
            "challenges": [
                { "type": "http-01", "url": self.url("/none"), "token": "x", "status": "pending" },
                challenge,
            ],
        })
    }

    async fn validate(&self, order: usize, place: usize, account: &str) -> Result<Answer, Problem> {
        let (name, token, address, key) = {
            let inner = self.inner();
            let it = &inner.orders[order].authorizations[place];
            let key = inner.accounts[account].clone();
            (it.name.clone(), it.token.clone(), inner.names_lead_to, key)
        };
        // The test has said where.
        let address = address.unwrap();
        let expected = jws::sha256(format!("{token}.{}", key.thumbprint()).as_bytes());
        let outcome = validation::validate(address, &name, &expected).await;
        self.inner().orders[order].authorizations[place].outcome = Some(outcome);
        let shown = self.show_authorization(order, place);
        // Not told here, as authorities that look later do.
        let mut challenge = shown["challenges"][1].clone();
        challenge["status"] = json!("processing");
        challenge.as_object_mut().unwrap().remove("error");
        Ok(ok(challenge))
    }

    fn finalize(&self, number: usize, payload: &Value) -> Result<Answer, Problem> {
        let csr = jws::decode(&payload["csr"]).map_err(Problem::malformed)?;
        let csr = Csr::parse(&csr).map_err(Problem::malformed)?;
        let mut names: Vec<String> = {
            let inner = self.inner();
            let all = &inner.orders[number].authorizations;
            assert!(all.iter().all(|it| it.outcome == Some(Ok(()))));
            all.iter().map(|it| it.name.clone()).collect()
        };
        if csr.names != names {
            let detail = format!("{:?} was asked for, {names:?} was ordered", csr.names);
            return Err(Problem(StatusCode::BAD_REQUEST, "badCSR", detail));
        }
        if self.meets(|fault| *fault == Fault::WrongName).is_some() {
            names = vec!["other.test".to_owned()];
        }
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name = DistinguishedName::new();
        let now = u64::try_from(self.shared.clock.now().0).unwrap();
        let from = date_time_ymd(1970, 1, 1) + Duration::from_secs(now);
        params.not_before = from;
        params.not_after = from + self.inner().life;
        let signed = params.signed_by(&csr, &self.shared.root).unwrap();
        let chain = signed.pem() + &self.shared.root.pem();
        self.inner().orders[number].chain = Some(chain);
        Ok(ok(self.show_order(number)))
    }
}
