//! The dependency rule of `src/lib.rs`, held: nothing points back. Reads the syntax tree of each file: its `use` trees, its
//! paths, and the tokens of its macros.

use std::fs;
use std::path::Path;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::tiers::rust_files;

/// A layer, or a part of one, and the modules of this crate that it may name.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &["base"]),
    ("domain", &["base", "domain"]),
    ("jwt", &["base", "domain", "jwt"]),
    ("store", &["base", "domain", "store"]),
    (
        "config",
        &["base", "domain", "store::DatabaseOptions", "config"],
    ),
    ("outbound", &["base", "config", "domain", "outbound"]),
    ("telemetry", &["base", "config", "outbound", "telemetry"]),
    (
        "app",
        &[
            "base", "config", "domain", "jwt", "store", "outbound", "app",
        ],
    ),
    ("http", &["base", "config", "domain", "jwt", "app", "http"]),
    (
        "http/ops",
        &["base", "config", "domain", "app", "http", "telemetry"],
    ),
    (
        "cli",
        &[
            "base",
            "config",
            "domain",
            "jwt",
            "store",
            "app",
            "http",
            "telemetry",
            "cli",
        ],
    ),
];

/// Parts of `http` that may not name others.
const APART: &[(&str, &str)] = &[
    ("http/portal", "http::admin_api"),
    ("http/admin_api", "http::portal"),
    ("http/public", "http::admin_api"),
    ("http/public", "http::portal"),
];

/// The features of `app`, and the others that each may name: only features that stand above it here, so none names one
/// that needs it. The files of `app` that are in no feature put the features together.
const FEATURES: &[(&str, &[&str])] = &[
    ("core", &[]),
    ("clients::cache", &["core"]),
    ("audit", &["core"]),
    ("usage", &["core", "clients::cache"]),
    ("secrets", &["core", "clients::cache"]),
    ("keys", &["core"]),
    (
        "tokens",
        &["core", "clients::cache", "audit", "usage", "keys"],
    ),
    ("issuers", &["core", "tokens"]),
    (
        "clients",
        &[
            "core",
            "clients::cache",
            "audit",
            "secrets",
            "tokens",
            "issuers",
        ],
    ),
    (
        "authentication",
        &["core", "clients::cache", "usage", "secrets", "issuers"],
    ),
    (
        "admins",
        &["core", "audit", "secrets", "authentication::places"],
    ),
    ("acme", &["core", "audit"]),
    (
        "replication",
        &[
            "core",
            "clients::cache",
            "keys",
            "tokens",
            "issuers",
            "acme",
        ],
    ),
];

/// The files of `app` that know all features, and the error that all features know.
const AROUND_FEATURES: &[&str] = &["error", "background", "status"];

/// A crate, and the layers that may name it.
const CRATES: &[(&str, &[&str])] = &[
    ("sqlx", &["store"]),
    ("axum", &["http"]),
    ("jsonwebtoken", &["jwt"]),
    ("reqwest", &["outbound", "telemetry"]),
    ("instant_acme", &["outbound"]),
    ("argon2", &["app"]),
    // It describes what an answer shows.
    (
        "utoipa",
        &["base", "domain", "jwt", "config", "app", "http"],
    ),
    (
        "tokio",
        &["store", "outbound", "telemetry", "app", "http", "cli"],
    ),
];

/// Layers that wait for nothing.
const SYNCHRONOUS: &[&str] = &["base", "domain", "jwt"];

#[test]
fn no_layer_names_what_it_may_not_know() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src")) {
        let module = module_of(&file);
        let Some((_, known)) = layer_of(&module) else {
            assert!(
                module.is_empty(),
                "{} is in no layer: add it to LAYERS",
                file.display()
            );
            continue;
        };
        for (line, path) in names(&file, &module) {
            if let Some(ours) = path.strip_prefix("crate::") {
                let is_known = known.iter().any(|known| is_below(ours, known));
                let is_apart = APART.iter().any(|(part, other)| {
                    is_below(&module, &part.replace('/', "::")) && is_below(ours, other)
                });
                if !is_known || is_apart {
                    wrong.push(format!("{}:{line}: {path}", file.display()));
                }
            } else if CRATES.iter().any(|(name, layers)| {
                is_below(&path, name) && !layers.iter().any(|layer| is_below(&module, layer))
            }) || path == "async fn" && SYNCHRONOUS.iter().any(|it| is_below(&module, it))
            {
                wrong.push(format!("{}:{line}: {path}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_feature_of_app_names_one_that_needs_it() {
    let mut wrong = Vec::new();
    for file in rust_files(Path::new("src/app")) {
        let module = module_of(&file);
        let Some(module) = module.strip_prefix("app::") else {
            continue;
        };
        if AROUND_FEATURES.iter().any(|name| is_below(module, name)) {
            continue;
        }
        let feature = FEATURES.iter().find(|(name, _)| is_below(module, name));
        let (feature, known) =
            feature.unwrap_or_else(|| panic!("{module} is in no feature: add it to FEATURES"));
        for (line, path) in names(&file, &format!("app::{module}")) {
            let Some(other) = path.strip_prefix("crate::app::") else {
                continue;
            };
            let mut may = known.iter().chain([feature, &"error"]);
            if !may.any(|name| is_below(other, name)) {
                wrong.push(format!("{}:{line}: {path}", file.display()));
            }
        }
    }
    for (place, (name, known)) in FEATURES.iter().enumerate() {
        for other in *known {
            let above = &FEATURES[..place];
            if !above.iter().any(|(above, _)| is_below(other, above)) {
                wrong.push(format!(
                    "{name} may name {other}, which does not stand above it"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rule above finds each kind of name.
#[test]
fn names_are_found_in_use_trees_paths_and_macros() {
    let text = "
        use crate::app::{self, clients::{Client as _, *}};
        use super::super::http::Router;
        macro_rules! m { () => { $crate::cli::run() } }
        async fn f() { sqlx::query(format!(\"{}\", crate::store::X)) }
        mod inner { use super::Y; }
    ";
    let found: Vec<String> = names_in(text, "domain::a")
        .into_iter()
        .map(|(_, path)| path)
        .collect();
    for expected in [
        "crate::app",
        "crate::app::clients::Client",
        "crate::app::clients",
        "crate::http::Router",
        "crate::cli::run",
        "async fn",
        "sqlx::query",
        "crate::store::X",
        "crate::domain::a::Y",
    ] {
        assert!(
            found.iter().any(|it| it == expected),
            "{expected}: {found:?}"
        );
    }
}

#[test]
fn only_one_crypto_library_is_built() {
    let lock = fs::read_to_string("Cargo.lock").unwrap();
    for banned in ["ring", "openssl", "openssl-sys", "native-tls"] {
        // sqlx and rustls name optional back ends in the lock file; what counts is what is built.
        let tree = std::process::Command::new(env!("CARGO"))
            .args([
                "tree",
                "--offline",
                "--edges",
                "normal,build",
                "--invert",
                banned,
            ])
            .output()
            .unwrap();
        let listed = String::from_utf8_lossy(&tree.stdout);
        assert!(
            !listed.contains("token-server"),
            "{banned} is built:\n{listed}"
        );
    }
    assert!(lock.contains("name = \"aws-lc-rs\""));
}

/// The narrowest layer that a module is in.
fn layer_of(module: &str) -> Option<&'static (&'static str, &'static [&'static str])> {
    LAYERS
        .iter()
        .filter(|(path, _)| is_below(module, &path.replace('/', "::")))
        .max_by_key(|(path, _)| path.len())
}

fn is_below(path: &str, ancestor: &str) -> bool {
    path.strip_prefix(ancestor)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `src/app/keys/mod.rs`: `app::keys`.
fn module_of(file: &Path) -> String {
    let path = file.strip_prefix("src").unwrap().with_extension("");
    let mut segments: Vec<&str> = path.iter().map(|it| it.to_str().unwrap()).collect();
    if ["mod", "lib", "main"].contains(segments.last().unwrap()) {
        segments.pop();
    }
    segments.join("::")
}

/// What a file names, each with its line.
fn names(file: &Path, module: &str) -> Vec<(usize, String)> {
    names_in(&fs::read_to_string(file).unwrap(), module)
}

fn names_in(text: &str, module: &str) -> Vec<(usize, String)> {
    let mut names = Names {
        module: module.split("::").map(str::to_owned).collect(),
        found: Vec::new(),
    };
    names.visit_file(&syn::parse_file(text).unwrap());
    names.found
}

struct Names {
    /// The module that is being read, inline ones included.
    module: Vec<String>,
    found: Vec<(usize, String)>,
}

impl Names {
    fn add(&mut self, span: Span, path: &[String]) {
        let mut path = path.to_vec();
        if ["self", "super"].contains(&path[0].as_str()) {
            let mut module = self.module.clone();
            while path.first().is_some_and(|first| first == "super") {
                module.pop();
                path.remove(0);
            }
            path.retain(|segment| segment != "self");
            module.insert(0, "crate".to_owned());
            path.splice(0..0, module);
        }
        path.retain(|segment| segment != "self");
        self.found.push((span.start().line, path.join("::")));
    }

    fn add_tree(&mut self, before: &[String], tree: &syn::UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(&with(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(name.ident.span(), &with(&name.ident)),
            syn::UseTree::Rename(name) => self.add(name.ident.span(), &with(&name.ident)),
            syn::UseTree::Glob(glob) => self.add(glob.star_token.spans[0], before),
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(before, tree);
                }
            }
        }
    }

    /// Paths in tokens that are not parsed: names with `::` between them.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let (mut path, mut colons): (Vec<String>, usize) = (Vec::new(), 0);
        let mut span = Span::call_site();
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        self.end(span, &mut path);
                    }
                    (span, colons) = (ident.span(), 0);
                    path.push(ident.to_string());
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.end(span, &mut path);
                    self.add_tokens(group.stream());
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => self.end(span, &mut path),
            }
        }
        self.end(span, &mut path);
    }

    fn end(&mut self, span: Span, path: &mut Vec<String>) {
        if path.len() > 1 {
            self.add(span, path);
        }
        path.clear();
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        if segments.len() > 1 {
            self.add(path.segments[0].ident.span(), &segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(token) = &signature.asyncness {
            self.found
                .push((token.span.start().line, "async fn".to_owned()));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.visit_path(&called.path);
        self.add_tokens(called.tokens.clone());
    }
}
