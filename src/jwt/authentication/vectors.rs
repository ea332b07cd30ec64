//! Signatures that others published with their verdict: Wycheproof's JWS vectors, and the examples of RFC 7515 and
//! RFC 7520 (which are among Wycheproof's), judged as the signature of an assertion is.

use serde_json::{Value, json};
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use crate::domain::JwkSet;
use crate::jwt::authentication::client_assertion::{SignatureVerdict, Signer};
use crate::jwt::public_key;
use crate::jwt::tokens::verify::{Parts, decode, decode_base64};

/// Whether a JWS counts as signed by one of `keys`.
fn accepts(jws: &str, keys: &JwkSet) -> bool {
    let Ok(parts) = Parts::split(jws) else {
        return false;
    };
    let Ok(header) = decode(parts.header) else {
        return false;
    };
    let Ok(signer) = Signer::named_in(&header) else {
        return false;
    };
    decode_base64(parts.payload).is_ok() && signer.judge(&parts, keys) == SignatureVerdict::Good
}

fn key_set(jwk: &Value) -> Option<JwkSet> {
    JwkSet::parse(&json!({ "keys": [jwk] }).to_string()).ok()
}

#[test]
fn wycheproofs_signatures_are_judged_as_it_says() {
    let vectors = TestSet::load(TestName::JsonWebSignature).unwrap();
    let (mut accepted, mut refused, mut wrong) = (0, 0, Vec::new());

    for group in vectors.test_groups {
        // A symmetric key and one of a kind unknown here cannot be registered, so nothing is signed with it.
        let key = group.public_key.as_ref();
        let keys = key.and_then(key_set);
        let alg = key.and_then(|key| key["alg"].as_str());
        let is_known = alg.is_none_or(|alg| public_key::algorithm(alg).is_some());
        for test in group.tests {
            let Some(Value::String(jws)) = &test.jws else {
                continue;
            };
            let got = keys.as_ref().is_some_and(|keys| accepts(jws, keys));
            // RFC 7520 §4.2 signs in PS384 with a key that is published for PS256: refused here.
            let is_rfc_7520_with_another_alg = &*test.comment == "Figure20";
            let must = !test.result.must_fail()
                && keys.is_some()
                && is_known
                && !is_rfc_7520_with_another_alg;
            if got != must {
                wrong.push(format!("{} {} {got}", test.tc_id, test.comment));
            }
            *(if got { &mut accepted } else { &mut refused }) += 1;
        }
    }

    assert_eq!(wrong, Vec::<String>::new());
    assert!(accepted > 30 && refused > 300, "{accepted} {refused}");
}

/// RFC 7515 appendix A.2, A.3 and A.4.
#[test]
fn the_examples_of_rfc_7515_are_judged_as_it_says() {
    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let rsa = json!({
        "kty": "RSA", "e": "AQAB",
        "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SF\
              d2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo\
              7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM\
              Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    });
    let ec = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    let rs256 = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_l\
         F5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Q\
         e7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98\
         rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let es256 = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3\
         -Kg6NU1Q"
    );
    let (rsa, ec) = (key_set(&rsa).unwrap(), key_set(&ec).unwrap());

    assert!(accepts(&rs256, &rsa) && accepts(&es256, &ec));

    assert!(!accepts(&rs256, &ec) && !accepts(&es256, &rsa));
    let none = format!("eyJhbGciOiJub25lIn0.{PAYLOAD}.");
    let another = es256.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJqb2Uh");
    for jws in [none.as_str(), &another, &es256[..es256.len() - 1]] {
        assert!(!accepts(jws, &rsa) && !accepts(jws, &ec), "{jws}");
    }
}
