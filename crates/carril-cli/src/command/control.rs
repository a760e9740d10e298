//! What cancel, retry and rollback share: the store they mean, and waiting for executions that another engine changes.

use crate::arguments::Inputs;
use crate::context::Context;
use crate::door::{Door, LOOK, Place};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::Follower;
use carril::model::contract::ExecutionRow;

/// Looks without any change before it is said that nothing happens: 30 s.
const IDLE_LOOKS_MAX: u32 = 300;

/// The store that the command line or `carril.toml` names. Command steps run where their process was launched; of those that kept
/// no folder, in the one that the program was started in.
pub(crate) fn place(context: &Context) -> Result<Place, Failure> {
    let settings = context.settings(None, &Inputs::default())?;
    Ok(Place {
        store: context.store_of(&settings),
        folder: context.surroundings.folder.clone(),
        retention: settings.retention,
        engine: settings.engine,
        http: settings.http,
        stays: false,
    })
}

/// Waits until every one of these executions is as wanted, while another engine works on them.
///
/// # Errors
/// Exit 6 when nothing moves for a long time.
pub(crate) async fn until(
    follower: &mut Follower<'_>,
    executions: &[ExecutionRow],
    wanted: impl Fn(&ExecutionRow) -> bool,
) -> Result<(), Failure> {
    let mut left: Vec<&ExecutionRow> = executions.iter().filter(|row| !wanted(row)).collect();
    let mut idle = 0;
    while !left.is_empty() {
        let before = left.len();
        let mut still = Vec::with_capacity(before);
        for row in left {
            match follower.door().history().execution(row.id).await? {
                Some(now) if !wanted(&now) => still.push(row),
                _ => {}
            }
        }
        left = still;
        idle = if left.len() < before { 0 } else { idle + 1 };
        if idle > IDLE_LOOKS_MAX {
            let holder = match follower.door() {
                Door::Mail(_, holder) => holder.to_string(),
                Door::Engine(_) => "this command".to_owned(),
            };
            let message = format!(
                "{} executions do not move although {holder} agreed to it",
                left.len()
            );
            return Err(Failure::new(Exit::Refused, "CAR0810", message)
                .help("`carril why ID` tells what they wait for; its log tells what went wrong"));
        }
        if !left.is_empty() {
            tokio::time::sleep(LOOK).await;
        }
    }
    Ok(())
}
