use super::*;

#[test]
fn arguments_decide_folder_seed_and_size() {
    let request = parse(&["out", "--seed", "7", "--tiny"]).expect("well formed");
    assert_eq!(request, Request { folder: "out".into(), rng_seed: 7, shape: Gpt2Shape::tiny() });
    let request = parse(&["--small", "out"]).expect("well formed");
    assert_eq!(request, parse(&["out"]).expect("well formed"));
    assert_eq!(request.shape.d_mlp, 3072);
    assert!(request.shape.is_inverse_layer_scaled);
}

#[test]
fn unknown_missing_and_repeated_arguments_are_errors() {
    for (args, error) in [
        (&[][..], "needs a folder"),
        (&["a", "b"], "more than one folder"),
        (&["a", "--seed"], "--seed needs a number"),
        (&["a", "--seed", "-1"], "--seed -1 is not a number"),
        (&["a", "--seed", "1", "--seed", "2"], "given twice"),
        (&["a", "--small", "--tiny"], "more than one size"),
        (&["a", "--medium"], "no option `--medium`"),
    ] {
        let found = parse(args).expect_err(error).to_string();
        assert!(found.contains(error), "{found}");
    }
}

#[test]
fn writes_a_model_once() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let request = Request { folder: folder.path().join("new/model"), rng_seed: 3, shape: Gpt2Shape::tiny() };
    run(&request).expect("an empty place");
    let (shape, weights) = homolog_test::tiny_gpt2::read(&request.folder);
    assert_eq!(shape, request.shape);
    assert_eq!(weights, shape.random(3, SD));
    let error = run(&request).expect_err("a model is there").to_string();
    assert!(error.contains("config.json already exists"), "{error}");
}
