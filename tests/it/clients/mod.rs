//! Real OAuth libraries against the real server, each as its own documentation has it. Here are their names;
//! what each must be able to do is said in its script under `tests/clients`.
//!
//! `scripts/interop` runs the libraries. `scripts/test` replays what they sent when they were recorded.

mod any_certificate;
mod docs;
mod recorded;
mod recording;
mod rust_oauth2;
mod scene;
mod script;

pub(crate) use scene::{PORTS, free_port, listens, log};
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
}

/// This client is not recorded: what it registers has another secret each time.
const LIVE: &str = "python/generated_client.py";

async fn passes(path: &str, signing_alg: &str) {
    let script = Script::find(path);
    if signing_alg == "ES256" && path != LIVE && is_recorded() {
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
