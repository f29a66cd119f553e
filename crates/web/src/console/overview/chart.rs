//! Pictures of numbers, drawn here: no script makes them, and their colours are the stylesheet's.
//!
//! Lengths are in units of the picture, which is as wide as its place. What a picture shows stands in a table below it.

/// How wide a picture of days is.
const WIDTH: i64 = 520;
/// Where its days begin: left of them stands the scale.
const LEFT: i64 = 52;
/// Where its days end.
const RIGHT: i64 = 512;
/// Where its scale ends, at the top.
const TOP: i64 = 14;
/// Where its days stand.
const GROUND: i64 = 164;
/// How high a line of a picture of names is.
const LINE: i64 = 46;
/// Characters of a name in a picture.
const NAME: usize = 44;

/// A stretch of a column or line, from a position on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its class: the colour.
    pub class: &'static str,
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
    /// How wide.
    pub width: i64,
    /// How high.
    pub height: i64,
}

/// A column of a day: what is told when it is pointed at, and its pieces.
#[derive(Clone, Debug)]
pub struct Column {
    /// What it says.
    pub title: String,
    /// From the ground up.
    pub pieces: Vec<Piece>,
}

/// A mark at the side or below.
#[derive(Clone, Debug)]
pub struct Mark {
    /// What it says.
    pub text: String,
    /// From the left.
    pub x: i64,
    /// From the top.
    pub y: i64,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
}

/// Days as columns.
#[derive(Clone, Debug)]
pub struct Days {
    /// The columns.
    pub columns: Vec<Column>,
    /// Heights of the lines across.
    pub lines: Vec<i64>,
    /// What stands at the side and below.
    pub marks: Vec<Mark>,
}

/// A day: its name, what is told of it, and its values with their classes, from the ground up.
pub struct Day {
    /// `11-30`.
    pub name: String,
    /// What is told when it is pointed at.
    pub title: String,
    /// The values.
    pub values: Vec<(&'static str, i64)>,
}

impl Days {
    /// How wide and high the picture is.
    pub const VIEW: &'static str = "0 0 520 190";
    /// Where lines across begin and end.
    pub const ACROSS: (i64, i64) = (LEFT, RIGHT);

    /// Draws days.
    pub fn draw(days: &[Day]) -> Days {
        let sum = |day: &Day| day.values.iter().map(|(_, value)| *value).sum::<i64>();
        let most = ceiling(days.iter().map(sum).max().unwrap_or_default());
        let count = i64::try_from(days.len()).unwrap_or(1).max(1);
        let step = (RIGHT - LEFT) * 10 / count;
        let column = |(place, day): (i64, &Day)| {
            let x = LEFT + place * step / 10 + 2;
            let mut y = GROUND;
            let piece = |&(class, value): &(&'static str, i64)| {
                let height = scaled(value, most, GROUND - TOP);
                y -= height;
                Piece { class, x, y, width: (step / 10 - 3).max(2), height }
            };
            let pieces = day.values.iter().map(piece).filter(|piece| piece.height > 0).collect();
            Column { title: day.title.clone(), pieces }
        };
        let levels: &[i64] = if most % 2 == 0 { &[0, 1, 2] } else { &[0, 2] };
        let height = |level: &i64| GROUND - (GROUND - TOP) * level / 2;
        let scale = levels.iter().map(|level| Mark {
            text: short(most * level / 2),
            x: LEFT - 8,
            y: height(level) + 4,
            anchor: "end",
        });
        let named = [(0, "start"), (days.len() / 2, "middle"), (days.len().saturating_sub(1), "end")];
        let below = named.into_iter().filter_map(|(place, anchor)| {
            let day = days.get(place)?;
            let place = i64::try_from(place).unwrap_or_default();
            let x = match anchor {
                "start" => LEFT + 2,
                "end" => RIGHT,
                _ => LEFT + place * step / 10 + step / 20,
            };
            Some(Mark { text: day.name.clone(), x, y: GROUND + 20, anchor })
        });
        Days {
            columns: (0..).zip(days).map(column).collect(),
            lines: levels.iter().map(height).collect(),
            marks: scale.chain(below).collect(),
        }
    }
}

/// A line of a picture of names.
#[derive(Clone, Debug)]
pub struct Line {
    /// The name, cut if it is long.
    pub name: String,
    /// The number.
    pub value: String,
    /// What is told when it is pointed at.
    pub title: String,
    /// From the top, of the text.
    pub text_y: i64,
    /// From the top, of the line.
    pub bar_y: i64,
    /// How long the line is.
    pub width: i64,
}

/// Names with numbers as lines.
#[derive(Clone, Debug)]
pub struct Names {
    /// The lines.
    pub lines: Vec<Line>,
    /// How wide and high the picture is.
    pub view: String,
}

impl Names {
    /// How wide it is.
    pub const WIDTH: i64 = WIDTH;

    /// Draws names with numbers.
    pub fn draw(rows: &[(String, i64)]) -> Names {
        let most = rows.iter().map(|(_, value)| *value).max().unwrap_or_default().max(1);
        let line = |(place, (name, value)): (i64, &(String, i64))| Line {
            name: cut(name),
            value: grouped(*value),
            title: format!("{name}: {}", grouped(*value)),
            text_y: place * LINE + 16,
            bar_y: place * LINE + 24,
            width: scaled(*value, most, WIDTH),
        };
        let lines: Vec<Line> = (0..).zip(rows).map(line).collect();
        let height = LINE * i64::try_from(lines.len()).unwrap_or_default();
        Names { lines, view: format!("0 0 {WIDTH} {height}") }
    }
}

fn cut(name: &str) -> String {
    let mut text: String = name.chars().take(NAME).collect();
    if name.chars().count() > NAME {
        text.push('…');
    }
    text
}

/// How long `value` is where `most` is `full`: what is not nothing can be seen.
fn scaled(value: i64, most: i64, full: i64) -> i64 {
    let length = i128::from(value) * i128::from(full) / i128::from(most.max(1));
    let length = i64::try_from(length).unwrap_or(full);
    if value > 0 { length.max(2) } else { 0 }
}

/// The next number that is one digit with zeros behind it, and at least 2.
fn ceiling(most: i64) -> i64 {
    let mut ten: i64 = 1;
    loop {
        for step in [1, 2, 3, 4, 5, 6, 8] {
            let end = ten.saturating_mul(step);
            if end >= most.max(2) {
                return end;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

/// `1,234,567`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `12k`, `3.5M`: for the scale, where there is little room.
fn short(number: i64) -> String {
    let (unit, name) = match number {
        1_000_000.. => (1_000_000, "M"),
        10_000.. => (1000, "k"),
        _ => return grouped(number),
    };
    let tenths = number / (unit / 10) % 10;
    if tenths == 0 { format!("{}{name}", number / unit) } else { format!("{}.{tenths}{name}", number / unit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_to_be_read() {
        for (number, all, few) in [
            (0, "0", "0"),
            (999, "999", "999"),
            (5000, "5,000", "5,000"),
            (25_000, "25,000", "25k"),
            (2_500_000, "2,500,000", "2.5M"),
            (1_234_567_890, "1,234,567,890", "1234.5M"),
        ] {
            assert_eq!((grouped(number).as_str(), short(number).as_str()), (all, few));
        }
        for (most, end) in
            [(0, 2), (1, 2), (3, 3), (7, 8), (9, 10), (11, 20), (21, 30), (1_000_001, 2_000_000)]
        {
            assert_eq!(ceiling(most), end);
        }
        assert!(ceiling(i64::MAX) > 0);
    }

    #[test]
    fn a_column_stands_on_the_ground_and_stays_below_the_top() {
        let day = |good, bad| Day {
            name: "11-30".into(),
            title: "…".into(),
            values: vec![("bar-a", good), ("bar-b", bad)],
        };
        let drawn = Days::draw(&[day(0, 0), day(1, 1000), day(i64::MAX / 4, 7), day(3, 0)]);
        assert!(drawn.columns[0].pieces.is_empty(), "nothing is drawn of nothing");
        for column in &drawn.columns {
            let mut ground = GROUND;
            for piece in &column.pieces {
                assert_eq!(piece.y + piece.height, ground, "{column:?}");
                assert!(
                    piece.y >= TOP - 2 && piece.x >= LEFT && piece.x + piece.width <= RIGHT,
                    "{column:?}"
                );
                ground = piece.y;
            }
        }
        assert_eq!(drawn.columns[3].pieces[0].height, 2, "little can be seen");
        assert!(Days::draw(&[]).columns.is_empty());
    }

    #[test]
    fn a_long_name_is_cut() {
        let drawn = Names::draw(&[("长".repeat(100), 10), ("b".into(), 5)]);
        assert_eq!(drawn.lines[0].name.chars().count(), NAME + 1);
        assert_eq!((drawn.lines[0].width, drawn.lines[1].width), (WIDTH, WIDTH / 2));
        assert_eq!(drawn.view, "0 0 520 92");
    }
}
