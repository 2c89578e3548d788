//! An address as a picture that a phone reads. The page only draws it: nothing is fetched, nothing is rendered from
//! what a server said.

use std::fmt::Write as _;

use qrcode::{Color, QrCode};
use serde::Serialize;

/// A QR code (ISO/IEC 18004) without its quiet zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct QrPicture {
    /// How many modules a side has, 21 to 177.
    pub(crate) size: u32,
    /// The dark modules as the path of an SVG, a module being one unit.
    pub(crate) path: String,
}

impl QrPicture {
    /// The picture of a text; none where it is too long for one.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(code.width()).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|one, next| one == next) {
                if run.first() == Some(&Color::Dark) {
                    // Writing to a text cannot fail.
                    let _ = write!(path, "M{x} {y}h{0}v1h-{0}z", run.len());
                }
                x += run.len();
            }
        }
        Some(Self { size: u32::try_from(code.width()).ok()?, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_becomes_a_picture_whose_corners_are_finders() {
        let picture = QrPicture::of("http://127.0.0.1:4180/device?user_code=WDJB-MJHT").unwrap();
        assert_eq!(picture.size, 33);
        let [left, right] = ["M0 0h7v1h-7z".to_owned(), format!("M{} 0h7v1h-7z", picture.size - 7)];
        assert!(picture.path.starts_with(&left) && picture.path.contains(&right), "{}", picture.path);
        assert!(
            picture.path.bytes().all(|byte| b"Mhvz -0123456789".contains(&byte)),
            "a path and nothing else"
        );
    }

    #[test]
    fn what_is_too_long_for_a_picture_is_none() {
        assert_eq!(QrPicture::of(&"x".repeat(3000)), None);
    }
}
