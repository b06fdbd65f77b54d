//! The version of rdkafka that Cargo.lock has, for the hello.

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let version = lock.split("name = \"rdkafka\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    println!("cargo:rustc-env=RDKAFKA_VERSION={}", version.unwrap_or("unknown"));
}
