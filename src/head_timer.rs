//! How long a connection waits for the head of a request.
//!
//! hyper begins a new wait with each request and drops it when the head is there, which is nearly always at once. Setting the
//! runtime's alarm each time would be a thirtieth of what a small call costs; so a connection keeps its alarm set, to an earlier
//! end than it waits for by now, and sets it again only when it has gone off.

use hyper::rt::{Sleep, Timer};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::time::{Sleep as Alarm, sleep_until};

/// The timer of one connection, whose waits all take equally long.
#[derive(Clone, Default)]
pub(crate) struct HeadTimer(Arc<Mutex<Option<Pin<Box<Alarm>>>>>);

impl HeadTimer {
    fn lend(&self) -> Option<Pin<Box<Alarm>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn give_back(&self, alarm: Option<Pin<Box<Alarm>>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = alarm;
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, end: Instant) -> Pin<Box<dyn Sleep>> {
        let alarm = self.lend().filter(|alarm| alarm.deadline() <= end.into());
        let alarm = alarm.unwrap_or_else(|| Box::pin(sleep_until(end.into())));
        Box::pin(Wait { end, alarm: Some(alarm), timer: self.clone() })
    }
}

/// A wait, whose alarm goes off at its end or before.
struct Wait {
    end: Instant,
    /// `None` once it was given back.
    alarm: Option<Pin<Box<Alarm>>>,
    timer: HeadTimer,
}

impl Sleep for Wait {}

impl Future for Wait {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let end = self.end.into();
        let Some(alarm) = self.alarm.as_mut() else { return Poll::Ready(()) };
        ready!(alarm.as_mut().poll(context));
        if alarm.deadline() >= end {
            return Poll::Ready(());
        }
        alarm.as_mut().reset(end);
        alarm.as_mut().poll(context)
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.timer.give_back(self.alarm.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;

    const TIME: Duration = Duration::from_millis(60);

    #[tokio::test]
    async fn a_wait_ends_when_its_time_is_over_whenever_the_alarm_was_set() {
        let timer = HeadTimer::default();
        let started = tokio::time::Instant::now();
        let end = |times: u32| (started + times * TIME).into_std();
        let mut first = timer.sleep_until(end(1));
        assert!(poll!(&mut first).is_pending());
        drop(first);
        let second = timer.sleep_until(end(3));
        assert!(timer.lend().is_none(), "the alarm of the first is the second's");
        second.await;
        assert!(started.elapsed() >= 3 * TIME);
        timer.sleep_until(end(4)).await;
        assert!(started.elapsed() >= 4 * TIME, "after an alarm that has gone off too");
        let early = timer.sleep_until(started.into_std());
        tokio::time::timeout(TIME / 2, early).await.expect("it is over");
    }
}
