//! Owns what is to be pasted on a platform, so that its workload logs in with the platform's token.

use crate::domain::ClientId;

pub(super) const KUBERNETES: &str = "\
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

pub(super) const GITHUB: &str = r#"In the workflow:

permissions:
  id-token: write
steps:
  - run: |
      assertion=$(curl -sS -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
        "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=ISSUER" | jq -r .value)
      echo "::add-mask::$assertion"
      LOG_IN"#;

pub(super) const GITLAB: &str = "\
In .gitlab-ci.yml:

job:
  id_tokens:
    ASSERTION:
      aud: ISSUER
  script:
    - |
      LOG_IN";

pub(super) const SPIFFE: &str = "\
In the workload:

assertion=$(spire-agent api fetch jwt -audience ISSUER -output json | jq -r '.[0].svids[0].svid')
LOG_IN";

pub(super) const AWS: &str = "\
Where the role or user is at work:

assertion=$(aws sts get-web-identity-token --audience ISSUER --signing-algorithm ES384 \\
  --duration-seconds 300 --query WebIdentityToken --output text)
LOG_IN";

pub(super) const GOOGLE: &str = "\
Where the service account is at work:

assertion=$(curl -sS -H 'Metadata-Flavor: Google' \\
  \"http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/identity?audience=ISSUER\")
LOG_IN";

/// What is to be pasted on a platform.
#[derive(Clone, Debug)]
pub struct Instructions {
    /// `ISSUER` stands for this server, `LOG_IN` for the call that gets a token.
    pub(super) template: String,
    /// What `curl` reads the platform's token from.
    pub(super) assertion: &'static str,
    /// The last word of the `client_assertion_type`.
    pub(super) assertion_type: &'static str,
}

impl Instructions {
    pub(super) fn new(template: impl Into<String>, assertion: &'static str) -> Self {
        Self {
            template: template.into(),
            assertion,
            assertion_type: "jwt-bearer",
        }
    }

    /// The text for a client. `issuer`: this server.
    pub fn render(&self, issuer: &str, client_id: &ClientId) -> String {
        let log_in = self.curl(issuer, client_id);
        // Each line as deep as the first.
        let before = self.template.split("LOG_IN").next().unwrap_or_default();
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let log_in = log_in.replace('\n', &format!("\n{indent}"));
        let text = self.template.replace("ISSUER", issuer);
        text.replace("LOG_IN", &log_in)
    }

    /// The call of a shell. An id may have characters that mean something there.
    fn curl(&self, issuer: &str, client_id: &ClientId) -> String {
        let server = issuer.trim_end_matches('/');
        let quoted = client_id.as_str().replace('\'', r"'\''");
        let (assertion, assertion_type) = (self.assertion, self.assertion_type);
        format!(
            "curl -sS {server}/token -d grant_type=client_credentials --data-urlencode 'client_id={quoted}' \\\n\
             \x20 -d client_assertion_type=urn:ietf:params:oauth:client-assertion-type:{assertion_type} \\\n\
             \x20 --data-urlencode \"client_assertion{assertion}\""
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_nothing_to_the_shell() {
        let id = ClientId::parse("a';$(x)").unwrap();
        let text = Instructions::new(GITHUB, "=$assertion").render("https://tokens.test/", &id);
        assert!(text.contains(r"'client_id=a'\'';$(x)'"), "{text}");
        assert!(text.contains("audience=https://tokens.test/\""), "{text}");
        assert!(
            text.contains("curl -sS https://tokens.test/token"),
            "{text}"
        );
    }

    #[test]
    fn a_name_that_looks_like_the_assertion_type_stays_as_it_is() {
        let id = ClientId::parse("jwt-bearer-gateway").unwrap();
        let spiffe = Instructions {
            assertion_type: "jwt-spiffe",
            ..Instructions::new(SPIFFE, "=$assertion")
        };
        let text = spiffe.render("https://jwt-bearer.test", &id);
        for part in [
            "'client_id=jwt-bearer-gateway'",
            "-audience https://jwt-bearer.test ",
            "curl -sS https://jwt-bearer.test/token ",
            "client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-spiffe ",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
