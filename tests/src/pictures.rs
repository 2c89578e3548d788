//! Pictures of the window against those that were looked at and accepted.

use std::path::PathBuf;

use image::{Rgb, RgbImage};

use crate::window::screenshots;

/// With this variable set to `1` a run accepts what it sees.
pub const ACCEPT: &str = "LATCHKEY_ACCEPT_PICTURES";

/// By how much a channel of a pixel may differ: what another version of a font renderer does at the edges of letters.
const SHADE: u8 = 40;

/// Which share of the pixels may differ by more.
const SHARE: f64 = 0.004;

/// Where the accepted pictures are.
pub fn accepted() -> PathBuf {
    crate::repository().join("docs/pictures")
}

/// Compares a picture with the accepted one of its name, or accepts it.
///
/// # Errors
/// In words, when they differ; the new picture and one of the differences are then in `target/screenshots`.
///
/// # Panics
/// When a file cannot be read or written.
pub fn compare(name: &str, picture: &[u8]) -> Result<(), String> {
    let file = accepted().join(format!("{name}.png"));
    let now = image::load_from_memory(picture).unwrap().to_rgb8();
    if std::env::var_os(ACCEPT).is_some_and(|value| value == "1") {
        std::fs::create_dir_all(accepted()).unwrap();
        let changed = image::open(&file)
            .map_or(true, |before| share(&before.to_rgb8(), &now).is_none_or(|share| share > 0.0));
        // What is the same stays the same file.
        if changed {
            now.save(&file).unwrap();
        }
        return Ok(());
    }
    let Ok(before) = image::open(&file) else {
        return Err(format!(
            "{name}: nobody has accepted a picture of it yet (cargo xtask screenshots --accept)"
        ));
    };
    let before = before.to_rgb8();
    let differs = share(&before, &now);
    if differs.is_some_and(|share| share <= SHARE) {
        return Ok(());
    }
    std::fs::create_dir_all(screenshots()).unwrap();
    now.save(screenshots().join(format!("{name}.new.png"))).unwrap();
    differences(&before, &now).save(screenshots().join(format!("{name}.differences.png"))).unwrap();
    Err(differs.map_or_else(
        || format!("{name}: {:?} instead of {:?} pixels", now.dimensions(), before.dimensions()),
        |share| {
            format!(
                "{name}: {:.2} % of it look otherwise, see target/screenshots/{name}.differences.png",
                share * 100.0
            )
        },
    ))
}

/// Which share of the pixels differs; `None` for pictures of different sizes.
fn share(before: &RgbImage, now: &RgbImage) -> Option<f64> {
    if before.dimensions() != now.dimensions() {
        return None;
    }
    let all = f64::from(before.width()) * f64::from(before.height());
    let other = before.pixels().zip(now.pixels()).filter(|(before, now)| differ(**before, **now)).count();
    Some(f64::from(u32::try_from(other).unwrap_or(u32::MAX)) / all)
}

fn differ(before: Rgb<u8>, now: Rgb<u8>) -> bool {
    before.0.iter().zip(now.0).any(|(before, now)| before.abs_diff(now) > SHADE)
}

/// The new picture, pale, with what differs in red.
fn differences(before: &RgbImage, now: &RgbImage) -> RgbImage {
    RgbImage::from_fn(now.width(), now.height(), |x, y| {
        let pixel = now.get_pixel(x, y);
        let same = before.get_pixel_checked(x, y).is_some_and(|before| !differ(*before, *pixel));
        if same { Rgb(pixel.0.map(|channel| 170 + channel / 3)) } else { Rgb([220, 0, 0]) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_pale_edges_are_the_same_picture_and_a_moved_line_is_not() {
        let plain = RgbImage::from_pixel(100, 100, Rgb([200; 3]));
        let mut edges = plain.clone();
        for x in 0..100 {
            edges.put_pixel(x, 50, Rgb([180; 3]));
        }
        assert_eq!(share(&plain, &edges), Some(0.0));
        let mut line = plain.clone();
        for x in 0..100 {
            line.put_pixel(x, 50, Rgb([0; 3]));
        }
        assert_eq!(share(&plain, &line), Some(0.01));
        assert_eq!(share(&plain, &RgbImage::new(100, 99)), None);
    }
}
