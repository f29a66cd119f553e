//! A mail server on loopback, which keeps what it is sent.

use std::sync::{Arc, Mutex};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// A message that was taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The envelope's recipient.
    pub to: String,
    /// Head and body, with the dots as they were.
    pub text: String,
}

impl Taken {
    /// The value of a header, decoded.
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", "");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap().to_owned();
        let words =
            line.split("=?UTF-8?B?").enumerate().map(|(place, word)| match (place, word.split_once("?=")) {
                (1.., Some((coded, rest))) => {
                    String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap() + rest
                }
                _ => word.to_owned(),
            });
        words.collect()
    }

    /// The plain part.
    pub fn plain(&self) -> String {
        let part = self.text.split("Content-Type: text/plain").nth(1).unwrap();
        let body = part.split("\r\n\r\n").nth(1).unwrap().split("\r\n--").next().unwrap();
        let coded: String = body.split_whitespace().collect();
        String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap()
    }

    /// The link in it.
    pub fn link(&self) -> String {
        self.plain().lines().find(|line| line.starts_with("http")).unwrap().to_owned()
    }
}

/// What the server says at a stage in place of yes.
#[derive(Clone, Copy, Default)]
pub struct Manners {
    /// To RCPT.
    pub to_recipient: Option<&'static str>,
    /// To a user name and a password.
    pub to_login: Option<&'static str>,
}

/// A running server.
#[derive(Clone)]
pub struct Smtp {
    /// Where it listens.
    pub port: u16,
    taken: Arc<Mutex<Vec<Taken>>>,
    /// What was said in AUTH, decoded.
    pub proofs: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Notify>,
}

impl Smtp {
    /// Starts one.
    pub async fn start(manners: Manners) -> Smtp {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let smtp = Smtp {
            port: listener.local_addr().unwrap().port(),
            taken: Arc::default(),
            proofs: Arc::default(),
            arrived: Arc::default(),
        };
        let own = smtp.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let own = own.clone();
                tokio::spawn(async move { own.talk(stream, manners).await });
            }
        });
        smtp
    }

    /// The settings that send by it.
    pub fn settings(&self) -> String {
        format!(
            "[pool.mail]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"no-reply@example.com\"\n",
            self.port
        )
    }

    /// What was taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The messages, once there are so many.
    pub async fn wait_for(&self, count: usize) -> Vec<Taken> {
        let wait = async {
            loop {
                let arrived = self.arrived.notified();
                let taken = self.taken();
                if taken.len() >= count {
                    return taken;
                }
                arrived.await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), wait).await.expect("a message")
    }

    async fn talk(&self, stream: TcpStream, manners: Manners) {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).split(b'\n');
        let mut to = String::new();
        write.write_all(b"220 mail.example ESMTP\r\n").await.unwrap();
        while let Ok(Some(line)) = lines.next_segment().await {
            let line = String::from_utf8(line).unwrap().trim_end().to_owned();
            let verb = line.split([' ', ':']).next().unwrap().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mail.example\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000",
                "AUTH" => {
                    let proof = STANDARD.decode(line.rsplit(' ').next().unwrap()).unwrap();
                    self.proofs.lock().unwrap().push(String::from_utf8(proof).unwrap());
                    manners.to_login.unwrap_or("235 welcome")
                }
                "RCPT" => {
                    to = line.split(['<', '>']).nth(1).unwrap().to_owned();
                    manners.to_recipient.unwrap_or("250 ok")
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.unwrap();
                    let mut text = String::new();
                    while let Ok(Some(line)) = lines.next_segment().await {
                        let line = String::from_utf8(line).unwrap();
                        assert!(line.ends_with('\r'), "a bare line feed: {line:?}");
                        if line == ".\r" {
                            break;
                        }
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push('\n');
                    }
                    self.taken.lock().unwrap().push(Taken { to: to.clone(), text });
                    self.arrived.notify_waiters();
                    "250 taken"
                }
                "QUIT" => "221 bye",
                _ => "250 ok",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
        }
    }
}
