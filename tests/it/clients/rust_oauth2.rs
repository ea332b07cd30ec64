//! The `oauth2` crate as a client: both secrets, errors, introspection, revocation. It is built without an
//! HTTP client of its own, and lent ours.

// snippet: oauth2-http
use oauth2::{HttpRequest, HttpResponse};

/// An HTTP client for it of the newest reqwest, which is not the one that the crate knows.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let response = http.execute(request.try_into()?).await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut answer = HttpResponse::new(response.bytes().await?.to_vec());
    (*answer.status_mut(), *answer.headers_mut()) = (status, headers);
    Ok(answer)
}
// end

use oauth2::basic::{BasicClient, BasicErrorResponseType, BasicRequestTokenError};
use oauth2::{
    AuthType, ClientId, ClientSecret, IntrospectionUrl, RevocationUrl, Scope,
    StandardRevocableToken, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};

use super::Scene;

type Failure = BasicRequestTokenError<reqwest::Error>;

#[tokio::test]
async fn a_token_by_the_secret_in_the_header() {
    let scene = Scene::start("ES256").await;
    let variable = |name: &str| scene.variable(name).to_owned();
    let (issuer, http) = (variable("ISSUER"), scene.http());
    let (client_id, client_secret) = (variable("CLIENT_ID"), variable("CLIENT_SECRET"));

    // snippet: oauth2
    let client = BasicClient::new(ClientId::new(client_id))
        .set_client_secret(ClientSecret::new(client_secret))
        .set_token_uri(TokenUrl::new(format!("{issuer}/token")).unwrap());
    let token = client
        .exchange_client_credentials()
        .add_scope(Scope::new("invoices.read".to_owned()))
        .request_async(&|request| send(http.clone(), request))
        .await
        .unwrap();
    let answer = http
        .get(scene.variable("API"))
        .bearer_auth(token.access_token().secret());
    // end
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let answer: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(answer["scope"], "invoices.read");
    assert_eq!(token.expires_in().unwrap().as_secs(), 3600);
    assert_eq!(token.scopes().unwrap().len(), 1);
}

#[tokio::test]
async fn the_secret_in_the_body_and_what_becomes_of_the_token() {
    let scene = Scene::start("ES256").await;
    let http = scene.http();
    let send = |request| send(http.clone(), request);
    let url = |path: &str| format!("{}{path}", scene.variable("ISSUER"));
    let client = BasicClient::new(ClientId::new(scene.variable("CLIENT_ID").to_owned()))
        .set_client_secret(ClientSecret::new(
            scene.variable("CLIENT_SECRET").to_owned(),
        ))
        .set_auth_type(AuthType::RequestBody)
        .set_token_uri(TokenUrl::new(url("/token")).unwrap())
        .set_introspection_url(IntrospectionUrl::new(url("/introspect")).unwrap())
        .set_revocation_url(RevocationUrl::new(url("/revoke")).unwrap());

    let token = client
        .exchange_client_credentials()
        .request_async(&send)
        .await
        .unwrap();
    assert_eq!(token.scopes().unwrap().len(), 2);
    let token = token.access_token();

    let seen = client.introspect(token).request_async(&send).await.unwrap();
    assert!(seen.active());
    assert_eq!(
        seen.client_id().unwrap().as_str(),
        scene.variable("CLIENT_ID")
    );

    let revocable = StandardRevocableToken::AccessToken(token.clone());
    client
        .revoke_token(revocable)
        .unwrap()
        .request_async(&send)
        .await
        .unwrap();
    let seen = client.introspect(token).request_async(&send).await.unwrap();
    assert!(!seen.active());
}

#[tokio::test]
async fn refusals_are_errors_of_the_crates_own() {
    let scene = Scene::start("ES256").await;
    let http = scene.http();
    for auth_type in [AuthType::BasicAuth, AuthType::RequestBody] {
        let ask = async |secret: &str, scope: &str| -> Failure {
            let token_url = format!("{}/token", scene.variable("ISSUER"));
            BasicClient::new(ClientId::new(scene.variable("CLIENT_ID").to_owned()))
                .set_client_secret(ClientSecret::new(secret.to_owned()))
                .set_auth_type(auth_type.clone())
                .set_token_uri(TokenUrl::new(token_url).unwrap())
                .exchange_client_credentials()
                .add_scope(Scope::new(scope.to_owned()))
                .request_async(&|request| send(http.clone(), request))
                .await
                .unwrap_err()
        };

        let secret = scene.variable("CLIENT_SECRET");
        let wrong = code(ask("wrong", "invoices.read").await);
        let scope = code(ask(secret, "invoices.delete").await);

        assert_eq!(wrong.0, BasicErrorResponseType::InvalidClient);
        assert_eq!(scope.0, BasicErrorResponseType::InvalidScope);
        assert!(scope.1.contains("invoices.delete"), "{}", scope.1);
    }
}

fn code(failure: Failure) -> (BasicErrorResponseType, String) {
    let Failure::ServerResponse(said) = failure else {
        panic!("{failure:?}");
    };
    let description = said.error_description().cloned();
    (said.error().clone(), description.unwrap_or_default())
}
