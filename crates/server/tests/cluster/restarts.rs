//! Nodes that are restarted and killed while people use them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    client::Answer,
    nodes::{Cluster, Node, PEOPLE},
    person::{Person, Tokens},
};

const NODES: [fn(&mut Cluster) -> &mut Node; 2] = [|cluster| &mut cluster.a, |cluster| &mut cluster.b];

/// What one person saw.
#[derive(Debug, Default)]
struct Seen {
    flows: usize,
    repeats: usize,
    logins: usize,
    /// Single-use things that were used, while the answer was lost with its node.
    spent: usize,
}

/// Goes through all flows again and again, until told to stop.
fn use_it(person: &mut Person, stop: &AtomicBool) -> Seen {
    let mut seen = Seen::default();
    while !stop.load(Ordering::SeqCst) {
        match round(person) {
            Ok(()) => seen.flows += 1,
            Err(_) if person.repeated => seen.spent += 1,
            Err(answer) => panic!("refused: {answer:?}"),
        }
    }
    Seen { repeats: person.repeats, logins: person.logins, ..seen }
}

/// One of each flow. `Err`: a code, or the step that issues it, was refused.
fn round(person: &mut Person) -> Result<(), Answer> {
    let code = person.try_code(&[("prompt", "consent")])?;
    let redeemed = person.redeem(&code);
    if redeemed.status != 200 {
        return Err(redeemed);
    }
    let mut tokens = Tokens::of(&redeemed);
    for _ in 0..2 {
        tokens = Tokens::of(&person.refresh(&tokens.refresh));
        person.user_info(&tokens.access).expect(200);
        assert_eq!(person.introspect(&tokens.access).expect(200).json()["active"], true);
    }
    Ok(())
}

/// Has people use the cluster while `happens` happens to it, and gives what they saw.
fn under_load(cluster: &mut Cluster, happens: impl FnOnce(&mut Cluster)) -> Vec<Seen> {
    let (stop, proxy) = (AtomicBool::new(false), cluster.proxy());
    let pause = || thread::sleep(Duration::from_millis(500));
    thread::scope(|scope| {
        let people: Vec<_> = (0..PEOPLE)
            .map(|number| {
                let (mut person, stop) = (Person::new(proxy.clone(), number), &stop);
                round(&mut person).unwrap();
                scope.spawn(move || use_it(&mut person, stop))
            })
            .collect();
        pause();
        happens(cluster);
        pause();
        stop.store(true, Ordering::SeqCst);
        people.into_iter().map(|person| person.join().unwrap()).collect()
    })
}

/// Restarts the nodes one after the other.
fn restart(cluster: &mut Cluster) {
    for which in NODES {
        which(cluster).end("TERM");
        which(cluster).start();
        cluster.wait_for(which);
    }
}

/// Everybody used it all the time with one login.
fn nobody_was_disturbed(seen: &[Seen]) -> bool {
    seen.iter().all(|one| one.flows > 0 && one.logins == 1)
}

#[test]
fn a_rolling_restart_fails_no_request_and_logs_nobody_out() {
    let mut cluster = Cluster::start();
    let seen = under_load(&mut cluster, |cluster| (0..2).for_each(|_| restart(cluster)));
    eprintln!("rolling restart: {seen:?}");
    assert!(nobody_was_disturbed(&seen) && seen.iter().all(|one| one.spent == 0), "{seen:?}");
}

#[test]
fn a_rolling_restart_with_draining_needs_no_repetition() {
    let mut cluster = Cluster::start();
    for which in NODES {
        which(&mut cluster).drain = 4;
    }
    // Nodes that do not drain yet go first.
    restart(&mut cluster);
    let seen = under_load(&mut cluster, restart);
    eprintln!("rolling restart with draining: {seen:?}");
    assert!(nobody_was_disturbed(&seen) && seen.iter().all(|one| one.repeats == 0), "{seen:?}");
}

#[test]
fn a_node_that_is_killed_fails_no_request_and_logs_nobody_out() {
    let mut cluster = Cluster::start();
    let kills = NODES.repeat(2);
    let seen = under_load(&mut cluster, |cluster| {
        for which in &kills {
            which(cluster).end("KILL");
            thread::sleep(Duration::from_millis(1500));
            which(cluster).start();
            cluster.wait_for(*which);
        }
    });
    eprintln!("killed nodes: {seen:?}");
    assert!(nobody_was_disturbed(&seen) && seen.iter().all(|one| one.spent <= kills.len()), "{seen:?}");
}
