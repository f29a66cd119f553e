//! A part of every day.

use serde::{Deserialize, Serialize};

use crate::{said::Pair, time::Timestamp};

const DAY: u16 = 24 * 60;

/// A part of every day, in whole minutes of a fixed offset from UTC: there is no summer time in it. One that ends before
/// it begins goes over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct TimeOfDay {
    /// The first minute.
    from: u16,
    /// The first minute that is no longer in it.
    to: u16,
    /// Minutes to add to UTC.
    offset: i16,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    from: String,
    to: String,
    offset: String,
}

impl TimeOfDay {
    /// From `09:00` until before `17:30`, where the clock is `+08:00` ahead of UTC (RFC 3339 §5.6, `time-numoffset`).
    ///
    /// # Errors
    /// What is wrong with which of them.
    pub fn parse(from: &str, to: &str, offset: &str) -> Result<TimeOfDay, Pair> {
        let from = clock(from)
            .filter(|minute| *minute < DAY)
            .ok_or(Pair("`from` must be a time such as 09:00", "`from` 须为时间，例如 09:00"))?;
        let to = clock(to).ok_or(Pair(
            "`to` must be a time such as 17:30, at most 24:00",
            "`to` 须为时间，例如 17:30，最晚 24:00",
        ))?;
        let offset = read_offset(offset).ok_or(Pair(
            "`offset` must be the offset from UTC, such as +08:00, within 14 hours of it",
            "`offset` 须为与 UTC 的时差，例如 +08:00，不超过 14 小时",
        ))?;
        match from % DAY == to % DAY {
            true => Err(Pair(
                "is the whole day or nothing of it; leave it out, or let `to` differ from `from`",
                "是全天或空时段；请去掉该项，或让 `to` 与 `from` 不同",
            )),
            false => Ok(TimeOfDay { from, to, offset }),
        }
    }

    /// Whether `now` is in it.
    pub fn contains(self, now: Timestamp) -> bool {
        let minute = now.0.div_euclid(60).saturating_add(self.offset.into()).rem_euclid(DAY.into());
        let (from, to) = (i64::from(self.from), i64::from(self.to));
        if from < to { from <= minute && minute < to } else { from <= minute || minute < to }
    }
}

/// Minutes of `hh:mm`.
fn clock(text: &str) -> Option<u16> {
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = text.split_once(':')?;
    let (hour, minute) = (number(hour)?, number(minute)?);
    let minutes = hour * 60 + minute;
    (minute < 60 && minutes <= DAY).then_some(minutes)
}

/// Minutes of `±hh:mm`.
fn read_offset(text: &str) -> Option<i16> {
    let (sign, rest) =
        text.strip_prefix('+').map(|rest| (1, rest)).or(text.strip_prefix('-').map(|r| (-1, r)))?;
    let minutes = clock(rest).filter(|minutes| *minutes <= 14 * 60)?;
    i16::try_from(minutes).ok().map(|minutes| sign * minutes)
}

fn written(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

impl From<TimeOfDay> for Form {
    fn from(time: TimeOfDay) -> Form {
        let sign = if time.offset < 0 { '-' } else { '+' };
        let offset = format!("{sign}{}", written(time.offset.unsigned_abs()));
        Form { from: written(time.from), to: written(time.to), offset }
    }
}

impl TryFrom<Form> for TimeOfDay {
    type Error = Pair;

    fn try_from(form: Form) -> Result<TimeOfDay, Pair> {
        TimeOfDay::parse(&form.from, &form.to, &form.offset)
    }
}
