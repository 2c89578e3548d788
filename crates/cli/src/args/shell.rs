//! The command lines that help with others: completions, and the manual.

use clap::{Args, ValueEnum};

/// `completions`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  echo 'source <(latchkey completions bash)' >> ~/.bashrc
  echo 'source <(latchkey completions zsh)' >> ~/.zshrc
  latchkey completions fish > ~/.config/fish/completions/latchkey.fish
  latchkey completions powershell >> $PROFILE

The names of accounts are completed too. The script asks the `latchkey` on the PATH, so it stays right after an update.")]
pub(crate) struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// The shells that can be taught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shell {
    /// GNU Bash, 4.4 and newer
    Bash,
    /// Zsh
    Zsh,
    /// fish
    Fish,
    /// Elvish
    Elvish,
    /// PowerShell
    Powershell,
}

impl Shell {
    /// What it is called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::Zsh => "zsh",
            Self::Fish => "fish",
            Self::Elvish => "elvish",
            Self::Powershell => "powershell",
        }
    }
}

/// `manual`.
#[cfg(feature = "manual")]
#[derive(Args)]
#[command(after_help = "Example:\n  latchkey manual target/man && man -l target/man/latchkey.1")]
pub(crate) struct Manual {
    /// Where they go; it is made where it is not there
    pub(crate) folder: std::path::PathBuf,
}
