use super::*;

fn problems(text: &str) -> Vec<(usize, String)> {
    let outcome = read(text, |root| {
        root.text("name", |_| Ok(()));
        root.parsed("secret", |_| Err::<(), _>(Pair("must be longer", "须更长")));
        root.choice("colour", &["red", "green"], |name| name);
        root.choices("colours", &["red", "green"], |name| name);
        root.seconds("age", 1..=9);
        root.boolean("on");
        root.json("extra", 9);
        root.table("place", |place| place.text("city", |_| Ok(())));
        root.tables("rows", |row| row.boolean("x"));
    });
    outcome
        .err()
        .unwrap_or_default()
        .into_iter()
        .map(|p| (p.line, crate::sayings::english_of(&p.message)))
        .collect()
}

#[test]
fn every_kind_of_mistake_has_its_line_and_says_what_is_right() {
    for (text, line, message) in [
        ("nam = \"x\"", 1, "unknown key `nam`, did you mean `name`?"),
        ("\n\n[place]\nctiy = \"x\"", 4, "unknown key `ctiy`, did you mean `city`?"),
        ("[[rows]]\nx = true\n[[rows]]\ny = true", 4, "unknown key `y`, did you mean `x`?"),
        ("\"na\\nm\" = 1", 1, "unknown key `na\\nm`, did you mean `name`?"),
        (
            "colour_of_the_sky = 1\n[place]",
            1,
            "unknown key `colour_of_the_sky`, valid are `age`, `colour`, `colours`, `extra`, `name`, `on`, `place`, `rows`, `secret`",
        ),
        ("name = \"x\"\nname = \"y\"", 2, "the key `name` is there twice"),
        ("[place]\ncity = \"x\"\n[place]", 3, "the key `place` is there twice"),
        ("place = { city = \"x\", city = \"y\" }", 1, "the key `city` is there twice"),
        ("name = 5", 1, "`name` must be a string, not a number"),
        ("name = 2001-02-03", 1, "`name` must be a string, not a date without quotes"),
        ("colour = \"gren\"", 1, "`colour` must be one of red, green; did you mean \"green\"?"),
        (
            "colours = [\n \"red\",\n \"rad\"]",
            3,
            "\"rad\" in `colours` must be one of red, green; did you mean \"red\"?",
        ),
        ("colours = [\"red\", \"red\"]", 1, "\"red\" is twice in `colours`"),
        ("colours = [\"red\", \"green\", \"red\"]", 1, "`colours` may have at most 2 entries"),
        ("colours = [1]", 1, "`colours` must be a list of strings, not a number"),
        ("age = 10", 1, "`age` must be 1 to 9 seconds"),
        ("age = -1", 1, "`age` must be 1 to 9 seconds"),
        ("age = 99999999999999999999", 1, "`age` must be 1 to 9 seconds"),
        ("age = 1.5", 1, "`age` must be a whole number of seconds, not a floating-point number"),
        ("age = \"5\"", 1, "`age` must be a whole number of seconds, not a string"),
        ("on = \"true\"", 1, "`on` must be true or false, not a string"),
        ("extra = { x = nan }", 1, "`extra` has a number that JSON cannot hold"),
        ("extra.a = {a={a={a=[[[[[{}]]]]]}}}", 1, "`extra` may be at most 9 levels deep"),
        ("extra = []", 1, "`extra` must be a table, not a list"),
        ("place = true", 1, "`place` must be a table, not true or false"),
        ("[rows]\nx = true", 1, "`rows` must be a list of tables: [[rows]], not a table"),
        ("rows = [1]", 1, "`rows` must be a list of tables: [[rows]], not a number"),
    ] {
        assert_eq!(problems(text), [(line, message.to_owned())], "{text}");
    }
}

#[test]
fn all_problems_come_at_once_in_the_order_of_lines() {
    let lines: Vec<usize> =
        problems("on = 1\nage = 0\nzzz = 1\n\ncolour = \"x\"").iter().map(|p| p.0).collect();
    assert_eq!(lines, [1, 2, 3, 5]);
}

#[test]
fn a_text_that_is_not_toml_has_a_line_too() {
    let found = problems("name = \"x\"\non = = true\n");
    assert_eq!(found[0].0, 2);
}

#[test]
fn attack_25_a_refused_secret_is_not_repeated() {
    let found = problems("secret = \"hunter2\"");
    assert_eq!(found, [(1, "`secret` must be longer".to_owned())]);
    let broken = problems("secret = \"hunter2\nname = 1");
    assert!(!broken.is_empty() && broken.iter().all(|p| !p.1.contains("hunter2")), "{broken:?}");
}

#[test]
fn attack_21_what_is_wrong_is_told_in_bounded_time_and_length() {
    let many: String = (0..20_000).map(|n| format!("key_{n} = 1\n")).collect();
    let found = problems(&many);
    assert_eq!(found.len(), PROBLEMS_MAX + 1);
    assert!(found[PROBLEMS_MAX].1.starts_with("and there is more"), "{:?}", found[PROBLEMS_MAX]);
    let long = problems(&format!("{} = 1\ncolour = \"{0}\"\ncolours = [\"{0}\"]", "k".repeat(1 << 20)));
    assert_eq!(long.len(), 3);
    assert!(long.iter().all(|(_, message)| message.len() < 400), "{long:?}");
}

#[test]
fn attack_21_nesting_is_bounded() {
    for deep in [
        format!("extra = {{ a = {}{} }}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("extra.{} = 1", ["a"; 100_000].join(".")),
        format!("[extra.{}]", ["a"; 100_000].join(".")),
        format!("extra = {}1{}", format!("{{ {} = ", ["a"; 78].join(".")).repeat(78), "}".repeat(78)),
    ] {
        let found = problems(&deep);
        assert!(found.iter().all(|(_, message)| message.contains("deep")), "{found:?}");
        assert!(!found.is_empty());
    }
}

#[test]
fn values_arrive() {
    let read = read("name=\"\"\nextra={a=[1,2.5,true,\"x\"],d=2001-02-03}\nage=0x0A", |root| {
        (root.text("name", |_| Err(Pair("x", "错"))), root.json("extra", 9), root.seconds("age", 1..=10))
    });
    let (name, extra, age) = read.unwrap();
    assert_eq!(name, Some(None));
    let extra = Json::Object(extra.unwrap());
    assert_eq!(extra, serde_json::json!({"a": [1, 2.5, true, "x"], "d": "2001-02-03"}));
    assert_eq!(age, Some(10));
}
