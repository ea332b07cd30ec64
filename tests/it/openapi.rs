//! The OpenAPI document: the one that is served, the one in `docs/`, and what `docs/api.md` says, are of one mind.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Request;
use serde_json::{Map, Value};

use crate::harness::TestApp;

fn docs(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

async fn document() -> (TestApp, Value) {
    let test = TestApp::new().await;
    let document = test.get("/openapi.json").await.json();
    (test, document)
}

/// Each operation as `METHOD /path`, with what is said of it.
fn operations(document: &Value) -> impl Iterator<Item = (String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, said)| (method.to_uppercase(), path.clone(), said))
    })
}

/// What a part of the document refers to, if it is a reference.
fn resolve<'a>(document: &'a Value, part: &'a Value) -> &'a Value {
    match part["$ref"].as_str() {
        Some(pointer) => {
            let found = document.pointer(pointer.trim_start_matches('#'));
            found.unwrap_or_else(|| panic!("{pointer} is not there"))
        }
        None => part,
    }
}

/// Every reference in a part of the document.
fn references<'a>(part: &'a Value, found: &mut BTreeSet<&'a str>) {
    found.extend(part["$ref"].as_str());
    let members = part.as_object().into_iter().flat_map(Map::values);
    for inner in members.chain(part.as_array().into_iter().flatten()) {
        references(inner, found);
    }
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "how `scripts/bless` asks for the file to be written"
)]
async fn the_file_in_docs_is_what_is_served() {
    let test = TestApp::new().await;

    let answer = test.get("/openapi.json").await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["openapi"], "3.1.0");
    if std::env::var_os("BLESS").is_some() {
        fs::write(docs("openapi.json"), answer.text()).unwrap();
    }
    assert!(
        fs::read_to_string(docs("openapi.json")).unwrap() == answer.text(),
        "docs/openapi.json is not what the service says of itself; scripts/bless writes it anew"
    );
}

#[tokio::test]
async fn every_documented_operation_is_there() {
    let (test, document) = document().await;

    for (method, path, said) in operations(&document) {
        let uri = path
            .replace("{requirements}", "scope=read")
            .replace("{original}", "a/b")
            .replace("{path}", "tenant")
            .replace(['{', '}'], "");
        let request = Request::builder().method(&*method).uri(uri);
        let answer = test.call(request.body(Body::empty()).unwrap()).await;

        assert!(
            said["responses"][answer.status.to_string()].is_object(),
            "{method} {path} answers {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn every_reference_has_a_target_every_component_a_reference_and_all_is_small() {
    let (_, document) = document().await;
    let mut found = BTreeSet::new();
    references(&document, &mut found);

    for pointer in &found {
        assert!(
            document.pointer(pointer.trim_start_matches('#')).is_some(),
            "{pointer}"
        );
    }
    for (kind, components) in document["components"].as_object().unwrap() {
        // An operation names its schemes without a reference.
        for name in components.as_object().unwrap().keys() {
            let pointer = format!("#/components/{kind}/{name}");
            assert!(
                kind == "securitySchemes" || found.contains(&*pointer),
                "{pointer} is used nowhere"
            );
        }
    }
    let size = fs::metadata(docs("openapi.json")).unwrap().len();
    assert!(size < 200_000, "{size}");
}

#[tokio::test]
async fn every_operation_has_a_name_of_its_own_and_says_how_it_fails() {
    let (_, document) = document().await;

    let mut names = BTreeSet::new();
    for (method, path, said) in operations(&document) {
        assert!(names.insert(said["operationId"].as_str().unwrap()));
        assert!(said["summary"].is_string(), "{method} {path}");
        for status in ["431", "500"] {
            assert!(said["responses"][status].is_object(), "{method} {path}");
        }
        // No GET is refused for its body, for none is read.
        for status in ["408", "413", "415"] {
            let is_documented = said["responses"][status].is_object();
            assert!(method != "GET" || !is_documented, "{method} {path}");
            assert!(
                method == "GET" || is_documented || status != "413",
                "{method} {path}"
            );
        }
        for answer in said["responses"].as_object().unwrap().values() {
            let header = &resolve(&document, answer)["headers"]["x-request-id"];
            assert_eq!(resolve(&document, header)["required"], true);
        }
    }
}

/// The headings of `docs/api.md` name operations: `## GET /verify, POST /verify`. Paths that need few words stand in
/// the text.
#[tokio::test]
async fn the_api_document_for_people_has_the_same_paths() {
    let (_, document) = document().await;
    let text = fs::read_to_string(docs("api.md")).unwrap();
    let headings: BTreeSet<(String, String)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .flat_map(|heading| heading.split(", "))
        .filter_map(|part| part.split_once(' '))
        .filter(|(_, path)| path.starts_with('/'))
        .map(|(method, path)| (method.to_owned(), path.to_owned()))
        .collect();

    let documented: BTreeSet<(String, String)> = operations(&document)
        .map(|(method, path, _)| (method, path))
        // A part of the page at `/`.
        .filter(|(_, path)| !path.starts_with("/assets/"))
        .collect();

    assert!(headings.len() > 8 && headings.is_subset(&documented));
    for (method, path) in documented.difference(&headings) {
        let beginning = path.split("/{").next().unwrap();
        assert!(text.contains(beginning), "{method} {path}");
    }
}
