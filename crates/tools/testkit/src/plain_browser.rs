//! A browser without scripts, styles or pictures, which keeps its cookies and says where its requests come from.

use std::net::SocketAddr;

use reqwest::header::{CONTENT_TYPE, COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, redirect};
use url::form_urlencoded;

/// One person's browser at the desk's page.
#[derive(Debug, Clone)]
pub struct PlainBrowser {
    client: Client,
    address: SocketAddr,
    cookie: Option<HeaderValue>,
    /// Sent with each request.
    headers: HeaderMap,
}

/// A page, or a redirection.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Page {
    /// Where it sends the browser; empty if nowhere.
    pub fn location(&self) -> &str {
        let location = self.headers.get(LOCATION);
        location.and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Expects a status.
    ///
    /// # Panics
    /// Where it was another.
    #[track_caller]
    pub fn check(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Expects this text in it.
    ///
    /// # Panics
    /// Where it has not.
    #[track_caller]
    pub fn has(self, text: &str) -> Self {
        assert!(self.text.contains(text), "no {text:?} in {}", self.text);
        self
    }

    /// Expects this text nowhere in it.
    ///
    /// # Panics
    /// Where it is.
    #[track_caller]
    pub fn lacks(self, text: &str) -> Self {
        assert!(!self.text.contains(text), "{text:?} in {}", self.text);
        self
    }
}

impl PlainBrowser {
    /// A browser whose forms are of the page itself.
    ///
    /// # Panics
    /// Where no client can be made.
    pub fn at(address: SocketAddr) -> Self {
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build();
        let browser = Self {
            client: super::world::must("a client", client),
            address,
            cookie: None,
            headers: HeaderMap::new(),
        };
        browser.with("sec-fetch-site", "same-origin")
    }

    /// Sends another header with each request; an empty value removes it.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        let name = HeaderName::from_static(name);
        match value {
            "" => drop(self.headers.remove(name)),
            value => drop(self.headers.insert(name, HeaderValue::from_static(value))),
        }
        self
    }

    /// Goes on at another process of the same page, as behind a proxy that spreads requests.
    #[must_use]
    pub fn moved_to(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }

    /// Opens an address of the page.
    ///
    /// # Panics
    /// Where it does not answer.
    pub async fn get(&mut self, path: &str) -> Page {
        self.call(Method::GET, path, None).await
    }

    /// Sends a form.
    ///
    /// # Panics
    /// Where it is not answered.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.call(Method::POST, path, Some(form.finish())).await
    }

    /// Sends a form and opens the page to which the answer leads.
    ///
    /// # Panics
    /// Where the answer is no redirection.
    pub async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let answer = self.post(path, fields).await.check(303);
        self.get(answer.location()).await
    }

    async fn call(&mut self, method: Method, path: &str, body: Option<String>) -> Page {
        let url = format!("http://{}{path}", self.address);
        let mut request = self.client.request(method, url).headers(self.headers.clone());
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie);
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body);
        }
        let answer = super::world::must("an answer", request.send().await);
        let headers = answer.headers().clone();
        if let Some(cookie) = headers.get(SET_COOKIE).and_then(|set| set.to_str().ok()) {
            let pair = cookie.split(';').next().unwrap_or_default();
            self.cookie = HeaderValue::from_str(pair).ok();
        }
        Page {
            status: answer.status().as_u16(),
            headers,
            text: super::world::must("a text", answer.text().await),
        }
    }
}
