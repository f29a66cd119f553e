//! What of two exports is not the same, as the descriptions that lead from each to the other.
//!
//! The texts are canonical, with a line for each key: that is what is compared, so that whatever an export has is in here too.

use signet_store::RevisionTexts;

/// By which of its keys an entry is known.
const NAMES: [&str; 3] = ["id", "code", "name"];
/// The list that is written as a whole.
const RULES: &str = "[[applications.rules]]";
const APPLICATION: &str = "[[applications]]";

/// A table of an export: its heading and its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Block<'t> {
    head: &'t str,
    keys: Vec<(&'t str, String)>,
}

impl Block<'_> {
    /// What it is known by, with its heading.
    fn name(&self) -> (&str, Option<&str>) {
        (self.head, self.identity().map(|(_, line)| line.as_str()))
    }

    /// Of what there is one of, the name is a value like any other.
    fn identity(&self) -> Option<&(&str, String)> {
        if !self.head.starts_with("[[") {
            return None;
        }
        NAMES.iter().find_map(|name| self.keys.iter().find(|(key, _)| key == name))
    }

    fn text(&self) -> String {
        let lines: String = self.keys.iter().map(|(_, line)| line.as_str()).collect();
        format!("{}\n{lines}", self.head)
    }

    /// Its heading and name, and `more`.
    fn named(&self, more: &str) -> String {
        let name = self.identity().map(|(_, line)| line.as_str()).unwrap_or_default();
        format!("{}\n{name}{more}", self.head)
    }

    fn removal(&self) -> String {
        self.named("remove = true\n")
    }

    /// The lines that `other` has not so. A secret that was replaced stays so: no undoing brings an old one back.
    fn unlike(&self, other: &Block) -> String {
        let own = self.keys.iter().filter(|line| line.0 != "secret" && !other.keys.contains(line));
        own.map(|(_, line)| line.as_str()).collect()
    }
}

/// What leads from `after` back to `before`, and the other way; `None` if nothing is different.
pub(super) fn of(before: &str, after: &str) -> Option<RevisionTexts> {
    let (old, new) = (blocks(before), blocks(after));
    let main = |list: &[Block<'_>]| list.iter().find(|block| block.head == APPLICATION).map(Block::removal);
    let texts = match (main(&old), main(&new)) {
        (Some(removal), None) => RevisionTexts { undo: before.to_owned(), redo: removal },
        (None, Some(removal)) => RevisionTexts { undo: removal, redo: after.to_owned() },
        _ => RevisionTexts { undo: towards(&old, &new), redo: towards(&new, &old) },
    };
    (!texts.undo.is_empty() || !texts.redo.is_empty()).then_some(texts)
}

/// The description that makes `wanted` of `other`.
fn towards(wanted: &[Block<'_>], other: &[Block<'_>]) -> String {
    let rules = |list: &[Block<'_>]| -> String {
        list.iter().filter(|block| block.head == RULES).map(Block::text).collect()
    };
    let (mut main, mut text) = (String::new(), String::new());
    for block in wanted.iter().filter(|block| block.head != RULES) {
        match other.iter().find(|found| found.name() == block.name()) {
            Some(found) => {
                let lines = block.unlike(found);
                if block.head == APPLICATION {
                    main = lines;
                } else if !lines.is_empty() {
                    text.push_str(&block.named(&lines));
                }
            }
            None => text.push_str(&block.text()),
        }
    }
    for block in other.iter().filter(|block| block.head != RULES && block.identity().is_some()) {
        if !wanted.iter().any(|found| found.name() == block.name()) {
            text.push_str(&block.removal());
        }
    }
    let (own, others) = (rules(wanted), rules(other));
    if own != others {
        text.push_str(&own);
        if own.is_empty() {
            main.push_str("rules = []\n");
        }
    }
    match wanted.iter().find(|block| block.head == APPLICATION) {
        Some(block) if !main.is_empty() || !text.is_empty() => block.named(&main) + &text,
        _ => text,
    }
}

/// The tables of an export, in order.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if line.starts_with('[') {
            blocks.push(Block { head: line, keys: Vec::new() });
            continue;
        }
        let Some(block) = blocks.last_mut() else { continue };
        match (line.starts_with([' ', ']']), block.keys.last_mut()) {
            // A list goes on.
            (true, Some((_, begun))) => begun.push_str(&format!("{line}\n")),
            _ => {
                let key = line.split(" = ").next().unwrap_or(line);
                block.keys.push((key, format!("{line}\n")));
            }
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "\n[[applications]]\nid = \"a\"\nname = \"Notes\"\nsecret = \"1\"\nredirect_uris = [\n  \"x\",\n]\n\
        \n[[applications.resources]]\ncode = \"book\"\nname = \"Book\"\n\n[[applications.resources]]\ncode = \"old\"\n\
        \n[[applications.rules]]\nsubject = 1\n";

    fn texts(after: &str) -> RevisionTexts {
        of(BEFORE, after).unwrap()
    }

    #[test]
    fn only_what_differs_is_kept() {
        let after = BEFORE.replace("  \"x\"", "  \"y\"").replace("\"1\"", "\"2\"");
        let RevisionTexts { undo, redo } = texts(&after);
        assert_eq!(undo, "[[applications]]\nid = \"a\"\nredirect_uris = [\n  \"x\",\n]\n");
        assert_eq!(redo, "[[applications]]\nid = \"a\"\nredirect_uris = [\n  \"y\",\n]\n");
        assert_eq!(of(BEFORE, BEFORE), None);
        assert_eq!(of(BEFORE, &BEFORE.replace("\"1\"", "\"2\"")), None, "an old secret stays away");
    }

    #[test]
    fn entries_that_come_go_and_change_are_taken_back() {
        let after = BEFORE.replace("name = \"Book\"", "name = \"Books\"").replace(
            "\n[[applications.resources]]\ncode = \"old\"\n",
            "\n[[applications.accounts]]\nid = \"k\"\n",
        );
        let RevisionTexts { undo, redo } = texts(&after);
        assert_eq!(
            undo,
            "[[applications]]\nid = \"a\"\n[[applications.resources]]\ncode = \"book\"\nname = \"Book\"\n\
             [[applications.resources]]\ncode = \"old\"\n[[applications.accounts]]\nid = \"k\"\nremove = true\n"
        );
        assert_eq!(
            redo,
            "[[applications]]\nid = \"a\"\n[[applications.resources]]\ncode = \"book\"\nname = \"Books\"\n\
             [[applications.accounts]]\nid = \"k\"\n[[applications.resources]]\ncode = \"old\"\nremove = true\n"
        );
    }

    #[test]
    fn rules_are_written_as_a_whole_and_none_of_them_is_said() {
        let after = BEFORE.replace("\n[[applications.rules]]\nsubject = 1\n", "");
        let RevisionTexts { undo, redo } = texts(&after);
        assert_eq!(undo, "[[applications]]\nid = \"a\"\n[[applications.rules]]\nsubject = 1\n");
        assert_eq!(redo, "[[applications]]\nid = \"a\"\nrules = []\n");
    }

    #[test]
    fn an_application_comes_and_goes_as_a_whole() {
        let gone = of(BEFORE, "").unwrap();
        assert_eq!(
            (gone.undo.as_str(), gone.redo.as_str()),
            (BEFORE, "[[applications]]\nid = \"a\"\nremove = true\n")
        );
        let come = of("", BEFORE).unwrap();
        assert_eq!((come.undo, come.redo), (gone.redo, gone.undo));
    }
}
