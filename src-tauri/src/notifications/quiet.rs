//! Quiet hours: between two times of day nothing is told that can wait.

use jiff::Zoned;
use jiff::civil::Time;
use latchkey_engine::config::NotificationConfig;

/// When the quiet hours that hold now are over; nothing where none hold.
pub(super) fn quiet_until(told: &NotificationConfig, now: &Zoned) -> Option<Zoned> {
    let (from, to) = (told.quiet_from?.minutes(), told.quiet_to?.minutes());
    let time = now.time();
    let minute = u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()?;
    // Over midnight where they begin later than they end; from and to the same would be the whole day, and are none.
    let holds = if from <= to { (from..to).contains(&minute) } else { minute >= from || minute < to };
    if !holds {
        return None;
    }
    let end = Time::new(i8::try_from(to / 60).ok()?, i8::try_from(to % 60).ok()?, 0, 0).ok()?;
    let day = if minute < to { now.date() } else { now.date().tomorrow().ok()? };
    day.to_datetime(end).to_zoned(now.time_zone().clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(from: &str, to: &str, now: &str) -> Option<String> {
        let told = NotificationConfig {
            quiet_from: Some(from.parse().unwrap()),
            quiet_to: Some(to.parse().unwrap()),
            ..NotificationConfig::default()
        };
        let now: Zoned = format!("2026-11-20T{now}:00[Europe/Berlin]").parse().unwrap();
        quiet_until(&told, &now).map(|end| end.strftime("%d %H:%M").to_string())
    }

    #[test]
    fn they_hold_between_two_times_of_day_also_over_midnight() {
        assert_eq!(until("22:00", "07:00", "23:30").as_deref(), Some("21 07:00"));
        assert_eq!(until("22:00", "07:00", "06:59").as_deref(), Some("20 07:00"));
        assert_eq!(until("22:00", "07:00", "07:00"), None);
        assert_eq!(until("12:00", "13:00", "12:30").as_deref(), Some("20 13:00"));
        assert_eq!(until("12:00", "13:00", "11:59"), None);
        assert_eq!(until("12:00", "12:00", "12:00"), None);
        let none = NotificationConfig::default();
        assert_eq!(quiet_until(&none, &"2026-11-20T03:00:00[Europe/Berlin]".parse().unwrap()), None);
    }
}
