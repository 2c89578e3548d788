//! The examples that the standards give.

use latchkey_core::secret::IdToken;
use latchkey_engine::jose::verify::{Type, signature};
use latchkey_engine::jose::{Algorithms, Refusal, id_token};
use serde_json::{Value, json};

use super::minting::{NOW, issuer, key_set};

/// RFC 7515 appendix A.1: the claims that its examples sign.
const PAYLOAD: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn judged(token: &str, key: &Value) -> Result<Vec<u8>, Refusal> {
    signature(token, &key_set(std::slice::from_ref(key)), &Algorithms::all(), Type::Jwt)
        .map(|signed| signed.payload)
}

fn p256() -> Value {
    json!({ "kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" })
}

#[test]
fn rfc_7515_a_1_hs256_is_refused() {
    let token = format!(
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{PAYLOAD}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    );
    let shared = json!({ "kty": "oct",
        "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow" });
    assert_eq!(judged(&token, &shared), Err(Refusal::Symmetric));
}

#[test]
fn rfc_7515_a_2_rs256_is_verified() {
    let key = json!({ "kty": "RSA", "e": "AQAB", "n": "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-\
        Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXn\
        dS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoud\
        F8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ" });
    let token = format!(
        "eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF\
        5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7\
        K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt\
        5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    );
    let payload = judged(&token, &key).unwrap();
    assert!(payload.starts_with(br#"{"iss":"joe","#));
    assert_eq!(judged(&token, &p256()), Err(Refusal::UnknownKey));
}

#[test]
fn rfc_7515_a_3_es256_is_verified() {
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K\
        g6NU1Q"
    );
    assert!(judged(&token, &p256()).is_ok());
}

#[test]
fn rfc_7515_a_5_unsigned_is_refused() {
    assert_eq!(judged(&format!("eyJhbGciOiJub25lIn0.{PAYLOAD}."), &p256()), Err(Refusal::Unsigned));
}

#[test]
fn rfc_8037_a_4_and_a_5_eddsa_is_verified() {
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dW\
        bhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    assert_eq!(judged(token, &key).unwrap(), b"Example of Ed25519 signing");
    let private = json!({ "kty": "OKP", "crv": "Ed25519", "x": key["x"],
        "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A" });
    assert_eq!(
        judged(token, &private),
        Err(Refusal::UnknownKey),
        "a private key in a public set is not used"
    );
}

#[test]
fn an_example_of_2011_signs_nobody_in_today() {
    let token = format!(
        "eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-K\
        g6NU1Q"
    );
    let mut issuer = issuer();
    issuer.identifier = "joe".to_owned();
    let expected = id_token::Expected {
        issuer: &issuer,
        client_id: "client",
        trusted_audiences: &[],
        access_token: None,
        code: None,
        occasion: id_token::Occasion::SignIn { nonce: None, max_age: None },
    };
    let refusal = id_token::verify(&IdToken::new(token), &key_set(&[p256()]), &expected, NOW).err().unwrap();
    assert!(matches!(refusal, Refusal::Expired(_)), "{refusal}");
}
