//! `carril why`: one true sentence, and the chain behind it.

use crate::arguments::Why;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::paint;
use crate::output::time;
use carril::shape::WhyShape;
use carril::{Reader, Subject, WhyError};

/// Tells why.
pub(crate) async fn run(context: &Context, arguments: &Why) -> Result<Exit, Failure> {
    let reader = context.reader().await?;
    let subject: Subject = match arguments.id.parse() {
        Ok(subject) => subject,
        Err(never) => match never {},
    };
    let now = context.now();
    let why = match carril::why(&reader, &subject, now).await {
        Ok(why) => why,
        Err(error) => return Err(failure(&reader, &arguments.id, error).await),
    };
    if context.output.json() {
        context.output.value(&WhyShape::from(&why))?;
        return Ok(Exit::Ok);
    }
    let mut lines = vec![paint::bold(&why.sentence)];
    for link in why.chain.iter().skip(1) {
        let held = time::span(now.micros_since(link.since));
        lines.push(format!(
            "  └ {} {}",
            link.sentence,
            paint::dim(&format!("({} for {held})", link.cause))
        ));
    }
    context.output.data(&lines.join("\n"))?;
    Ok(Exit::Ok)
}

/// Why there is no answer. A number may be an entity's key, which is asked for in another way.
async fn failure(reader: &Reader, asked: &str, error: WhyError) -> Failure {
    let (code, told) = (error.code(), error.to_string());
    match error {
        WhyError::Unknown(Subject::Number(_)) if is_key(reader, asked).await => {
            let message =
                format!("number {asked} is no execution and no process but the key of an entity");
            Failure::new(Exit::Nothing, code, message).help(format!(
                "`carril why entity:{asked}` asks about that entity"
            ))
        }
        WhyError::Unknown(_) => Failure::new(Exit::Nothing, code, told).help(
            "an execution's or process's id, or an entity's key; `--store URL` names another store",
        ),
        WhyError::Store(fault) => fault.into(),
    }
}

/// Whether an entity has this key. A store that does not answer has told so already.
async fn is_key(reader: &Reader, key: &str) -> bool {
    let rows = reader.history().of_entity(key, 1).await;
    rows.is_ok_and(|rows| !rows.is_empty())
}
