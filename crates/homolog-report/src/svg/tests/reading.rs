//! An SVG read again, by the renderer and not by what drew it.

use resvg::usvg::{Group, Node, roxmltree};

use crate::svg::canvas::Rect;

/// A text with the box of its ink, in points.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) class: String,
    pub(super) written: String,
    pub(super) ink: Rect,
}

/// What a test asks of a figure.
pub(super) struct Read {
    pub(super) page: Rect,
    pub(super) texts: Vec<Text>,
    pub(super) panels: Vec<Rect>,
}

fn number(node: roxmltree::Node<'_, '_>, name: &str) -> f64 {
    node.attribute(name).unwrap_or("0").parse().unwrap()
}

pub(super) fn read(svg: &str) -> Read {
    let document = roxmltree::Document::parse(svg).unwrap();
    let view: Vec<f64> =
        document.root_element().attribute("viewBox").unwrap().split(' ').map(|part| part.parse().unwrap()).collect();
    let mut inks = Vec::new();
    collect(crate::png::tree("f", svg).unwrap().root(), &mut inks);
    let nodes: Vec<_> = document.descendants().filter(|node| node.has_tag_name("text")).collect();
    assert_eq!(nodes.len(), inks.len(), "a text is not rendered");
    let own_text = |node: &roxmltree::Node<'_, '_>| {
        node.children().filter(roxmltree::Node::is_text).filter_map(|child| child.text()).collect::<String>()
    };
    let texts = nodes
        .iter()
        .zip(inks)
        .map(|(node, ink)| Text { class: node.attribute("class").unwrap().to_owned(), written: own_text(node), ink })
        .collect();
    let axes = document.descendants().filter(|node| node.attribute("class") == Some("axes"));
    let panel = |axes: roxmltree::Node<'_, '_>| {
        let lines: Vec<_> = axes.children().filter(|node| node.has_tag_name("line")).collect();
        let (x, y) = (number(lines[1], "x1"), number(lines[1], "y1"));
        Rect { x, y, width: number(lines[0], "x2") - x, height: number(lines[0], "y1") - y }
    };
    Read {
        page: Rect { x: view[0], y: view[1], width: view[2], height: view[3] },
        texts,
        panels: axes.map(panel).collect(),
    }
}

fn collect(group: &Group, inks: &mut Vec<Rect>) {
    for node in group.children() {
        match node {
            Node::Group(group) => collect(group, inks),
            Node::Text(text) => {
                // The boxes of flattened text do not know where the text stands.
                let ink = text.flattened().bounding_box().transform(text.abs_transform()).unwrap();
                let points = |pixels: f32| f64::from(pixels) * 0.75;
                inks.push(Rect {
                    x: points(ink.x()),
                    y: points(ink.y()),
                    width: points(ink.width()),
                    height: points(ink.height()),
                });
            }
            _ => {}
        }
    }
}
