//! How long an answer may take.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use tokio::time::{error::Elapsed, timeout};

/// The outcome of `future`, unless it takes longer than `limit`. What is there at once, as most answers are, is not timed: a
/// timer in every future would make each of them larger and dearer.
pub async fn within<F: Future>(limit: Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    let at_once = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
    match at_once {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => Box::pin(timeout(limit, future)).await,
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn an_end_comes_to_what_has_none() {
        assert_eq!(within(LIMIT, ready(1)).await, Ok(1));
        let late = async {
            tokio::time::sleep(LIMIT / 2).await;
            2
        };
        assert_eq!(within(LIMIT, late).await, Ok(2));
        let since = tokio::time::Instant::now();
        assert!(within(LIMIT, pending::<()>()).await.is_err());
        assert_eq!(since.elapsed(), LIMIT);
    }
}
