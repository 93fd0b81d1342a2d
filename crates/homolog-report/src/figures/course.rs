//! How the models learn: their loss at each checkpoint.

use super::facts::Facts;
use crate::{ColorKind, ColorScale, Data, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width};

/// Loss against training step, a line a model.
pub(super) fn losses(run: &Run, facts: &Facts) -> Option<Figure> {
    if facts.checkpoints.len() < 2 {
        return None;
    }
    let rows = || facts.models.iter().flat_map(|model| run.models.iter().filter(move |row| row.model == *model));
    let data = Data::default()
        .words("model", rows().map(|row| row.model.clone()))
        .numbers("step", rows().map(|row| row.checkpoint.map(|step| step as f64)))
        .numbers("loss_nats", rows().map(|row| row.loss_nats));
    let line = Mark::new(Shape::Line).at("step", "loss_nats").colored("model");
    Some(Figure {
        name: "fig12-loss".into(),
        title: "Loss by training step".into(),
        caption: format!(
            "Cross-entropy of every model at every checkpoint, in nats per predicted token. {}",
            facts.measured()
        ),
        width: Width::Column,
        aspect: 0.7,
        data,
        marks: vec![line.clone(), Mark { shape: Shape::Point, ..line }],
        x: steps(facts.checkpoints.iter().copied().flatten()),
        y: Scale::linear("Loss (nats per token)"),
        color: Some(ColorScale { title: "Model".into(), kind: ColorKind::Categories }),
        facet: None,
    })
}

/// Training steps: logarithmic where they span more than a decade, with a linear part below the first step after 0.
pub(super) fn steps(steps: impl Iterator<Item = i64>) -> Scale {
    let mut steps: Vec<i64> = steps.collect();
    steps.sort_unstable();
    let first = steps.iter().copied().find(|&step| step > 0);
    let (least, last) = (steps.first().copied().unwrap_or(0), steps.last().copied().unwrap_or(0));
    let kind = match first {
        Some(first) if last > 10 * first && least > 0 => ScaleKind::Log { domain: None },
        Some(first) if last > 10 * first => ScaleKind::SymmetricLog { linear_to: first as f64, format: Format::Plain },
        _ => ScaleKind::Linear { domain: None, has_zero: false, format: Format::Plain },
    };
    Scale { title: "Training step".into(), kind }
}
