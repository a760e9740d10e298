//! What would be right, as commands that can be typed: the same pipeline, parameters, targets and store as in the command that
//! somebody just gave. Texts only; nothing is looked up.

use crate::arguments::Pipeline;
use crate::context::{Context, quoted};
use crate::failure::Failure;

impl Context {
    /// `carril NAME DIR` with everything that this command was given about a pipeline.
    pub(crate) fn command_line(&self, name: &str, pipeline: &Pipeline) -> String {
        let mut words = vec![
            format!("carril {name}"),
            quoted(&pipeline.folder.to_string_lossy()),
        ];
        for (flag, pairs) in [
            ("--set", &pipeline.inputs.set),
            ("--target", &pipeline.inputs.targets),
        ] {
            for pair in pairs {
                words.push(format!(
                    "{flag} {}",
                    quoted(&format!("{}={}", pair.name, pair.value))
                ));
            }
        }
        if let Some(store) = self.given_store() {
            words.push(format!("--store {}", quoted(store)));
        }
        words.join(" ")
    }
}

/// A launch's failure with what would be right, where it does not say so itself.
pub(crate) fn of_launch(context: &Context, pipeline: &Pipeline, failure: Failure) -> Failure {
    if failure.help.is_some() {
        return failure;
    }
    let plan = context.command_line("plan", pipeline);
    let check = context.command_line("check", pipeline);
    let help = match failure.code.as_str() {
        "CAR0403" => format!("`{plan}` tells how many entities there are, and the first of them"),
        "CAR0404" => {
            "give each key once: `select distinct`, `group by` the key, or the join condition that is missing".to_owned()
        }
        "CAR0407" => format!("mend the row, or leave it out with a condition in the entities query; `{plan}` reads them all"),
        "CAR0450" => {
            let run = context.command_line("run", pipeline);
            format!("bring back the files of the version to go back to, or mend what failed and `carril retry PROCESS --failed`; `{run} --despite-failures` launches it all the same")
        }
        "CAR0406" | "CAR0415" => format!("`{check}` shows the place in the file"),
        _ => return failure,
    };
    failure.help(help)
}
