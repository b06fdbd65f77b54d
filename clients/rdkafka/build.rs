//! The version of rdkafka that Cargo.lock has, for the hello; and what it lacks.

fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rustc-check-cfg=cfg(no_consumer_in_rebalance)");
    let lock = std::fs::read_to_string("Cargo.lock").unwrap_or_default();
    let version = lock.split("name = \"rdkafka\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    println!("cargo:rustc-env=RDKAFKA_VERSION={}", version.unwrap_or("unknown"));
    let minor = version.and_then(|v| v.split('.').nth(1)).and_then(|m| m.parse::<u32>().ok());
    if minor.is_some_and(|m| m < 37) {
        println!("cargo:rustc-cfg=no_consumer_in_rebalance");
    }
}
