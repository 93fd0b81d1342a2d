#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;

use homolog_test::tiny_gpt2::Gpt2Shape;

use super::*;
use crate::test_model::{Rows, bits, model};
use crate::{Ablate, Ablation, Model, NeuronId};

fn tiny() -> (Model, Rows) {
    let shape = Gpt2Shape::tiny();
    (model(&shape, &shape.random(1, 0.3)), Rows::random(&shape, 2, 7))
}

/// Remembers what it is asked and given.
struct Log {
    wanted: Vec<HookPoint>,
    /// (point, shape of the activation or none when only asked)
    events: RefCell<Vec<(HookPoint, Option<[usize; 4]>)>>,
}

impl Log {
    fn wanting(wanted: impl IntoIterator<Item = HookPoint>) -> Self {
        Self { wanted: wanted.into_iter().collect(), events: RefCell::default() }
    }

    fn calls(&self) -> Vec<(HookPoint, [usize; 4])> {
        self.events.borrow().iter().filter_map(|&(point, shape)| Some((point, shape?))).collect()
    }
}

impl Hooks for Log {
    fn wants(&self, point: HookPoint) -> bool {
        self.events.borrow_mut().push((point, None));
        self.wanted.contains(&point)
    }

    fn at(&mut self, point: HookPoint, activation: Activation<'_>) {
        let Activation { values, n_rows, n_pos, width } = activation;
        self.events.borrow_mut().push((point, Some([values.len(), n_rows, n_pos, width])));
    }
}

#[test]
fn names_are_those_of_transformer_lens_and_parse_back() {
    let names: Vec<String> = HookPoint::all(12).map(|point| point.to_string()).collect();
    assert_eq!(names.len(), 84);
    assert_eq!(
        names[77..],
        [
            "blocks.11.hook_resid_pre",
            "blocks.11.hook_attn_out",
            "blocks.11.hook_resid_mid",
            "blocks.11.mlp.hook_pre",
            "blocks.11.mlp.hook_post",
            "blocks.11.hook_mlp_out",
            "blocks.11.hook_resid_post",
        ]
    );
    for (name, point) in names.iter().zip(HookPoint::all(12)) {
        assert_eq!(name.parse(), Ok(point));
    }
    assert_eq!(HookPoint::mlp_post(3).to_string(), "blocks.3.mlp.hook_post");
    assert_eq!(HookPoint::resid_mid(3).to_string(), "blocks.3.hook_resid_mid");
    assert!(HookPoint::all(12).is_sorted(), "ordered as computed");
}

#[test]
fn other_names_are_errors_that_list_the_names() {
    for name in [
        "",
        "blocks",
        "blocks.",
        "blocks.0",
        "blocks.0.",
        "blocks.0.hook_post",
        "blocks.0.mlp.hook_postt",
        "blocks.0.mlp.hook_post ",
        "blocks.x.mlp.hook_post",
        "blocks.-1.mlp.hook_post",
        "blocks.+1.mlp.hook_post",
        "blocks.01.mlp.hook_post",
        "blocks..mlp.hook_post",
        "blocks.99999999999999999999.mlp.hook_post",
        "block.0.mlp.hook_post",
        "hook_embed",
        "Blocks.0.mlp.hook_post",
    ] {
        let error = name.parse::<HookPoint>().unwrap_err();
        assert_eq!(error, UnknownHookPoint { name: name.into() });
        let message = error.to_string();
        assert!(message.contains(&format!("`{name}`")), "{message}");
        assert!(Site::ALL.iter().all(|site| message.contains(site.name())), "{message}");
    }
}

#[test]
fn every_point_is_called_once_in_order_with_its_shape() {
    let (model, rows) = tiny();
    let mut log = Log::wanting(HookPoint::all(2));
    model.forward(rows.batch(), &mut log);
    let want = HookPoint::all(2).map(|point| {
        let width = if matches!(point.site, Site::MlpPre | Site::MlpPost) { 40 } else { 16 };
        (point, [2 * 7 * width, 2, 7, width])
    });
    assert_eq!(log.calls(), want.collect::<Vec<_>>());
}

#[test]
fn a_pass_ends_with_the_last_point_wanted() {
    let (model, rows) = tiny();
    for last in HookPoint::all(2) {
        let mut log = Log::wanting([HookPoint::mlp_post(0), last]);
        model.forward(rows.batch(), &mut log);
        let last = last.max(HookPoint::mlp_post(0));
        assert!(matches!(log.events.borrow().last(), Some((point, Some(_))) if *point == last), "{last}");
    }
    // Losses need the whole pass, wanted or not.
    let mut log = Log::wanting([HookPoint::mlp_post(0)]);
    model.loss(rows.batch(), crate::Start::Tokens, &mut log);
    assert_eq!(log.events.borrow().last(), Some(&(HookPoint { layer: 1, site: Site::ResidPost }, None)));
}

#[test]
fn nothing_wanted_is_nothing_run() {
    let (model, rows) = tiny();
    let mut log = Log::wanting([HookPoint::mlp_post(2)]);
    model.forward(rows.batch(), &mut log);
    assert!(log.calls().is_empty(), "there is no third layer");
    assert_eq!(log.events.borrow().len(), 14, "each point is asked for once, and no pass begun");
    model.forward(rows.batch(), &mut NoHooks);
}

#[test]
fn a_capture_alone_equals_one_among_all() {
    let (model, rows) = tiny();
    let mut all = Capture::new(HookPoint::all(2));
    assert!(all.get(HookPoint::mlp_post(1)).is_empty(), "before any pass");
    model.forward(rows.batch(), &mut all);
    for point in HookPoint::all(2) {
        let mut alone = Capture::new([point]);
        model.forward(rows.batch(), &mut alone);
        assert_eq!(bits(alone.get(point)), bits(all.get(point)), "{point}");
    }
    // A second pass over other rows overwrites the first.
    let fewer = Rows { ids: rows.ids[7..].to_vec(), context: 7 };
    let first = all.get(HookPoint::mlp_post(1)).to_vec();
    model.forward(fewer.batch(), &mut all);
    assert_eq!(bits(all.get(HookPoint::mlp_post(1))), bits(&first[7 * 40..]));
}

#[test]
#[should_panic(expected = "no entry found")]
fn what_was_not_captured_cannot_be_had() {
    Capture::new([HookPoint::mlp_post(0)]).get(HookPoint::mlp_post(1));
}

#[test]
fn of_a_pair_the_left_acts_first() {
    let (model, rows) = tiny();
    let point = HookPoint::mlp_post(0);
    let neuron = NeuronId { layer: 0, index: 3 };
    let ablate = || Ablate::new(&[neuron], Ablation::Zero, 2, 40);
    let column = |values: &[f32]| values.iter().skip(3).step_by(40).copied().collect::<Vec<_>>();
    let mut clean = Capture::new([point]);
    model.forward(rows.batch(), &mut clean);
    assert!(column(clean.get(point)).iter().all(|&x| x != 0.0));

    let mut ablated = (ablate(), Capture::new([point]));
    model.forward(rows.batch(), &mut ablated);
    assert!(column(ablated.1.get(point)).iter().all(|&x| x == 0.0));

    let later = HookPoint::mlp_post(1);
    let mut before = (Capture::new([point, later]), ablate());
    model.forward(rows.batch(), &mut before);
    assert_eq!(bits(before.0.get(point)), bits(clean.get(point)));
    // The ablation still acts on what follows.
    let mut after = (ablate(), Capture::new([later]));
    model.forward(rows.batch(), &mut after);
    assert_eq!(bits(before.0.get(later)), bits(after.1.get(later)));
    let mut clean = Capture::new([later]);
    model.forward(rows.batch(), &mut clean);
    assert_ne!(bits(before.0.get(later)), bits(clean.get(later)));
}

#[test]
fn a_pair_calls_only_who_wants_and_a_borrowed_hook_is_a_hook() {
    let (model, rows) = tiny();
    let (mut left, mut right) = (Log::wanting([HookPoint::mlp_post(0)]), Log::wanting([HookPoint::resid_mid(1)]));
    model.forward(rows.batch(), &mut (&mut left, &mut right));
    let points = |log: &Log| log.calls().into_iter().map(|(point, _)| point).collect::<Vec<_>>();
    assert_eq!(points(&left), [HookPoint::mlp_post(0)]);
    assert_eq!(points(&right), [HookPoint::resid_mid(1)]);
}

/// Adds 1 to every value at one point.
struct AddOne(HookPoint);

impl Hooks for AddOne {
    fn wants(&self, point: HookPoint) -> bool {
        point == self.0
    }

    fn at(&mut self, _: HookPoint, activation: Activation<'_>) {
        activation.values.iter_mut().for_each(|x| *x += 1.0);
    }
}

#[test]
fn a_change_at_any_point_reaches_what_follows_and_nothing_before() {
    let (model, rows) = tiny();
    let mut clean = Capture::new(HookPoint::all(2));
    let clean_loss = model.loss(rows.batch(), crate::Start::Tokens, &mut clean);
    for changed in HookPoint::all(2) {
        let mut hooks = (AddOne(changed), Capture::new(HookPoint::all(2)));
        let loss = model.loss(rows.batch(), crate::Start::Tokens, &mut hooks);
        for point in HookPoint::all(2) {
            let is_same = bits(hooks.1.get(point)) == bits(clean.get(point));
            assert_eq!(is_same, point < changed, "{point} when {changed} is changed");
        }
        // A constant added to the last residual stream is taken off again by the layer norm, up to rounding.
        if changed < HookPoint::mlp_post(1) {
            assert_ne!(bits(&loss), bits(&clean_loss), "{changed}");
        }
    }
}
