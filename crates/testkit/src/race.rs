//! Many at once.

use std::future::Future;

/// Runs `count` copies of `make` on the runtime's threads at once and gives their results.
pub async fn race<T, F>(count: usize, mut make: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let running: Vec<_> = (0..count).map(|number| tokio::spawn(make(number))).collect();
    let mut results = Vec::with_capacity(count);
    for task in running {
        match task.await {
            Ok(result) => results.push(result),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
    results
}
