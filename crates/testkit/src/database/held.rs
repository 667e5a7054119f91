//! A transaction of somebody else's, in the way of the programs.

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use url::Url;

/// A transaction that is open, with its locks, as long as this value lives.
pub struct Held(PgConnection);

impl Held {
    pub(super) async fn begin(url: Url, statement: &str) -> Self {
        let statement = format!("BEGIN; {statement}");
        on_a_thread(move || {
            let mut connection = super::connect(&url)?;
            connection.batch_execute(&statement)?;
            Ok(Self(connection))
        })
        .await
    }

    /// Takes one more step, and waits as long as it has to.
    ///
    /// # Panics
    /// Where the server refuses.
    pub async fn go_on(mut self, statement: &str) -> Self {
        let statement = statement.to_owned();
        on_a_thread(move || {
            self.0.batch_execute(&statement)?;
            Ok(self)
        })
        .await
    }
}

async fn on_a_thread(work: impl FnOnce() -> anyhow::Result<Held> + Send + 'static) -> Held {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(held)) => held,
        Ok(Err(error)) => panic!("the server refused: {error:#}"),
        Err(error) => panic!("the server was not asked: {error}"),
    }
}
