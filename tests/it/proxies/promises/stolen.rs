//! A bound token in other hands than its client's, also where the example knows nothing of bound tokens.

use crate::harness::Prover;
use crate::proxies::bound::{CertificateHolder, KeyHolder, challenged, rfc_9440};
use crate::proxies::scene::proxy::Proxy;

pub(in crate::proxies) async fn a_token_bound_to_a_key_is_worth_nothing_without_it(proxy: &Proxy) {
    let thief = KeyHolder::new(proxy, &[]).await;
    let path = "/invoices/7";
    let url = format!("{}{path}", thief.origin);
    let own = Prover::new("ES256").prove_with("GET", &url, &thief.token);
    let scene = &thief.scene;

    for (request, error) in [
        (thief.request("GET", path, &[]), "invalid_dpop_proof"),
        (
            scene.request("GET", path).bearer_auth(&thief.token),
            "invalid_token",
        ),
    ] {
        let answer = request.send().await.unwrap();
        let challenge = challenged(scene, &answer, "DPoP");
        assert!(challenge.contains(error), "{challenge}");
    }
    let answer = thief.request("GET", path, &[&own]).send().await.unwrap();
    challenged(scene, &answer, "DPoP");
    let bearer = scene.request("GET", path).bearer_auth(&thief.token);
    let answer = bearer.header("dpop", own).send().await.unwrap();
    challenged(scene, &answer, "DPoP");
}

pub(in crate::proxies) async fn a_token_bound_to_a_certificate_is_worth_nothing_without_it(
    proxy: &Proxy,
) {
    let thief = CertificateHolder::new(proxy).await;
    let stolen = rfc_9440(&thief.holder);

    let answer = thief.request(None).send().await.unwrap();
    challenged(&thief.scene, &answer, "Bearer");
    let forged = thief.request(None).header(proxy.certificate_header, stolen);
    let answer = forged.send().await.unwrap();
    challenged(&thief.scene, &answer, "Bearer");
}
