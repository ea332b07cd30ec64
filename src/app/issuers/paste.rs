//! Owns what is to be pasted on a platform, so that its workload logs in with the platform's token.

use crate::domain::ClientId;

const KUBERNETES: &str = "\
In the pod:

spec:
  serviceAccountName: SERVICE_ACCOUNT
  containers:
    - name: app
      volumeMounts:
        - name: token-server
          mountPath: /var/run/secrets/token-server
          readOnly: true
  volumes:
    - name: token-server
      projected:
        sources:
          - serviceAccountToken:
              path: token
              audience: ISSUER
              expirationSeconds: 600

LOG_IN";

const GITHUB: &str = r#"In the workflow:

permissions:
  id-token: write
steps:
  - run: |
      assertion=$(curl -sS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=ISSUER" | jq -r .value)
      echo "::add-mask::$assertion"
      LOG_IN"#;

const GITLAB: &str = "\
In .gitlab-ci.yml:

job:
  id_tokens:
    ASSERTION:
      aud: ISSUER
  script:
    - |
      LOG_IN";

const SPIFFE: &str = "\
In the workload:

assertion=$(spire-agent api fetch jwt -audience ISSUER -output json | jq -r '.[0].svids[0].svid')
LOG_IN";

const AWS: &str = "\
Where the role or user is at work:

assertion=$(aws sts get-web-identity-token --audience ISSUER --signing-algorithm ES384 \\
  --duration-seconds 300 --query WebIdentityToken --output text)
LOG_IN";

const GOOGLE: &str = "\
Where the service account is at work:

assertion=$(curl -sS -H 'Metadata-Flavor: Google' \\
  \"http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=ISSUER\")
LOG_IN";

pub(super) fn kubernetes(issuer: &str, client_id: &ClientId, service_account: &str) -> String {
    let log_in = curl(issuer, client_id, "@/var/run/secrets/token-server/token");
    let text = KUBERNETES.replace("SERVICE_ACCOUNT", service_account);
    text.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

pub(super) fn github(issuer: &str, client_id: &ClientId) -> String {
    let log_in = curl(issuer, client_id, "=$assertion").replace('\n', "\n      ");
    GITHUB.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

pub(super) fn gitlab(issuer: &str, client_id: &ClientId) -> String {
    let log_in = curl(issuer, client_id, "=$ASSERTION").replace('\n', "\n      ");
    GITLAB.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

pub(super) fn spiffe(issuer: &str, client_id: &ClientId) -> String {
    let log_in = curl(issuer, client_id, "=$assertion").replace("jwt-bearer", "jwt-spiffe");
    SPIFFE.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

pub(super) fn aws(issuer: &str, client_id: &ClientId) -> String {
    let log_in = curl(issuer, client_id, "=$assertion");
    AWS.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

pub(super) fn google(issuer: &str, client_id: &ClientId) -> String {
    let log_in = curl(issuer, client_id, "=$assertion");
    GOOGLE.replace("ISSUER", issuer).replace("LOG_IN", &log_in)
}

/// The call of a shell. An id may have characters that mean something there.
fn curl(issuer: &str, client_id: &ClientId, assertion: &str) -> String {
    let server = issuer.trim_end_matches('/');
    let quoted = client_id.as_str().replace('\'', r"'\''");
    format!(
        "curl -sS {server}/token -d grant_type=client_credentials --data-urlencode 'client_id={quoted}' \\\n\
         \x20 -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \\\n\
         \x20 --data-urlencode \"client_assertion{assertion}\""
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_nothing_to_the_shell() {
        let id = ClientId::parse("a';$(x)").unwrap();
        let text = github("https://tokens.test/", &id);
        assert!(text.contains(r"'client_id=a'\'';$(x)'"), "{text}");
        assert!(text.contains("audience=https://tokens.test/\""), "{text}");
        assert!(
            text.contains("curl -sS https://tokens.test/token"),
            "{text}"
        );
    }
}
