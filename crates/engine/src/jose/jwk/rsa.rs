//! RSA keys: what their numbers must be like.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde_json::{Map, Value};

use super::{KeyFault, KeyKind, Read, octets_of};

/// The shortest modulus (RFC 7518 §3.3) and the longest that is worth its time.
const BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The smallest public exponent: smaller ones have been the way into too many faulty verifiers.
const SMALLEST_EXPONENT: u32 = 65_537;

/// Small primes for which every modulus of a broken generator (CVE-2017-15361, "ROCA") is a power of 65537.
/// For another modulus that is so with a probability below one in a hundred million.
const ROCA_PRIMES: [u32; 17] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157];

pub(super) fn read(jwk: &Map<String, Value>) -> Result<Read, KeyFault> {
    let (n, e) = (octets_of(jwk, "n")?, octets_of(jwk, "e")?);
    // Leading zero octets are against RFC 7518 §6.3.1.1 and common; they change nothing.
    let (n, e) = (without_leading_zeros(&n), without_leading_zeros(&e));
    let bits = bits(n);
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let exponent = e.iter().try_fold(0_u32, |sum, octet| sum.checked_mul(256)?.checked_add((*octet).into()));
    let strong = BITS.contains(&bits)
        && odd(n)
        && odd(e)
        && exponent.is_some_and(|exponent| exponent >= SMALLEST_EXPONENT)
        && !is_roca(n);
    if !strong {
        return Err(KeyFault::Weak);
    }
    let text = |number: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(number);
    let canonical = format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n));
    Ok(Read { kind: KeyKind::Rsa { bits }, key: DecodingKey::from_rsa_raw_components(n, e), canonical })
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|octet| **octet == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// The length of a number without leading zero octets.
fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

fn is_roca(modulus: &[u8]) -> bool {
    ROCA_PRIMES.iter().all(|prime| {
        let rest = modulus.iter().fold(0, |rest, octet| (rest * 256 + u32::from(*octet)) % prime);
        let mut power = 1;
        for _ in 0..*prime {
            if power == rest {
                return true;
            }
            power = power * SMALLEST_EXPONENT % prime;
        }
        false
    })
}
