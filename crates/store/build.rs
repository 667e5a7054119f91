//! Rebuilds when a migration is added: the macro that embeds them reads a folder, which cargo does not notice.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
