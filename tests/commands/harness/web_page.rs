//! The page as a program reads it.

use roxmltree::{Document, Node, ParsingOptions};

use super::Answer;

/// The text of `/`, which is well-formed XML: nothing that was put into it can have broken out of its place.
pub(crate) struct WebPage<'a>(Document<'a>);

impl<'a> WebPage<'a> {
    #[track_caller]
    pub(crate) fn read(answer: &'a Answer) -> Self {
        assert_eq!(answer.status(), 200, "{}", answer.body);
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        Self(
            Document::parse_with_options(&answer.body, options)
                .unwrap_or_else(|error| panic!("{error}: {}", answer.body)),
        )
    }

    /// All elements of this kind and class, in order.
    pub(crate) fn all(&self, tag: &str, class: &str) -> Vec<Node<'_, 'a>> {
        let is = |node: &Node<'_, '_>| {
            let classes = node.attribute("class").unwrap_or_default();
            node.has_tag_name(tag) && (class.is_empty() || classes.split(' ').any(|one| one == class))
        };
        self.0.descendants().filter(is).collect()
    }

    /// The names in the picture, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.all("span", "name").into_iter().map(text).collect()
    }

    /// What the marks of a class say in the picture of a source over a period, such as `day`.
    pub(crate) fn marks(&self, name: &str, period: &str, class: &str) -> Vec<String> {
        let position = self.names().iter().position(|found| found == name).unwrap_or_else(|| panic!("no {name:?}"));
        let title = format!("t{}{period}", position + 1);
        let strips = self.all("svg", "strip");
        let strip = strips.into_iter().find(|strip| strip.attribute("aria-labelledby") == Some(&title)).unwrap();
        let marks = strip
            .descendants()
            .filter(|node| node.attribute("class").is_some_and(|of| of.split(' ').any(|of| of == class)));
        marks.map(|mark| text(mark.children().find(|child| child.has_tag_name("title")).unwrap())).collect()
    }

    /// The row of a source in the table of the status.
    pub(crate) fn cells(&self, name: &str) -> Vec<String> {
        let table = self.all("table", "status").pop().unwrap();
        let rows: Vec<Vec<String>> = table
            .descendants()
            .filter(|node| node.has_tag_name("tr"))
            .map(|row| row.children().filter(Node::is_element).map(text).collect())
            .collect();
        rows.into_iter().find(|row: &Vec<String>| row[0] == name).unwrap_or_else(|| panic!("no {name:?}"))
    }

    /// The links of a relation, such as `next`.
    pub(crate) fn link(&self, rel: &str) -> Option<String> {
        let links = self.all("a", "");
        let link = links.into_iter().find(|link| link.attribute("rel") == Some(rel))?;
        link.attribute("href").map(str::to_owned)
    }
}

/// All text below a node.
pub(crate) fn text(node: Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|text| text.text()).collect()
}
