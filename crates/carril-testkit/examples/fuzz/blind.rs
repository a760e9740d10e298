//! Fuzzing of what reads texts of people: pipelines (TOML, SQL and expressions), SQL alone, expressions alone, `carril.toml`.
//!
//! Inputs are seeds of the repository, changed a few times by chance. What gives an answer that no input gave before joins the
//! seeds, so that changes build on each other; there is no other guidance. No input may panic, take a second, or make the
//! program larger than 300 MB. The same seed makes the same inputs.

use carril::Settings;
use carril_model::expression::Expression;
use carril_model::load::{Files, parse};
use carril_model::sql::Script;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// The longest that one input may take.
const LIMIT: Duration = Duration::from_secs(1);
/// The most memory that the program may have had, in KiB.
const MEMORY_MAX_KIB: u64 = 300 * 1024;
/// Most inputs that are kept as seeds.
const SEEDS_MAX: usize = 4_000;
/// Most bytes of an input.
const BYTES_MAX: usize = 200_000;

/// What is fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// A pipeline's folder: `pipeline.toml`, then other files, each after a line `#@ path`.
    Pipeline,
    /// SQL.
    Sql,
    /// An expression.
    Expression,
    /// A `carril.toml`.
    Settings,
}

impl Target {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Pipeline, Self::Sql, Self::Expression, Self::Settings];
}

/// How long a run goes on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// So many inputs.
    Inputs(u64),
    /// So long.
    Time(Duration),
}

/// An input that must not be as it is.
#[derive(Debug, Clone)]
pub(crate) struct Crash {
    /// What it did.
    pub(crate) what: String,
    /// The input.
    pub(crate) input: String,
}

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Fuzzed {
    /// Inputs.
    pub(crate) inputs: u64,
    /// Answers that differ.
    pub(crate) answers: usize,
    /// The longest that an input took.
    pub(crate) longest: Duration,
    /// What was found; the run ends at the first.
    pub(crate) crash: Option<Crash>,
}

const WORDS: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "{{",
    "}}",
    "=",
    "\n",
    "\r\n",
    "#",
    "#@ sql/rows.sql\n",
    "#@ a.sql\n",
    ":",
    "::",
    ":steps.",
    ":entity.",
    ":param.",
    "entity.",
    "param.",
    "steps.",
    "run",
    "$$",
    "$a$",
    "--",
    "/*",
    "*/",
    "/*/*",
    ";",
    ",",
    ".",
    "..",
    "/",
    "\\",
    "\u{0}",
    "\u{feff}",
    "é",
    "😀",
    "nan",
    "inf",
    "-1",
    "0x",
    "1e999",
    "99999999999999999999",
    "true",
    "2025-02-30",
    "[[stage]]\n",
    "[[stage.step]]\n",
    "[workspace]\n",
    "publish = [{ from = \"rows\" }]\n",
    "name = \"a\"\n",
    "noop = true\n",
    "sql = \"select 1\"\n",
    "when = \"",
    "fallback_step = \"a\"\n",
    "retry = { attempts = 3 }\n",
    "http = { method = \"GET\", url = \"https://a.b/{x}\" }\n",
    "insert into t ",
    "select ",
    "with a as (",
    "begin;",
    "commit;",
    "create trigger ",
    " and ",
    " or ",
    " not ",
    " is defined",
    " | upper",
    " in ",
    " if ",
    " else ",
    "(",
    ")",
    "~",
    "**",
    "//",
    "{% ",
    "%}",
    "{# ",
    "${env:A}",
    "${file:/x}",
    "${secret:a}",
    "sqlite:",
    "://",
];

/// A stream of numbers (SplitMix64).
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).unwrap_or(0)
    }
}

/// The seeds of a target, from the repository.
pub(crate) fn seeds(target: Target, repository: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    let model = repository.join("crates/carril-model/tests/it");
    let pipelines = || [model.join("malformed"), model.join("good")];
    match target {
        Target::Pipeline => {
            for folder in pipelines() {
                add(&folder, "toml", &mut texts);
            }
        }
        Target::Sql => {
            for folder in [
                "examples/funds",
                "crates/carril-sqlite/sql/store",
                "crates/carril-cli/src",
            ] {
                add(&repository.join(folder), "sql", &mut texts);
            }
        }
        Target::Expression => {
            for folder in pipelines() {
                add(&folder, "toml", &mut texts);
            }
            let lines: BTreeSet<String> = texts
                .iter()
                .flat_map(|text| quoted_of(text, "when"))
                .collect();
            texts = lines.into_iter().collect();
            texts.push("param.mode == \"full\" and entity.size > 10".to_owned());
        }
        Target::Settings => {
            for folder in ["examples", "crates/carril-cli"] {
                add(&repository.join(folder), "carril.toml", &mut texts);
            }
            texts.push("store = \"carril.db\"\n[targets]\nwarehouse = \"sqlite:${env:DATA}/w.db\"\n[retention]\nhistory = \"180d\"\n[http]\nallow = [\"10.0.0.0/8\"]\n[secrets]\ng = \"${env:G}\"\n".to_owned());
        }
    }
    texts
}

fn add(folder: &Path, ending: &str, texts: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            add(&path, ending, texts);
        } else if path.to_string_lossy().ends_with(ending)
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            texts.push(text);
        }
    }
}

fn quoted_of(text: &str, key: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| {
        let value = line
            .trim()
            .strip_prefix(key)?
            .trim_start()
            .strip_prefix('=')?
            .trim();
        Some(value.trim_matches('"').to_owned())
    });
    lines.collect()
}

/// Feeds a target.
pub(crate) fn fuzz(target: Target, mut seeds: Vec<String>, seed: u64, until: Until) -> Fuzzed {
    let mut random = Random(seed);
    let mut fuzzed = Fuzzed::default();
    let mut known: BTreeSet<u64> = BTreeSet::new();
    let began = Instant::now();
    loop {
        let is_over = match until {
            Until::Inputs(most) => fuzzed.inputs >= most,
            Until::Time(most) => began.elapsed() >= most,
        };
        if is_over || seeds.is_empty() {
            break;
        }
        let input = changed(&seeds, &mut random);
        let at = Instant::now();
        let answer = catch_unwind(AssertUnwindSafe(|| answer(target, &input)));
        let took = at.elapsed();
        fuzzed.inputs += 1;
        fuzzed.longest = fuzzed.longest.max(took);
        let wrong = match &answer {
            Err(panic) => Some(format!("it panics: {}", words_of(panic.as_ref()))),
            Ok(_) if took > LIMIT => Some(format!("it takes {} ms", took.as_millis())),
            Ok(Err(why)) => Some(why.clone()),
            Ok(Ok(_)) if memory_kib() > MEMORY_MAX_KIB => {
                Some(format!("the program had {} KiB", memory_kib()))
            }
            Ok(Ok(_)) => None,
        };
        if let Some(what) = wrong {
            fuzzed.crash = Some(Crash { what, input });
            break;
        }
        if let Ok(Ok(answer)) = answer
            && known.insert(answer)
            && seeds.len() < SEEDS_MAX
        {
            seeds.push(input);
        }
    }
    fuzzed.answers = known.len();
    fuzzed
}

fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default()
}

/// The most memory that this program has had, where the system tells it.
fn memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

/// Feeds one input; a number that is the same for inputs that are answered alike.
fn answer(target: Target, input: &str) -> Result<u64, String> {
    let mut hasher = DefaultHasher::new();
    match target {
        Target::Pipeline => {
            let loaded = parse(&Folder::of(input));
            if loaded.definition.is_none() != loaded.has_errors() {
                return Err("there is a definition with errors, or none without".to_owned());
            }
            for finding in &loaded.findings {
                let place = finding.place.as_ref();
                if place.is_none_or(|place| place.line == 0 || place.column == 0) {
                    return Err(format!("a finding has no place: {finding}"));
                }
                without_names(&finding.message).hash(&mut hasher);
                let _ = finding.render();
            }
        }
        Target::Sql => match Script::parse(input) {
            Ok(script) => {
                script.statements().len().min(8).hash(&mut hasher);
                for statement in script.statements() {
                    statement.first_word.hash(&mut hasher);
                    script.written_tables(statement).len().hash(&mut hasher);
                    script.dynamic_word(statement).hash(&mut hasher);
                }
                script.placeholders().len().min(8).hash(&mut hasher);
                script.transaction_control().count().hash(&mut hasher);
            }
            Err(error) => without_names(&error.message).hash(&mut hasher),
        },
        Target::Expression => match Expression::parse(input) {
            Ok(expression) => {
                expression.names().len().hash(&mut hasher);
                let context = serde_json::json!({ "entity": { "size": 3, "name": "a" }, "param": { "mode": "full" }, "steps": {}, "run": 1 });
                match expression.evaluate(&context) {
                    Ok(value) => value.to_string().len().min(64).hash(&mut hasher),
                    Err(why) => without_names(&why).hash(&mut hasher),
                }
            }
            Err(error) => without_names(&error.message).hash(&mut hasher),
        },
        Target::Settings => match Settings::parse(input, Path::new("/folder")) {
            Ok(settings) => settings.targets.len().hash(&mut hasher),
            Err(findings) => {
                for finding in findings {
                    without_names(&finding.message).hash(&mut hasher);
                }
            }
        },
    }
    Ok(hasher.finish())
}

/// A message without what the input put into it.
fn without_names(message: &str) -> String {
    let outside = message.split(['`', '"']).step_by(2);
    let text: String = outside.collect();
    text.chars()
        .filter(|letter| !letter.is_ascii_digit())
        .collect()
}

/// A seed with a few changes.
fn changed(seeds: &[String], random: &mut Random) -> String {
    let mut text = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(5) {
        let start = text.floor_char_boundary(random.below(text.len() + 1));
        let scale = random.below(8);
        let length = random.below(1 << scale);
        let end = text.ceil_char_boundary((start + length).min(text.len()));
        let word = WORDS[random.below(WORDS.len())];
        match random.below(9) {
            0 => text.replace_range(start..end, ""),
            1 | 2 => text.insert_str(start, word),
            3 => text.replace_range(start..end, word),
            4 => {
                let piece = text[start..end].to_owned();
                text.insert_str(end, &piece);
            }
            5 => {
                let times = 1 << random.below(13);
                text.insert_str(start, &word.repeat(times));
            }
            6 => text.truncate(end),
            7 => {
                let other = &seeds[random.below(seeds.len())];
                let from = other.floor_char_boundary(random.below(other.len() + 1));
                let to = other.ceil_char_boundary((from + random.below(400)).min(other.len()));
                text.insert_str(start, &other[from..to]);
            }
            _ => {
                let piece = text[start..end].to_owned();
                text.replace_range(start..end, "");
                let to = text.floor_char_boundary(random.below(text.len() + 1));
                text.insert_str(to, &piece);
            }
        }
    }
    text.truncate(text.floor_char_boundary(BYTES_MAX));
    text
}

struct Folder(BTreeMap<String, String>);

impl Folder {
    fn of(text: &str) -> Self {
        let mut files = BTreeMap::new();
        for (at, part) in text.split("#@ ").enumerate() {
            let (path, text) = if at == 0 {
                ("pipeline.toml", part)
            } else {
                part.split_once('\n').unwrap_or((part, ""))
            };
            files.insert(path.to_owned(), text.to_owned());
        }
        Self(files)
    }
}

impl Files for Folder {
    fn read(&self, path: &str) -> Result<Option<String>, String> {
        Ok(self.0.get(path).cloned())
    }
}
