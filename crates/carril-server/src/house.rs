//! The store that is served, with its engine in this program or in others, and how what people wish comes to it.

use crate::options::ANSWER_TIMEOUT;
use crate::problem::Problem;
use carril::model::contract::{Answer, History, Wish};
use carril::model::time::Timestamp;
use carril::{Carril, Engine, EngineSeen, Reader};
use std::fmt;
use std::time::Duration;

/// How often the mailbox is looked at while another program's engine thinks.
const LOOK: Duration = Duration::from_millis(50);

/// The store that is served.
#[derive(Clone)]
pub enum House {
    /// With its engine in this program.
    Engine(Carril),
    /// Whose engines are other programs, if there are any.
    Reader(Reader),
}

impl fmt::Debug for House {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reader().fmt(out)
    }
}

impl House {
    pub(crate) fn reader(&self) -> &Reader {
        match self {
            Self::Engine(carril) => carril.reader(),
            Self::Reader(reader) => reader,
        }
    }

    pub(crate) fn history(&self) -> &dyn History {
        self.reader().history()
    }

    pub(crate) fn engine(&self) -> Option<&Engine> {
        match self {
            Self::Engine(carril) => Some(carril.engine()),
            Self::Reader(_) => None,
        }
    }

    /// Whether engines of other programs may change what is in the store.
    pub(crate) fn is_shared(&self) -> bool {
        match self {
            Self::Engine(carril) => carril.is_shared(),
            Self::Reader(_) => true,
        }
    }

    /// Has an engine do what is wished: answered once it is durable, or refused.
    pub(crate) async fn carry_out(&self, wish: Wish, now: Timestamp) -> Result<Answer, Problem> {
        let answer = match self {
            Self::Engine(carril) => return Ok(carril.engine().carry_out(wish).await?),
            Self::Reader(reader) => by_mail(reader, &wish, now).await?,
        };
        match answer {
            Answer::Refused { code, message } => Err(Problem::of_code(&code, message)),
            accepted @ Answer::Accepted { .. } => Ok(accepted),
        }
    }
}

/// Leaves a wish and waits for its answer. One that nobody answers in time is taken back.
async fn by_mail(reader: &Reader, wish: &Wish, now: Timestamp) -> Result<Answer, Problem> {
    let mailbox = reader.mailbox();
    let request = mailbox.post(wish, now).await?;
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, async {
        loop {
            if let Some(answer) = mailbox.answer_of(request).await? {
                return Ok(Some(answer));
            }
            let is_alone = reader.path().is_some() && reader.engine() == EngineSeen::None;
            if is_alone {
                return Ok::<_, Problem>(None);
            }
            tokio::time::sleep(LOOK).await;
        }
    });
    if let Ok(Some(answer)) = answered.await.unwrap_or(Ok(None)) {
        return Ok(answer);
    }
    // It may have been answered just now; then it is not there to be taken back.
    if !mailbox.withdraw(request).await?
        && let Some(answer) = mailbox.answer_of(request).await?
    {
        return Ok(answer);
    }
    let detail = "no engine of the store answered, and nothing was done";
    let problem = Problem::of_code("CAR0911", detail).retry_after(5);
    Err(problem.help("`carril nodes` lists engines; `carril worker` or `carril serve` is one"))
}
