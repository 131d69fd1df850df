//! Prints the folder with the source of OpenSSL.

fn main() {
    println!("{}", openssl_src::source_dir().display());
}
