//! The part of a source text that a diagnostic shows: harmless to a terminal, and no wider than one.
//! What a diagnostic says does not enter here, only where it points.

use crate::diagnostic::Diagnostic;
use codespan_reporting::files::{Error, Files};
use pk_grammar::span::Span;
use std::{collections::BTreeMap, ops::Range};

/// How many characters of one line are shown, and how many of them before the first place of interest.
const WIDTH: usize = 160;
const BEFORE: usize = 60;

/// The shown lines of a source, and where the places of a diagnostic lie in them.
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// Where each line starts in `text`.
    line_starts: Vec<usize>,
    /// The number of the first line, counted from 1.
    first_line: usize,
    /// Offsets of the source that the diagnostic mentions, with their offsets in `text` and their columns.
    places: BTreeMap<usize, Place>,
    source_len: usize,
}

#[derive(Clone, Copy, Default)]
struct Place {
    shown: usize,
    column: usize,
}

impl Excerpt {
    /// The lines of `source` from the first to the last that `diagnostic` mentions.
    pub(super) fn new(source: &str, name: &str, diagnostic: &Diagnostic) -> Excerpt {
        let spans = std::iter::once(diagnostic.span).chain(diagnostic.others.iter().map(|other| other.span));
        let ends = spans.flat_map(|span| [span.start, span.end]);
        let places: BTreeMap<usize, Place> =
            ends.map(|at| (snap(source, at as usize), Place::default())).collect();
        let first = places.first_key_value().map_or(0, |(at, _)| *at);
        let last = places.last_key_value().map_or(0, |(at, _)| *at);
        let start = source[..first].rfind('\n').map_or(0, |at| at + 1);
        let end = source[last..].find('\n').map_or(source.len(), |at| last + at);
        let mut excerpt = Excerpt {
            name: name.to_string(),
            text: String::new(),
            line_starts: Vec::new(),
            first_line: 1 + source[..start].matches('\n').count(),
            places,
            source_len: source.len(),
        };
        let mut at = start;
        for line in source[start..end].split('\n') {
            excerpt.push_line(line, at);
            at += line.len() + 1;
        }
        excerpt
    }

    /// Where `span` lies in the shown text. A span that runs backwards is shown as its start.
    pub(super) fn shown(&self, span: Span) -> Range<usize> {
        let start = self.place(span.start as usize).shown;
        let end = self.place(span.end as usize).shown;
        start..end.max(start)
    }

    fn place(&self, at: usize) -> Place {
        let at = at.min(self.source_len);
        self.places.range(..=at).next_back().map_or(Place::default(), |(_, place)| *place)
    }

    /// Appends a line that starts at `start` in the source.
    fn push_line(&mut self, line: &str, start: usize) {
        self.line_starts.push(self.text.len());
        let places: Vec<usize> = self.places.range(start..=start + line.len()).map(|(at, _)| *at).collect();
        let window = window(line, places.first().map_or(0, |at| at - start));
        let mut places = places.into_iter().peekable();
        let mut hidden = false;
        for (column, (offset, character)) in line.char_indices().enumerate() {
            let is_shown = window.contains(&column);
            if !is_shown && !hidden {
                self.text.push('…');
            }
            hidden = !is_shown;
            if let Some(at) = places.next_if(|at| *at == start + offset) {
                self.places.insert(at, Place { shown: self.text.len(), column });
            }
            let is_line_end = character == '\r' && offset + 1 == line.len();
            let is_byte_order_mark = character == '\u{feff}' && start + offset == 0;
            if is_shown && !is_line_end && !is_byte_order_mark {
                push_escaped(&mut self.text, character);
            }
        }
        if let Some(at) = places.next() {
            self.places.insert(at, Place { shown: self.text.len(), column: line.chars().count() });
        }
        self.text.push('\n');
    }
}

/// The columns of `line` to show so that byte `focus` is among them.
fn window(line: &str, focus: usize) -> Range<usize> {
    if line.len() <= WIDTH {
        return 0..line.len();
    }
    let focus_column = line[..focus].chars().count();
    let start = focus_column.saturating_sub(BEFORE);
    start..start + WIDTH
}

/// The nearest character boundary of `source` at or before `at`.
fn snap(source: &str, at: usize) -> usize {
    let at = at.min(source.len());
    (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0)
}

/// `text` with everything escaped that a terminal would act on rather than show.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    text.chars().for_each(|character| push_escaped(&mut escaped, character));
    escaped
}

fn push_escaped(text: &mut String, character: char) {
    match character {
        '\t' => text.push('\t'),
        _ if character.is_control() || is_invisible(character) => text.extend(character.escape_unicode()),
        _ => text.push(character),
    }
}

/// Characters without a shape of their own that reorder or hide others.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

impl<'a> Files<'a> for Excerpt {
    type FileId = ();
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, _: ()) -> Result<&'a str, Error> {
        Ok(&self.name)
    }

    fn source(&'a self, _: ()) -> Result<&'a str, Error> {
        Ok(&self.text)
    }

    fn line_index(&'a self, _: (), byte_index: usize) -> Result<usize, Error> {
        Ok(self.line_starts.partition_point(|start| *start <= byte_index).saturating_sub(1))
    }

    fn line_number(&'a self, _: (), line_index: usize) -> Result<usize, Error> {
        Ok(self.first_line + line_index)
    }

    fn column_number(&'a self, _: (), _: usize, byte_index: usize) -> Result<usize, Error> {
        let place = self.places.values().find(|place| place.shown == byte_index);
        Ok(1 + place.map_or(0, |place| place.column))
    }

    fn line_range(&'a self, _: (), line_index: usize) -> Result<Range<usize>, Error> {
        let given = self.line_starts.len();
        let start =
            *self.line_starts.get(line_index).ok_or(Error::LineTooLarge { given, max: line_index })?;
        let end = self.line_starts.get(line_index + 1).copied().unwrap_or(self.text.len());
        Ok(start..end)
    }
}
