//! Owns the programs that a new secret is shown with: how a client gets its token, ready to run. Knows nothing of pages.

use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::languages;
use super::languages::Credentials;
use crate::domain::{AuthMethod, Client};

/// A program in one language.
pub(in crate::http::portal) struct Snippet {
    pub(in crate::http::portal) language: &'static str,
    pub(in crate::http::portal) code: String,
}

/// A program in one language, whose code is written as for `format!`.
macro_rules! snippet {
    ($language:literal, $($code:tt)+) => {
        $crate::http::portal::secrets::snippets::Snippet {
            language: $language,
            code: format!($($code)+),
        }
    };
}
pub(in crate::http::portal) use snippet;

#[derive(Template)]
#[template(path = "secrets/snippet_rust.txt")]
struct InRust<'a> {
    url: &'a str,
    credentials: &'a str,
}

/// What needs no escaping in a URL (RFC 3986 §2.3).
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Programs that get a token of this client with this secret.
pub(super) fn of(issuer: &str, client: &Client, secret: &str) -> Vec<Snippet> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/authorize");
    let id = client.client_id.as_str();
    let methods = client.authentication.auth_methods;
    let quoted = literal(&url);
    let credentials = Credentials {
        issuer,
        id,
        secret,
        is_in_body: methods.contains(AuthMethod::ClientSecretPost),
    };
    let [curl, node, python, go, rust] = if credentials.is_in_body {
        in_body(&quoted, id, secret)
    } else {
        in_header(&quoted, id, secret)
    };
    // It uses a library of HTTP that nothing here may; the template is written as it is.
    let rust = InRust {
        url: &quoted,
        credentials: &rust,
    };
    let mut all = vec![
        snippet!("curl", "curl -X POST {} {curl}", in_shell(&url)),
        snippet!(
            "Node.js",
            "const answer = await fetch({quoted}, {{\n  method: \"POST\",\n  {node},\n}});\nif (!answer.ok) throw new Error(await answer.text());\nconst {{ token, expires_in }} = await answer.json();"
        ),
        snippet!(
            "Python",
            "import requests\n\nanswer = requests.post({quoted}, {python})\nanswer.raise_for_status()\ntoken = answer.json()[\"token\"]"
        ),
        snippet!(
            "Go",
            "{go}\nif err != nil {{\n\treturn err\n}}\ndefer answer.Body.Close()\nvar granted struct {{\n\tToken     string `json:\"token\"`\n\tExpiresIn int    `json:\"expires_in\"`\n}}\nif err := json.NewDecoder(answer.Body).Decode(&granted); err != nil {{\n\treturn err\n}}"
        ),
        Snippet {
            language: "Rust",
            code: rust.render().unwrap_or_default(),
        },
    ];
    all.extend(languages::plain(credentials));
    all.extend(languages::libraries(credentials));
    all
}

/// How programs are told in their environment to trust a CA that no system knows.
pub(super) fn trust(ca: &str) -> Snippet {
    let names = [
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "REQUESTS_CA_BUNDLE",
        "SSL_CERT_FILE",
    ];
    let ca = in_shell(ca);
    let lines = names.map(|name| format!("export {name}={ca}\n")).concat();
    snippet!(
        "Trust the certificate of this development server",
        "{lines}# Java: keytool -importcert -noprompt -alias token-server -file {ca} -keystore trust.p12 -storepass changeit\n\
         # export JAVA_TOOL_OPTIONS='-Djavax.net.ssl.trustStore=trust.p12 -Djavax.net.ssl.trustStorePassword=changeit'\n\
         # PHP: php -d curl.cainfo={ca}"
    )
}

/// The variables that the examples of the documentation read, for a file such as `.env`.
pub(super) fn env(issuer: &str, client: &Client, secret: &str) -> String {
    let lines = [
        ("ISSUER", issuer),
        ("CLIENT_ID", client.client_id.as_str()),
        ("CLIENT_SECRET", secret),
    ];
    lines
        .map(|(name, value)| format!("{name}={}\n", in_env(value)))
        .concat()
}

/// A value of such a file, as shells, Docker Compose and the libraries called dotenv read it: nothing is expanded within
/// single quotes.
fn in_env(value: &str) -> String {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"_-./:@".contains(&it);
    match value {
        value if value.bytes().all(is_plain) => value.to_owned(),
        value if !value.contains('\'') => format!("'{value}'"),
        value => {
            let escaped = value.replace('\\', r"\\").replace('"', "\\\"");
            format!("\"{}\"", escaped.replace('$', r"\$").replace('`', r"\`"))
        }
    }
}

/// The credentials in the body (RFC 6749 §2.3.1).
fn in_body(url: &str, id: &str, secret: &str) -> [String; 5] {
    let (quoted_id, quoted_secret) = (literal(id), literal(secret));
    [
        format!(
            "\\\n  --data-urlencode {} \\\n  --data-urlencode {}",
            in_shell(&format!("client_id={id}")),
            in_shell(&format!("client_secret={secret}"))
        ),
        format!(
            "body: new URLSearchParams({{\n    client_id: {quoted_id},\n    client_secret: {quoted_secret},\n  }})"
        ),
        format!(
            "data={{\n    \"client_id\": {quoted_id},\n    \"client_secret\": {quoted_secret},\n}}"
        ),
        format!(
            "answer, err := http.PostForm({url}, url.Values{{\n\t\"client_id\":     {{{quoted_id}}},\n\t\"client_secret\": {{{quoted_secret}}},\n}})"
        ),
        format!(
            ".form(&[\n        (\"client_id\", {quoted_id}),\n        (\"client_secret\", {quoted_secret}),\n    ])"
        ),
    ]
}

/// The credentials as HTTP Basic, each form-encoded before (RFC 6749 §2.3.1).
fn in_header(url: &str, id: &str, secret: &str) -> [String; 5] {
    let (id, secret) = (encoded(id), encoded(secret));
    let (quoted_id, quoted_secret) = (literal(&id), literal(&secret));
    [
        format!("\\\n  -u {}", in_shell(&format!("{id}:{secret}"))),
        format!(
            "headers: {{ authorization: \"Basic \" + btoa({}) }}",
            literal(&format!("{id}:{secret}"))
        ),
        format!("auth=({quoted_id}, {quoted_secret})"),
        format!(
            "request, err := http.NewRequest(\"POST\", {url}, nil)\nif err != nil {{\n\treturn err\n}}\nrequest.SetBasicAuth({quoted_id}, {quoted_secret})\nanswer, err := http.DefaultClient.Do(request)"
        ),
        format!(".basic_auth({quoted_id}, Some({quoted_secret}))"),
    ]
}

/// A text in a form (RFC 6749 appendix B), and in the credentials of HTTP Basic.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

/// A text in double quotes, as JSON, JavaScript, Python, Go and Rust all read it: ids and secrets hold no control
/// characters, so quotes and backslashes are all that is escaped.
pub(in crate::http::portal) fn literal(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{escaped}\"")
}

/// A text as one word of a shell.
pub(in crate::http::portal) fn in_shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_has_values_that_nothing_expands() {
        assert_eq!(in_env("tks_abc"), "tks_abc");
        assert_eq!(in_env("a $HOME #b"), "'a $HOME #b'");
        assert_eq!(
            in_env(r#"it's "$HOME" `x` \"#),
            r#""it's \"\$HOME\" \`x\` \\""#
        );
    }

    #[test]
    fn what_is_filled_in_stays_one_word_and_one_text() {
        assert_eq!(in_shell("it's $HOME `x`"), r"'it'\''s $HOME `x`'");
        assert_eq!(literal(r#"a"b\c"#), r#""a\"b\\c""#);
    }
}
