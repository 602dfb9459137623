// SPDX-License-Identifier: ISC
//! Rust's str::to_uppercase as a contender: see contender.h.

use std::io::{self, BufRead, Write};
use std::str::from_utf8;
use std::time::{Duration, Instant};
use std::{fs, iter};

struct Text {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Text {
    fn load(path: &str, cuts: &str) -> Text {
        let numbers = fs::read_to_string(cuts).unwrap();
        Text {
            bytes: fs::read(path).unwrap(),
            ends: numbers.lines().map(|line| line.parse().unwrap()).collect(),
        }
    }

    fn pieces(&self) -> Vec<&[u8]> {
        let begins = iter::once(&0).chain(&self.ends);
        begins.zip(&self.ends).map(|(a, b)| &self.bytes[*a..*b]).collect()
    }
}

fn convert(piece: &&[u8]) -> String {
    from_utf8(piece).unwrap().to_uppercase()
}

fn convert_native(piece: &&str) -> String {
    piece.to_uppercase()
}

fn measure<T>(
    pieces: &[T],
    total: usize,
    least: Duration,
    call: impl Fn(&T) -> String,
) -> String {
    let (mut count, mut length) = (0, 0);
    let begin = Instant::now();
    loop {
        for piece in pieces {
            length += call(piece).len();
        }
        count += total;
        let spent = begin.elapsed();
        if spent >= least {
            return format!("{}\t{}\t{}", count, spent.as_nanos(), length);
        }
    }
}

fn write_answer(pieces: &[&[u8]], path: &str) -> String {
    let answers: Vec<String> = pieces.iter().map(convert).collect();
    fs::write(path, answers.concat()).unwrap();
    "written".to_string()
}

fn answer(text: &Text, verb: &str, name: &str, argument: &str) -> String {
    let pieces = text.pieces();
    if pieces.iter().any(|piece| from_utf8(piece).is_err()) {
        return "refused".to_string();
    }
    if verb != "time" {
        return write_answer(&pieces, argument);
    }
    let least = Duration::from_nanos(argument.parse().unwrap());
    let total = text.bytes.len();
    if name == "rust" {
        return measure(&pieces, total, least, convert);
    }
    let native: Vec<&str> =
        pieces.iter().map(|piece| from_utf8(piece).unwrap()).collect();
    measure(&native, total, least, convert_native)
}

fn main() {
    let version = option_env!("RUST_VERSION").unwrap_or("of unknown version");
    let (a, b, c) = char::UNICODE_VERSION;
    let about = format!("Rust {}, Unicode {}.{}.{}", version, a, b, c);
    println!("rust\t{}: from_utf8 and to_uppercase, UTF-8 to UTF-8", about);
    println!("rust-str\t{}: to_uppercase, str to String, not checked", about);
    println!("ready");
    io::stdout().flush().unwrap();
    let mut text = Text { bytes: Vec::new(), ends: Vec::new() };
    for line in io::stdin().lock().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split('\t').collect();
        if words[0] == "load" {
            text = Text::load(words[1], words[2]);
            println!("loaded");
        } else {
            println!("{}", answer(&text, words[0], words[1], words[2]));
        }
        io::stdout().flush().unwrap();
    }
}
