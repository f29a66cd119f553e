//! A person's browser: cookies, forms and redirects. Its cost counts for nothing beside a password hash.

use crate::{
    Failure,
    http::{self, Connection},
    population::PASSWORD,
};

/// A browser without cookies yet.
pub struct Browser<'a> {
    connection: &'a mut Connection,
    port: u16,
    cookies: Vec<String>,
}

/// An answer that is kept.
struct Page {
    status: u16,
    location: Option<String>,
    body: String,
}

/// The login form of a transaction.
pub struct LoginForm(String);

impl<'a> Browser<'a> {
    /// A new one that uses `connection`.
    pub fn new(connection: &'a mut Connection, port: u16) -> Browser<'a> {
        Browser { connection, port, cookies: Vec::new() }
    }

    /// Signs in with the right password, up to the code at the callback.
    pub async fn sign_in(&mut self, authorize: &str, username: &str) -> Result<(), Failure> {
        let form = self.open_login(authorize).await?;
        let answered = self.submit(&form, username, PASSWORD).await?;
        let resume = answered.leads_on(303)?;
        let callback = self.get(&resume).await?.leads_on(303)?;
        if callback.contains("code=") { Ok(()) } else { Err(format!("no code: {callback}").into()) }
    }

    /// Asks for authorization, and opens the login page behind it.
    pub async fn open_login(&mut self, authorize: &str) -> Result<LoginForm, Failure> {
        let login = self.get(authorize).await?.leads_on(303)?;
        let page = self.get(&login).await?;
        let hidden = |name: &str| {
            let (_, rest) = page.body.split_once(&format!("name=\"{name}\" value=\""))?;
            rest.split('"').next()
        };
        match (hidden("txn"), hidden("csrf")) {
            (Some(txn), Some(csrf)) => Ok(LoginForm(format!("txn={txn}&csrf={csrf}"))),
            _ => Err(format!("no login form: {} {}", page.status, page.body).into()),
        }
    }

    /// Tries a password; the status of the answer.
    pub async fn try_password(
        &mut self,
        form: &LoginForm,
        username: &str,
        password: &str,
    ) -> Result<u16, Failure> {
        self.submit(form, username, password).await.map(|page| page.status)
    }

    async fn submit(&mut self, form: &LoginForm, username: &str, password: &str) -> Result<Page, Failure> {
        let password = password.replace(' ', "+");
        let body = format!("{}&username={username}&password={password}", form.0);
        let head = http::post(self.port, "/login", body.len(), &self.cookie_header());
        self.send(&[&head, body.as_bytes()]).await
    }

    async fn get(&mut self, path: &str) -> Result<Page, Failure> {
        let request = http::get(self.port, path, &self.cookie_header());
        self.send(&[&request]).await
    }

    fn cookie_header(&self) -> String {
        format!("cookie: {}\r\n", self.cookies.join("; "))
    }

    async fn send(&mut self, parts: &[&[u8]]) -> Result<Page, Failure> {
        let answer = self.connection.send(parts).await?;
        for cookie in answer.headers("set-cookie").filter_map(|value| value.split(';').next()) {
            let name = cookie.split('=').next();
            self.cookies.retain(|own| own.split('=').next() != name);
            self.cookies.push(cookie.to_owned());
        }
        let location = answer.headers("location").next().map(str::to_owned);
        let body = String::from_utf8_lossy(answer.body).into_owned();
        Ok(Page { status: answer.status, location, body })
    }
}

impl Page {
    fn leads_on(self, status: u16) -> Result<String, Failure> {
        match self.location {
            Some(location) if self.status == status => Ok(location),
            _ => Err(format!("no redirect: {} {}", self.status, self.body).into()),
        }
    }
}
