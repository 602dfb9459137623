// SPDX-License-Identifier: ISC
//! tokio: a task for each connection, and a buffer for each.

use std::{env, io};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

const USUAL: usize = 4096;

async fn echo(mut conn: TcpStream, size: usize) -> io::Result<()> {
    conn.set_nodelay(true)?;
    let mut buffer = vec![0; size];
    loop {
        let n = conn.read(&mut buffer).await?;
        if n == 0 {
            return Ok(());
        }
        conn.write_all(&buffer[..n]).await?;
    }
}

async fn serve(port: &str, size: usize) -> io::Result<()> {
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("ready tokio {}", option_env!("TOKIO_VERSION").unwrap_or("?"));
    loop {
        let (conn, _) = listener.accept().await?;
        tokio::spawn(echo(conn, size));
    }
}

fn main() -> io::Result<()> {
    let given: Vec<String> = env::args().collect();
    let size = given.get(2).map_or(USUAL, |size| size.parse().unwrap());
    Runtime::new()?.block_on(serve(&given[1], size))
}
