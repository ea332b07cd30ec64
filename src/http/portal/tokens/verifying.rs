//! Owns the programs with which a microservice verifies a token.

use crate::domain::SigningAlg;
use crate::http::portal::secrets::in_php;
use crate::http::portal::secrets::snippets::{Snippet, in_shell, literal, snippet};

/// Programs that ask `/verify`, and under an asymmetric algorithm those that verify offline.
pub(super) fn programs(issuer: &str, audience: &str, alg: SigningAlg) -> Vec<Snippet> {
    let issuer = issuer.trim_end_matches('/');
    let url = format!("{issuer}/verify");
    let mut all = online(&url);
    if alg.is_asymmetric() {
        all.extend(offline(issuer, audience, alg));
    }
    all
}

fn online(url: &str) -> Vec<Snippet> {
    let quoted = literal(url);
    vec![
        snippet!(
            "curl",
            "curl -fsS -H \"Authorization: Bearer $TOKEN\" {}",
            in_shell(url)
        ),
        snippet!(
            "Node.js",
            "const answer = await fetch({quoted}, {{ headers: {{ authorization: `Bearer ${{token}}` }} }});\n\
                 if (!answer.ok) throw new Error(\"the token is not active\");\nconst claims = await answer.json();"
        ),
        snippet!(
            "Python",
            "import requests\n\nanswer = requests.get({quoted}, headers={{\"Authorization\": f\"Bearer {{token}}\"}})\n\
                 answer.raise_for_status()\nclaims = answer.json()"
        ),
        snippet!(
            "PHP",
            "$http = curl_init({});\ncurl_setopt_array($http, [\n    CURLOPT_RETURNTRANSFER => true,\n    \
                 CURLOPT_HTTPHEADER => [\"Authorization: Bearer $token\"],\n]);\n$answer = curl_exec($http);\n\
                 $claims = curl_getinfo($http, CURLINFO_RESPONSE_CODE) === 200\n    \
                 ? json_decode($answer, true, flags: JSON_THROW_ON_ERROR)\n    : null;",
            in_php(url)
        ),
        snippet!(
            "Go",
            "request, err := http.NewRequest(\"GET\", {quoted}, nil)\nif err != nil {{\n\treturn err\n}}\n\
                 request.Header.Set(\"Authorization\", \"Bearer \"+token)\nanswer, err := http.DefaultClient.Do(request)\n\
                 if err != nil {{\n\treturn err\n}}\ndefer answer.Body.Close()\nif answer.StatusCode != http.StatusOK {{\n\t\
                 return errors.New(\"the token is not active\")\n}}"
        ),
        snippet!(
            "Java",
            "var request = HttpRequest.newBuilder(URI.create({quoted}))\n    .header(\"Authorization\", \"Bearer \" + token)\n    \
                 .build();\nvar answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());\n\
                 if (answer.statusCode() != 200) throw new SecurityException(\"the token is not active\");"
        ),
        snippet!(
            "C#",
            "using var http = new HttpClient();\nhttp.DefaultRequestHeaders.Add(\"Authorization\", \"Bearer \" + token);\n\
                 var answer = await http.GetAsync({quoted});\nanswer.EnsureSuccessStatusCode();"
        ),
    ]
}

fn offline(issuer: &str, audience: &str, alg: SigningAlg) -> Vec<Snippet> {
    let keys = literal(&format!("{issuer}/.well-known/jwks.json"));
    let (issuer, audience) = (literal(issuer), literal(audience));
    vec![
        snippet!(
            "Offline: Node.js, jose",
            "import {{ createRemoteJWKSet, jwtVerify }} from \"jose\";\n\nconst keys = createRemoteJWKSet(new URL({keys}));\n\
                 const {{ payload }} = await jwtVerify(token, keys, {{\n  issuer: {issuer},\n  audience: {audience},\n  \
                 algorithms: [\"{alg}\"],\n  typ: \"at+jwt\",\n  requiredClaims: [\"exp\", \"sub\", \"client_id\"],\n}});"
        ),
        snippet!(
            "Offline: Python, PyJWT",
            "import jwt\n\nkeys = jwt.PyJWKClient({keys})\n\nif jwt.get_unverified_header(token).get(\"typ\") != \"at+jwt\":\n    \
                 raise jwt.InvalidTokenError(\"not an access token\")\nclaims = jwt.decode(\n    token,\n    \
                 keys.get_signing_key_from_jwt(token),\n    algorithms=[\"{alg}\"],\n    issuer={issuer},\n    audience={audience},\n    \
                 options={{\"require\": [\"exp\", \"iss\", \"aud\", \"sub\", \"client_id\"]}},\n)"
        ),
        snippet!(
            "Offline: Go, go-oidc",
            "provider, err := oidc.NewProvider(ctx, {issuer})\nif err != nil {{\n\treturn err\n}}\n\
                 // It does not look at typ.\nverifier := provider.Verifier(&oidc.Config{{ClientID: {audience}}})\n\
                 token, err := verifier.Verify(ctx, text)"
        ),
    ]
}
