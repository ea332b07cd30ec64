//! Owns the programs in Java, C# and PHP, and those with the OAuth libraries of `docs/integrations.md`, that get a token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::snippets::{Snippet, encoded, literal, snippet};

/// A client, and how it sends its secret.
#[derive(Clone, Copy)]
pub(super) struct Credentials<'a> {
    pub(super) issuer: &'a str,
    pub(super) id: &'a str,
    pub(super) secret: &'a str,
    /// In the body; else in the header.
    pub(super) is_in_body: bool,
}

/// Programs without a library.
pub(super) fn plain(of: Credentials<'_>) -> Vec<Snippet> {
    let url = format!("{}/authorize", of.issuer);
    let (id, secret) = (encoded(of.id), encoded(of.secret));
    let form = format!("client_id={id}&client_secret={secret}");
    let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
    vec![
        java(&url, of.is_in_body, &form, &basic),
        csharp(&url, of.is_in_body, &form, &basic),
        php(&url, of.is_in_body, &form, &basic),
    ]
}

fn java(url: &str, is_in_body: bool, form: &str, basic: &str) -> Snippet {
    let (name, value, body) = if is_in_body {
        let body = format!("ofString({})", literal(form));
        ("Content-Type", "application/x-www-form-urlencoded", body)
    } else {
        ("Authorization", basic, "noBody()".to_owned())
    };
    snippet!(
        "Java",
        "import java.net.URI;\nimport java.net.http.*;\n\nvar request = HttpRequest.newBuilder(URI.create({}))\n    \
         .header(\"{name}\", {})\n    .POST(HttpRequest.BodyPublishers.{body})\n    .build();\n\
         var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n\
         if (answer.statusCode() != 200) throw new IllegalStateException(answer.body());\n\
         System.out.println(answer.body()); // {{\"token\": ..., \"expires_in\": ...}}",
        literal(url),
        literal(value)
    )
}

fn csharp(url: &str, is_in_body: bool, form: &str, basic: &str) -> Snippet {
    let (header, content) = if is_in_body {
        let content = format!(
            "new StringContent({}, Encoding.UTF8, \"application/x-www-form-urlencoded\")",
            literal(form)
        );
        (String::new(), content)
    } else {
        let header = format!(
            "http.DefaultRequestHeaders.Add(\"Authorization\", {});\n",
            literal(basic)
        );
        (header, "null".to_owned())
    };
    snippet!(
        "C#",
        "using System.Net.Http.Json;\nusing System.Text;\nusing System.Text.Json;\n\nusing var http = new HttpClient();\n\
         {header}var answer = await http.PostAsync({}, {content});\nanswer.EnsureSuccessStatusCode();\n\
         var granted = await answer.Content.ReadFromJsonAsync<JsonElement>();\n\
         var token = granted.GetProperty(\"token\").GetString();",
        literal(url)
    )
}

fn php(url: &str, is_in_body: bool, form: &str, basic: &str) -> Snippet {
    let option = if is_in_body {
        format!("CURLOPT_POSTFIELDS => {}", in_php(form))
    } else {
        let header = in_php(&format!("Authorization: {basic}"));
        format!("CURLOPT_POST => true,\n    CURLOPT_HTTPHEADER => [{header}]")
    };
    snippet!(
        "PHP",
        "$http = curl_init({});\ncurl_setopt_array($http, [\n    CURLOPT_RETURNTRANSFER => true,\n    \
         CURLOPT_FAILONERROR => true,\n    {option},\n]);\n$answer = curl_exec($http);\n\
         if ($answer === false) throw new RuntimeException(curl_error($http));\n\
         $token = json_decode($answer, true, flags: JSON_THROW_ON_ERROR)['token'];",
        in_php(url)
    )
}

/// Programs with the libraries that fetch a new token when the old one has expired.
pub(super) fn libraries(of: Credentials<'_>) -> Vec<Snippet> {
    let (id, secret) = (literal(of.id), literal(of.secret));
    let token_url = literal(&format!("{}/token", of.issuer));
    let in_properties = |text: &str| text.replace('\\', "\\\\");
    let prefix = "spring.security.oauth2.client";
    let choose = |in_body, in_header| if of.is_in_body { in_body } else { in_header };
    let method = choose("client_secret_post", "client_secret_basic");
    let authentication = choose("ClientSecretPost", "ClientSecretBasic");
    let style = choose("AuthStyleInParams", "AuthStyleInHeader");
    vec![
        snippet!(
            "Python, Authlib",
            "from authlib.integrations.requests_client import OAuth2Session\n\nsession = OAuth2Session(\n    {id},\n    \
                 {secret},\n    token_endpoint={token_url},\n    token_endpoint_auth_method=\"{method}\",\n    \
                 grant_type=\"client_credentials\",\n)\ntoken = session.fetch_token()[\"access_token\"]"
        ),
        snippet!(
            "Node.js, openid-client",
            "import * as client from \"openid-client\";\n\nconst config = await client.discovery(\n  new URL({}),\n  {id},\n  \
                 undefined,\n  client.{authentication}({secret}),\n  {{ algorithm: \"oauth2\" }},\n);\n\
                 const {{ access_token }} = await client.clientCredentialsGrant(config);",
            literal(of.issuer)
        ),
        snippet!(
            "Go, x/oauth2",
            "config := clientcredentials.Config{{\n\tClientID:     {id},\n\tClientSecret: {secret},\n\t\
                 TokenURL:     {token_url},\n\tAuthStyle:    oauth2.{style},\n}}\n\
                 // It sends a token with each request.\nhttpClient := config.Client(context.Background())"
        ),
        snippet!(
            "Java, Spring Boot",
            "{prefix}.provider.tokens.token-uri={}/token\n{prefix}.registration.tokens.authorization-grant-type=client_credentials\n\
                 {prefix}.registration.tokens.client-authentication-method={method}\n\
                 {prefix}.registration.tokens.client-id={}\n{prefix}.registration.tokens.client-secret={}",
            in_properties(of.issuer),
            in_properties(of.id),
            in_properties(of.secret)
        ),
    ]
}

/// A text in single quotes, in which PHP replaces nothing.
pub(in crate::http::portal) fn in_php(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('\'', "\\'");
    format!("'{escaped}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn php_replaces_nothing_in_a_text() {
        assert_eq!(in_php(r"it's $HOME\"), r"'it\'s $HOME\\'");
    }

    #[test]
    fn each_program_sends_the_secret_where_the_client_may_have_it() {
        for is_in_body in [true, false] {
            let of = Credentials {
                issuer: "https://tokens.test",
                id: "a:b",
                secret: "tks_1",
                is_in_body,
            };
            for Snippet { language, code } in plain(of) {
                let basic = STANDARD.encode("a%3Ab:tks_1");
                assert!(code.contains("https://tokens.test/authorize"), "{language}");
                assert_eq!(
                    code.contains("client_id=a%3Ab&client_secret=tks_1"),
                    is_in_body,
                    "{language}"
                );
                assert_eq!(code.contains(&basic), !is_in_body, "{language}");
            }
            for Snippet { language, code } in libraries(of) {
                assert!(
                    code.contains("tks_1") && code.contains("https://tokens.test"),
                    "{language}"
                );
                let names = [
                    "client_secret_post",
                    "ClientSecretPost",
                    "AuthStyleInParams",
                ];
                assert_eq!(
                    names.iter().any(|name| code.contains(name)),
                    is_in_body,
                    "{language}"
                );
            }
        }
    }
}
