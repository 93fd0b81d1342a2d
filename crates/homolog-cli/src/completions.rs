//! Scripts that let a shell complete commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

pub(crate) fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "homolog", &mut script);
    String::from_utf8(script).expect("made of names and help texts")
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_every_command_and_its_options() {
        let command = Args::command();
        let names: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
        assert!(names.contains(&"run") && names.contains(&"completions"), "{names:?}");
        for &shell in Shell::value_variants() {
            let script = script(shell);
            for name in &names {
                let offer = match shell {
                    Shell::Bash => format!("homolog,{name})"),
                    Shell::Fish => format!("-a \"{name}\""),
                    Shell::Zsh => format!("'{name}:"),
                    Shell::Elvish => format!("cand {name} "),
                    Shell::PowerShell => format!("CompletionResult]::new('{name}', "),
                    other => panic!("how does {other} offer a command?"),
                };
                assert!(script.contains(&offer), "{shell}: no {offer}");
            }
            assert!(script.contains("held-out-tokens"), "{shell}");
        }
    }
}
