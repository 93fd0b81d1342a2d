//! What universal neurons are worth in random ones, by checkpoint and with intervals: in number at equal damage, in damage at equal number.

use super::ablation::set_to;
use super::facts::{Facts, Subject, step};
use crate::impact_words::{CONTROLS, common_multiple, damage, ends, equal_multiple, family, level_words, times};
use crate::numbers::{count, listed};
use crate::{
    Channel, Color, ColorKind, ColorScale, Data, Facet, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width,
};

/// A point with its interval.
struct Point {
    panel: String,
    control: &'static str,
    step: Option<i64>,
    value: Option<f64>,
    low: Option<f64>,
    /// As it is in the tables.
    high: Option<f64>,
    /// What was measured goes so far, where the interval is open above.
    greatest: Option<f64>,
}

impl Point {
    /// Where the rule ends.
    fn shown_high(&self) -> Option<f64> {
        self.high.or(self.greatest).filter(|_| self.low.is_some())
    }

    fn interval(&self) -> &'static str {
        match (self.low, self.high, self.greatest) {
            (Some(_), Some(_), _) => "closed",
            (Some(_), None, Some(_)) => "open above",
            _ => "none",
        }
    }
}

/// Equal multiple and ratio of every kind of random sets, a panel each.
pub(super) fn by_checkpoint(run: &Run, facts: &Facts, subject: &Subject) -> Option<Figure> {
    let mode = facts.modes.first()?;
    let points = points(run, facts, subject, mode);
    if points.iter().all(|point| point.value.is_none() && point.low.is_none()) {
        return None;
    }
    let data = Data::default()
        .words("panel", points.iter().map(|point| point.panel.clone()))
        .words("checkpoint", points.iter().map(|point| step(point.step)))
        .words("interval", points.iter().map(Point::interval))
        .numbers("times", points.iter().map(|point| point.value))
        .numbers("times_low", points.iter().map(|point| point.low))
        .numbers("times_high", points.iter().map(|point| point.high))
        .numbers("times_drawn_to", points.iter().map(Point::shown_high));
    let as_much = Mark { y: Some(Channel::Value(1.0)), ..Mark::new(Shape::Rule).in_color(Color::Muted) };
    let rule = Mark::new(Shape::Rule).at("checkpoint", "times_low").to_y("times_drawn_to").colored("interval");
    let point = Mark::new(Shape::Point).at("checkpoint", "times").colored("interval");
    let whose = match subject {
        Subject::Family => "Of the models together: where the mean curves meet, and the ratio of the mean damages",
        Subject::Model(_) => "Of one model",
    };
    let over = match subject {
        Subject::Family => "models, rows of tokens and draws",
        Subject::Model(_) => "rows of tokens and draws",
    };
    Some(Figure {
        name: format!("fig18-equal-damage-{}", subject.slug(facts)),
        title: format!("What universal neurons are worth in random ones, {}", title(subject)),
        caption: format!(
            "Above: so many times as many random neurons as universal ones, {}, cost the same loss; below: so many times the loss of as many \
             random neurons do universal ones cost; a panel a kind of random sets, against the training step. {whose}. Vertical rules: {} \
             interval by a bootstrap over {over}; level rule: 1, as much as random ones. Logarithmic above 1.{}{} {} {}",
            set_to(mode),
            level_words(run),
            at_last(&points, facts),
            unknown(&points),
            facts.universal(),
            facts.ablated()
        ),
        width: Width::Page,
        aspect: 0.8,
        data,
        marks: vec![as_much, rule, point],
        x: Scale::band("Training step"),
        y: Scale {
            title: "Times random neurons".into(),
            kind: ScaleKind::SymmetricLog { linear_to: 1.0, format: Format::Plain },
        },
        color: Some(ColorScale { title: "Interval".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "panel".into(), n_columns: CONTROLS.len(), has_own_y: false }),
    })
}

fn title(subject: &Subject) -> &str {
    match subject {
        Subject::Family => "the family",
        Subject::Model(name) => name,
    }
}

/// Every kind of random sets that the run has, at every checkpoint.
fn points(run: &Run, facts: &Facts, subject: &Subject, mode: &str) -> Vec<Point> {
    let mut points = Vec::new();
    let has_control = |control: &str| {
        run.damage.iter().any(|row| row.control == control && row.mode == mode && subject.has(&row.model))
    };
    for (quantity, heading) in [("equal_multiple", "equal damage"), ("ratio", "ratio")] {
        for (control, words) in CONTROLS.into_iter().filter(|control| has_control(control.0)) {
            points.extend(facts.checkpoints.iter().map(|&step| {
                let is_multiple = quantity == "equal_multiple";
                let [value, low, high] = values(run, subject, quantity, step, (mode, control));
                let greatest = match subject {
                    Subject::Family => common_multiple(run, step, (mode, control)),
                    Subject::Model(model) => {
                        damage(run, (model, step), (mode, control)).and_then(|row| row.greatest_multiple)
                    }
                };
                let greatest = greatest.filter(|_| is_multiple).map(f64::from);
                let panel = format!("{heading}, {}", short(words));
                Point { panel, control: words, step, value, low, high, greatest }
            }));
        }
    }
    points
}

/// Headings of panels have little room, and all of these sets are random.
fn short(control: &str) -> &str {
    control.strip_prefix("random, ").unwrap_or(control)
}

/// Estimate and ends of its interval.
fn values(
    run: &Run,
    subject: &Subject,
    quantity: &str,
    step: Option<i64>,
    (mode, control): (&str, &str),
) -> [Option<f64>; 3] {
    match subject {
        Subject::Family => family(run, quantity, step, (Some(mode), Some(control)))
            .map_or([None; 3], |row| [row.estimate, row.low, row.high]),
        Subject::Model(model) => damage(run, (model, step), (mode, control)).map_or([None; 3], |row| match quantity {
            "ratio" => [row.ratio, row.ratio_low, row.ratio_high],
            _ => equal_multiple(row),
        }),
    }
}

/// The numbers of the last checkpoint, as a sentence behind others.
fn at_last(points: &[Point], facts: &Facts) -> String {
    let of = |panel: &str| {
        let here = points.iter().filter(|point| point.step == facts.last() && point.panel.starts_with(panel));
        let words: Vec<String> = here
            .map(|point| {
                let value = point.value.map_or_else(|| "not reached or undefined".to_owned(), times);
                format!("{value} ({}) for {}", ends(point.low, point.high, "", times), point.control)
            })
            .collect();
        listed(&words)
    };
    let at = facts.last().map_or("At the only checkpoint".to_owned(), |step| format!("At step {}", count(step as u64)));
    format!(" {at}, equal damage: {}; ratio: {}.", of("equal damage"), of("ratio"))
}

/// Which rules do not end where they seem to, and why some have none, as sentences behind others.
fn unknown(points: &[Point]) -> String {
    let n = |is: &dyn Fn(&&Point) -> bool| points.iter().filter(is).count();
    let (n_open, n_none) =
        (n(&|point| point.interval() == "open above"), n(&|point| point.interval() == "none" && point.value.is_some()));
    let open = match n_open {
        0 => String::new(),
        n => format!(
            " Of {n} intervals the upper end lies beyond what was measured: they are open, and drawn to the greatest multiple (times_drawn_to in \
             the data)."
        ),
    };
    let none = match n_none {
        0 => String::new(),
        n => format!(" {n} points have no interval, where a damage is not above zero or never reached."),
    };
    open + &none
}
