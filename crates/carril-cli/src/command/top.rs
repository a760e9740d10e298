//! `carril top`: a store as a night operator watches it: processes, where time goes now, the lanes that wait longest and for whom, what
//! failed. Reads once a second; pauses, resumes and cancels by leaving a wish for the engine, after a question. It is never an engine itself.

use crate::arguments::Top;
use crate::context::{Context, Reading};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::found;
use crate::interrupts::Interrupts;
use carril::Subject;
use carril::model::contract::{Answer, Selection, Wish};
use carril::model::id::{ProcessId, RequestId};
use carril::model::time::Timestamp;
use ratatui_core::backend::{Backend, TestBackend};
use ratatui_core::terminal::Terminal;
use ratatui_crossterm::CrosstermBackend;
use ratatui_crossterm::crossterm::event::{self, Event, KeyEvent, KeyEventKind};
use ratatui_crossterm::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui_crossterm::crossterm::{ExecutableCommand as _, cursor};
use std::io::{IsTerminal as _, Stdout};
use std::time::Duration;

mod draw;
mod keys;
mod picture;

use keys::{Act, Change, Keys};
use picture::{Look, Picture};

/// The store is read at most this often.
const READ_EVERY_MICROS: i64 = 1_000_000;
/// How long a look at the keyboard waits.
const KEY: Duration = Duration::from_millis(100);
/// Columns and lines of a frame that goes into a pipe.
const ONCE: (u16, u16) = (100, 36);

/// Watches until `q`, or draws one frame.
pub(crate) async fn run(context: &Context, arguments: &Top) -> Result<Exit, Failure> {
    if context.output.json() {
        return Err(Failure::usage("a picture cannot be JSON")
            .help("`carril ps --json`, `carril show PROCESS --json` and `carril trace waits --json` have the same numbers"));
    }
    let reader = context.reader().await?;
    if let Some(process) = arguments.process {
        crate::found::known_process(reader.history(), ProcessId(process)).await?;
    }
    let mut look = Look::new(arguments.process.map(ProcessId));
    if arguments.once || !std::io::stdout().is_terminal() {
        let picture = look.read(&reader, context.now()).await?;
        return once(context, &picture);
    }
    let mut screen = Screen::open()?;
    let ended = watch(context, &reader, &mut look, &mut screen.terminal).await;
    drop(screen);
    ended
}

fn once(context: &Context, picture: &Picture) -> Result<Exit, Failure> {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(ONCE.0, ONCE.1));
    let view = draw::View::of(context, picture);
    let Ok(_) = terminal.draw(|frame| draw::frame(frame, &view, &Keys::default()));
    let buffer = terminal.backend().buffer();
    let line = |y: u16| {
        let cells = (0..buffer.area.width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    let lines: Vec<String> = (0..buffer.area.height).map(line).collect();
    context.output.data(lines.join("\n").trim_end())?;
    Ok(Exit::Ok)
}

/// The terminal while it is ours; dropping it gives it back as it was.
struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    fn open() -> Result<Self, Failure> {
        let open = || -> std::io::Result<Self> {
            enable_raw_mode()?;
            std::io::stdout().execute(EnterAlternateScreen)?;
            let terminal = Terminal::new(CrosstermBackend::new(std::io::stdout()))?;
            Ok(Self { terminal })
        };
        open().map_err(|error| {
            give_back();
            Failure::internal(format!("the terminal cannot be drawn on: {error}"))
                .help("`carril top --once` draws one picture as text")
        })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// What cannot be given back is gone with the terminal.
fn give_back() {
    let _ = std::io::stdout().execute(LeaveAlternateScreen);
    let _ = std::io::stdout().execute(cursor::Show);
    let _ = disable_raw_mode();
}

async fn watch<B: Backend>(
    context: &Context,
    reader: &Reading,
    look: &mut Look,
    terminal: &mut Terminal<B>,
) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let mut keys = Keys::default();
    let mut asked: Option<RequestId> = None;
    let mut picture = look.read(reader, context.now()).await?;
    let mut read_at = context.now();
    loop {
        let now = context.now();
        if now.micros_since(read_at) >= READ_EVERY_MICROS {
            picture = look.read(reader, now).await?;
            read_at = now;
            answered(reader, &mut asked, &mut keys).await?;
        }
        let view = draw::View::of(context, &picture);
        keys.keep_within(draw::lanes(&view, &keys).len());
        terminal
            .draw(|frame| draw::frame(frame, &view, &keys))
            .map_err(|error| Failure::internal(format!("the terminal went away: {error}")))?;
        let ended = tokio::select! {
            biased;
            () = interrupts.next() => true,
            () = tokio::task::yield_now() => false,
        };
        if ended {
            return Ok(Exit::Ok);
        }
        let Some(key) = key()? else { continue };
        match keys.press(key) {
            Act::Nothing => {}
            Act::Quit => return Ok(Exit::Ok),
            Act::NextProcess => {
                look.next(&picture);
                read_at = Timestamp(0);
            }
            Act::Why => {
                let lanes = draw::lanes(&view, &keys);
                if let Some(lane) = lanes.get(keys.at()) {
                    let why = carril::why(reader, &Subject::Number(lane.id.0), now).await;
                    keys.tell(why.map_or_else(
                        |error| vec![error.to_string()],
                        |why| why.chain.into_iter().map(|link| link.sentence).collect(),
                    ));
                }
            }
            Act::Change(change) => {
                asked = wish(context, reader, &picture, change, &mut keys).await?;
            }
        }
    }
}

/// The next key, if one was pressed; a changed size only has the picture drawn again.
fn key() -> Result<Option<KeyEvent>, Failure> {
    let read = || -> std::io::Result<Option<KeyEvent>> {
        if !event::poll(KEY)? {
            return Ok(None);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => Some(key),
            _ => None,
        })
    };
    read().map_err(|error| Failure::internal(format!("the keyboard cannot be read: {error}")))
}

/// Leaves a wish for the engine; without one there is nobody to wish from.
async fn wish(
    context: &Context,
    reader: &Reading,
    picture: &Picture,
    change: Change,
    keys: &mut Keys,
) -> Result<Option<RequestId>, Failure> {
    let Some(process) = picture.selected().map(|row| row.id) else {
        return Ok(None);
    };
    if found::at_work(reader).await?.is_none() {
        keys.say(format!(
            "no engine is at work; `carril {} {process}` does it",
            change.name()
        ));
        return Ok(None);
    }
    let wish = match change {
        Change::Pause => Wish::Pause { process },
        Change::Resume => Wish::Resume { process },
        Change::Cancel => Wish::Cancel {
            selection: Selection::Process(process),
            reason: format!("cancelled by {} in carril top", context.surroundings.user),
        },
    };
    let request = reader.mailbox().post(&wish, context.now()).await?;
    keys.say(format!(
        "asked the engine to {} process {process}",
        change.name()
    ));
    Ok(Some(request))
}

/// Tells what the engine says to the wish that was left last.
async fn answered(
    reader: &Reading,
    asked: &mut Option<RequestId>,
    keys: &mut Keys,
) -> Result<(), Failure> {
    let Some(request) = *asked else { return Ok(()) };
    if let Some(answer) = reader.mailbox().answer_of(request).await? {
        keys.say(match answer {
            Answer::Accepted { message, .. } => message,
            Answer::Refused { code, message } => format!("refused: {message} [{code}]"),
        });
        *asked = None;
    } else if found::at_work(reader).await?.is_none() && reader.mailbox().withdraw(request).await? {
        keys.say("the engine ended before it answered, and the wish was taken back".to_owned());
        *asked = None;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
