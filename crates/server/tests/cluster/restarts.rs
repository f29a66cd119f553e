//! Nodes that are restarted and killed while people use them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use crate::{
    client::Answer,
    nodes::{Cluster, PEOPLE},
    person::{Person, Tokens},
};

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
            Err(answer) if person.repeated => {
                eprintln!("spent: {}", answer.status);
                seen.spent += 1;
            }
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

#[test]
fn a_rolling_restart_fails_no_request_and_logs_nobody_out() {
    let mut cluster = Cluster::start();
    let seen = under_load(&mut cluster, |cluster| {
        for _ in 0..2 {
            cluster.a.end("TERM");
            cluster.a.start();
            cluster.wait_for(&cluster.a);
            cluster.b.end("TERM");
            cluster.b.start();
            cluster.wait_for(&cluster.b);
        }
    });
    eprintln!("rolling restart: {seen:?}");
    assert!(seen.iter().all(|one| one.flows > 0 && one.logins == 1 && one.spent == 0), "{seen:?}");
}

#[test]
fn a_node_that_is_killed_fails_no_request_and_logs_nobody_out() {
    let mut cluster = Cluster::start();
    const KILLS: usize = 4;
    let seen = under_load(&mut cluster, |cluster| {
        for kill in 0..KILLS {
            let node = if kill % 2 == 0 { &mut cluster.a } else { &mut cluster.b };
            node.end("KILL");
            thread::sleep(Duration::from_millis(1500));
            let node = if kill % 2 == 0 { &mut cluster.a } else { &mut cluster.b };
            node.start();
            cluster.wait_for(if kill % 2 == 0 { &cluster.a } else { &cluster.b });
        }
    });
    eprintln!("killed nodes: {seen:?}");
    assert!(seen.iter().all(|one| one.flows > 0 && one.logins == 1 && one.spent <= KILLS), "{seen:?}");
}
