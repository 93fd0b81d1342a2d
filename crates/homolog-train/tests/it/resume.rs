//! Stopped anywhere and called again: the bytes of a training that was never stopped.

use std::fs;

use homolog_train::{Error, Outcome};

use crate::world::{StopAfter, World, files};

#[test]
fn interrupted_anywhere_and_called_again_gives_the_same_bytes() {
    let world = World::new();
    let config = world.family("both = [1, 2]", 7, "evaluate_every = 3\n[checkpoints]\nsteps = [0, 2, 5, 7]");
    assert!(matches!(world.train(&config, "whole").unwrap(), Outcome::Done { .. }));
    let want = files(&world.path("whole"));
    assert_eq!(world.train(&config, "whole").unwrap(), Outcome::AlreadyDone);

    let asked = StopAfter::new(u64::MAX);
    world.train_watched(&config, "counted", &asked).unwrap();
    let n_asked = asked.asked.into_inner();
    let mut n_interrupted = 0;
    // Text is asked about far more often than steps are made: every place among the last, some of the others.
    for after in (0..n_asked).filter(|after| after % 37 == 0 || after + 9 > n_asked) {
        let name = format!("stopped-{after}");
        match world.train_watched(&config, &name, &StopAfter::new(after)) {
            Err(Error::Interrupted) => n_interrupted += 1,
            other => panic!("asked to stop at {after} of {n_asked}: {other:?}"),
        }
        assert!(matches!(world.train(&config, &name).unwrap(), Outcome::Done { .. }));
        assert!(files(&world.path(&name)) == want, "stopped at {after} of {n_asked}");
    }
    assert!(n_interrupted >= 8);
}

#[test]
fn a_kill_between_checkpoint_and_state_costs_nothing_but_time() {
    let world = World::new();
    let config = world.family("both = [1]", 6, "[checkpoints]\nsteps = [0, 3, 6]");
    world.train(&config, "whole").unwrap();
    let asked = |name: &str| {
        let watch = StopAfter::new(u64::MAX);
        world.train_watched(&config, name, &watch).unwrap();
        watch.asked.into_inner()
    };
    // Asked once a step, the last time after step 6; so this stops after step 2.
    let after_step_2 = asked("counted") - 5;
    assert!(world.train_watched(&config, "killed", &StopAfter::new(after_step_2)).is_err());
    let earlier = files(&world.path("killed"));
    for (path, bytes) in &earlier {
        let path = world.path("probe").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    // A second call stops after step 5, and a kill leaves the state as it was before: log and checkpoint are ahead of it.
    let after_step_5 = asked("probe") - 2;
    assert!(world.train_watched(&config, "killed", &StopAfter::new(after_step_5)).is_err());
    let log = fs::read_to_string(world.path("killed/seed-1/log.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 6);
    assert!(world.path("killed/seed-1/checkpoint-3").exists());
    let state = "seed-1/state.safetensors";
    fs::write(world.path("killed").join(state), &earlier[std::path::Path::new(state)]).unwrap();
    fs::create_dir(world.path("killed/seed-1/.checkpoint-6.tmp")).unwrap();
    fs::write(world.path("killed/seed-1/.checkpoint-6.tmp/model.safetensors"), "half").unwrap();
    world.train(&config, "killed").unwrap();
    assert!(files(&world.path("killed")) == files(&world.path("whole")));
}
