//! Owns which settings lower the security of the service, and what each opens.

use std::collections::BTreeMap;

use crate::config::Config;

/// A value that lowers security.
struct Risk {
    name: &'static str,
    is_risky: fn(&str) -> bool,
    sentence: &'static str,
}

const RISKS: &[Risk] = &[
    Risk {
        name: "DEVELOPMENT",
        is_risky: |value| value == "true",
        sentence: "Development mode is not for production: the server makes missing keys and certificates, and only warns of a clock that may be wrong.",
    },
    Risk {
        name: "ADMIN_SECOND_FACTOR",
        is_risky: |value| value == "optional",
        sentence: "A password alone is enough to log in to the portal.",
    },
    Risk {
        name: "JWKS_URI_PRIVATE_ADDRESSES",
        is_risky: |value| value == "true",
        sentence: "The JWKS URL of a client may lead to an address of the internal network.",
    },
    Risk {
        name: "TRUSTED_PROXIES",
        is_risky: |value| value.split([',', ' ']).any(|it| it.ends_with("/0")),
        sentence: "The server takes every caller for a proxy: a caller can claim any source address.",
    },
    Risk {
        name: "HSTS_MAX_AGE",
        is_risky: |value| matches!(value, "0" | "0s"),
        sentence: "Browsers may ask for the portal over plain HTTP.",
    },
];

/// The risky settings, each with what it opens; those that the server itself warns of included.
pub(super) fn find(config: &Config) -> BTreeMap<String, String> {
    let warned = config.warnings().into_iter();
    let mut found: BTreeMap<String, String> = warned.map(|it| (it.name, it.message)).collect();
    for risk in RISKS {
        let mut settings = config.settings.0.iter();
        let setting = settings.find(|setting| setting.name == risk.name);
        if setting.is_some_and(|it| (risk.is_risky)(&it.value)) {
            found.insert(risk.name.to_owned(), risk.sentence.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::describe_settings;

    #[test]
    fn a_risk_is_that_of_a_setting_and_no_default_is_one() {
        let described = describe_settings();
        for risk in RISKS {
            let setting = described.iter().find(|it| it.name == risk.name);
            let default = setting.unwrap_or_else(|| panic!("{}", risk.name)).default;
            assert!(!(risk.is_risky)(default), "{}", risk.name);
        }
    }
}
