//! The benchmark's result as a picture: how long each way took, and what went wrong in it. An SVG that reads in the light and in
//! the dark, without scripts, fonts or anything else from outside.

use std::fmt::Write as _;

const WIDTH: u32 = 760;
const BAR_LEFT: f64 = 196.0;
/// The longest bar.
const BAR_WIDTH: f64 = 190.0;
const FIRST_ROW: u32 = 118;
const ROW: u32 = 46;
/// Where the counts end, one under the other.
const COUNTS: [(u32, &str); 3] = [(584, "deadlocks"), (664, "errors"), (744, "wrong")];

const STYLE: &str = "\
text{font:14px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#1f2328}\
.h{font-size:17px;font-weight:600}.n{fill:#59636e;font-size:12.5px;font-weight:400}.e{text-anchor:end}.b{font-weight:600}\
.bad{fill:#b42318;font-weight:600}.good{fill:#1a7f37;font-weight:600}.line{stroke:#d1d9e0}\
.bar{fill:#8b949e}.ours{fill:#0b7285}.theirs{fill:#d9730d}.paper{fill:#ffffff}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.n{fill:#9198a1}.bad{fill:#ff8a80}.good{fill:#56d364}\
.line{stroke:#3d444d}.bar{fill:#767d86}.ours{fill:#3bc9db}.theirs{fill:#f59f4a}.paper{fill:#0d1117}}";

/// What one way is in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What Carril is compared with.
    Control,
    /// A measure beside it.
    Plain,
    /// Carril.
    Carril,
}

/// One row of the picture.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    /// What it is called.
    pub name: &'a str,
    /// How it is coloured.
    pub kind: Kind,
    /// Wall time of a thousand runs, in seconds.
    pub seconds: f64,
    /// How many of a hundred runs left just the rows that they should.
    pub right_percent: u32,
    /// Deadlocks, errors and runs with wrong rows.
    pub counts: [u64; 3],
}

/// Draws it: a heading, a line of what is shown, the rows from above, and a note below.
#[must_use]
pub fn svg(heading: &str, shown: &str, rows: &[Row<'_>], note: &str) -> String {
    let height = FIRST_ROW + ROW * u32::try_from(rows.len()).unwrap_or(0) + 32;
    let longest = rows.iter().map(|row| row.seconds).fold(0.0, f64::max);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\" aria-labelledby=\"t d\">\n\
         <title id=\"t\">{}</title>\n<desc id=\"d\">{}</desc>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\" rx=\"8\"/>\n\
         <text class=\"h\" x=\"16\" y=\"34\">{}</text>\n<text class=\"n\" x=\"16\" y=\"58\">{}</text>\n\
         <text class=\"n\" x=\"{BAR_LEFT}\" y=\"92\">seconds per 1,000 runs</text>\n",
        escaped(heading),
        escaped(&described(shown, rows)),
        escaped(heading),
        escaped(shown),
    );
    let mut add = |text: std::fmt::Arguments<'_>| {
        out.write_fmt(text)
            .expect("writing to a String cannot fail");
    };
    for (right, name) in COUNTS {
        add(format_args!(
            "<text class=\"n e\" x=\"{right}\" y=\"92\">{name}</text>\n"
        ));
    }
    add(format_args!("<path class=\"line\" d=\"M16 100H744\"/>\n"));
    for (at, row) in (0..).zip(rows) {
        let base = FIRST_ROW + ROW * at;
        add(format_args!("{}", drawn(row, base, longest)));
    }
    let below = height - 18;
    add(format_args!(
        "<text class=\"n\" x=\"16\" y=\"{below}\">{}</text>\n</svg>\n",
        escaped(note)
    ));
    out
}

fn drawn(row: &Row<'_>, top: u32, longest: f64) -> String {
    let share = if longest > 0.0 {
        row.seconds / longest
    } else {
        0.0
    };
    // Whatever took any time is seen.
    let width = (share * BAR_WIDTH).max(2.0);
    let (bar, name) = match row.kind {
        Kind::Control => ("theirs", ""),
        Kind::Plain => ("bar", ""),
        Kind::Carril => ("ours", " class=\"b\""),
    };
    let base = top + 19;
    let mut out = format!(
        "<text{name} x=\"16\" y=\"{base}\">{}</text>\n\
         <rect class=\"{bar}\" x=\"{BAR_LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"26\" rx=\"3\"/>\n\
         <text{name} x=\"{:.1}\" y=\"{base}\">{} <tspan class=\"n\">{} % right</tspan></text>\n",
        escaped(row.name),
        BAR_LEFT + width + 8.0,
        seconds(row.seconds),
        row.right_percent,
    );
    for ((right, _), count) in COUNTS.iter().zip(row.counts) {
        let class = if count == 0 { "good" } else { "bad" };
        writeln!(
            out,
            "<text class=\"e {class}\" x=\"{right}\" y=\"{base}\">{}</text>",
            grouped(count)
        )
        .expect("writing to a String cannot fail");
    }
    out
}

/// The whole picture in words, for those who do not see it.
fn described(shown: &str, rows: &[Row<'_>]) -> String {
    let told = |row: &Row<'_>| {
        let [deadlocks, errors, wrong] = row.counts.map(grouped);
        format!(
            "{}: {} s per 1,000 runs, {} % right, {deadlocks} deadlocks, {errors} errors, {wrong} wrong.",
            row.name,
            seconds(row.seconds),
            row.right_percent,
        )
    };
    let rows: Vec<String> = rows.iter().map(told).collect();
    format!("{shown}. {}", rows.join(" "))
}

fn seconds(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

/// With its thousands apart.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
