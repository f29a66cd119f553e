//! Secrets at rest.

use std::{fs, path::Path};

use signet_protocol::{
    id::{CodeId, RowId, SessionId},
    issuer::IssuerId,
    jose::{KeyAlg, SigningKey, b64, unb64},
    opaque::Opaque,
};
use signet_testkit::seed::Seeded;

use super::{SECRET, World, at};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attack_25_no_secret_is_in_the_files() {
    let world = World::sqlite().await;
    world.application("notes").await;
    let user = world.user("alice").await;
    let cookie = Opaque::<SessionId>::generate(at(0), &mut Seeded(11));
    let mut session = world.new_session(&user);
    (session.id, session.hash) = (cookie.id, cookie.hash());
    assert_eq!(world.store.begin_session(&session, None, None, None, at(0)).await, Ok(true));
    let text = Opaque::<CodeId>::generate(at(0), &mut Seeded(12));
    let mut code = world.new_code(world.new_grant(&session, world.new_application("other").id, false));
    (code.id, code.hash) = (text.id, text.hash());
    assert_eq!(world.store.issue_code(&code, None, at(0)).await, Ok(true));
    let issuer = IssuerId::Pool(world.store.pool().id);
    world.store.signing_key(issuer, KeyAlg::Rs256, at(0), &mut Seeded(3)).await.unwrap();

    let files = everything_in(world.file().unwrap());
    let holds = |bytes: &[u8]| files.windows(bytes.len()).any(|window| window == bytes);
    assert!(holds(b"alice") && holds(&text.id.bytes()), "the search itself finds what is there");
    assert!(!holds(SECRET.as_bytes()), "client secret");
    for secret in [cookie.encode(), text.encode()] {
        assert!(!holds(secret.as_bytes()), "token text");
        assert!(!holds(&unb64(&secret).unwrap()[16..]), "token secret");
    }
    let pool = world.store.pool();
    for key in [&pool.refresh_key, &pool.csrf_key, &pool.device_key] {
        assert!(!holds(key.expose()) && !holds(b64(key.expose()).as_bytes()), "pool key");
    }
    assert!(!holds(world.options.master_key.encode().as_bytes()), "master key");
    assert!(!holds(&unb64(&world.options.master_key.encode()).unwrap()), "master key");
    assert!(!holds(&private_key_marker()), "signing key");
}

/// The bytes with which the PKCS#8 form of every RSA key begins, behind its length.
fn private_key_marker() -> Vec<u8> {
    let (_, der) = SigningKey::generate(KeyAlg::Rs256).unwrap();
    der[4..22].to_vec()
}

fn everything_in(file: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        all.extend(fs::read(entry.unwrap().path()).unwrap());
    }
    all
}
