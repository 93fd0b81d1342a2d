//! Whether a figure can be drawn at all; what draws it relies on this.

use crate::Error;
use crate::figure::{Channel, Color, ColorKind, Figure, Mark, Scale, ScaleKind, Shape, Values};

/// Refuses a figure whose columns, channels, scales and marks do not fit together.
pub(crate) fn check(figure: &Figure) -> Result<(), Error> {
    check_columns(figure)?;
    check_scale(figure, &figure.x, "the x scale")?;
    check_scale(figure, &figure.y, "the y scale")?;
    for (index, mark) in figure.marks.iter().enumerate() {
        check_mark(figure, mark, index)?;
    }
    check_colors(figure)?;
    if let Some(facet) = &figure.facet {
        column(figure, &facet.column, "the facet")?;
    }
    Ok(())
}

fn check_columns(figure: &Figure) -> Result<(), Error> {
    let expected = figure.data.n_rows();
    for (i, column) in figure.data.columns.iter().enumerate() {
        let (name, values) = (column.name.clone(), &column.values);
        if values.len() != expected {
            return Err(Error::UnequalColumns {
                figure: figure.name.clone(),
                column: name,
                expected,
                found: values.len(),
            });
        }
        if figure.data.columns[..i].iter().any(|earlier| earlier.name == name) {
            return Err(Error::DuplicateColumn { figure: figure.name.clone(), column: name });
        }
        let is_infinite = |row: &usize| values.number(*row).is_some_and(f64::is_infinite);
        if let Some(row) = (0..expected).find(is_infinite) {
            return Err(Error::Infinite { figure: figure.name.clone(), column: name, row });
        }
    }
    Ok(())
}

/// The column, or that there is none.
fn column<'a>(figure: &'a Figure, name: &str, role: &str) -> Result<&'a Values, Error> {
    figure.data.column(name).ok_or_else(|| {
        let known: Vec<&str> = figure.data.columns.iter().map(|column| column.name.as_str()).collect();
        Error::UnknownColumn {
            figure: figure.name.clone(),
            role: role.to_owned(),
            column: name.to_owned(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        }
    })
}

fn check_domain(figure: &Figure, [from, to]: [f64; 2], role: &str) -> Result<(), Error> {
    if from.is_finite() && to.is_finite() && from < to {
        return Ok(());
    }
    Err(Error::BadDomain { figure: figure.name.clone(), role: role.to_owned(), from, to })
}

fn check_scale(figure: &Figure, scale: &Scale, role: &str) -> Result<(), Error> {
    match scale.kind {
        ScaleKind::Linear { domain: Some(domain), .. } => check_domain(figure, domain, role),
        ScaleKind::Log { domain: Some(domain) } => {
            check_domain(figure, domain, role)?;
            check_positive(figure, role, domain[0])
        }
        // A linear part that is empty, like a domain that is.
        ScaleKind::SymmetricLog { linear_to, .. } => check_domain(figure, [0.0, linear_to], role),
        _ => Ok(()),
    }
}

fn check_positive(figure: &Figure, role: &str, value: f64) -> Result<(), Error> {
    if value > 0.0 {
        return Ok(());
    }
    Err(Error::NotPositive { figure: figure.name.clone(), role: role.to_owned(), value })
}

fn check_mark(figure: &Figure, mark: &Mark, index: usize) -> Result<(), Error> {
    if let Some((name, _)) = &mark.only {
        column(figure, name, &format!("`only` of mark {index}"))?;
    }
    let rows = mark.rows(&figure.data);
    for (channel_name, channel) in mark.positions() {
        let role = format!("{channel_name} of mark {index}");
        let scale = if channel_name.starts_with('x') { &figure.x.kind } else { &figure.y.kind };
        match channel {
            Some(Channel::Field(name)) => {
                let values = column(figure, name, &role)?;
                if matches!(scale, ScaleKind::Band) {
                    continue;
                }
                if matches!(values, Values::Words(_)) {
                    return Err(Error::NotNumbers { figure: figure.name.clone(), role, column: name.clone() });
                }
                if matches!(scale, ScaleKind::Log { .. }) {
                    let role = format!("column `{name}`, {role},");
                    for number in rows.iter().filter_map(|&row| values.number(row)) {
                        check_positive(figure, &role, number)?;
                    }
                }
            }
            Some(Channel::Value(value)) if matches!(scale, ScaleKind::Log { .. }) => {
                check_positive(figure, &role, *value)?;
            }
            _ => {}
        }
    }
    let lacks = |lacks| {
        Err(Error::IncompleteMark { figure: figure.name.clone(), mark: index, shape: mark.shape.name(), lacks })
    };
    let has_both = mark.x.is_some() && mark.y.is_some();
    match mark.shape {
        Shape::Rule if mark.x.is_none() && mark.y.is_none() => return lacks("x and y; give one of them at least"),
        Shape::Rule => {}
        _ if !has_both => return lacks("x or y"),
        Shape::Band if mark.y2.is_none() => return lacks("y2, its other edge"),
        Shape::Cell if !matches!((&figure.x.kind, &figure.y.kind), (ScaleKind::Band, ScaleKind::Band)) => {
            return lacks("a band scale on both axes");
        }
        Shape::Hexbin { n_across: 0 } => return lacks("bins; n_across is 0"),
        Shape::Text if mark.text.is_none() => return lacks("text"),
        _ => {}
    }
    for (name, role) in [(&mark.style, "style"), (&mark.text, "text")] {
        if let Some(name) = name {
            column(figure, name, &format!("{role} of mark {index}"))?;
        }
    }
    if let Color::Field(name) = &mark.color {
        column(figure, name, &format!("color of mark {index}"))?;
        if figure.color.is_none() {
            return lacks("a colour scale; give the figure one");
        }
    }
    Ok(())
}

fn check_colors(figure: &Figure) -> Result<(), Error> {
    let Some(ColorKind::Sequence { domain, is_log, .. }) = figure.color.as_ref().map(|color| &color.kind) else {
        return Ok(());
    };
    if let Some(domain) = domain {
        check_domain(figure, *domain, "the colour scale")?;
        if *is_log {
            check_positive(figure, "the colour scale", domain[0])?;
        }
    }
    for (index, mark) in figure.marks.iter().enumerate() {
        let Color::Field(name) = &mark.color else { continue };
        let role = format!("color of mark {index}");
        let values = column(figure, name, &role)?;
        if matches!(values, Values::Words(_)) {
            return Err(Error::NotNumbers { figure: figure.name.clone(), role, column: name.clone() });
        }
        if *is_log {
            let role = format!("column `{name}`, {role},");
            for number in mark.rows(&figure.data).into_iter().filter_map(|row| values.number(row)) {
                check_positive(figure, &role, number)?;
            }
        }
    }
    Ok(())
}

impl Shape {
    /// Its name, as in Vega-Lite where that has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Band => "band",
            Self::Bar => "bar",
            Self::Cell => "cell",
            Self::Hexbin { .. } => "hexbin",
            Self::Point => "point",
            Self::Rule => "rule",
            Self::Text => "text",
        }
    }
}

#[cfg(test)]
mod tests;
