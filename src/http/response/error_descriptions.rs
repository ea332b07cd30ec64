//! The texts of errors in the source, sent through what answers them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

use crate::http::response::error::printable;

/// The layers whose errors a caller is answered with.
const LAYERS: [&str; 5] = ["app", "domain", "http", "jwt", "store"];

/// Texts for people at the portal and for the OpenAPI document: no errors.
const OTHER_TEXTS: [&str; 2] = ["src/http/openapi", "src/http/portal"];

/// What makes an error of a text.
const CONSTRUCTORS: [&str; 7] = [
    "AccessDenied",
    "Err",
    "Error",
    "FieldError",
    "ParseError",
    "RefusedRow",
    "Self",
];

/// The texts of one file.
#[derive(Default)]
struct Texts {
    /// Of errors, as far as a call shows that they are.
    errors: Vec<String>,
    /// Every text that is not documentation.
    all: Vec<String>,
    is_error: bool,
}

impl Texts {
    fn add(&mut self, text: String) {
        if self.is_error {
            self.errors.push(text.clone());
        }
        self.all.push(text);
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.add(text.value());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // `thiserror` has the text of an error in an attribute.
        if let (true, syn::Meta::List(list)) = (attribute.path().is_ident("error"), &attribute.meta)
        {
            let before = std::mem::replace(&mut self.is_error, true);
            self.add_tokens(list.tokens.clone());
            self.is_error = before;
        }
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let mut makes_error = false;
        if let syn::Expr::Path(function) = &*call.func {
            let mut names = function.path.segments.iter().map(|it| it.ident.to_string());
            makes_error = names.any(|name| CONSTRUCTORS.contains(&&*name));
        }
        let before = self.is_error;
        self.is_error |= makes_error;
        visit::visit_expr_call(self, call);
        self.is_error = before;
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.add_tokens(called.tokens.clone());
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.add(text.value());
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|it| {
        let is_cfg = it.path().is_ident("cfg");
        is_cfg && matches!(&it.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

/// The texts of each file.
fn read(folder: &Path, files: &mut BTreeMap<String, Texts>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if OTHER_TEXTS.iter().any(|other| name.contains(other)) || name.ends_with("tests.rs") {
            continue;
        }
        if path.is_dir() {
            read(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs") && !path.ends_with(file!()) {
            let mut texts = Texts::default();
            texts.visit_file(&syn::parse_file(&fs::read_to_string(&path).unwrap()).unwrap());
            files.insert(name, texts);
        }
    }
}

fn files() -> BTreeMap<String, Texts> {
    let mut files = BTreeMap::new();
    for layer in LAYERS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(layer);
        read(&folder, &mut files);
    }
    let errors: usize = files.values().map(|texts| texts.errors.len()).sum();
    assert!(errors > 300, "only {errors} texts of errors were found");
    files
}

#[test]
fn no_error_description_loses_a_character_on_its_way() {
    let mut changed = Vec::new();
    for (name, texts) in &files() {
        for text in &texts.errors {
            let shown = printable(text);
            if shown != text.as_str() {
                changed.push(format!("{name}: {text}\n  arrives as: {shown}"));
            }
        }
        // Where a text becomes an error is not always seen: none has the signs that people write in sentences and that
        // no error may have. That of a hint is no error.
        let is_sign = |c: char| "…–—“”‘’→".contains(c);
        let others = texts.all.iter().filter(|text| text.contains(is_sign));
        changed.extend(
            others
                .filter(|text| !text.starts_with("{beginning}"))
                .map(|text| format!("{name}: {text}\n  is not ASCII")),
        );
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

#[test]
fn what_is_said_of_one_rule_is_written_once() {
    let files = files();
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, texts) in &files {
        for text in &texts.errors {
            if text.split_whitespace().count() >= 4 {
                places.entry(text).or_default().push(name);
            }
        }
    }
    places.retain(|_, names| names.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}
