//! A real Chromium at the portal of the built server, for those who use it with a mouse, a keyboard, a telephone or a wide
//! screen. What each does is said in a script under `tests/browser`; here are the server, and who is there.

mod scene;

use serde_json::json;
use token_server::http::{AppState, admin_routes};

use crate::harness::TestApp;
use scene::Scene;

#[tokio::test]
async fn an_operator_registers_rotates_and_disables_a_client_and_finds_it_in_the_trail() {
    let mut scene = Scene::start().await;
    // The password that the command line made has to be changed at once.
    let made = scene.shell.run(&["admin", "create", "olga", "--json"]);
    scene.admin("olga", made.json()["password"].as_str().unwrap());

    scene.run("walk.mjs").await;
}

#[tokio::test]
async fn every_page_is_for_all_screens_and_for_everybody() {
    let mut scene = Scene::start().await;
    scene.owner("olga");
    let long = "a-name-of-64-characters-as-long-as-one-can-be@accounting.example";
    scene.create_admin(long, "viewer");
    scene.populate();
    let state = AppState::new(TestApp::new().await.app);
    let routes: Vec<_> = admin_routes(&state)
        .into_iter()
        .filter(|it| it.method == "GET")
        .map(|it| json!({ "path": it.path, "access": format!("{:?}", it.access) }))
        .collect();
    scene.set("ROUTES", json!(routes).to_string());

    scene.run("pages.mjs").await;
}

#[tokio::test]
async fn a_passkey_is_added_and_used_and_the_last_one_stays() {
    let mut scene = Scene::start().await;
    scene.owner("olga");

    scene.run("passkeys.mjs").await;
}

#[tokio::test]
async fn a_keyboard_is_enough_to_log_in_and_register_a_client() {
    let mut scene = Scene::start().await;
    scene.owner("olga");

    scene.run("keyboard.mjs").await;
}
