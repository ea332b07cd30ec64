//! Real OAuth libraries against the real server, each as its own documentation has it. Here are their names;
//! what each must be able to do is said in its script under `tests/clients`.
//!
//! `scripts/interop` runs the libraries. `scripts/test` replays what they sent when they were recorded.

mod any_certificate;
mod certificates;
mod docs;
mod programs;
mod recorded;
mod recording;
mod rust_oauth2;
mod scene;
mod script;

pub(crate) use scene::{PORTS, free_port, listens, log, serve};
pub(crate) use script::installed;

use recording::Relay;
use scene::Scene;
use script::Script;

/// Tests for each script, by the name of its library: it passes, and its recording does if it sends the same each time.
/// And [`SCRIPTS`], which has all of them.
macro_rules! scripts {
    ($($name:ident: $path:literal on $($alg:ident)*, $recording:ident;)*) => {
        /// Every script that a test runs.
        const SCRIPTS: &[&str] = &[$($path),*];

        $(mod $name {
            scripts!(@$recording $path);

            $(#[tokio::test]
            #[ignore = "interop"]
            #[expect(non_snake_case, reason = "the algorithm's own name")]
            async fn $alg() {
                super::passes($path, stringify!($alg)).await;
            })*
        })*
    };
    (@recorded $path:literal) => {
        #[tokio::test]
        async fn recorded() {
            super::recorded::replay($path).await;
        }
    };
    (@live $path:literal) => {};
}

scripts! {
    authlib: "python/authlib_client.py" on ES256, recorded;
    requests_oauthlib: "python/requests_oauthlib_client.py" on ES256, recorded;
    httpx_auth: "python/httpx_auth_client.py" on ES256, recorded;
    openid_client: "node/openid-client.mjs" on ES256, recorded;
    oauth4webapi: "node/oauth4webapi.mjs" on ES256 RS256, recorded;
    simple_oauth2: "node/simple-oauth2.mjs" on ES256, recorded;
    curl: "curl.sh" on ES256, recorded;
    openapi_python_client: "python/generated_client.py" on ES256, live;
    pyjwt: "python/pyjwt_microservice.py" on ES256 RS256, recorded;
    joserfc: "python/joserfc_microservice.py" on ES256 RS256, recorded;
    jose: "node/jose.mjs" on ES256 RS256, recorded;
    express_oauth2_jwt_bearer: "node/express-oauth2-jwt-bearer.mjs" on ES256, live;
    mcp_sdk: "node/mcp-sdk.mjs" on ES256_authorization, live;
    django: "python/django_microservice.py" on ES256, live;
    node_fetch: "node/fetch.mjs" on HS256 ES256, live;
    librdkafka: "python/librdkafka_client.py" on ES256, live;
    mod_auth_openidc: "mod_auth_openidc.sh" on ES256, live;
    oauth2_proxy: "oauth2-proxy.sh" on ES256, live;
    ruby_oauth2: "ruby-oauth2.rb" on ES256, live;
    php: "php-curl.php" on ES256, live;
    prometheus: "prometheus.sh" on ES256, live;
    go_oauth2: "go/oauth2/main.go" on ES256, live;
    go_zitadel: "go/zitadel-oidc/main.go" on ES256, live;
    go_oidc: "go/go-oidc/main.go" on ES256, live;
    go_jwx: "go/jwx/main.go" on ES256, live;
    nimbus: "java/libraries/Nimbus.java" on ES256 ES256_JWT, live;
    httpclient5: "java/libraries/HttpClient5.java" on ES256, live;
    quarkus: "java/quarkus/Quarkus.java" on ES256, live;
    spring_boot_3: "java/spring-boot-3/SpringBoot3.java" on ES256 ES256_JWT, live;
    spring_boot_4: "java/spring-boot-4/SpringBoot4.java" on ES256 ES256_JWT, live;
}

/// These are not recorded. The first registers a client, which has another secret each time; the others are many and slow.
const LIVE: [&str; 19] = [
    "python/generated_client.py",
    "ruby-oauth2.rb",
    "php-curl.php",
    "prometheus.sh",
    "python/django_microservice.py",
    "python/librdkafka_client.py",
    "mod_auth_openidc.sh",
    "oauth2-proxy.sh",
    "node/fetch.mjs",
    "node/express-oauth2-jwt-bearer.mjs",
    "node/mcp-sdk.mjs",
    "go/oauth2/main.go",
    "go/zitadel-oidc/main.go",
    "go/go-oidc/main.go",
    "go/jwx/main.go",
    "java/libraries/Nimbus.java",
    "java/libraries/HttpClient5.java",
    "java/spring-boot-3/SpringBoot3.java",
    "java/spring-boot-4/SpringBoot4.java",
];

async fn passes(path: &str, signing_alg: &str) {
    let script = Script::find(path);
    if signing_alg == "ES256" && !LIVE.contains(&path) && is_recorded() {
        let relay = Relay::bind();
        let scene = Scene::start_recorded(&relay).await;
        let client = script.run(&scene).await;
        scene.recording(client, &relay).await.write(path);
    } else {
        let scene = Scene::start(signing_alg).await;
        script.run(&scene).await;
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "how `scripts/interop record` asks for the recordings to be written"
)]
fn is_recorded() -> bool {
    std::env::var_os("RECORD").is_some()
}
