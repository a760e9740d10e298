//! The one door to the XML reader: bytes in, a tree of elements out. Names are without their namespace's prefix. Entities other
//! than XML's own five stay as they are written, so that a document cannot grow when it is read.

#[cfg(test)]
mod tests;

use crate::error::LoadError;
use crate::kind::without_mark;
use crate::limits::Limits;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};

/// Elements inside elements; a real filing has twelve.
const DEPTH_MAX: usize = 64;

/// One element with what is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Element>,
    text: String,
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(one, _)| one == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first child of this name; what lies deeper is not asked.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The text between start and end, without the blanks around it; none where there is nothing.
    pub(crate) fn text(&self) -> Option<&str> {
        let text = self.text.trim();
        (!text.is_empty()).then_some(text)
    }

    pub(crate) fn child_text(&self, name: &str) -> Option<&str> {
        self.child(name)?.text()
    }
}

/// Reads a document into its root element. Blank lines before the XML declaration, which XML forbids and real filings have,
/// are passed over.
pub(crate) fn read(document: &str, bytes: &[u8], limits: Limits) -> Result<Element, LoadError> {
    let wrong = |place: String, message: String| LoadError::malformed(document, place, message);
    let text = std::str::from_utf8(without_mark(bytes)).map_err(|error| {
        wrong(
            format!("byte {}", error.valid_up_to()),
            "it is no UTF-8".to_owned(),
        )
    })?;
    let begin = text.trim_start();
    let skipped = text.len() - begin.len();
    let mut reader = Reader::from_str(begin);
    let mut tree = Tree {
        document,
        limits,
        open: Vec::new(),
        root: None,
        elements: 0,
    };
    loop {
        let event = reader.read_event();
        let at = skipped + usize::try_from(reader.buffer_position()).unwrap_or(begin.len());
        let place = || {
            let before = text.get(..at).unwrap_or(text);
            format!("line {}", before.matches('\n').count() + 1)
        };
        let event = event.map_err(|error| wrong(place(), error.to_string()))?;
        if matches!(event, Event::Eof) {
            break;
        }
        tree.take(event, place)?;
    }
    match (tree.root, tree.open.is_empty()) {
        (Some(root), true) => Ok(root),
        _ => Err(wrong(
            "its end".to_owned(),
            "the XML ends before its root element does".to_owned(),
        )),
    }
}

fn entity(name: &str) -> &str {
    match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        other => other,
    }
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut element = Element {
        name: start.local_name().as_ref().to_owned(),
        ..Element::default()
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|error| error.to_string())?;
        let name = attribute.key.local_name().as_ref().to_owned();
        element.attributes.push((name, value.into_owned()));
    }
    Ok(element)
}

struct Tree<'a> {
    document: &'a str,
    limits: Limits,
    open: Vec<Element>,
    root: Option<Element>,
    elements: u64,
}

impl Tree<'_> {
    fn take(&mut self, event: Event<'_>, place: impl Fn() -> String) -> Result<(), LoadError> {
        let element = |start: &BytesStart<'_>| {
            element(start).map_err(|message| LoadError::malformed(self.document, place(), message))
        };
        match event {
            Event::Start(start) => {
                let element = element(&start)?;
                self.open(element)?;
            }
            Event::Empty(start) => {
                let element = element(&start)?;
                self.open(element)?;
                self.close();
            }
            Event::End(_) => self.close(),
            Event::Text(part) => self.text(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::CData(part) => self.text(&part.xml_content(XmlVersion::Implicit1_0)),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(character)) => self.text(character.encode_utf8(&mut [0; 4])),
                _ => self.text(entity(&reference)),
            },
            _ => {}
        }
        Ok(())
    }

    fn open(&mut self, element: Element) -> Result<(), LoadError> {
        self.elements += 1;
        let (what, limit) = if self.elements > self.limits.cells {
            (
                "has more elements than a filing may",
                format!("{} elements", self.limits.cells),
            )
        } else if self.open.len() >= DEPTH_MAX {
            (
                "is nested too deep",
                format!("{DEPTH_MAX} elements inside each other"),
            )
        } else {
            self.open.push(element);
            return Ok(());
        };
        Err(LoadError::TooLarge {
            document: self.document.to_owned(),
            what,
            limit,
        })
    }

    fn close(&mut self) {
        let Some(element) = self.open.pop() else {
            return;
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(element) = self.open.last_mut() {
            element.text.push_str(text);
        }
    }
}
