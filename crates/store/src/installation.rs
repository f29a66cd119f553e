//! The installation: which master key it has, and its default pool.

use signet_protocol::{
    entropy::{Entropy, random},
    id::PoolId,
    pool::DEFAULT_NAME,
    secret::Secret,
    time::Now,
};

use crate::{
    Pool, StoreError, args,
    sealing::{MasterKey, Place},
    sql::{Batch, Engine, RowReader, Sql, Value, copy::Snapshot},
};

/// One row for ever: of two nodes that start together, one inserts it.
const CREATE: Sql = Sql {
    name: "installation_create",
    text: "INSERT INTO installation (id, key_id, probe, pool_id) VALUES (1, $1, $2, $3) ON CONFLICT (id) DO NOTHING",
};
const CREATE_POOL: Sql = Sql {
    name: "pool_create",
    text: "INSERT INTO pool (pool_id, name, refresh_key, csrf_key, device_key, created_at)
           VALUES ($1, $2, $3, $4, $5, $6)",
};
const LOAD: Sql = Sql {
    name: "installation_load",
    text: "SELECT i.probe, p.pool_id, p.name, p.refresh_key, p.csrf_key, p.device_key
           FROM installation i JOIN pool p ON p.pool_id = i.pool_id WHERE i.id = 1",
};

pub(crate) const STATEMENTS: &[&Sql] = &[&CREATE, &CREATE_POOL, &LOAD];

const PROBE: Place<'_> = Place { table: "installation", column: "probe", row: "1" };
const PROBE_TEXT: &[u8] = b"signet";

/// What the very first start writes. Made beforehand, because it takes entropy; discarded on every later start.
pub(crate) fn first_start(
    master_key: &MasterKey,
    now: Now,
    entropy: &mut dyn Entropy,
) -> Result<Batch, StoreError> {
    let pool = PoolId::generate(now, entropy);
    let [refresh, csrf, device] = new_keys(master_key, pool, entropy)?;
    let probe = master_key.seal(&PROBE, PROBE_TEXT, entropy)?;
    Ok(Batch::new()
        .guard(&CREATE, args![master_key.id(), probe, pool])
        .then(&CREATE_POOL, args![pool, DEFAULT_NAME, refresh, csrf, device, now.timestamp()]))
}

/// The keys of a new pool, sealed: for refresh tokens, forms and devices.
pub(crate) fn new_keys(
    master_key: &MasterKey,
    pool: PoolId,
    entropy: &mut dyn Entropy,
) -> Result<[Value; 3], StoreError> {
    let row = pool.to_string();
    let mut new_key = |column| -> Result<Value, StoreError> {
        let secret = Secret::new(random::<32>(entropy));
        master_key.seal(&pool_key(column, &row), secret.expose(), entropy).map(Value::from)
    };
    Ok([new_key("refresh_key")?, new_key("csrf_key")?, new_key("device_key")?])
}

/// Loads the default pool, after creating it if there is none.
pub(crate) async fn load_or_create(
    engine: &Engine,
    master_key: &MasterKey,
    first_start: Batch,
) -> Result<Pool, StoreError> {
    if let Some(pool) = load(engine, master_key).await? {
        return Ok(pool);
    }
    // Refused: another node has just created it.
    let written = engine.write(first_start).await?;
    tracing::debug!(?written, "default pool");
    load(engine, master_key).await?.ok_or_else(|| StoreError::corrupt("the installation has no pool"))
}

async fn load(engine: &Engine, master_key: &MasterKey) -> Result<Option<Pool>, StoreError> {
    engine.find(&LOAD, args![], |row| read(row, master_key)).await
}

/// The probe comes first, so that a wrong master key is named as such.
fn read(row: &mut RowReader, master_key: &MasterKey) -> Result<Pool, StoreError> {
    check_probe(master_key, &row.bytes()?)?;
    read_pool(row, master_key)
}

/// A pool with its keys.
pub(crate) fn read_pool(row: &mut RowReader, master_key: &MasterKey) -> Result<Pool, StoreError> {
    let id = row.parsed(PoolId::parse)?;
    let name = row.text()?;
    let text = id.to_string();
    let mut key = |column| master_key.open(&pool_key(column, &text), &row.bytes()?);
    Ok(Pool {
        id,
        name,
        refresh_key: key("refresh_key")?,
        csrf_key: key("csrf_key")?,
        device_key: key("device_key")?,
    })
}

/// Whether `master_key` opens the keys of the pool that `view` shows.
pub(crate) async fn check(view: &Snapshot, master_key: &MasterKey) -> Result<(), StoreError> {
    let row = view.read(&LOAD, args![]).await?.into_iter().next();
    let row = row.ok_or_else(|| StoreError::Unavailable("it holds no installation".to_owned()))?;
    read(&mut row.reader(LOAD.name), master_key).map(drop)
}

/// Whether `master_key` is the one that `probe` was sealed with.
pub(crate) fn check_probe(master_key: &MasterKey, probe: &[u8]) -> Result<(), StoreError> {
    master_key.open(&PROBE, probe).map(drop)
}

fn pool_key<'a>(column: &'a str, row: &'a str) -> Place<'a> {
    Place { table: "pool", column, row }
}
