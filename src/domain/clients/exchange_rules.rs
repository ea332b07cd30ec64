//! Owns for which services a client may exchange the tokens that it is called with (RFC 8693), and which scopes may result.
//! Knows nothing of who may write the rules, nor of the audiences that the server keeps for itself.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::base::json;
use crate::domain::parse::OrderedMap;
use crate::domain::{Audience, ParseError, Scope, ensure, list_type, text_traits};

/// The rules of a client, one for each target, sorted by the target. Without a rule for it nothing is exchanged for a
/// target. As JSON an object: `{"https://orders.example": {"scopes": "read", "map": {"shop:view": "read"}}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExchangeRules(Vec<ExchangeRule>);

list_type!(ExchangeRules, ExchangeRule);

/// What may come of an exchange for one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExchangeRule {
    #[serde(skip)]
    target: Audience,
    scopes: Scope,
    /// What each scope of the subject token gives; `None`: itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<OrderedMap<Scope, Scope>>,
}

impl ExchangeRules {
    /// The most rules that a client has.
    pub const MAX: usize = 20;

    /// The most bytes that they have as JSON.
    const MAX_BYTES: usize = 8 * 1024;

    /// Parses a JSON object.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let object: Map<String, Value> = json::from_str(text)
            .map_err(|error| ParseError::new(format!("this is not a JSON object: {error}")))?;
        Self::from_object(&object)
    }

    /// Takes an object that was parsed already.
    pub fn from_object(object: &Map<String, Value>) -> Result<Self, ParseError> {
        let rules = object.iter().map(|(target, rule)| {
            ExchangeRule::read(target, rule)
                .map_err(|why| ParseError::new(format!("the rule for `{target}`: {why}")))
        });
        let mut rules: Vec<ExchangeRule> = rules.collect::<Result<_, _>>()?;
        rules.sort_by(|one, other| one.target.as_str().cmp(other.target.as_str()));
        ensure!(
            rules.len() <= Self::MAX,
            "a client can have at most {} exchange rules",
            Self::MAX
        );
        let rules = Self(rules);
        let bytes = rules.to_string().len();
        ensure!(
            bytes <= Self::MAX_BYTES,
            "exchange rules can have at most {} bytes as JSON; these have {bytes}",
            Self::MAX_BYTES
        );
        Ok(rules)
    }

    /// The rule for a target.
    pub fn find(&self, target: &Audience) -> Option<&ExchangeRule> {
        self.iter().find(|rule| rule.target == *target)
    }

    /// Fails where a reserved scope may result, or gives anything. A row that is read is not judged by it: then a scope that
    /// becomes reserved would make clients unreadable.
    pub fn check_scopes(&self) -> Result<(), ParseError> {
        let words = self.iter().flat_map(ExchangeRule::all_scopes);
        match words.into_iter().find_map(Scope::first_reserved) {
            Some(scope) => Err(ParseError::new(format!(
                "the scope {scope} is reserved: an exchange can neither use nor give it"
            ))),
            None => Ok(()),
        }
    }

    /// About how many bytes they take in memory.
    pub fn size(&self) -> usize {
        let texts = self.iter().flat_map(ExchangeRule::all_scopes);
        let texts: usize = texts.map(|scope| scope.as_str().len() + 24).sum();
        let rules = self.iter();
        texts + rules.map(|it| it.target.as_str().len() + 96).sum::<usize>()
    }
}

impl ExchangeRule {
    fn read(target: &str, rule: &Value) -> Result<Self, ParseError> {
        let target = Audience::parse(target)?;
        let members = rule.as_object().ok_or_else(|| {
            ParseError::new("it must be an object with `scopes` and, optionally, `map`")
        })?;
        for name in members.keys() {
            ensure!(
                ["scopes", "map"].contains(&name.as_str()),
                "unknown member `{name}`"
            );
        }
        let scopes = scope_of("scopes", members.get("scopes").unwrap_or(&Value::Null))?;
        let map = match members.get("map") {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(read_map(map, &scopes)?),
            Some(_) => {
                return Err(ParseError::new(
                    "`map` must be an object whose names are scopes of the subject token",
                ));
            }
        };
        Ok(Self {
            target,
            scopes,
            map,
        })
    }

    /// The audience of the tokens that result.
    pub fn target(&self) -> &Audience {
        &self.target
    }

    /// The scopes that may result.
    pub fn scopes(&self) -> &Scope {
        &self.scopes
    }

    /// What each scope of the subject token gives; `None`: itself.
    pub fn map(&self) -> Option<impl Iterator<Item = (&Scope, &Scope)>> {
        self.map.as_ref().map(OrderedMap::iter)
    }

    /// The scopes that a subject token with these scopes gives: with a map, what it says of each of them and no more.
    pub fn apply(&self, subject: &Scope) -> Scope {
        let has = |scope: &Scope, token: &str| scope.tokens().any(|it| it == token);
        match &self.map {
            None => self.scopes.filter(|token| has(subject, token)),
            Some(map) => self.scopes.filter(|token| {
                let mut given = map.iter().filter(|(from, _)| from.is_subset_of(subject));
                given.any(|(_, to)| has(to, token))
            }),
        }
    }

    fn all_scopes(&self) -> impl Iterator<Item = &Scope> {
        let map = self.map.iter().flat_map(OrderedMap::iter);
        std::iter::once(&self.scopes).chain(map.flat_map(|(from, to)| [from, to]))
    }
}

fn read_map(
    map: &Map<String, Value>,
    scopes: &Scope,
) -> Result<OrderedMap<Scope, Scope>, ParseError> {
    ensure!(
        !map.is_empty(),
        "`map` is empty, so no subject token would give a scope; leave it out to map each scope to itself"
    );
    let mut read = Vec::with_capacity(map.len());
    for (from, to) in map {
        let from = Scope::parse_one(from)
            .map_err(|why| ParseError::new(format!("`map` has the name `{from}`: {why}")))?;
        let to = scope_of(from.as_str(), to)?;
        if let Some(missing) = to.first_not_in(scopes) {
            return Err(ParseError::new(format!(
                "`map` gives `{missing}` for `{from}`, which is not one of `scopes`"
            )));
        }
        read.push((from, to));
    }
    read.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    // Two names of the object may be written as one.
    if let Some(pair) = read.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(ParseError::new(format!(
            "`map` has the name `{}` twice",
            pair[0].0
        )));
    }
    Ok(OrderedMap(read))
}

/// Words with spaces between them, or a list of words; one at least.
fn scope_of(name: &str, value: &Value) -> Result<Scope, ParseError> {
    let words = match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => {
            let words: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            words.map(|words| words.join(" "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    let scope = words.map(|text| Scope::parse(&text)).transpose()?;
    scope.filter(|it| !it.is_empty()).ok_or_else(|| {
        ParseError::new(format!(
            "`{name}` must contain at least one scope, as a string or a list"
        ))
    })
}

/// As [`ExchangeRules::parse`] reads it.
impl fmt::Display for ExchangeRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

text_traits!(ExchangeRules: FromStr);

impl Serialize for ExchangeRules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|rule| (&rule.target, rule)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> Scope {
        Scope::parse(text).unwrap()
    }

    fn rule(json: &str) -> ExchangeRule {
        let rules = ExchangeRules::parse(&format!(r#"{{"b":{json}}}"#)).unwrap();
        rules.find(&"b".parse().unwrap()).unwrap().clone()
    }

    #[test]
    fn they_are_one_text_however_they_were_written() {
        let written =
            r#"{"z":{"scopes":["b","a"]},"a":{"map":{"y":"c","x":["d","c"]},"scopes":"d  c"}}"#;
        let text = r#"{"a":{"scopes":"c d","map":{"x":"c d","y":"c"}},"z":{"scopes":"a b"}}"#;

        let rules = ExchangeRules::parse(written).unwrap();

        assert_eq!(rules.to_string(), text);
        assert_eq!(ExchangeRules::parse(text).unwrap(), rules);
        assert_eq!(ExchangeRules::default().to_string(), "{}");
        assert!(ExchangeRules::parse("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_rule_is_refused_with_its_target() {
        for (rule, why) in [
            (r#""read""#, "must be an object"),
            ("{}", "`scopes` must contain"),
            (r#"{"scopes":""}"#, "`scopes` must contain"),
            (r#"{"scopes":[]}"#, "`scopes` must contain"),
            (r#"{"scopes":["a",1]}"#, "`scopes` must contain"),
            (r#"{"scopes":1}"#, "`scopes` must contain"),
            (r#"{"scopes":"a","scope":"a"}"#, "unknown member `scope`"),
            (r#"{"scopes":"a","map":"a"}"#, "`map` must be an object"),
            (r#"{"scopes":"a","map":{}}"#, "`map` is empty"),
            (r#"{"scopes":"a","map":{"x y":"a"}}"#, "one scope"),
            (r#"{"scopes":"a","map":{"x":""}}"#, "`x` must contain"),
            (
                r#"{"scopes":"a b","map":{"x":"a","w":"a"," x":"b"}}"#,
                "`map` has the name `x` twice",
            ),
            (r#"{"scopes":"a","map":{"x":"b"}}"#, "gives `b` for `x`"),
        ] {
            let error = ExchangeRules::parse(&format!(r#"{{"b":{rule}}}"#)).unwrap_err();
            let is_told = error.0.starts_with("the rule for `b`: ") && error.0.contains(why);
            assert!(is_told, "{rule}: {error}");
        }
        for text in ["[]", "1", "", r#"{"a b":{"scopes":"a"}}"#] {
            assert!(ExchangeRules::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn their_number_and_their_length_are_bounded() {
        let many = |count: usize, scope: &str| {
            let rules = (0..count).map(|number| format!(r#""t{number}":{{"scopes":"{scope}"}}"#));
            let rules: Vec<String> = rules.collect();
            ExchangeRules::parse(&format!("{{{}}}", rules.join(",")))
        };
        assert!(many(ExchangeRules::MAX, "a").is_ok());
        assert!(many(ExchangeRules::MAX + 1, "a").is_err());
        assert!(many(4, &"a".repeat(2_000)).is_ok());
        assert!(many(5, &"a".repeat(2_000)).is_err());
    }

    #[test]
    fn without_a_map_a_scope_gives_itself() {
        let rule = rule(r#"{"scopes":"read write"}"#);

        assert_eq!(rule.apply(&scope("read delete")), scope("read"));
        assert_eq!(rule.apply(&scope("delete")), Scope::default());
        assert_eq!(rule.apply(&Scope::default()), Scope::default());
    }

    #[test]
    fn with_a_map_a_scope_gives_what_the_map_says_and_never_itself() {
        let rule = rule(r#"{"scopes":"read write pay","map":{"shop":"read","buy":"pay write"}}"#);

        assert_eq!(rule.apply(&scope("shop")), scope("read"));
        assert_eq!(rule.apply(&scope("buy shop")), scope("pay read write"));
        assert_eq!(rule.apply(&scope("read write pay")), Scope::default());
    }

    #[test]
    fn a_reserved_scope_is_found_wherever_it_stands() {
        for rule in [
            r#"{"scopes":"a admin:read"}"#,
            r#"{"scopes":"token:introspect"}"#,
            r#"{"scopes":"a","map":{"revocations:read":"a"}}"#,
            r#"{"scopes":"a admin:x","map":{"b":"admin:x"}}"#,
        ] {
            let rules = ExchangeRules::parse(&format!(r#"{{"b":{rule}}}"#)).unwrap();
            assert!(rules.check_scopes().is_err(), "{rule}");
        }
        let rules = ExchangeRules::parse(r#"{"b":{"scopes":"administer"}}"#).unwrap();
        assert_eq!(rules.check_scopes(), Ok(()));
    }
}
