//! The programs that the portal shows beside a new secret and at the token inspector, exactly as it shows them: each gets a
//! token from the real server, or verifies one. Only what a fragment leaves out stands around it here.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use token_server::base::clock::Clock;
use token_server::domain::AdminRole;
use tokio::process::Command;

use super::scene::Scene;
use super::script::{GO, JAVA, NODE, PYTHON, at, folder, installed, write_trust_store};
use crate::admin::Browser;
use crate::harness::TestApp;

/// What a program prints when it has verified the token.
const VERIFIED: &str = "verified";

/// What the program in Rust says that it needs.
const CARGO_TOML: &str = r#"[package]
name = "program"
edition = "2024"

[dependencies]
reqwest = { version = "0.13", features = ["form", "json"] }
serde_json = "1"
tokio = { version = "1", features = ["macros", "rt-multi-thread"] }
"#;

#[tokio::test]
#[ignore = "interop"]
async fn in_python() {
    installed("tests/clients/python/requirements.txt", PYTHON);
    run_all(&["Python", "Python, Authlib", "Offline: Python, PyJWT"]).await;
}

#[tokio::test]
#[ignore = "interop"]
async fn in_node() {
    installed("tests/clients/node/package-lock.json", NODE);
    run_all(&[
        "Node.js",
        "Node.js, openid-client",
        "Offline: Node.js, jose",
    ])
    .await;
}

#[tokio::test]
#[ignore = "interop"]
async fn in_go() {
    installed("tests/clients/go/go.sum", GO);
    run_all(&["Go", "Go, x/oauth2", "Offline: Go, go-oidc"]).await;
}

#[tokio::test]
#[ignore = "interop"]
async fn in_php() {
    run_all(&["PHP"]).await;
}

#[tokio::test]
#[ignore = "interop"]
async fn in_rust() {
    run_all(&["Rust"]).await;
}

#[tokio::test]
#[ignore = "interop"]
async fn in_java() {
    let libraries = format!("{JAVA}/libraries");
    installed("tests/clients/java/libraries/pom.xml", &libraries);
    run_all(&["Java"]).await;
}

/// Runs these programs, for both places in which a client may have its secret.
async fn run_all(languages: &[&str]) {
    let scene = Scene::start("ES256").await;
    write_trust_store(&scene);
    let shown = Portal::open(&scene).await;
    for method in ["client_secret_basic", "client_secret_post"] {
        let programs = shown.new_client(method).await;
        let token = run(&scene, &programs, "curl", "").await;
        for language in languages.iter().filter(|it| !it.starts_with("Offline")) {
            let token = run(&scene, &programs, language, "").await;
            let api = scene.http().get(scene.variable("API"));
            let verdict = api.bearer_auth(token).send().await.unwrap();
            assert_eq!(verdict.status(), 200, "{method}, {language}");
        }
        let programs = shown.token_inspector().await;
        for language in languages.iter().filter(|it| programs.has(it)) {
            let said = run(&scene, &programs, language, &token).await;
            assert_eq!(said, VERIFIED, "{language}");
        }
    }
}

/// The portal beside the server, with the same database.
struct Portal(TestApp);

impl Portal {
    async fn open(scene: &Scene) -> Self {
        let settings = [
            ("ISSUER", scene.variable("ISSUER")),
            ("SIGNING_ALG", "ES256"),
            ("ADMIN_SECOND_FACTOR", "optional"),
        ];
        let test = TestApp::at(Clock::system(), scene.database.clone(), &settings).await;
        crate::admin::create(&test, "olga", AdminRole::Owner).await;
        Self(test)
    }

    /// Those of a new client, which has its secret there.
    async fn new_client(&self, method: &str) -> Programs {
        let mut olga = Browser::of(&self.0, "olga").await;
        let fields = [("client_id", method), (method, "yes")];
        let made = olga.post("/admin/new-client", &fields).await;
        Programs(olga.follow(&made).await.text().to_owned())
    }

    /// Those that verify.
    async fn token_inspector(&self) -> Programs {
        let mut olga = Browser::of(&self.0, "olga").await;
        Programs(olga.get("/admin/tokens").await.text().to_owned())
    }
}

/// A page with programs.
struct Programs(String);

impl Programs {
    fn find(&self, language: &str) -> Option<String> {
        let mark = format!("<code aria-label=\"{language}\">");
        let (_, rest) = self.0.split_once(&mark)?;
        let code = rest.split("</code>").next()?.to_owned();
        let escapes = [
            ("&#34;", "\""),
            ("&#39;", "'"),
            ("&#60;", "<"),
            ("&#62;", ">"),
        ];
        let code = escapes
            .iter()
            .fold(code, |code, (escaped, text)| code.replace(escaped, text));
        Some(code.replace("&#38;", "&"))
    }

    fn has(&self, language: &str) -> bool {
        self.find(language).is_some()
    }
}

/// Runs a program to its end, with a token to verify if it verifies; the last word that it printed.
async fn run(scene: &Scene, programs: &Programs, language: &str, token: &str) -> String {
    let code = programs
        .find(language)
        .unwrap_or_else(|| panic!("{language}"));
    let place = TempDir::new().unwrap();
    let (program, arguments) = prepare(place.path(), language, &code, !token.is_empty());
    let ca = format!("curl.cainfo={}", scene.variable("SSL_CERT_FILE"));
    let child = Command::new(&program)
        .args(["-d", &ca].iter().filter(|_| program == "php"))
        .args(&arguments)
        .current_dir(place.path())
        .envs(scene.variables.iter().map(|(name, value)| (name, value)))
        .envs([("NO_PROXY", "localhost"), ("no_proxy", "localhost")])
        .env("TO_VERIFY", token)
        .stdin(Stdio::null())
        .output();
    let ran = child.await.unwrap();
    let out = String::from_utf8_lossy(&ran.stdout);
    let err = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{language}:\n{code}\n{out}{err}");
    let mut words = out.split(['"', ' ', '\n']).filter(|it| !it.is_empty());
    // What answers with JSON prints all of it.
    let token = words.clone().find(|it| it.starts_with("eyJ"));
    let said = token.or_else(|| words.next_back());
    said.unwrap_or_default().to_owned()
}

/// Writes a program into a folder, with what its language wants around it; how it is run.
fn prepare(place: &Path, language: &str, code: &str, verifies: bool) -> (String, Vec<String>) {
    let write = |name: &str, text: String| {
        let path = place.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let family = language.trim_start_matches("Offline: ");
    match family.split([',', '.']).next().unwrap() {
        "curl" => ("bash".to_owned(), vec!["-c".to_owned(), code.to_owned()]),
        "Python" => {
            let end = if verifies {
                "print(\"verified\" if claims[\"client_id\"] else \"\")"
            } else {
                "print(token)"
            };
            let text = format!("import os\ntoken = os.environ[\"TO_VERIFY\"]\n{code}\n{end}\n");
            let python = at(PYTHON).join("bin/python3").display().to_string();
            (python, vec![write("program.py", text)])
        }
        "Node" => {
            let modules = at(NODE);
            std::os::unix::fs::symlink(modules, place.join("node_modules")).unwrap();
            let text = match (language, verifies) {
                ("Node.js, openid-client", _) => format!("{code}\nconsole.log(access_token)\n"),
                (_, false) => format!("{code}\nconsole.log(token)\n"),
                // Imports may stand anywhere.
                ("Node.js", true) => format!(
                    "const token = process.env.TO_VERIFY\n{code}\nif (claims.client_id) console.log(\"verified\")\n"
                ),
                (_, true) => format!(
                    "const token = process.env.TO_VERIFY\n{code}\nif (payload.client_id) console.log(\"verified\")\n"
                ),
            };
            ("node".to_owned(), vec![write("program.mjs", text)])
        }
        "Go" => {
            for name in ["go.mod", "go.sum"] {
                fs::copy(folder().join("go").join(name), place.join(name)).unwrap();
            }
            write("main.go", in_go_program(language, code, verifies));
            ("go".to_owned(), vec!["run".to_owned(), ".".to_owned()])
        }
        "PHP" => {
            let end = if verifies {
                "if ($claims['client_id']) echo 'verified';"
            } else {
                "echo $token;"
            };
            let text = format!("<?php\n$token = getenv('TO_VERIFY');\n{code}\n{end}\n");
            ("php".to_owned(), vec![write("program.php", text)])
        }
        "Rust" => {
            // The versions that this service is built with.
            let versions = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");
            fs::copy(versions, place.join("Cargo.lock")).unwrap();
            fs::create_dir(place.join("src")).unwrap();
            write("Cargo.toml", CARGO_TOML.to_owned());
            let text = format!(
                "#[tokio::main]\nasync fn main() -> Result<(), Box<dyn std::error::Error>> {{\n{code}\n\
                 println!(\"{{}}\", token.unwrap());\nOk(())\n}}\n"
            );
            write("src/main.rs", text);
            let target = concat!(env!("CARGO_MANIFEST_DIR"), "/target/programs");
            let arguments = ["run", "--quiet", "--target-dir", target];
            ("cargo".to_owned(), arguments.map(str::to_owned).to_vec())
        }
        "Java" => (
            "java".to_owned(),
            vec![write("Program.java", in_java_program(code, verifies))],
        ),
        other => panic!("{other}"),
    }
}

fn in_go_program(language: &str, code: &str, verifies: bool) -> String {
    let (imports, begin, end): (&[&str], _, _) = match (language, verifies) {
        ("Go, x/oauth2", _) => (
            &[
                "context",
                "golang.org/x/oauth2",
                "golang.org/x/oauth2/clientcredentials",
            ],
            "",
            "_ = httpClient\ntoken, err := config.Token(context.Background())\nif err != nil {\n\treturn err\n}\nfmt.Println(token.AccessToken)",
        ),
        ("Go", false) if code.contains("url.Values") => (
            &["encoding/json", "net/http", "net/url"],
            "",
            "fmt.Println(granted.Token)",
        ),
        ("Go", false) => (
            &["encoding/json", "net/http"],
            "",
            "fmt.Println(granted.Token)",
        ),
        ("Go", true) => (
            &["errors", "net/http", "os"],
            "token := os.Getenv(\"TO_VERIFY\")",
            "fmt.Println(\"verified\")",
        ),
        _ => (
            &["context", "os", "github.com/coreos/go-oidc/v3/oidc"],
            "ctx := context.Background()\ntext := os.Getenv(\"TO_VERIFY\")",
            "if err != nil {\n\treturn err\n}\n_ = token\nfmt.Println(\"verified\")",
        ),
    };
    let imports: Vec<String> = imports
        .iter()
        .map(|it| format!("import \"{it}\"\n"))
        .collect();
    let imports = imports.concat();
    format!(
        "package main\n\nimport \"fmt\"\n{imports}\nfunc run() error {{\n{begin}\n{code}\n{end}\nreturn nil\n}}\n\n\
         func main() {{\nif err := run(); err != nil {{\npanic(err)\n}}\n}}\n"
    )
}

fn in_java_program(code: &str, verifies: bool) -> String {
    let (imports, statements): (Vec<&str>, Vec<&str>) =
        code.lines().partition(|line| line.starts_with("import "));
    let (begin, end) = if verifies {
        (
            "var token = System.getenv(\"TO_VERIFY\");",
            "System.out.println(\"verified\");",
        )
    } else {
        ("", "")
    };
    format!(
        "import java.net.*;\nimport java.net.http.*;\n{}\nclass Program {{\npublic static void main(String[] arguments) throws Exception {{\n\
         {begin}\n{}\n{end}\n}}\n}}\n",
        imports.join("\n"),
        statements.join("\n")
    )
}
