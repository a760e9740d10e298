//! Planted bugs: a settled fan-out is copied and broken in each way that the rules are there to tell, and each must be told by
//! the rule that is meant to. A rule that cannot fail proves nothing, so every rule has a bug here.

mod bugs;

use super::check::{self, Pipeline};
use super::fanout;
use super::program::Program;
use super::world::{Driver, Failure, World};
use bugs::{How, PLANTED};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::path::Path;

/// Breaks copies of a settled fan-out, each in one way; says which bugs nobody told, and which rules no bug is for.
///
/// # Errors
/// When the world cannot be made, or a copy not be broken.
pub(crate) fn untold(driver: &mut Driver, entities: u32) -> Result<Vec<String>, Failure> {
    let mut world = fanout::make(driver, "planted", entities)?;
    fanout::run(driver, &mut world, "first", false)?;
    fanout::judge(driver, &world)?;
    let mut untold = Vec::new();
    for (number, planted) in PLANTED.iter().enumerate() {
        let mut copy = copy(driver, &world, &format!("planted-{number}"))?;
        match planted.how {
            How::Store(sql) => {
                change(&copy.store(), sql).map_err(|error| format!("{}: {error}", planted.name))?;
            }
            How::Warehouse(sql) => change(&copy.warehouse(), sql)
                .map_err(|error| format!("{}: {error}", planted.name))?,
            How::Other(how) => how(&mut copy)?,
        }
        let found = check::when_settled(&copy, Pipeline::Fanout)?;
        if !found
            .iter()
            .any(|(invariant, _)| *invariant == planted.told_by)
        {
            untold.push(format!(
                "`{}` was planted and rule `{}` did not tell; told was {found:?}",
                planted.name, planted.told_by
            ));
        }
        std::fs::remove_dir_all(&copy.program.folder)?;
    }
    let told: BTreeSet<&str> = PLANTED.iter().map(|planted| planted.told_by).collect();
    let without = check::names()
        .into_iter()
        .filter(|name| !told.contains(name));
    untold.extend(without.map(|name| format!("rule `{name}` has no planted bug")));
    Ok(untold)
}

fn change(file: &Path, sql: &str) -> Result<(), Failure> {
    Ok(Connection::open(file)?.execute_batch(sql)?)
}

fn copy(driver: &Driver, world: &World, name: &str) -> Result<World, Failure> {
    let folder = driver.folder.join(name);
    copy_folder(&world.program.folder, &folder)?;
    let program = Program {
        file: world.program.file.clone(),
        folder: folder.canonicalize()?,
    };
    Ok(World {
        name: name.to_owned(),
        program,
        promises: world.promises.clone(),
    })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let to = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &to)?;
        } else {
            std::fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
